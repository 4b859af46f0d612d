#include "tests/contract/tier_contract.h"
#include "tests/ssd/harness.h"

namespace meridian {
namespace {

// The tier with everything that it needs, for the test that destroys it.
struct Whole final : Tier {
  explicit Whole(SsdIo io, const std::string& keys) : harness(options(folder, io, keys)) {}
  static SsdOptions options(const test::Folder& folder, SsdIo io, const std::string& keys) {
    SsdOptions options = test::small_options(folder.path(), io);
    if (!keys.empty()) {
      options.key_file = folder.path() + "/keys";
      std::FILE* file = std::fopen(options.key_file.c_str(), "w");
      std::fputs(keys.c_str(), file);
      std::fclose(file);
    }
    return options;
  }
  std::string_view name() const override { return "ssd"; }
  void get(std::string_view key, std::function<void(Ref<const Object>)> done) override {
    harness.reader().get(key, std::move(done));
  }
  void put(Ref<const Object> object) override { harness.reader().put(std::move(object)); }
  void remove(std::string_view key) override { harness.reader().remove(key); }
  TierStats stats() const override { return const_cast<test::SsdHarness&>(harness).ssd().stats(); }

  test::Folder folder;
  test::SsdHarness harness;
};

template <SsdIo kIo, bool kEncrypted>
struct Harness {
  static constexpr std::uint64_t kCapacity = 16 * test::kMiB;
  Harness() : whole_(std::make_unique<Whole>(kIo, kEncrypted ? "7 " + std::string(64, 'a') : "")) {}
  Tier& tier() { return *whole_; }
  void settle() { whole_->harness.settle(); }
  std::unique_ptr<Tier> release() { return std::move(whole_); }
  std::unique_ptr<Whole> whole_;
};

using Uring = Harness<SsdIo::kUring, false>;
using Threads = Harness<SsdIo::kThreads, false>;
using Encrypted = Harness<SsdIo::kAuto, true>;
INSTANTIATE_TYPED_TEST_SUITE_P(Uring, TierContract, ::testing::Types<Uring>);
INSTANTIATE_TYPED_TEST_SUITE_P(Threads, TierContract, ::testing::Types<Threads>);
INSTANTIATE_TYPED_TEST_SUITE_P(Encrypted, TierContract, ::testing::Types<Encrypted>);

}  // namespace
}  // namespace meridian
