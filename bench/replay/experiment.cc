#include "bench/replay/experiment.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "bench/replay/classics.h"
#include "edge/tiers/adaptive_fifo.h"
#include "edge/tiers/ssd/cleaner.h"

namespace meridian::replay {
namespace {

using MakeCache = std::unique_ptr<Cache> (*)(const Cache::Sizes&, std::uint64_t);
using MakeSeer = std::unique_ptr<Cache> (*)(const Trace&, const Rules&, std::uint64_t);

std::unique_ptr<Cache> make_ours(const Cache::Sizes& sizes, std::uint64_t capacity) {
  return std::make_unique<TierCache>(std::make_unique<AdaptiveFifo>(AdaptiveFifo::Options{}), sizes,
                                     capacity);
}

Contender online(std::string_view name, MakeCache make) {
  return {std::string(name), Contender::Kind::kOnline,
          [make](const Trace& trace, const Rules& rules, std::uint64_t capacity) {
            return simulate(trace, *make(trace.object_bytes, capacity), rules);
          }};
}

Contender seer(std::string_view name, MakeSeer make) {
  return {std::string(name), Contender::Kind::kKnowsFuture,
          [make](const Trace& trace, const Rules& rules, std::uint64_t capacity) {
            return simulate(trace, *make(trace, rules, capacity), rules);
          }};
}

// Runs task(0) to task(count - 1) on so many threads.
void in_parallel(std::size_t count, unsigned jobs, const std::function<void(std::size_t)>& task) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) task(i);
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < jobs; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
}

bool wanted(const Settings& settings, const std::string& name) {
  return settings.policies.empty() ||
         std::find(settings.policies.begin(), settings.policies.end(), name) != settings.policies.end();
}

SsdRow play_two_levels(const Trace& trace, const SsdSettings& settings, AdmissionKind kind,
                       std::uint64_t budget, double promotion_window) {
  const auto footprint = trace.footprint_bytes();
  const std::uint64_t ssd_bytes = settings.ssd.bytes_for(footprint);
  const std::uint64_t mean_bytes = std::max<std::uint64_t>(footprint / trace.object_bytes.size(), 1);
  ssd::KeepWhatIsUsed keep;
  TwoLevel::Options options;
  options.ram_bytes = settings.ram.bytes_for(footprint);
  options.max_ram_share = settings.max_object_share;
  options.ssd_bytes = ssd_bytes;
  options.eviction = std::make_unique<AdaptiveFifo>(AdaptiveFifo::Options{});
  options.admission = make_admission_policy(kind, ssd_bytes / mean_bytes);
  options.write_budget = budget;
  options.promotion_window = promotion_window;
  options.keep = [&](unsigned uses, std::uint64_t bytes, double share, double scarcity) {
    return keep.keep(uses, bytes, share, scarcity);
  };
  SsdRow row;
  row.trace = trace.name;
  row.admission = options.admission->name();
  row.ram_share = static_cast<double>(options.ram_bytes) / static_cast<double>(footprint);
  row.ssd_share = static_cast<double>(ssd_bytes) / static_cast<double>(footprint);
  row.write_budget = budget;
  row.promotion_window = promotion_window;
  row.counts = TwoLevel(trace, std::move(options)).run(settings.warm_up_share);
  return row;
}

}  // namespace

const std::vector<Contender>& contenders() {
  static const std::vector<Contender> all = {
      online(kOurs, make_ours),
      online("lru", make_lru),
      online("fifo", make_fifo),
      online("arc", make_arc),
      online("w-tinylfu", make_w_tiny_lfu),
      online("sieve", make_sieve),
      online("s3-fifo", make_s3_fifo),
      seer("belady", make_belady),
      seer("belady-size", make_belady_size),
      {"bound", Contender::Kind::kBound, upper_bound},
  };
  return all;
}

std::vector<Row> compare(const Trace& trace, const Settings& settings) {
  const std::uint64_t footprint = trace.footprint_bytes();
  std::vector<Row> rows;
  struct Cell {
    std::size_t row;
    const Contender* contender;
    Ratios ratios;
  };
  std::vector<Cell> cells;
  for (const CacheSize& size : settings.sizes) {
    Row row;
    row.trace = trace.name;
    row.capacity = size.bytes_for(footprint);
    row.share = static_cast<double>(row.capacity) / static_cast<double>(footprint);
    for (const Contender& contender : contenders()) {
      if (wanted(settings, contender.name)) cells.push_back({rows.size(), &contender, {}});
    }
    rows.push_back(std::move(row));
  }
  in_parallel(cells.size(), settings.jobs, [&](std::size_t i) {
    Cell& cell = cells[i];
    const std::uint64_t capacity = rows[cell.row].capacity;
    Rules rules;
    rules.warm_up_share = settings.warm_up_share;
    rules.max_object_bytes =
        static_cast<std::uint64_t>(static_cast<double>(capacity) * settings.max_object_share);
    cell.ratios = cell.contender->play(trace, rules, capacity);
  });
  for (const Cell& cell : cells) {
    rows[cell.row].names.push_back(cell.contender->name);
    rows[cell.row].kinds.push_back(cell.contender->kind);
    rows[cell.row].ratios.push_back(cell.ratios);
  }
  return rows;
}

std::vector<SsdRow> compare_admission(const Trace& trace, const SsdSettings& settings) {
  const auto& windows = settings.promotion_windows;
  std::vector<std::uint64_t> budgets = {settings.write_budget};
  if (settings.budget_share > 0) {
    const SsdRow everything = play_two_levels(trace, settings, AdmissionKind::kAll, 0, windows.front());
    if (everything.counts.days > 0) {
      budgets.push_back(static_cast<std::uint64_t>(settings.budget_share * everything.counts.written_bytes /
                                                   everything.counts.days));
    }
  }
  const std::size_t admissions = settings.admissions.size();
  std::vector<SsdRow> rows(admissions * budgets.size() * windows.size());
  in_parallel(rows.size(), settings.jobs, [&](std::size_t i) {
    rows[i] =
        play_two_levels(trace, settings, settings.admissions[i % admissions],
                        budgets[i / admissions % budgets.size()], windows[i / admissions / budgets.size()]);
  });
  return rows;
}

}  // namespace meridian::replay
