#include "origin/server/file_root.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/origin/temporary_folder.h"

namespace meridian::origin {
namespace {

using config::Symlinks;

class FileRootTest : public ::testing::Test {
 protected:
  FileRootTest() {
    outside_.write("secret.txt", "secret");
    folder_.write("a.txt", "a");
    folder_.write("sub/b.txt", "bb");
    std::filesystem::create_symlink("a.txt", folder_.path("inside"));
    std::filesystem::create_symlink("../a.txt", folder_.path("sub/up"));
    std::filesystem::create_symlink(outside_.path("secret.txt"), folder_.path("absolute"));
    std::filesystem::create_symlink(
        "../" + std::filesystem::path(outside_.path()).filename().string() + "/secret.txt",
        folder_.path("climbing"));
    std::filesystem::create_directory_symlink(outside_.path(), folder_.path("away"));
    ::mkfifo(folder_.path("pipe").c_str(), 0600);
  }
  FileRoot root(Symlinks policy) {
    auto root = FileRoot::create(folder_.path(), policy);
    EXPECT_TRUE(root.has_value());
    return *std::move(root);
  }
  static bool opens(const FileRoot& root, const std::string& path) {
    const auto file = root.open(path);
    EXPECT_TRUE(file.has_value() || file.error().code == ErrorCode::kNotFound) << path;
    return file.has_value();
  }

  TemporaryFolder outside_;
  TemporaryFolder folder_;
};

TEST_F(FileRootTest, OpensFilesAndFolders) {
  const FileRoot root = this->root(Symlinks::kNever);
  const auto file = root.open("sub/b.txt");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->stamp.size, 2U);
  EXPECT_FALSE(file->directory);
  EXPECT_TRUE(root.open("sub")->directory);
  EXPECT_TRUE(root.open("")->directory);
  EXPECT_FALSE(opens(root, "none"));
  EXPECT_FALSE(opens(root, "a.txt/x"));
}

TEST_F(FileRootTest, FollowsLinksByPolicy) {
  const FileRoot never = root(Symlinks::kNever);
  const FileRoot inside = root(Symlinks::kInside);
  const FileRoot all = root(Symlinks::kAll);
  for (const char* link : {"inside", "sub/up"}) {
    EXPECT_FALSE(opens(never, link)) << link;
    EXPECT_TRUE(opens(inside, link)) << link;
    EXPECT_TRUE(opens(all, link)) << link;
  }
  for (const char* link : {"absolute", "climbing", "away/secret.txt"}) {
    EXPECT_FALSE(opens(never, link)) << link;
    EXPECT_FALSE(opens(inside, link)) << link;
    EXPECT_TRUE(opens(all, link)) << link;
  }
}

// The kernel refuses it even if a path with dots ever got this far.
TEST_F(FileRootTest, StaysBeneathItself) {
  for (const Symlinks policy : {Symlinks::kNever, Symlinks::kInside}) {
    EXPECT_FALSE(opens(root(policy),
                       "../" + std::filesystem::path(outside_.path()).filename().string() + "/secret.txt"));
    EXPECT_FALSE(opens(root(policy), outside_.path("secret.txt")));
  }
}

// Opening a pipe for reading would wait for, or wake, whoever writes to it.
TEST_F(FileRootTest, NeverOpensSpecialFiles) {
  EXPECT_FALSE(opens(root(Symlinks::kAll), "pipe"));
  EXPECT_LT(::open(folder_.path("pipe").c_str(), O_WRONLY | O_NONBLOCK), 0) << "somebody reads the pipe";
}

TEST_F(FileRootTest, ListsWhatItWouldServe) {
  folder_.write(".hidden", "");
  const FileRoot root = this->root(Symlinks::kInside);
  const auto names = [&](bool hidden, std::size_t limit) {
    std::string joined;
    const auto folder = root.open("");
    const auto entries = root.list(*folder, hidden, limit);
    for (const ListingEntry& entry : *entries) joined += entry.name + (entry.directory ? "/ " : " ");
    return joined;
  };
  EXPECT_EQ(names(false, 100), "sub/ a.txt inside ");
  EXPECT_EQ(names(true, 100), "sub/ .hidden a.txt inside ");
  EXPECT_EQ(root.list(*root.open(""), false, 2)->size(), 2U);
}

TEST_F(FileRootTest, TagsTellStatesApart) {
  const FileRoot root = this->root(Symlinks::kNever);
  const std::string before = entity_tag(root.open("a.txt")->stamp, "");
  EXPECT_EQ(before, entity_tag(root.open("a.txt")->stamp, ""));
  EXPECT_EQ(before.front(), '"');
  EXPECT_NE(before, entity_tag(root.open("a.txt")->stamp, "br"));
  // Replaced by rename with the same size and the same time: the inode differs.
  const auto time = std::filesystem::last_write_time(folder_.path("a.txt"));
  folder_.write("new", "z");  // as long as the old content
  std::filesystem::last_write_time(folder_.path("new"), time);
  std::filesystem::rename(folder_.path("new"), folder_.path("a.txt"));
  EXPECT_NE(before, entity_tag(root.open("a.txt")->stamp, ""));
}

TEST_F(FileRootTest, NoticesAFileThatBecameShorter) {
  const auto file = root(Symlinks::kNever).open("sub/b.txt");
  char bytes[2];
  EXPECT_TRUE(read_exactly(file->fd.get(), 0, bytes, 2).has_value());
  std::filesystem::resize_file(folder_.path("sub/b.txt"), 1);
  const auto again = read_exactly(file->fd.get(), 0, bytes, 2);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kClosed);
}

TEST(FileRoot, SaysWhatIsWrongWithAFolder) {
  const auto root = FileRoot::create("/nonexistent/folder", Symlinks::kNever);
  ASSERT_FALSE(root.has_value());
  EXPECT_EQ(root.error().context, "cannot serve '/nonexistent/folder': No such file or directory");
}

}  // namespace
}  // namespace meridian::origin
