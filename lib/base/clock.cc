#include "lib/base/clock.h"

#include <ctime>

namespace meridian {
namespace {

std::int64_t read_ns(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

class SystemClock final : public Clock {
 public:
  std::int64_t mono_ms() const override { return mono_ns() / 1'000'000; }
  std::int64_t mono_ns() const override { return read_ns(CLOCK_MONOTONIC); }
  std::int64_t wall_ms() const override { return read_ns(CLOCK_REALTIME) / 1'000'000; }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace meridian
