#pragma once

#include <memory>
#include <vector>

namespace meridian::control {

// A list that grows at its end and shrinks at its front, and whose copy costs little: what is old is shared
// between copies, in chunks. Copy only one that is not changed any more (a published state); the copy may
// then be changed, on one thread.
template <class T>
class SharedList {
 public:
  static constexpr std::size_t kChunk = 256;

  SharedList() = default;
  SharedList(const SharedList& other) : chunks_(other.chunks_), begin_(other.begin_), size_(other.size_) {}
  SharedList& operator=(const SharedList& other) { return *this = SharedList(other); }
  SharedList(SharedList&&) noexcept = default;
  SharedList& operator=(SharedList&&) noexcept = default;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T& operator[](std::size_t i) const {
    return (*chunks_[(begin_ + i) / kChunk])[(begin_ + i) % kChunk];
  }
  const T& front() const { return (*this)[0]; }
  const T& back() const { return (*this)[size_ - 1]; }

  void push_back(T value) {
    const std::size_t at = (begin_ + size_) % kChunk;
    if (at == 0) {
      chunks_.push_back(std::make_shared<std::vector<T>>());
      chunks_.back()->reserve(kChunk);
      owns_last_ = true;
    } else if (!owns_last_) {
      // Some other copy may hold this chunk, and somebody may be reading it.
      auto mine = std::make_shared<std::vector<T>>();
      mine->reserve(kChunk);
      mine->assign(chunks_.back()->begin(), chunks_.back()->begin() + static_cast<std::ptrdiff_t>(at));
      chunks_.back() = std::move(mine);
      owns_last_ = true;
    }
    chunks_.back()->push_back(std::move(value));
    ++size_;
  }
  void pop_front() {
    ++begin_, --size_;
    if (begin_ < kChunk) return;
    chunks_.erase(chunks_.begin());
    begin_ = 0;
  }

 private:
  std::vector<std::shared_ptr<std::vector<T>>> chunks_;
  std::size_t begin_ = 0;  // in the first chunk
  std::size_t size_ = 0;
  bool owns_last_ = false;  // the last chunk was made by this copy alone
};

}  // namespace meridian::control
