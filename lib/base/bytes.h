#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace meridian {

// What one malloc() has taken from the allocator: what it rounded the request up to, and its own header.
std::size_t allocated_bytes(const void* memory) noexcept;

// Where bytes lie in a file, if they do.
struct FilePlace {
  int fd = -1;
  std::uint64_t offset = 0;
};

// Base of everything whose bytes are shared by reference down to the socket: blocks and stored objects.
// The count is atomic: one object may be on its way out on several workers.
class RefCounted {
 public:
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void ref() const noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
  void unref() const noexcept {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }
  bool unique() const noexcept { return refs_.load(std::memory_order_acquire) == 1; }
  // All bytes it takes from the allocator, as the allocator rounds them, for accounting.
  virtual std::size_t footprint_bytes() const noexcept = 0;
  // Where the kernel finds the bytes at `data`, so that it can send them without copying; see page_file.h.
  virtual FilePlace file_place(const char* data) const noexcept {
    static_cast<void>(data);
    return {};
  }

 protected:
  RefCounted() = default;
  virtual ~RefCounted() = default;
  // Frees the object with whatever allocated it.
  virtual void destroy() const noexcept = 0;

 private:
  mutable std::atomic<std::uint32_t> refs_{1};
};

// Owns one reference. A fresh object starts with one: take it with Ref<T>::adopt.
template <class T>
class Ref {
 public:
  Ref() = default;
  static Ref adopt(T* object) {
    Ref r;
    r.object_ = object;
    return r;
  }
  static Ref share(T* object) {
    if (object != nullptr) object->ref();
    return adopt(object);
  }
  Ref(const Ref& other) : object_(other.object_) {
    if (object_ != nullptr) object_->ref();
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
  requires(std::is_convertible_v<U*, T*>) Ref(Ref<U> other) : object_(other.release()) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->unref();
  }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  T* release() { return std::exchange(object_, nullptr); }
  void reset() { *this = Ref(); }

 private:
  T* object_ = nullptr;
};

// A flat buffer, one allocation with its count. Written by one owner, then shared read-only.
class Block final : public RefCounted {
 public:
  static Ref<Block> allocate(std::size_t capacity);
  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  std::size_t capacity() const { return capacity_; }
  std::size_t footprint_bytes() const noexcept override;

 private:
  explicit Block(std::size_t capacity) : capacity_(capacity) {}
  void destroy() const noexcept override;
  std::size_t capacity_;
};

// A range of bytes and the reference that keeps them alive (none: static bytes).
struct Slice {
  Ref<const RefCounted> owner;
  const char* data = nullptr;
  std::size_t size = 0;

  std::string_view view() const { return {data, size}; }
  Slice sub(std::size_t offset, std::size_t length) const { return {owner, data + offset, length}; }
  static Slice copy_of(std::string_view bytes);
  static Slice of_static(std::string_view bytes) { return {{}, bytes.data(), bytes.size()}; }
};

}  // namespace meridian
