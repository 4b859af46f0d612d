#include "edge/tiers/ram_tier.h"
#include "tests/contract/tier_contract.h"

namespace meridian {
namespace {

template <unsigned kShards>
struct RamHarness {
  static constexpr std::uint64_t kCapacity = 8U << 20U;
  std::unique_ptr<Tier> owned =
      std::make_unique<RamTier>(RamTier::Options{.capacity_bytes = kCapacity, .shards = kShards});
  Tier& tier() { return *owned; }
  void settle() {}
  std::unique_ptr<Tier> release() { return std::move(owned); }
};

using Harnesses = ::testing::Types<RamHarness<1>, RamHarness<16>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Ram, TierContract, Harnesses);

}  // namespace
}  // namespace meridian
