#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "lib/stats/labels.h"

// The metrics of metrics.def as typed constants, and the sheet on which a worker counts them:
//
//   sheet.add(stats::kRequests, stats::CacheResult::kHit, stats::status_class(200));
//   sheet.add_n(stats::kBytesOut, bytes);
//   sheet.change(stats::kConnections, +1, stats::Transport::kTls);
//   sheet.observe(stats::kRequestDuration, microseconds, stats::CacheResult::kHit);
//
// A wrong or missing label does not compile. Labels of a registered set are written stats::label<T>(value).
namespace meridian::stats {

// Which program has the metric.
enum class Program : std::uint8_t { kEdge, kOrigin, kControl, kEvery };

template <class... L>
struct Labels {
  static constexpr std::size_t kCells = (std::size_t{1} * ... * LabelTraits<L>::kCount);
  // Row-major; a value beyond its set (only registered sets can have one) counts as the last.
  static constexpr std::size_t index(L... labels) {
    std::size_t at = 0;
    ((at = at * LabelTraits<L>::kCount +
           std::min(static_cast<std::size_t>(labels), LabelTraits<L>::kCount - 1)),
     ...);
    return at;
  }
};

// A value of a registered label set, from the enumeration that the set was registered for.
template <class Registered, class E>
constexpr Registered label(E value) {
  return static_cast<Registered>(static_cast<std::uint8_t>(value));
}

// Bucket bounds in the raw unit of observe(); divided by kScale they are in the unit that is shown.
namespace buckets {
#define BUCKETS(id, scale, ...)                                                 \
  struct id {                                                                   \
    static constexpr auto kBounds = std::to_array<std::int64_t>({__VA_ARGS__}); \
    static constexpr double kScale = scale;                                     \
  };
#include "lib/stats/buckets.def"
#undef BUCKETS
}  // namespace buckets

// Handles: where the cells of a metric begin on a sheet, with its labels in its type.
template <class L>
struct Counter {
  static constexpr std::size_t kCells = L::kCells;
  std::size_t first;
};
template <class L>
struct Level {
  static constexpr std::size_t kCells = L::kCells;
  std::size_t first;
};
// For each combination of labels: one cell for each bucket, one for what is above all bounds, and the sum.
template <class B, class L>
struct Histogram {
  static constexpr std::size_t kStride = B::kBounds.size() + 2;
  static constexpr std::size_t kCells = kStride * L::kCells;
  std::size_t first;
};

#define NONE Labels<>
#define ONE(a) Labels<a>
#define TWO(a, b) Labels<a, b>

namespace layout {
// The rows of the table in order, and where each one's cells begin.
enum class Row : std::size_t {
#define COUNTER(id, program, name, labels, help) id,
#define LEVEL(id, program, name, labels, help) id,
#define HISTOGRAM(id, program, name, bounds, labels, help) id,
#define SOURCED(id, program, kind, name, labels, help)
#include "lib/stats/metrics.def"
#undef COUNTER
#undef LEVEL
#undef HISTOGRAM
  kCount,
};
inline constexpr auto kCells = std::to_array<std::size_t>({
#define COUNTER(id, program, name, labels, help) Counter<labels>::kCells,
#define LEVEL(id, program, name, labels, help) Level<labels>::kCells,
#define HISTOGRAM(id, program, name, bounds, labels, help) Histogram<buckets::bounds, labels>::kCells,
#include "lib/stats/metrics.def"
#undef COUNTER
#undef LEVEL
#undef HISTOGRAM
#undef SOURCED
});
constexpr std::size_t first_cell(Row row) {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(row); ++i) sum += kCells[i];
  return sum;
}
}  // namespace layout

// Metrics that are asked for at each scrape (Registry::add_source).
enum class Sourced : std::uint8_t {
#define COUNTER(id, program, name, labels, help)
#define LEVEL(id, program, name, labels, help)
#define HISTOGRAM(id, program, name, bounds, labels, help)
#define SOURCED(id, program, kind, name, labels, help) id,
#include "lib/stats/metrics.def"
#undef COUNTER
#undef LEVEL
#undef HISTOGRAM
#undef SOURCED
};

#define COUNTER(id, program, name, labels, help) \
  inline constexpr Counter<labels> id{layout::first_cell(layout::Row::id)};
#define LEVEL(id, program, name, labels, help) \
  inline constexpr Level<labels> id{layout::first_cell(layout::Row::id)};
#define HISTOGRAM(id, program, name, bounds, labels, help) \
  inline constexpr Histogram<buckets::bounds, labels> id{layout::first_cell(layout::Row::id)};
#define SOURCED(id, program, kind, name, labels, help)
#include "lib/stats/metrics.def"
#undef COUNTER
#undef LEVEL
#undef HISTOGRAM
#undef SOURCED
#undef NONE
#undef ONE
#undef TWO

// What one thread counts. Written by that thread alone, so a count is a load, an add and a store; read by any
// thread at a scrape. Owned by the Registry, which outlives its workers.
class alignas(64) Sheet {
 public:
  static constexpr std::size_t kCells = layout::first_cell(layout::Row::kCount);

  Sheet() = default;
  Sheet(const Sheet&) = delete;
  Sheet& operator=(const Sheet&) = delete;

  template <class... L>
  void add(Counter<Labels<L...>> counter, std::type_identity_t<L>... labels) {
    bump(counter.first + Labels<L...>::index(labels...), 1);
  }
  template <class... L>
  void add_n(Counter<Labels<L...>> counter, std::uint64_t n, std::type_identity_t<L>... labels) {
    bump(counter.first + Labels<L...>::index(labels...), n);
  }
  // A level may go below zero on one sheet when another thread's sheet went up; the sum is what counts.
  template <class... L>
  void change(Level<Labels<L...>> level, std::int64_t by, std::type_identity_t<L>... labels) {
    bump(level.first + Labels<L...>::index(labels...), static_cast<std::uint64_t>(by));
  }
  // `value` in the raw unit of the buckets: microseconds for durations, bytes for sizes. Below zero counts as
  // zero.
  template <class B, class... L>
  void observe(Histogram<B, Labels<L...>> histogram, std::int64_t value, std::type_identity_t<L>... labels) {
    const std::size_t first = histogram.first + histogram.kStride * Labels<L...>::index(labels...);
    value = std::max<std::int64_t>(value, 0);
    std::size_t bucket = 0;
    while (bucket < B::kBounds.size() && value > B::kBounds[bucket]) ++bucket;
    bump(first + bucket, 1);
    bump(first + B::kBounds.size() + 1, static_cast<std::uint64_t>(value));
  }

  std::uint64_t cell(std::size_t at) const { return cells_[at].load(std::memory_order_relaxed); }

 private:
  void bump(std::size_t at, std::uint64_t by) {
    std::atomic<std::uint64_t>& cell = cells_[at];
    cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::array<std::atomic<std::uint64_t>, kCells> cells_{};
};

}  // namespace meridian::stats
