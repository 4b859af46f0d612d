#include "edge/tier_report.h"

#include <array>
#include <utility>
#include <vector>

namespace meridian::edge {

using stats::Sourced;

namespace {
constexpr std::string_view kRecovering = "recovering";
}  // namespace

std::string_view name_of(ssd::Health::State state) {
  switch (state) {
    case ssd::Health::State::kOk:
      return "ok";
    case ssd::Health::State::kReadOnly:
      return "read-only";
    case ssd::Health::State::kOff:
      break;
  }
  return "off";
}

void report(std::string_view tier, const TierStats& stats, stats::Scrape& to) {
  to.set(Sourced::kCacheObjects, static_cast<double>(stats.objects), {tier});
  to.set(Sourced::kCacheBytes, static_cast<double>(stats.bytes), {tier});
  to.set(Sourced::kCacheCapacity, static_cast<double>(stats.capacity_bytes), {tier});
  to.set(Sourced::kCacheLookups, static_cast<double>(stats.hits), {tier, "hit"});
  to.set(Sourced::kCacheLookups, static_cast<double>(stats.misses), {tier, "miss"});
  to.set(Sourced::kCacheInserts, static_cast<double>(stats.inserts), {tier});
  to.set(Sourced::kCacheEvictions, static_cast<double>(stats.evictions), {tier});
  to.set(Sourced::kCacheRejections, static_cast<double>(stats.rejections), {tier});
}

void report_miss_ratio(std::string_view tier, const MissRatioCurve& curve, std::uint64_t capacity_bytes,
                       stats::Scrape& to) {
  constexpr std::array<std::pair<std::string_view, double>, 6> kTimes = {
      {{"0.5", 0.5}, {"1", 1}, {"2", 2}, {"4", 4}, {"8", 8}, {"16", 16}}};
  std::vector<std::uint64_t> sizes;
  sizes.reserve(kTimes.size());
  for (const auto& [text, times] : kTimes) {
    sizes.push_back(static_cast<std::uint64_t>(times * static_cast<double>(capacity_bytes)));
  }
  const MissRatioCurve::Curve now = curve.at(sizes);
  for (std::size_t i = 0; i < now.points.size(); ++i) {
    to.set(Sourced::kMissRatioAt, now.points[i].miss_ratio, {tier, kTimes[i].first});
  }
}

void report_ssd(const SsdTier* ssd, bool is_recovering, stats::Scrape& to) {
  using State = ssd::Health::State;
  const std::string_view now = ssd != nullptr  ? name_of(ssd->state())
                               : is_recovering ? kRecovering
                                               : name_of(State::kOff);
  for (const std::string_view state :
       {name_of(State::kOk), name_of(State::kReadOnly), kRecovering, name_of(State::kOff)})
    to.set(Sourced::kSsdState, state == now ? 1 : 0, {state});
  if (ssd == nullptr) return;
  report("ssd", ssd->stats(), to);
  const ssd::Counters& counters = ssd->counters();
  const auto value = [](const ssd::Counters::Count& count) {
    return static_cast<double>(count.load(std::memory_order_relaxed));
  };
  const std::pair<std::string_view, const ssd::Counters::Count&> events[] = {
      {"bad-record", counters.bad_records},   {"dead-record", counters.dead_records},
      {"read-error", counters.read_errors},   {"write-error", counters.write_errors},
      {"sync-error", counters.sync_errors},   {"slow-read", counters.slow_reads},
      {"shed-read", counters.shed_reads},     {"shed-write", counters.shed_writes},
      {"queued-read", counters.queued_reads}, {"stalled-read", counters.stalled_reads}};
  for (const auto& [event, count] : events) to.set(Sourced::kSsdEvents, value(count), {event});
  const Admission::Counts admission = ssd->admission_counts();
  to.set(Sourced::kSsdEvents, static_cast<double>(admission.refused_by_policy), {"refused-by-policy"});
  to.set(Sourced::kSsdEvents, static_cast<double>(admission.refused_by_budget), {"refused-by-budget"});
  to.set(Sourced::kSsdBytes, value(counters.put_bytes), {"put"});
  to.set(Sourced::kSsdBytes, value(counters.written_bytes), {"written"});
  to.set(Sourced::kSsdBytes, value(counters.reinserted_bytes), {"reinserted"});
  to.set(Sourced::kSsdBytes, value(counters.read_bytes), {"read"});
  to.set(Sourced::kSsdChunks, value(counters.chunk_hits), {"hit"});
  to.set(Sourced::kSsdChunks, value(counters.chunk_misses), {"miss"});
  to.set(Sourced::kSsdIndexBytes, static_cast<double>(ssd->index_bytes()));
}

}  // namespace meridian::edge
