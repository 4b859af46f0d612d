#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

// What the benches written in C++ measure, and how they sum it up. Uses nothing of lib/.
namespace meridian::bench {

inline double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Of all threads of this process, user and system.
inline double cpu_ns() { return seconds_of(CLOCK_PROCESS_CPUTIME_ID) * 1e9; }

inline std::size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long total = 0, resident = 0;
  if (file == nullptr || std::fscanf(file, "%lu %lu", &total, &resident) != 2) std::abort();
  std::fclose(file);
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// What this share of the values does not exceed, 0 of none; they are put in another order.
template <class Value>
Value quantile(std::vector<Value>& values, double share) {
  if (values.empty()) return {};
  const auto last = static_cast<double>(values.size() - 1);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * last);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}
inline double median(std::vector<double> values) { return quantile(values, 0.5); }

}  // namespace meridian::bench
