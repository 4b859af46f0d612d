#pragma once

#include <memory>
#include <string>

#include "control-plane/log/store.h"
#include "control-plane/store/blocking_thread.h"
#include "control-plane/store/sqlite_file.h"

namespace meridian::control {

// The log of a control plane of one node, in a file (SqliteFile) that a thread of its own reads and writes.
class SqliteStore final : public Store {
 public:
  SqliteStore(EventLoop& loop, std::unique_ptr<SqliteFile> file, std::string path);

  void append(const Head& after, std::vector<Entry> entries, std::function<void(Appended)> done) override;
  void read(std::uint64_t after, std::size_t most, Freshness freshness,
            Done<std::vector<Entry>> done) override;
  void head(Freshness freshness, Done<Head> done) override;
  // Only this process can change the log: told after its own appends.
  void watch(std::function<void()> changed) override { changed_ = std::move(changed); }
  void compact(Base base, Done<void> done) override;
  void load_base(Freshness freshness, Done<std::optional<Base>> done) override;
  void restore(std::optional<Base> base, std::uint64_t epoch, Done<Head> done) override;
  void acquire(std::string node, Done<Lease> done) override;
  void keep(const Lease& lease, Done<void> done) override;
  void release(const Lease& lease, Done<void> done) override;
  std::int64_t lease_ms() const override { return kLeaseMs; }
  std::string description() const override { return "sqlite " + path_; }

 private:
  // The file is locked while the process lives, so nobody waits for a lease to end.
  static constexpr std::int64_t kLeaseMs = 10'000;

  const std::string path_;
  const std::unique_ptr<SqliteFile> file_;
  std::function<void()> changed_;
  bool held_ = false;             // somebody has the lease, or is about to
  std::uint64_t held_epoch_ = 0;  // of that lease; 0: none
  BlockingThread thread_;         // ends before the file that it uses
};

}  // namespace meridian::control
