#include "lib/base/page_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lib/base/check.h"

namespace meridian {
namespace {

// Room for a body whose length nobody knows yet.
constexpr std::size_t kUnknownRunBytes = std::size_t{256} << 10U;

std::size_t whole_pages(std::size_t bytes) {
  return (bytes + PageFile::kPageBytes - 1) / PageFile::kPageBytes * PageFile::kPageBytes;
}

}  // namespace

std::shared_ptr<PageFile> PageFile::create() {
  const int fd = ::memfd_create("meridian-pages", MFD_CLOEXEC);
  return fd < 0 ? nullptr : std::shared_ptr<PageFile>(new PageFile(fd));
}

PageFile::~PageFile() {
  for (const auto& window : windows_) ::munmap(window->memory, kWindowBytes);
  ::close(fd_);
}

bool PageFile::open_window() {
  const auto end = static_cast<off_t>(end_ + kWindowBytes);
  if (::ftruncate(fd_, end) != 0) return false;
  void* memory = ::mmap(nullptr, kWindowBytes, PROT_READ, MAP_SHARED, fd_, static_cast<off_t>(end_));
  if (memory == MAP_FAILED) return false;
  auto window = std::make_unique<Window>();
  // Nothing of the window before may be left by now, and nobody would come to close it.
  if (!windows_.empty() && windows_.back()->runs == 0) {
    ::munmap(windows_.back()->memory, kWindowBytes);
    windows_.pop_back();
  }
  window->memory = static_cast<char*>(memory);
  window->offset = end_;
  end_ += kWindowBytes;
  windows_.push_back(std::move(window));
  return true;
}

Ref<PageRun> PageFile::reserve(std::size_t bytes) {
  bytes = whole_pages(std::min(bytes, kRunMaxBytes));
  MutexLock lock(mutex_);
  const bool full = windows_.empty() || windows_.back()->used + bytes > kWindowBytes;
  if (full && !open_window()) return {};
  Window& window = *windows_.back();
  const std::size_t at = std::exchange(window.used, window.used + bytes);
  ++window.runs;
  return Ref<PageRun>::adopt(
      new PageRun(shared_from_this(), window, window.offset + at, window.memory + at, bytes));
}

void PageFile::release(const PageRun& run) {
  const std::size_t bytes = whole_pages(run.size_);
  if (bytes > 0) {
    ::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(run.offset_),
                static_cast<off_t>(bytes));
  }
  MutexLock lock(mutex_);
  Window& window = run.window_;
  if (--window.runs > 0 || &window == windows_.back().get()) return;
  ::munmap(window.memory, kWindowBytes);
  std::erase_if(windows_, [&window](const auto& held) { return held.get() == &window; });
}

Slice PageRun::append(std::string_view bytes) {
  bytes = bytes.substr(0, left());
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::pwrite(file_->fd_, bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(offset_ + size_ + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) break;
    done += static_cast<std::size_t>(wrote);
  }
  if (done == 0) return {};
  const char* at = memory_ + std::exchange(size_, size_ + done);
  return {Ref<const RefCounted>::share(this), at, done};
}

std::size_t PageRun::footprint_bytes() const noexcept { return whole_pages(size_) + allocated_bytes(this); }

FilePlace PageRun::file_place(const char* data) const noexcept {
  return {file_->fd_, offset_ + static_cast<std::uint64_t>(data - memory_)};
}

void PageRun::destroy() const noexcept {
  const std::shared_ptr<PageFile> file = file_;
  file->release(*this);
  delete this;
}

Slice PageWriter::take(Slice& bytes) {
  if (!run_ || run_->left() == 0) {
    const std::uint64_t missing = std::max(expected_bytes_, reserved_bytes_) - reserved_bytes_;
    const std::size_t wanted =
        missing > 0 ? static_cast<std::size_t>(std::min<std::uint64_t>(missing, PageFile::kRunMaxBytes))
                    : kUnknownRunBytes;
    run_ = file_->reserve(wanted);
    if (run_) reserved_bytes_ += wanted;
  }
  Slice copy = run_ ? run_->append(bytes.view()) : Slice();
  if (copy.size == 0) return std::exchange(bytes, Slice());
  bytes = copy.size == bytes.size ? Slice() : bytes.sub(copy.size, bytes.size - copy.size);
  return copy;
}

}  // namespace meridian
