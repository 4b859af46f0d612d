#include "origin/server/content.h"

#include <algorithm>
#include <utility>

#include "origin/server/oracle.h"

namespace meridian::origin {
namespace {

std::size_t block_of(std::uint64_t size) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(size, Content::kBlockBytes));
}

Slice whole(Ref<Block> block, std::size_t size) {
  const char* data = block->data();
  return {std::move(block), data, size};
}

}  // namespace

void MemoryContent::read(std::uint64_t offset, std::uint64_t size, Done done) {
  done(bytes_.sub(static_cast<std::size_t>(offset), block_of(size)));
}

void OracleContent::read(std::uint64_t offset, std::uint64_t size, Done done) {
  Ref<Block> block = Block::allocate(block_of(size));
  oracle_fill(key_, offset, block->data(), block_of(size));
  done(whole(std::move(block), block_of(size)));
}

FileContent::FileContent(EventLoop& loop, IoPool& pool, ReadyFile ready)
    : loop_(loop),
      pool_(pool),
      file_(std::make_shared<OpenFile>(std::move(ready.file))),
      head_(std::move(ready.head)),
      size_(file_->stamp.size) {}

void FileContent::read(std::uint64_t offset, std::uint64_t size, Done done) {
  if (offset < head_.size) {
    const auto at = static_cast<std::size_t>(offset);
    return done(head_.sub(at, static_cast<std::size_t>(std::min<std::uint64_t>(size, head_.size - at))));
  }
  auto work = [file = file_, offset, size = block_of(size)] { return read_unchanged(*file, offset, size); };
  if (!run_on_pool(pool_, loop_, alive_, std::move(work), done)) {
    done(fail(ErrorCode::kUnavailable, ErrorSource::kOrigin,
              "reading a file: the queue of file operations is full"));
  }
}

Result<Slice> read_unchanged(const OpenFile& file, std::uint64_t offset, std::size_t size) {
  Ref<Block> block = Block::allocate(size);
  if (Result<void> read = read_exactly(file.fd.get(), offset, block->data(), size); !read) {
    return Failure(read.error());
  }
  const Result<FileStamp> now = stamp_of(file.fd.get());
  if (!now) return Failure(now.error());
  if (*now != file.stamp) {
    return fail(ErrorCode::kClosed, ErrorSource::kOrigin, "the file was written to while it was read");
  }
  return whole(std::move(block), size);
}

}  // namespace meridian::origin
