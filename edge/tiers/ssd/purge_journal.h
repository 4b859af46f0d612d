#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "edge/tiers/ssd/disk.h"

namespace meridian::ssd {

// The purges that this edge has applied, on its own disk: an append has returned only when its entry survives
// a crash, so a purge may be acknowledged after it. What an entry says is its owner's business. Records that
// the SSD tier brings back after a restart are judged against these (SsdOptions::is_dead).
//
// Its user is whoever applies purges, which the edge does not do yet (*planned*: docs/tiers.md, "Purges"):
// until then tests are the only ones who append to it.
//
// Blocking, one thread at a time: for a thread that may wait for the disk.
class PurgeJournal {
 public:
  struct Entry {
    std::uint64_t seq = 0;
    std::string what;
    bool operator==(const Entry&) const = default;
  };
  static constexpr std::size_t kMostBytes = 64 * 1024;  // of one entry

  // Reads what is there. A torn end, of an append that never returned, is cut off.
  [[nodiscard]] static Result<std::unique_ptr<PurgeJournal>> open(Disk& disk, const std::string& path);

  const std::vector<Entry>& entries() const { return entries_; }
  // The largest seq that was appended; 0: none.
  std::uint64_t applied_seq() const { return applied_seq_; }
  // False: entries that had been acknowledged cannot be read any more. Everything stored before is then to be
  // treated as if it had been purged.
  bool intact() const { return intact_; }

  [[nodiscard]] Result<void> append(std::uint64_t seq, std::string_view what);
  // These take the place of all entries (those that match nothing any more are left out); all or nothing.
  [[nodiscard]] Result<void> rewrite(std::span<const Entry> entries);

  // Takes apart what a journal's file holds; returns how many bytes of it are valid entries.
  static std::size_t parse(std::string_view bytes, std::vector<Entry>* entries, bool* intact);

 private:
  PurgeJournal(Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  Result<void> load();

  Disk& disk_;
  const std::string path_;
  std::unique_ptr<DiskFile> file_;
  std::uint64_t end_ = 0;
  std::uint64_t applied_seq_ = 0;
  bool intact_ = true;
  std::vector<Entry> entries_;
};

}  // namespace meridian::ssd
