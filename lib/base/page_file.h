#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/base/mutex.h"

namespace meridian {

class PageRun;

// Memory that the kernel can send from without copying it: pages of an unnamed file in memory, written once
// and read through a mapping, so that a socket takes them by sendfile() and everybody else by address. A page
// that was written is never written again. What is freed is punched out of the file: a socket that still
// holds a page keeps it as it was, and later bytes get pages and offsets of their own. The offsets, of which
// there are enough for as long as a machine runs, are mapped a window at a time; a window goes when nothing
// of it is left. Thread-safe.
class PageFile : public std::enable_shared_from_this<PageFile> {
 public:
  // Nullptr where the kernel has no such files.
  static std::shared_ptr<PageFile> create();
  ~PageFile();
  PageFile(const PageFile&) = delete;
  PageFile& operator=(const PageFile&) = delete;

  static constexpr std::size_t kPageBytes = 4096;
  static constexpr std::size_t kRunMaxBytes = std::size_t{16} << 20U;

  // Room for this many bytes (at most kRunMaxBytes), which takes no memory until it is written. Empty when
  // the address space or the limits of the process give no more.
  Ref<PageRun> reserve(std::size_t bytes);

 private:
  friend class PageRun;
  static constexpr std::size_t kWindowBytes = std::size_t{256} << 20U;
  struct Window {
    char* memory = nullptr;
    std::uint64_t offset = 0;
    std::size_t used = 0;  // bytes handed out
    std::size_t runs = 0;  // alive
  };

  explicit PageFile(int fd) : fd_(fd) {}
  bool open_window() REQUIRES(mutex_);
  void release(const PageRun& run);

  const int fd_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Window>> windows_ GUARDED_BY(mutex_);  // the last one is handed out from
  std::uint64_t end_ GUARDED_BY(mutex_) = 0;                         // of the file
};

// Bytes that lie together in a PageFile. Written by one owner from front to back; what was written is shared
// read-only at once, also while more is being written.
class PageRun final : public RefCounted {
 public:
  // As much as there is room for: a slice of the copy. Empty when nothing was taken.
  Slice append(std::string_view bytes);
  std::size_t left() const { return capacity_ - size_; }
  // No more will come: the rest of the room counts no longer.
  void close() { capacity_ = size_; }

  std::size_t footprint_bytes() const noexcept override;
  FilePlace file_place(const char* data) const noexcept override;

 private:
  friend class PageFile;
  PageRun(std::shared_ptr<PageFile> file, PageFile::Window& window, std::uint64_t offset, char* memory,
          std::size_t capacity)
      : file_(std::move(file)), window_(window), offset_(offset), memory_(memory), capacity_(capacity) {}
  ~PageRun() override = default;
  void destroy() const noexcept override;

  const std::shared_ptr<PageFile> file_;
  PageFile::Window& window_;
  const std::uint64_t offset_;
  char* const memory_;
  std::size_t capacity_;
  std::size_t size_ = 0;
};

// Copies a body into pages as it comes, run after run.
class PageWriter {
 public:
  // `expected_bytes`: of the whole body, where it is known.
  PageWriter(std::shared_ptr<PageFile> file, std::uint64_t expected_bytes)
      : file_(std::move(file)), expected_bytes_(expected_bytes) {}
  ~PageWriter() {
    if (run_) run_->close();
  }
  PageWriter(const PageWriter&) = delete;
  PageWriter& operator=(const PageWriter&) = delete;

  // The first of `bytes`, in pages where there is room and as they are where there is none; `bytes` is what
  // is left.
  Slice take(Slice& bytes);

 private:
  const std::shared_ptr<PageFile> file_;
  const std::uint64_t expected_bytes_;
  std::uint64_t reserved_bytes_ = 0;
  Ref<PageRun> run_;
};

}  // namespace meridian
