#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/net/stream.h"

// What a connection has to send: text that was copied together and slices by reference, in order.
namespace meridian::http {

// Owned by one connection. Heads and small bodies are copied into one run of text, so that a small response
// is one piece of memory and one system call; large bodies go from where they lie. Keeps its memory.
class OutputQueue {
 public:
  void append(std::string_view text);
  // By reference, or copied when it is small.
  void append(Slice slice);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Writes until all is taken, the stream takes no more, or it fails: kOk (empty), kWouldBlock or kError.
  IoResult::Kind flush(Stream& stream);

  // Everything that is left, as one piece; the queue is empty afterwards.
  Slice take_all();

  static constexpr std::size_t kCopyBytes = 8192;  // slices up to this size are copied

 private:
  struct Part {
    Slice slice;          // without data: the next slice.size bytes of text_
    FilePlace file = {};  // where the slice begins in a file, if it lies in one
  };
  static constexpr int kVectorParts = 64;
  static constexpr std::size_t kTextCopyMax = 64 * 1024;  // with more text than this, slices are not copied

  static constexpr std::size_t kSendFileBytes = 16 * 1024;  // for less, copying is as cheap

  // Collects what to write next, up to a part that is to be sent as a file, if there is one: `file`.
  int fill(iovec* parts, std::size_t& bytes, bool with_files, const Part*& file) const;
  void advance(std::size_t bytes);
  void compact();

  std::string text_;
  std::size_t text_sent_ = 0;
  std::vector<Part> parts_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace meridian::http
