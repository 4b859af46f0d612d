#pragma once

#include <atomic>
#include <cstdint>

// CHECK stays on in production: a broken invariant ends the process with its place.
// DCHECK is for debug builds. BUG_COUNT counts an impossible state that the program survives.
#define CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::meridian::check_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define DCHECK(condition) void(sizeof(condition))
#else
#define DCHECK(condition) CHECK(condition)
#endif

#define BUG_COUNT() ::meridian::count_bug(__FILE__, __LINE__)

namespace meridian {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

// Counts the event and prints the place for the first few.
void count_bug(const char* file, int line);

// How often BUG_COUNT() was reached in this process; exported as a metric.
std::uint64_t bug_count();

}  // namespace meridian
