// What it costs to find a key's owner among the edges of a region, and how even the shares are. Usage:
// ring_bench [--quick]
// [--json FILE]
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

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
  const auto [quick, json_path] = meridian::bench::options_of(argc, argv, "ring_bench");
  std::string json;
  for (const unsigned edges : {1U, 3U, 10U, 30U, 100U}) {
    const auto row = meridian::wire::measure(edges, (quick ? 10'000'000U : 100'000'000U) / (edges + 9));
    std::printf("%4u edges: owner %7.1f ns, first three %7.1f ns, shares %.3f to %.3f of the fair one\n",
                row.edges, row.owner_ns, row.order_ns, row.least_share, row.most_share);
    json += (json.empty() ? "" : ",\n") + ("{\"edges\":" + std::to_string(row.edges)) +
            ",\"owner_ns\":" + std::to_string(row.owner_ns) +
            ",\"order_ns\":" + std::to_string(row.order_ns) +
            ",\"least_share\":" + std::to_string(row.least_share) +
            ",\"most_share\":" + std::to_string(row.most_share) + "}";
  }
  if (json_path == nullptr) return 0;
  std::FILE* file = std::fopen(json_path, "w");
  if (file == nullptr) return std::perror(json_path), 1;
  std::fprintf(file, "[%s]\n", json.c_str());
  std::fclose(file);
}
