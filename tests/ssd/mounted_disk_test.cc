#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>

#include "tests/ssd/harness.h"

// Disks as the kernel has them: a small one that is full, and one that is mounted read-only. Each test runs
// in a process with mounts of its own.
namespace meridian {
namespace {

constexpr int kNotAllowed = 77;

// Nothing: mounts of its own are refused here.
std::optional<bool> in_own_mounts(const std::function<bool()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int spaces = ::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
    if (::unshare(spaces) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      std::_Exit(kNotAllowed);
    }
    std::_Exit(work() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotAllowed) return std::nullopt;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool mount_small(const std::string& path, const char* size) {
  return ::mount("tmpfs", path.c_str(), "tmpfs", 0, (std::string("size=") + size).c_str()) == 0;
}

TEST(SsdMounted, ADiskWithoutRoomIsRefusedAtTheStart) {
  const test::Folder folder;
  const auto done = in_own_mounts([&] {
    if (!mount_small(folder.path(), "12m")) return false;
    const auto tier = SsdTier::open(test::small_options(folder.path()));
    return !tier && tier.error().context.find("No space left") != std::string::npos;
  });
  if (!done) GTEST_SKIP() << "mounts of its own are refused to this process";
  EXPECT_TRUE(*done);
}

TEST(SsdMounted, WithRoomItRunsInMemoryToo) {
  const test::Folder folder;
  const auto done = in_own_mounts([&] {
    if (!mount_small(folder.path(), "20m")) return false;
    test::SsdHarness harness(test::small_options(folder.path()));
    for (int i = 0; i < 2000; ++i) harness.ssd().put(test::object_of("key " + std::to_string(i), 1, 20'000));
    harness.settle();
    harness.ssd().put(test::object_of("last", 1, 20'000));
    harness.settle();
    const auto last = harness.get("last");
    return last && test::is_whole(*last, "last") && harness.ssd().state() == ssd::Health::State::kOk;
  });
  if (!done) GTEST_SKIP() << "mounts of its own are refused to this process";
  EXPECT_TRUE(*done);
}

TEST(SsdMounted, AReadOnlyFileSystemIsServedFrom) {
  const test::Folder folder;
  const auto done = in_own_mounts([&] {
    if (!mount_small(folder.path(), "20m")) return false;
    {
      test::SsdHarness harness(test::small_options(folder.path()));
      harness.ssd().put(test::object_of("key", 1, 20'000));
    }
    // A ring that is being torn down may hold the file for a moment.
    while (::mount(nullptr, folder.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
      if (errno != EBUSY) return false;
      ::sched_yield();
    }
    test::SsdHarness harness(test::small_options(folder.path()));
    const auto found = harness.get("key");
    return harness.ssd().state() == ssd::Health::State::kReadOnly && found && test::is_whole(*found, "key") &&
           !harness.ssd().put(test::object_of("other", 1, 100)) && !harness.ssd().reason().empty();
  });
  if (!done) GTEST_SKIP() << "mounts of its own are refused to this process";
  EXPECT_TRUE(*done);
}

}  // namespace
}  // namespace meridian
