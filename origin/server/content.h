#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "origin/server/file_root.h"
#include "origin/server/io_pool.h"

namespace meridian::origin {

// A body whose length is known and of which any part can be read. On one loop; dropping it cancels a read.
class Content {
 public:
  using Done = std::function<void(Result<Slice>)>;
  // The most that one read gives: keeps memory bounded and the loop's turns short.
  static constexpr std::size_t kBlockBytes = 128 * 1024;

  virtual ~Content() = default;
  virtual std::uint64_t size() const = 0;
  // Reads up to kBlockBytes of [offset, offset + size), at least one byte, and calls back once, perhaps at
  // once. One read at a time.
  virtual void read(std::uint64_t offset, std::uint64_t size, Done done) = 0;
};

// Bytes in memory.
class MemoryContent final : public Content {
 public:
  explicit MemoryContent(std::string_view bytes) : bytes_(Slice::copy_of(bytes)) {}
  std::uint64_t size() const override { return bytes_.size; }
  void read(std::uint64_t offset, std::uint64_t size, Done done) override;

 private:
  Slice bytes_;
};

// Bytes of the oracle, made when they are asked for.
class OracleContent final : public Content {
 public:
  OracleContent(std::uint64_t key, std::uint64_t size) : key_(key), size_(size) {}
  std::uint64_t size() const override { return size_; }
  void read(std::uint64_t offset, std::uint64_t size, Done done) override;

 private:
  std::uint64_t key_;
  std::uint64_t size_;
};

// An open file with its first bytes, as an I/O thread found it.
struct ReadyFile {
  OpenFile file;
  Slice head;  // the first min(size, kBlockBytes) bytes, or nothing if they were not asked for
};

// A file. The length is what it was when it was opened: if it becomes shorter, or is written to while it is
// being read, a read fails, so that the response is cut off and never passes for whole.
class FileContent final : public Content {
 public:
  FileContent(EventLoop& loop, IoPool& pool, ReadyFile ready);
  std::uint64_t size() const override { return size_; }
  void read(std::uint64_t offset, std::uint64_t size, Done done) override;

 private:
  EventLoop& loop_;
  IoPool& pool_;
  // Shared with the read that runs on the pool, which may outlive this object.
  std::shared_ptr<const OpenFile> file_;
  Slice head_;
  std::uint64_t size_;
  std::shared_ptr<void> alive_ = std::make_shared<char>();
};

// Reads a part of a file and makes sure that the file is still as it was opened. On I/O threads.
[[nodiscard]] Result<Slice> read_unchanged(const OpenFile& file, std::uint64_t offset, std::size_t size);

}  // namespace meridian::origin
