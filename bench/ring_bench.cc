// What it costs to find a key's owner among the edges of a region, and how even the shares are. Usage:
// ring_bench [--quick] [--json FILE]
#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/figures.h"
#include "bench/measure.h"
#include "lib/wire/ring.h"

namespace meridian::wire {
namespace {

struct Row {
  unsigned edges = 0;
  double owner_ns = 0;
  double order_ns = 0;                     // the first three
  double least_share = 0, most_share = 0;  // of the keys, as multiples of the fair one
};

Row measure(unsigned edges, std::uint64_t lookups) {
  std::vector<RingMember> members;
  for (unsigned i = 0; i < edges; ++i) members.push_back({.name = "edge-" + std::to_string(i)});
  const Ring ring(members);
  std::vector<std::uint64_t> counts(edges, 0);
  std::array<Ring::Index, 3> room;
  Row row;
  row.edges = edges;
  double start = bench::cpu_ns();
  for (std::uint64_t i = 0; i < lookups; ++i) ++counts[ring.owner(i * 0x9E3779B97F4A7C15ULL)];
  row.owner_ns = (bench::cpu_ns() - start) / static_cast<double>(lookups);
  start = bench::cpu_ns();
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < lookups; ++i) sum += ring.order(i * 0x9E3779B97F4A7C15ULL, room)[0];
  row.order_ns = (bench::cpu_ns() - start) / static_cast<double>(lookups);
  if (sum == 0 && edges > 1) std::abort();
  const double fair = static_cast<double>(lookups) / edges;
  row.least_share = static_cast<double>(*std::min_element(counts.begin(), counts.end())) / fair;
  row.most_share = static_cast<double>(*std::max_element(counts.begin(), counts.end())) / fair;
  return row;
}

}  // namespace
}  // namespace meridian::wire

int main(int argc, char** argv) {
  const auto options = meridian::bench::options_of(argc, argv, "ring_bench");
  meridian::bench::Figures figures(options, "ring_bench");
  for (const unsigned edges : {1U, 3U, 10U, 30U, 100U}) {
    const auto row =
        meridian::wire::measure(edges, (options.quick ? 10'000'000U : 100'000'000U) / (edges + 9));
    const std::string of = " of " + std::to_string(edges) + " edges";
    figures.add("owner" + of, row.owner_ns, "ns");
    figures.add("first three" + of, row.order_ns, "ns");
    figures.add("least share" + of + ", of the fair one", row.least_share, "x");
    figures.add("most share" + of + ", of the fair one", row.most_share, "x");
  }
  return figures.end();
}
