#include "bench/replay/simulate.h"

#include "bench/replay/lifetimes.h"

namespace meridian::replay {
Ratios simulate(const Trace& trace, Cache& cache, const Rules& rules) {
  const auto warm_up =
      static_cast<std::size_t>(rules.warm_up_share * static_cast<double>(trace.requests.size()));
  Lifetimes lifetimes(trace.object_bytes.size());
  double requests = 0, hits = 0, bytes = 0, hit_bytes = 0;
  for (std::size_t i = 0; i < trace.requests.size(); ++i) {
    const Request& request = trace.requests[i];
    const std::uint64_t size = trace.object_bytes[request.id];
    const bool held = size <= rules.max_object_bytes && cache.request(request.id);
    const bool hit = lifetimes.judge(request, held);
    if (i < warm_up) continue;
    requests += 1;
    bytes += static_cast<double>(size);
    hits += hit ? 1 : 0;
    hit_bytes += hit ? static_cast<double>(size) : 0;
  }
  return {requests > 0 ? hits / requests : 0, bytes > 0 ? hit_bytes / bytes : 0};
}

}  // namespace meridian::replay
