#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "lib/http/message.h"

namespace meridian::http {

// Appends field lines to a block. Room for all of them is made at once, so that a line costs no more than the
// copying of its bytes: some twenty are written for each request that an origin answers. The block has its
// right size again when the writer is gone, and is not touched by anybody else until then.
class FieldWriter {
 public:
  // `room`: about how much will be added; more is possible.
  FieldWriter(std::string& block, std::size_t room) : block_(block), at_(block.size()) {
    block_.resize(at_ + room);
  }
  ~FieldWriter() { block_.resize(at_); }
  FieldWriter(const FieldWriter&) = delete;
  FieldWriter& operator=(const FieldWriter&) = delete;

  void field(std::string_view name, std::string_view value) {
    char* to = put(take(name.size() + value.size() + 4), name);
    *to++ = ':', *to++ = ' ';
    to = put(to, value);
    *to++ = '\r', *to = '\n';
  }
  // A line whose value comes in pieces: begin(), text() ..., end().
  void begin(FieldId id) {
    const std::string_view name = field_name(id);
    char* to = put(take(name.size() + 2), name);
    *to++ = ':', *to = ' ';
  }
  void text(std::string_view piece) { put(take(piece.size()), piece); }
  void end() { std::memcpy(take(2), "\r\n", 2); }

 private:
  static char* put(char* to, std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return to + bytes.size();
  }
  char* take(std::size_t bytes) {
    const std::size_t from = at_;
    at_ += bytes;
    if (at_ > block_.size()) block_.resize(std::max(at_, 2 * block_.size()));
    return block_.data() + from;
  }

  std::string& block_;
  std::size_t at_;  // the end of what was written
};

}  // namespace meridian::http
