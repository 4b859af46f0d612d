#include "edge/origin_fetch.h"
#include "edge/stored_head.h"
#include "edge/worker.h"
#include "lib/base/check.h"

// A body that is too large for RAM goes to SSD as it comes from the origin. Memory holds a window of it;
// readers that are slower read from the disk what the window has left behind, so nobody waits for anybody.
namespace meridian::edge {

// False: SSD does not take it.
bool OriginFetch::begin_ssd_fill(const FillHead& head) {
  if (partial_ || is_hot()) return false;
  const std::string& block = head.stored_block.empty() ? head.block : head.stored_block;
  ObjectMeta meta = head.meta;
  const std::string packed = pack_head(block, head.own_lines, worker_.name(), meta);
  ssd_fill_ = worker_.store().begin_fill(store_key_, meta, packed, head.length);
  return ssd_fill_ != nullptr;
}

// A body of unknown length has outgrown RAM: what has come so far goes along.
bool OriginFetch::move_to_ssd() {
  if (!begin_ssd_fill(fill_->head())) return false;
  pages_.reset();
  for (Slice& piece : fill_->take_body()) {
    if (append_to_ssd(std::move(piece))) continue;
    leave_ssd();
    return false;
  }
  let_go();
  return true;
}

bool OriginFetch::append_to_ssd(Slice bytes) {
  const SsdFill::Write written = ssd_fill_->append(std::move(bytes));
  if (written == SsdFill::Write::kFailed) return false;
  if (!ssd_body_ && ssd_fill_->large() != nullptr) ssd_body_ = FarBody::of(ssd_fill_->large());
  if (ssd_body_) fill_->set_backing(ssd_body_, ssd_fill_->readable_bytes());
  if (written == SsdFill::Write::kFull) wait_for_ssd();
  return true;
}

void OriginFetch::wait_for_ssd() {
  if (std::exchange(ssd_lags_, true)) return;
  ssd_fill_->when_room(worker_.loop(), [this] {
    ssd_lags_ = false;
    if (ended_ || !ssd_fill_) return;
    if (has_all_) {
      if (commit_to_ssd()) finish();
      return;
    }
    // An empty piece tries again what the disk had no room for.
    if (!append_to_ssd({})) stop_storing(http::NotStored::kTierRefused);
    on_readers_changed();
  });
}

// Those who have fallen behind have nothing to read from any more, and are cut.
void OriginFetch::leave_ssd() {
  fill_->set_backing({}, 0);
  ssd_body_.reset();
  ssd_fill_.reset();
  ssd_lags_ = false;
}

// False: not yet. What cannot be stored is none the less whole for those who read it.
bool OriginFetch::commit_to_ssd() {
  const SsdFill::Write written = ssd_fill_->commit([this] { return still_valid(); });
  if (written == SsdFill::Write::kFull) {
    wait_for_ssd();
    return false;
  }
  CHECK(storing_);
  storing_ = false;
  worker_.sheet().change(stats::kFillsRunning, -1);
  const bool stored = written == SsdFill::Write::kDone;
  if (stored) {
    worker_.store().filled(store_key_);
    // Who invalidated it while it was being shown may not have found it yet.
    if (!still_valid()) worker_.store().remove(store_key_);
    worker_.sheet().observe(stats::kObjectSize, static_cast<std::int64_t>(fill_->produced_bytes()));
  } else {
    const http::NotStored reason =
        ssd_fill_->overtaken() ? http::NotStored::kInvalidated : http::NotStored::kTierRefused;
    worker_.sheet().add(stats::kNotStored, stats::label<stats::NotStoredReason>(reason));
  }
  worker_.sheet().add(stats::kFills, stored ? stats::FillEnd::kStored : stats::FillEnd::kNotStored);
  return true;
}

}  // namespace meridian::edge
