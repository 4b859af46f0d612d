#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace meridian {

// An array that grows by pages and never moves what it holds: growing costs the same at a thousand items as
// at a hundred million, and wastes less than a page. Not thread-safe.
template <class T, std::size_t kPageItems>
class PagedArray {
  static_assert((kPageItems & (kPageItems - 1)) == 0, "a power of two makes the index cheap");

 public:
  T& operator[](std::size_t i) { return pages_[i / kPageItems][i % kPageItems]; }
  const T& operator[](std::size_t i) const { return pages_[i / kPageItems][i % kPageItems]; }
  std::size_t size() const { return pages_.size() * kPageItems; }
  // Makes room for the item at `index`; new items are value-initialised.
  void reach(std::size_t index) {
    while (index >= size()) pages_.push_back(std::make_unique<T[]>(kPageItems));
  }
  std::size_t footprint_bytes() const {
    return pages_.size() * (kPageItems * sizeof(T) + kAllocatorBytes) + pages_.capacity() * sizeof(pages_[0]);
  }

 private:
  static constexpr std::size_t kAllocatorBytes = 16;
  std::vector<std::unique_ptr<T[]>> pages_;
};

}  // namespace meridian
