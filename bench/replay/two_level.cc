#include "bench/replay/two_level.h"

#include <algorithm>

#include "bench/replay/lifetimes.h"
#include "bench/replay/object_hash.h"

namespace meridian::replay {
namespace {

constexpr std::uint64_t kSegments = 100;

}  // namespace

TwoLevel::TwoLevel(const Trace& trace, Options options)
    : trace_(trace),
      options_(std::move(options)),
      max_ram_object_(
          static_cast<std::uint64_t>(static_cast<double>(options_.ram_bytes) * options_.max_ram_share)),
      admission_(std::move(options_.admission), options_.write_budget,
                 trace.requests.empty() ? 0 : trace.requests.front().time_ms),
      ram_(std::move(options_.eviction), trace.object_bytes, options_.ram_bytes,
           [this](ObjectId id, bool reused) { offer(id, reused); }),
      stored_(trace.object_bytes.size()) {
  if (options_.segment_bytes == 0) {
    options_.segment_bytes = std::max<std::uint64_t>(options_.ssd_bytes / kSegments, 1);
  }
  log_.emplace_back();
  log_.back().number = next_segment_++;
}

TwoLevel::Counts TwoLevel::run(double warm_up_share) {
  const auto warm_up = static_cast<std::size_t>(warm_up_share * static_cast<double>(trace_.requests.size()));
  Lifetimes lifetimes(trace_.object_bytes.size());
  for (std::size_t i = 0; i < trace_.requests.size(); ++i) {
    const Request& request = trace_.requests[i];
    if (i == warm_up) counts_ = {};
    now_ms_ = request.time_ms;
    const auto bytes = static_cast<double>(trace_.object_bytes[request.id]);
    const Found found = this->request(request.id);
    counts_.requests += 1;
    counts_.bytes += bytes;
    if (!lifetimes.judge(request, found != Found::kNowhere)) {
      // A new version takes the place of what RAM has; SSD's is void.
      stored_[request.id] = {};
      if (found != Found::kRam) fetched(request.id);
    } else if (found == Found::kRam) {
      counts_.ram_hits += 1;
      counts_.ram_hit_bytes += bytes;
    } else {
      counts_.ssd_hits += 1;
      counts_.ssd_hit_bytes += bytes;
    }
  }
  if (warm_up < trace_.requests.size()) {
    counts_.days = static_cast<double>(now_ms_ - trace_.requests[warm_up].time_ms) /
                   static_cast<double>(WriteBudget::kDayMs);
  }
  return counts_;
}

TwoLevel::Found TwoLevel::request(ObjectId id) {
  if (ram_.find(id)) return Found::kRam;
  Stored& stored = stored_[id];
  if (stored.segment == kNoSegment) return Found::kNowhere;
  if (stored.uses < kMostUses) ++stored.uses;
  const std::uint64_t bytes = trace_.object_bytes[id];
  const auto window =
      static_cast<std::uint64_t>(options_.promotion_window * static_cast<double>(options_.ram_bytes));
  if (bytes <= max_ram_object_ && served_.hit(hash_of(id), bytes, window)) {
    ram_.put(id);
    counts_.promotions += 1;
  }
  return Found::kSsd;
}

void TwoLevel::fetched(ObjectId id) {
  if (trace_.object_bytes[id] <= max_ram_object_) {
    if (!ram_.find(id)) ram_.put(id);
  } else {
    offer(id, false);
  }
}

void TwoLevel::offer(ObjectId id, bool reused) {
  const std::uint64_t bytes = trace_.object_bytes[id];
  if (stored_[id].segment != kNoSegment || bytes > options_.segment_bytes) return;
  if (admission_.admit({hash_of(id), bytes, reused}, now_ms_)) append(id);
}

void TwoLevel::append(ObjectId id) {
  const std::uint64_t bytes = trace_.object_bytes[id];
  if (log_.back().bytes + bytes > options_.segment_bytes) {
    log_.emplace_back();
    log_.back().number = next_segment_++;
    while (log_.size() * options_.segment_bytes > options_.ssd_bytes && log_.size() > 1) give_up_oldest();
  }
  Segment& open = log_.back();
  open.bytes += bytes;
  open.records.push_back(id);
  stored_[id] = {open.number, 0};
  counts_.written_bytes += static_cast<double>(bytes);
}

void TwoLevel::give_up_oldest() {
  const Segment oldest = std::move(log_.front());
  log_.pop_front();
  std::uint64_t kept = 0;
  for (const ObjectId id : oldest.records) {
    Stored& stored = stored_[id];
    if (stored.segment != oldest.number) continue;
    const std::uint64_t bytes = trace_.object_bytes[id];
    const double share = static_cast<double>(kept) / static_cast<double>(options_.segment_bytes);
    const unsigned uses = stored.uses;
    stored = {};
    if (!options_.keep(uses, bytes, share, admission_.scarcity(now_ms_))) continue;
    kept += bytes;
    append(id);
  }
  admission_.charge(kept, now_ms_);
  counts_.reinserted_bytes += static_cast<double>(kept);
}

}  // namespace meridian::replay
