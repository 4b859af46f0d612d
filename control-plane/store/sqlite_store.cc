#include "control-plane/store/sqlite_store.h"

#include <algorithm>
#include <utility>

namespace meridian::control {
namespace {

// For what has no answer.
Result<void> nothing() { return {}; }

}  // namespace

SqliteStore::SqliteStore(EventLoop& loop, std::unique_ptr<SqliteFile> file, std::string path)
    : path_(std::move(path)), file_(std::move(file)), thread_(loop) {}

void SqliteStore::append(const Head& after, std::vector<Entry> entries, std::function<void(Appended)> done) {
  thread_.ask([this, after, entries = std::move(entries)] { return file_->append(after, entries); },
              [this, done = std::move(done)](Appended appended) {
                const bool has_grown = appended.end == AppendEnd::kAppended;
                done(std::move(appended));
                if (has_grown && changed_) changed_();
              });
}

void SqliteStore::read(std::uint64_t after, std::size_t most, Freshness, Done<std::vector<Entry>> done) {
  thread_.ask([this, after, most = std::min(most, kMostRead)] { return file_->read(after, most); },
              std::move(done));
}

void SqliteStore::head(Freshness, Done<Head> done) {
  thread_.ask([this] { return file_->head(); }, std::move(done));
}

void SqliteStore::compact(Base base, Done<void> done) {
  thread_.ask([this, base = std::move(base)] { return file_->compact(base); }, std::move(done));
}

void SqliteStore::load_base(Freshness, Done<std::optional<Base>> done) {
  thread_.ask([this] { return file_->load_base(); }, std::move(done));
}

void SqliteStore::restore(std::optional<Base> base, std::uint64_t epoch, Done<Head> done) {
  thread_.ask([this, base = std::move(base), epoch] { return file_->restore(base, epoch); }, std::move(done));
}

void SqliteStore::acquire(std::string node, Done<Lease> done) {
  const bool is_held = std::exchange(held_, true);
  const auto take = [this, is_held]() -> Result<std::uint64_t> {
    if (!is_held) return file_->next_epoch();
    return fail(ErrorCode::kRefused, ErrorSource::kOperator, "the lease is held");
  };
  thread_.ask(take,
              [this, is_held, node = std::move(node), done = std::move(done)](Result<std::uint64_t> epoch) {
                if (!epoch) {
                  held_ = is_held;
                  return done(Failure(epoch.error()));
                }
                held_epoch_ = *epoch;
                done(Lease{*epoch, *epoch, node});
                if (changed_) changed_();
              });
}

void SqliteStore::keep(const Lease& lease, Done<void> done) {
  thread_.ask(nothing, [this, epoch = lease.epoch, done = std::move(done)](Result<void> result) {
    if (epoch == held_epoch_) return done(std::move(result));
    done(fail(ErrorCode::kRefused, ErrorSource::kOperator, "the lease is lost"));
  });
}

void SqliteStore::release(const Lease& lease, Done<void> done) {
  if (lease.epoch == held_epoch_) {
    held_epoch_ = 0;
    held_ = false;
  }
  thread_.ask(nothing, std::move(done));
}

}  // namespace meridian::control
