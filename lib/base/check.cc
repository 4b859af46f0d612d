#include "lib/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace meridian {
namespace {
std::atomic<std::uint64_t> bugs{0};
constexpr std::uint64_t kBugsPrinted = 20;
}  // namespace

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}

void count_bug(const char* file, int line) {
  if (bugs.fetch_add(1, std::memory_order_relaxed) < kBugsPrinted) {
    std::fprintf(stderr, "%s:%d: a state that should be impossible; carrying on\n", file, line);
  }
}

std::uint64_t bug_count() { return bugs.load(std::memory_order_relaxed); }

}  // namespace meridian
