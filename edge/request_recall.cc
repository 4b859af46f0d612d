#include <algorithm>

#include "edge/recall.h"
#include "edge/request.h"
#include "edge/stored_object.h"
#include "edge/worker.h"
#include "lib/base/check.h"

// What RAM does not have may be in a tier that needs time to answer: SSD, or the region's memcached.
namespace meridian::edge {

namespace {
// The keys that a request may recall, each once: the list of variants or the response itself, a variant, a
// part.
constexpr unsigned kPrimary = 1;
constexpr unsigned kVariant = 2;
constexpr unsigned kPart = 4;
}  // namespace

// True: recall_key_, with its hash, is worth a look in the cold tiers.
bool Request::choose_recall(const Lookup& found) {
  if (!worker_.store().has_cold()) return false;
  const auto choose = [this](unsigned kind, std::uint64_t hash) {
    if ((recall_tried_ & kind) != 0) return false;
    recall_tried_ |= kind;
    return worker_.store().may_recall(hash);
  };
  if (found.absent) {
    recall_key_.assign(lookup_key());
    recall_hash_ = variant_.empty() ? hash_ : hash_of_key(variant_);
    if (choose(variant_.empty() ? kPrimary : kVariant, recall_hash_)) return true;
  }
  const bool wants_part =
      found.parts && head().method == http::Method::kGet && head().fields.has(http::FieldId::kRange);
  if (!wants_part) return false;
  part_key(lookup_key(), recall_key_);
  recall_hash_ = hash_of_key(recall_key_);
  return !worker_.store().find(recall_hash_, recall_key_) && choose(kPart, recall_hash_);
}

Step Request::recall() {
  const std::uint32_t generation = worker_.fills().generation(hash_);
  Recall& own = worker_.take_recall();
  std::shared_ptr<Fill> fill =
      worker_.recalls().join_or_begin(recall_hash_, generation, worker_.board(), &own);
  if (!fill) {
    recall_ = &own;
    asking_tiers_ = true;
    own.start(*this, recall_hash_, recall_key_, hash_, generation);
    asking_tiers_ = false;
    return recall_ != nullptr ? Step::kWait : Step::kLookup;
  }
  worker_.give_recall(own);
  // One that has ended has nothing to tell any more.
  if (!worker_.board().join(fill, *this, cursor_)) return Step::kLookup;
  fill_ = std::move(fill);
  recalling_ = true;
  leader_ = true;  // it follows no origin
  return end_recall(fill_->view());
}

void Request::take_recalled(Ref<const Object> object) {
  recall_ = nullptr;
  if (object) recalled_.push_back(std::move(object));
  if (!asking_tiers_) walk(Step::kLookup);
}

Step Request::end_recall(const Fill::View& view) {
  if (view.verdict == Fill::Verdict::kPending) return Step::kWait;
  if (view.verdict == Fill::Verdict::kObject) {
    recalled_.push_back(fill_->object());
  }
  recalling_ = false;
  leave_fill();
  return Step::kLookup;
}

// A stored part or response, in RAM or recalled.
Ref<const Object> Request::find_stored(std::string_view key) const {
  Ref<const Object> found = worker_.store().find(hash_of_key(key), key);
  for (std::size_t i = 0; i < recalled_.size() && !found; ++i) {
    if (recalled_[i]->key() == key) found = recalled_[i];
  }
  return found;
}

// Says where object_ came from; Cache-Status names every tier but RAM.
void Request::take_tier() {
  if (object_->far_body() != nullptr) {
    const bool on_ssd = Store::far_body_of(*object_).on_ssd();
    outcome_.tier = on_ssd ? stats::Tier::kSsd : stats::Tier::kRam;
    if (on_ssd) outcome_.detail = "ssd";
    if (!partly_held_) worker_.store().note_far_hit(object_);
    return;
  }
  const auto is_it = [this](const Ref<const Object>& recalled) { return recalled.get() == object_.get(); };
  if (std::none_of(recalled_.begin(), recalled_.end(), is_it)) {
    outcome_.tier = stats::Tier::kRam;
    worker_.store().note_hit(object_);
  } else if (object_->has_cold_copy()) {
    outcome_.tier = stats::Tier::kSsd;
    outcome_.detail = "ssd";
  } else {
    outcome_.tier = stats::Tier::kMemcached;
    outcome_.detail = "memcached";
  }
}

}  // namespace meridian::edge
