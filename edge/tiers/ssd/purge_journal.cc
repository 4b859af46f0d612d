#include "edge/tiers/ssd/purge_journal.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>

#include "lib/base/hash.h"

namespace meridian::ssd {
namespace {

struct Header {
  static constexpr std::uint32_t kMagic = 0x47525550;
  std::uint32_t magic = kMagic;
  std::uint32_t bytes = 0;
  std::uint64_t seq = 0;
  std::uint64_t checksum = 0;
};
static_assert(sizeof(Header) == 24);

constexpr std::size_t kReadBytes = 256 * 1024;

std::uint64_t checksum_of(const Header& header, std::string_view what) {
  return hash_bytes({reinterpret_cast<const char*>(&header), offsetof(Header, checksum)}, hash_bytes(what));
}

void append_entry(std::string& to, std::uint64_t seq, std::string_view what) {
  Header header;
  header.bytes = static_cast<std::uint32_t>(what.size());
  header.seq = seq;
  header.checksum = checksum_of(header, what);
  to.append(reinterpret_cast<const char*>(&header), sizeof header).append(what);
}

std::optional<Header> header_at(std::string_view bytes) {
  Header header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  const bool fits = header.magic == Header::kMagic && header.bytes <= PurgeJournal::kMostBytes &&
                    header.bytes <= bytes.size() - sizeof header;
  if (!fits || checksum_of(header, bytes.substr(sizeof header, header.bytes)) != header.checksum) {
    return std::nullopt;
  }
  return header;
}

bool any_entry_in(std::string_view bytes) {
  const std::string_view magic(reinterpret_cast<const char*>(&Header::kMagic), sizeof Header::kMagic);
  for (std::size_t at = bytes.find(magic); at != std::string_view::npos; at = bytes.find(magic, at + 1)) {
    if (header_at(bytes.substr(at))) return true;
  }
  return false;
}

Failure failure(const std::string& what, int error) {
  return fail(ErrorCode::kIo, ErrorSource::kEdge, what + ": " + std::strerror(error));
}

}  // namespace

std::size_t PurgeJournal::parse(std::string_view bytes, std::vector<Entry>* entries, bool* intact) {
  std::size_t at = 0;
  while (const auto header = header_at(bytes.substr(at))) {
    entries->push_back({header->seq, std::string(bytes.substr(at + sizeof *header, header->bytes))});
    at += sizeof *header + header->bytes;
  }
  // One append at a time: behind a torn one there is none.
  *intact = !any_entry_in(bytes.substr(std::min(at + 1, bytes.size())));
  return at;
}

Result<std::unique_ptr<PurgeJournal>> PurgeJournal::open(Disk& disk, const std::string& path) {
  std::unique_ptr<PurgeJournal> journal(new PurgeJournal(disk, path));
  if (Result<void> loaded = journal->load(); !loaded) return Failure(std::move(loaded.error()));
  return journal;
}

Result<void> PurgeJournal::load() {
  auto file = disk_.open(path_, {});
  if (!file) return Failure(std::move(file.error()));
  file_ = std::move(*file);
  std::string bytes;
  for (;;) {
    const std::size_t size = bytes.size();
    bytes.resize(size + kReadBytes);
    const ReadResult read = file_->read(size, bytes.data() + size, kReadBytes);
    if (read.error != 0) return failure("cannot read " + path_, read.error);
    bytes.resize(size + read.bytes);
    if (read.bytes < kReadBytes) break;
  }
  entries_.clear();
  end_ = parse(bytes, &entries_, &intact_);
  for (const Entry& entry : entries_) applied_seq_ = std::max(applied_seq_, entry.seq);
  return {};
}

Result<void> PurgeJournal::append(std::uint64_t seq, std::string_view what) {
  if (what.size() > kMostBytes) {
    return fail(ErrorCode::kTooLarge, ErrorSource::kEdge, "a purge of more than 64KiB");
  }
  std::string bytes;
  append_entry(bytes, seq, what);
  int error = file_->write(end_, bytes.data(), bytes.size());
  if (error == 0) error = file_->sync();
  if (error != 0) return failure("cannot write to " + path_, error);
  end_ += bytes.size();
  applied_seq_ = std::max(applied_seq_, seq);
  entries_.push_back({seq, std::string(what)});
  return {};
}

Result<void> PurgeJournal::rewrite(std::span<const Entry> entries) {
  std::string bytes;
  // The largest seq stays known even when no entry is left that has it.
  append_entry(bytes, applied_seq_, {});
  for (const Entry& entry : entries) append_entry(bytes, entry.seq, entry.what);
  const std::string next = path_ + ".next";
  auto file = disk_.open(next, {.empty = true});
  if (!file) return Failure(std::move(file.error()));
  int error = (*file)->write(0, bytes.data(), bytes.size());
  if (error == 0) error = (*file)->sync();
  if (error == 0) error = disk_.rename(next, path_);
  if (error != 0) return failure("cannot rewrite " + path_, error);
  file_ = std::move(*file);
  end_ = bytes.size();
  intact_ = true;
  entries_.assign(1, Entry{applied_seq_, {}});
  entries_.insert(entries_.end(), entries.begin(), entries.end());
  return {};
}

}  // namespace meridian::ssd
