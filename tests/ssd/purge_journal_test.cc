#include "edge/tiers/ssd/purge_journal.h"

#include <gtest/gtest.h>

#include "tests/ssd/fault_disk.h"
#include "tests/ssd/folder.h"

namespace meridian::ssd {
namespace {

using Entry = PurgeJournal::Entry;

std::unique_ptr<PurgeJournal> open(Disk& disk, const std::string& path) {
  auto journal = PurgeJournal::open(disk, path);
  EXPECT_TRUE(journal);
  return std::move(*journal);
}

TEST(PurgeJournal, ComesBackFromARealDisk) {
  test::Folder folder;
  const std::string path = folder.path() + "/purges";
  {
    const auto journal = open(system_disk(), path);
    EXPECT_EQ(journal->applied_seq(), 0U);
    ASSERT_TRUE(journal->append(3, "url http://a.test/"));
    ASSERT_TRUE(journal->append(4, ""));
  }
  {
    const auto journal = open(system_disk(), path);
    EXPECT_EQ(journal->entries(), (std::vector<Entry>{{3, "url http://a.test/"}, {4, ""}}));
    const std::vector<Entry> kept = {{3, "url http://a.test/"}};
    ASSERT_TRUE(journal->rewrite(kept));
    ASSERT_TRUE(journal->append(9, "all"));
  }
  const auto journal = open(system_disk(), path);
  EXPECT_EQ(journal->applied_seq(), 9U);
  EXPECT_TRUE(journal->intact());
  EXPECT_EQ(journal->entries(), (std::vector<Entry>{{4, ""}, {3, "url http://a.test/"}, {9, "all"}}));
}

TEST(PurgeJournal, ATornEndIsCutOffAndWrittenOver) {
  test::FaultDisk disk;
  const auto journal = open(disk, "j");
  ASSERT_TRUE(journal->append(1, "one"));
  const std::size_t one = disk.bytes("j").size();
  ASSERT_TRUE(journal->append(2, "a longer entry"));
  const std::string whole = disk.bytes("j");
  for (std::size_t size = one; size < whole.size(); ++size) {
    disk.set_bytes("j", whole.substr(0, size));
    const auto again = open(disk, "j");
    EXPECT_EQ(again->entries(), (std::vector<Entry>{{1, "one"}}));
    EXPECT_TRUE(again->intact());
    ASSERT_TRUE(again->append(2, "b"));
    EXPECT_EQ(open(disk, "j")->entries(), (std::vector<Entry>{{1, "one"}, {2, "b"}}));
  }
}

TEST(PurgeJournal, LossInTheMiddleIsNoticed) {
  test::FaultDisk disk;
  const auto journal = open(disk, "j");
  for (std::uint64_t seq = 1; seq <= 3; ++seq) ASSERT_TRUE(journal->append(seq, "entry"));
  const std::string whole = disk.bytes("j");
  for (std::size_t bit = 0; bit < whole.size() * 8 * 2 / 3; ++bit) {
    std::string bad = whole;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    disk.set_bytes("j", bad);
    EXPECT_FALSE(open(disk, "j")->intact()) << bit;
  }
}

TEST(PurgeJournal, NothingIsAcknowledgedThatIsNotDurable) {
  test::FaultDisk disk;
  const auto journal = open(disk, "j");
  disk.fail_sync = EIO;
  EXPECT_FALSE(journal->append(1, "x"));
  EXPECT_EQ(journal->applied_seq(), 0U);
  disk.fail_sync = 0;
  disk.fail_write = ENOSPC;
  EXPECT_FALSE(journal->append(1, "x"));
  disk.fail_write = 0;
  EXPECT_TRUE(journal->append(1, "y"));
  EXPECT_EQ(open(disk, "j")->entries(), (std::vector<Entry>{{1, "y"}}));
  EXPECT_FALSE(journal->append(2, std::string(PurgeJournal::kMostBytes + 1, 'x')));
}

}  // namespace
}  // namespace meridian::ssd
