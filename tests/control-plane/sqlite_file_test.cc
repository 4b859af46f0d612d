#include "control-plane/store/sqlite_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "tests/control-plane/failing_vfs.h"
#include "tests/control-plane/folder.h"

namespace meridian::control {
namespace {

Entry entry(std::uint64_t seq) {
  return {.seq = seq,
          .prev = seq - 1,
          .epoch = 0,
          .time_ms = 1,
          .node = "n",
          .author = "a",
          .from = "",
          .key = "k" + std::to_string(seq),
          .kind = "purge",
          .payload = "{\"x\":\"" + std::string(3000, 'x') + "\"}"};
}

class SqliteFileTest : public testing::Test {
 protected:
  std::unique_ptr<SqliteFile> open(const std::string& vfs = "") {
    auto file = SqliteFile::open(path_, vfs);
    EXPECT_TRUE(file) << file.error().context;
    return file ? *std::move(file) : nullptr;
  }
  std::string problem() {
    const auto file = SqliteFile::open(path_);
    return file ? "" : file.error().context;
  }
  // As many as it takes; how many.
  static std::uint64_t fill(SqliteFile& file, std::uint64_t count) {
    Head at = file.head().value_or(Head());
    for (std::uint64_t i = 0; i < count; ++i) {
      const Appended appended = file.append(at, {entry(at.seq + 1)});
      if (appended.end != AppendEnd::kAppended) break;
      at = appended.head;
    }
    return at.seq;
  }
  void expect_entries(SqliteFile& file, std::uint64_t count) {
    const auto entries = file.read(0, 10'000);
    ASSERT_TRUE(entries) << entries.error().context;
    ASSERT_EQ(entries->size(), count);
    for (std::uint64_t i = 0; i < count; ++i) EXPECT_EQ((*entries)[i], entry(i + 1));
  }

  // In memory where that can be had: what is tested is what the process asks of the disk.
  Folder folder_{"/dev/shm"};
  const std::string path_ = folder_ / "log.db";
};

TEST_F(SqliteFileTest, IsForItsOwnerAlone) {
  const auto file = open();
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  // A second one does not get it, and is told why.
  EXPECT_NE(problem().find("another process has it open"), std::string::npos) << problem();
}

TEST_F(SqliteFileTest, WhatCannotBeALogIsRefused) {
  EXPECT_NE(SqliteFile::open(folder_ / "no/such/folder/log.db").error().context.find("cannot be opened"),
            std::string::npos);
  std::ofstream(path_) << std::string(10'000, 'x');
  EXPECT_NE(problem(), "");
  std::ofstream(path_, std::ios::trunc) << "";
  {
    sqlite3* other = nullptr;
    sqlite3_open(path_.c_str(), &other);
    sqlite3_exec(other, "CREATE TABLE t (x)", nullptr, nullptr, nullptr);
    sqlite3_close(other);
  }
  EXPECT_NE(problem().find("no log of a control plane"), std::string::npos) << problem();
}

TEST_F(SqliteFileTest, DamageIsFound) {
  fill(*open(), 40);
  const auto damage = [&](const char* sql) {
    sqlite3* other = nullptr;
    sqlite3_open(path_.c_str(), &other);
    EXPECT_EQ(sqlite3_exec(other, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(other);
    sqlite3_close(other);
  };
  // A bit of one entry: the file opens, and that entry is not given out.
  damage("UPDATE log SET line = replace(line, 'k7\"', 'k8\"') WHERE seq = 7");
  {
    const auto file = open();
    EXPECT_EQ(file->read(7, 100)->size(), 33U);
    EXPECT_NE(file->read(0, 100).error().context.find("entry 7 is not what was written"), std::string::npos);
    EXPECT_EQ(file->append(Head{40, 0, 1}, {entry(41)}).end, AppendEnd::kUnavailable);
  }
  damage("DELETE FROM log WHERE seq = 7");
  EXPECT_NE(problem().find("entries are missing"), std::string::npos) << problem();
  // A page of the file.
  std::fstream bytes(path_, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(5 * 4096 + 2);
  bytes << std::string(600, '\xA5');
  bytes.close();
  EXPECT_NE(problem(), "");
}

TEST_F(SqliteFileTest, AFullDiskRefusesAndLosesNothing) {
  FailingVfs vfs;
  std::uint64_t acknowledged = 0;
  {
    const auto file = open(vfs.name());
    acknowledged = fill(*file, 10);
    vfs.fail_from(vfs.operations() + 1, SQLITE_FULL);
    const Appended refused = file->append(*file->head(), {entry(11)});
    EXPECT_EQ(refused.end, AppendEnd::kUnavailable);
    EXPECT_NE(refused.why.find("full"), std::string::npos) << refused.why;
    EXPECT_FALSE(file->compact({5, "{}"}));
    EXPECT_FALSE(file->next_epoch());
    expect_entries(*file, acknowledged);
    // There is room again.
    vfs.heal();
    acknowledged = fill(*file, 10);
    EXPECT_EQ(acknowledged, 20U);
  }
  expect_entries(*open(), acknowledged);
}

// Each operation on the disk in turn fails, and every one behind it: whatever was acknowledged before is
// there when the file is opened again, and nothing is acknowledged any more.
TEST_F(SqliteFileTest, AfterAFailingDiskNothingThatWasAcknowledgedIsLost) {
  int cases = 0;
  for (const int code : {SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE, SQLITE_FULL}) {
    for (long operation = 1;; ++operation) {
      std::filesystem::remove(path_);
      std::filesystem::remove(path_ + "-wal");
      FailingVfs vfs;
      vfs.fail_from(operation, code);
      std::uint64_t acknowledged = 0;
      bool has_failed = false;
      {
        auto file = SqliteFile::open(path_, vfs.name());
        if (file) {
          acknowledged = fill(**file, 12);
          has_failed = acknowledged < 12;
          if (has_failed && code != SQLITE_FULL) {
            EXPECT_FALSE((*file)->head());
            vfs.heal();
            EXPECT_EQ((*file)->append({acknowledged, 0, 1}, {entry(acknowledged + 1)}).end,
                      AppendEnd::kUnavailable);
          }
        }
      }
      vfs.heal();
      auto again = SqliteFile::open(path_);
      ASSERT_TRUE(again) << again.error().context;
      const std::uint64_t found = (*again)->head()->seq;
      // The one whose end nobody was told may be there.
      EXPECT_GE(found, acknowledged);
      EXPECT_LE(found, acknowledged + 1);
      expect_entries(**again, found);
      ++cases;
      if (!has_failed && acknowledged == 12) break;
    }
  }
  EXPECT_GT(cases, 50);
}

TEST_F(SqliteFileTest, AKilledProcessHasKeptWhatItAcknowledged) {
  for (int round = 0; round < 10; ++round) {
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t child = fork();
    if (child == 0) {
      auto file = SqliteFile::open(path_);
      if (!file) _exit(1);
      Head at = *(*file)->head();
      while (true) {
        const Appended appended = (*file)->append(at, {entry(at.seq + 1)});
        if (appended.end != AppendEnd::kAppended) _exit(2);
        at = appended.head;
        if (write(pipe_fds[1], &at.seq, sizeof at.seq) != sizeof at.seq) _exit(3);
      }
    }
    close(pipe_fds[1]);
    std::uint64_t acknowledged = 0;
    for (int i = 0; i <= 3 * round; ++i) ASSERT_EQ(read(pipe_fds[0], &acknowledged, sizeof acknowledged), 8);
    kill(child, SIGKILL);
    while (read(pipe_fds[0], &acknowledged, sizeof acknowledged) == 8) {
    }
    close(pipe_fds[0]);
    waitpid(child, nullptr, 0);
    const auto file = open();
    const std::uint64_t found = file->head()->seq;
    EXPECT_GE(found, acknowledged);
    EXPECT_LE(found, acknowledged + 1);
    EXPECT_EQ(file->read(found - 1, 10)->front(), entry(found));
  }
}

}  // namespace
}  // namespace meridian::control
