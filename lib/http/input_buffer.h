#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

// What a connection has read and not yet used: one contiguous piece, so that heads can be parsed in place.
namespace meridian::http {

// Owned by one connection. Bytes that were consumed by consume_pinned() keep their address until unpin(): the
// views of a request's head point there while its body is read behind it.
class InputBuffer {
 public:
  std::string_view unread() const { return {data_.get() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  void consume(std::size_t bytes);

  void consume_pinned(std::size_t bytes);
  void unpin();

  // Room to read into: at least one byte, unless `capacity_max` bytes are unread. Moves what is unread, and
  // grows by doubling, when less than a quarter of the memory is free.
  std::span<char> room(std::size_t capacity_max);
  void commit(std::size_t bytes) { end_ += bytes; }

  // Gives much memory back while nothing is unread.
  void shrink();

  static constexpr std::size_t kFirstCapacity = 4096;
  static constexpr std::size_t kKeptCapacity = 16384;

 private:
  void move_to(std::unique_ptr<char[]> memory, std::size_t capacity);

  std::unique_ptr<char[]> data_;
  std::unique_ptr<char[]> kept_;  // the pinned bytes, once the unread ones have moved to other memory
  std::size_t capacity_ = 0;
  std::size_t floor_ = 0;  // bytes below are pinned
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool pinned_ = false;
};

}  // namespace meridian::http
