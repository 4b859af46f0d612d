#include "edge/tiers/miss_ratio_curve.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "lib/base/check.h"

namespace meridian {
namespace {

// Positions and places of the table for each sample.
constexpr std::size_t kSpread = 2;

std::size_t samples_for(std::size_t memory_bytes, std::size_t own_bytes, std::size_t bytes_each) {
  if (memory_bytes <= own_bytes) return 0;
  const std::size_t samples = std::min((memory_bytes - own_bytes) / bytes_each, MissRatioCurve::kMostSamples);
  // The table wants a power of two.
  return samples < MissRatioCurve::kLeastSamples ? 0 : std::bit_floor(samples);
}

}  // namespace

std::size_t MissRatioCurve::bytes_per_sample() {
  return sizeof(Held) + sizeof(ByHash) + kSpread * (sizeof(std::uint32_t) + sizeof(std::uint64_t)) + 1;
}

MissRatioCurve::MissRatioCurve(std::size_t memory_bytes)
    : most_samples_(samples_for(memory_bytes, sizeof(*this), bytes_per_sample())),
      threshold_(most_samples_ == 0 ? 0 : ~std::uint64_t{0}) {
  MutexLock lock(mutex_);
  held_.reserve(most_samples_);
  by_hash_.reserve(most_samples_);
  table_.assign(kSpread * most_samples_, kNone);
  sums_.assign(kSpread * most_samples_ + 1, 0);
}

std::size_t MissRatioCurve::footprint_bytes() const {
  return sizeof(*this) + most_samples_ * bytes_per_sample();
}

std::size_t MissRatioCurve::step_of(double bytes) {
  const double step = (std::log2(std::max(bytes, 1.0)) - kFirstDoubling) * kStepsPerDoubling;
  return static_cast<std::size_t>(std::clamp(std::ceil(step), 0.0, static_cast<double>(kSteps - 1)));
}

std::uint64_t MissRatioCurve::add(std::span<const Sample> samples, std::uint64_t requests) {
  MutexLock lock(mutex_);
  requests_ += static_cast<double>(requests);
  for (const Sample& sample : samples) {
    if (sample.hash < threshold_) request(sample);
  }
  if (since_halved_ >= kHalveAfter * most_samples_) halve();
  return threshold_;
}

void MissRatioCurve::request(const Sample& sample) {
  const double stands_for = std::ldexp(1.0, 64) / static_cast<double>(threshold_);
  sampled_weight_ += stands_for;
  ++since_halved_;
  const std::size_t at = find(sample.hash);
  if (table_[at] == kNone) {
    insert(sample);
    return;
  }
  const std::uint32_t slot = table_[at];
  Held& held = held_[slot];
  const std::uint64_t between = sum_to(last_position_) - sum_to(held.position);
  const double distance =
      static_cast<double>(between) * stands_for + static_cast<double>(std::max(sample.bytes, held.bytes));
  weights_[step_of(distance)] += stands_for;
  add_at(held.position, 0 - held.bytes);
  held.position = 0;
  place(slot, sample.bytes);
}

void MissRatioCurve::insert(const Sample& sample) {
  auto slot = static_cast<std::uint32_t>(held_.size());
  if (held_.size() == most_samples_) {
    // The highest hash makes room, and bounds what is sampled from now on.
    if (by_hash_.front().hash <= sample.hash) {
      threshold_ = sample.hash;
      return;
    }
    slot = drop_highest();
  } else {
    held_.emplace_back();
  }
  held_[slot] = {sample.hash, 0, 0};
  table_[find(sample.hash)] = slot;
  by_hash_.push_back({sample.hash, slot});
  std::push_heap(by_hash_.begin(), by_hash_.end());
  place(slot, sample.bytes);
}

std::uint32_t MissRatioCurve::drop_highest() {
  const ByHash highest = by_hash_.front();
  std::pop_heap(by_hash_.begin(), by_hash_.end());
  by_hash_.pop_back();
  threshold_ = highest.hash;
  add_at(held_[highest.slot].position, 0 - held_[highest.slot].bytes);
  erase_from_table(find(highest.hash));
  return highest.slot;
}

void MissRatioCurve::place(std::uint32_t slot, std::uint64_t bytes) {
  if (last_position_ + 1 == sums_.size()) renumber();
  held_[slot].bytes = bytes;
  held_[slot].position = ++last_position_;
  add_at(last_position_, bytes);
}

void MissRatioCurve::renumber() {
  // Those without a position are being placed.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> order;  // position, slot
  order.reserve(held_.size());
  for (std::uint32_t slot = 0; slot < held_.size(); ++slot) {
    if (held_[slot].position != 0) order.emplace_back(held_[slot].position, slot);
  }
  std::sort(order.begin(), order.end());
  std::fill(sums_.begin(), sums_.end(), 0);
  last_position_ = 0;
  for (const auto& [position, slot] : order) {
    held_[slot].position = ++last_position_;
    add_at(last_position_, held_[slot].bytes);
  }
}

void MissRatioCurve::add_at(std::uint32_t position, std::uint64_t bytes) {
  for (std::uint64_t at = position; at < sums_.size(); at += at & (0 - at)) sums_[at] += bytes;
}

std::uint64_t MissRatioCurve::sum_to(std::uint32_t position) const {
  std::uint64_t sum = 0;
  for (std::uint32_t at = position; at > 0; at &= at - 1) sum += sums_[at];
  return sum;
}

// Where the hash is in the table, or the empty place where it would be. The high bits of sampled hashes are
// alike, so the low ones say where to look.
std::size_t MissRatioCurve::find(std::uint64_t hash) const {
  std::size_t at = hash & (table_.size() - 1);
  while (table_[at] != kNone && held_[table_[at]].hash != hash) at = (at + 1) & (table_.size() - 1);
  return at;
}

// Closes the gap by moving back who was pushed past it (Knuth, volume 3, section 6.4, algorithm R).
void MissRatioCurve::erase_from_table(std::size_t at) {
  CHECK(table_[at] != kNone);
  const std::size_t mask = table_.size() - 1;
  std::size_t gap = at;
  for (std::size_t next = (at + 1) & mask; table_[next] != kNone; next = (next + 1) & mask) {
    const std::size_t home = held_[table_[next]].hash & mask;
    if (((next - home) & mask) < ((next - gap) & mask)) continue;
    table_[gap] = table_[next];
    gap = next;
  }
  table_[gap] = kNone;
}

void MissRatioCurve::halve() {
  for (double& weight : weights_) weight /= 2;
  sampled_weight_ /= 2;
  requests_ /= 2;
  since_halved_ = 0;
}

MissRatioCurve::Curve MissRatioCurve::at(std::span<const std::uint64_t> sizes) const {
  MutexLock lock(mutex_);
  Curve curve;
  curve.requests = requests_;
  curve.samples = held_.size();
  curve.rate = static_cast<double>(threshold_) * 0x1p-64;
  if (requests_ < 1 || sampled_weight_ == 0) return curve;
  // A few keys make most requests; whether they were among the sampled ones shows in how many requests there
  // were. The difference has the shortest distances (SHARDS-adj).
  const double missing = requests_ - sampled_weight_;
  for (const std::uint64_t size : sizes) {
    const std::size_t last = step_of(static_cast<double>(size));
    double hits = missing;
    for (std::size_t step = 0; step <= last; ++step) hits += weights_[step];
    curve.points.push_back({size, std::clamp(1 - hits / requests_, 0.0, 1.0)});
  }
  return curve;
}

void MissRatioSampler::take(std::uint64_t hash, std::uint64_t bytes) {
  batch_[count_++] = {hash, bytes};
  if (count_ < kBatch) return;
  threshold_ = curve_.add(batch_, requests_);
  requests_ = 0;
  count_ = 0;
}

}  // namespace meridian
