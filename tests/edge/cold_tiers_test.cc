#include "edge/cold_tiers.h"

#include <gtest/gtest.h>

#include "tests/ssd/fault_disk.h"
#include "tests/ssd/harness.h"

namespace meridian::edge {
namespace {

// A tier that is opened while requests go on already.
class ColdTiersLate : public ::testing::Test {
 protected:
  ColdTiersLate() {
    test::SsdHarness before(options());
    before.ssd().put(test::object_of("kept", 1, 3000));
    before.ssd().put(test::object_of("removed", 1, 3000));
    cold_.expect_ssd();
  }
  SsdOptions options() {
    SsdOptions options = test::small_options("disk", SsdIo::kThreads);
    options.disk = &disk_;
    return options;
  }
  std::unique_ptr<SsdTier> open() { return SsdTier::open(options()).value(); }
  test::FaultDisk disk_;
  ColdTiers cold_;
};

TEST_F(ColdTiersLate, WhatWasRemovedMeanwhileIsRemoved) {
  cold_.remove_from_ssd(hash_of_key("removed"));
  cold_.remove_from_ssd(hash_of_key("never there"));
  EXPECT_EQ(cold_.ssd(), nullptr);
  ASSERT_TRUE(cold_.set_ssd(open()));
  EXPECT_TRUE(cold_.ssd()->may_have(hash_of_key("kept")));
  EXPECT_FALSE(cold_.ssd()->may_have(hash_of_key("removed")));
  cold_.remove_from_ssd(hash_of_key("kept"));
  EXPECT_FALSE(cold_.ssd()->may_have(hash_of_key("kept")));
}

TEST_F(ColdTiersLate, WhoHasMissedTooMuchIsNotTaken) {
  for (std::size_t i = 0; i <= ColdTiers::kMostMissed; ++i) cold_.remove_from_ssd(i);
  EXPECT_FALSE(cold_.set_ssd(open()));
  EXPECT_EQ(cold_.ssd(), nullptr);
  SsdOptions empty = options();
  empty.start_empty = true;
  ASSERT_TRUE(cold_.set_ssd(SsdTier::open(std::move(empty)).value()));
  EXPECT_FALSE(cold_.ssd()->may_have(hash_of_key("kept")));
}

}  // namespace
}  // namespace meridian::edge
