#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "lib/base/bytes.h"

namespace meridian::memcached {

// One answer of a server, or one line of a longer answer.
struct Reply {
  enum class Kind : std::uint8_t {
    kMore,         // bytes are missing
    kValue,        // key and value
    kTooLarge,     // a value longer than allowed; its bytes are skipped
    kStat,         // name and number (0 when the server gave no number)
    kEnd,          // of values or stats
    kStored,       //
    kNotStored,    //
    kDeleted,      //
    kNotFound,     //
    kServerError,  // the server could not; the stream is still in step
    kBroken,       // not the protocol; nothing behind it can be trusted
  };
  Kind kind = Kind::kMore;
  std::string_view name = {};  // of a value or a stat; until the reader is called again
  Slice value = {};
  std::uint64_t number = 0;
};

// Reads what a server sends (the text protocol of memcached, protocol.txt), from wherever bytes come: a pure
// state machine. It trusts no length: a value longer than `max_value` is skipped, never allocated, and a line
// has an end. Owned by one connection.
class ReplyReader {
 public:
  explicit ReplyReader(std::size_t max_value) : max_value_(max_value) {}

  // Where the next bytes go: at least one; straight into the value while one is being read.
  std::span<char> room();
  void commit(std::size_t bytes);
  Reply next();
  // As new, for another connection.
  void reset();

  static constexpr std::size_t kBufferBytes = 16 * 1024;
  static constexpr std::size_t kMaxLine = 1024;
  // Beyond this not even skipping makes sense.
  static constexpr std::uint64_t kMostSkipped = 1ULL << 30U;

 private:
  enum class State : std::uint8_t { kLine, kValue, kSkip, kBroken };

  Reply read_line();
  Reply parse_line(std::string_view line);
  Reply begin_value(std::string_view rest);
  Reply finish_value();
  Reply skip();
  Reply broken();
  std::string_view unread() const { return {buffer_.get() + begin_, end_ - begin_}; }

  const std::size_t max_value_;
  State state_ = State::kLine;
  std::unique_ptr<char[]> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  Ref<Block> value_;  // with room for the line end behind it
  std::size_t value_size_ = 0;
  std::size_t value_filled_ = 0;
  std::uint64_t left_to_skip_ = 0;
  char name_[256] = {};
  std::size_t name_size_ = 0;
};

}  // namespace meridian::memcached
