#include "origin/server/static_files.h"

#include <gtest/gtest.h>

#include "origin/server/access_log.h"
#include "origin/server/header_rules.h"
#include "tests/origin/temporary_folder.h"

namespace meridian::origin {
namespace {

class StaticFilesTest : public ::testing::Test {
 protected:
  StaticFiles files() { return {*FileRoot::create(folder_.path(), config_.symlinks), config_}; }
  static FileQuery query(const std::string& relative, std::string_view accept = "") {
    return {relative, false, "/" + relative, acceptable_codings(accept), true};
  }
  Result<Found> folder(const std::string& relative) {
    FileQuery asked = query(relative);
    asked.wants_directory = true;
    asked.display_path += '/';
    return files().find(asked);
  }
  std::string coding(std::string_view accept) {
    const auto found = files().find(query("a.css", accept));
    const auto& file = std::get<FoundFile>(*found);
    EXPECT_EQ(file.ready.head.view(), file.coding.empty() ? "plain" : file.coding);
    EXPECT_TRUE(file.has_codings);
    EXPECT_EQ(file.name, "a.css");
    return std::string(file.coding);
  }

  TemporaryFolder folder_;
  config::OriginServerConfig config_;
};

TEST_F(StaticFilesTest, FindsFilesWithTheirFirstBytes) {
  folder_.write("a.txt", "hello");
  const auto found = files().find(query("a.txt"));
  const auto& file = std::get<FoundFile>(*found);
  EXPECT_EQ(file.ready.head.view(), "hello");
  EXPECT_EQ(file.ready.file.stamp.size, 5U);
  EXPECT_FALSE(file.has_codings);
  FileQuery head_only = query("a.txt");
  head_only.read_head = false;
  EXPECT_EQ(std::get<FoundFile>(*files().find(head_only)).ready.head.size, 0U);
}

TEST_F(StaticFilesTest, PicksTheCodingThatTheClientPrefers) {
  folder_.write("a.css", "plain");
  folder_.write("a.css.br", "br");
  folder_.write("a.css.gz", "gzip");
  EXPECT_EQ(coding(""), "");
  EXPECT_EQ(coding("gzip"), "gzip");
  EXPECT_EQ(coding("gzip, br"), "br");
  EXPECT_EQ(coding("gzip, br;q=0.9"), "gzip");
  EXPECT_EQ(coding("zstd"), "");
  EXPECT_EQ(coding("br;q=0, gzip;q=0"), "");
  config_.precompressed = false;
  EXPECT_FALSE(std::get<FoundFile>(*files().find(query("a.css", "br"))).has_codings);
}

TEST_F(StaticFilesTest, FoldersNeedTheirSlashAndAnIndex) {
  folder_.write("docs/index.html", "hi");
  folder_.write("empty/x", "");
  EXPECT_TRUE(std::holds_alternative<FoundDirectory>(*files().find(query("docs"))));
  EXPECT_EQ(std::get<FoundFile>(*folder("docs")).name, "index.html");
  EXPECT_EQ(folder("empty").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(folder("docs/index.html").error().code, ErrorCode::kNotFound) << "a file is no folder";
  EXPECT_EQ(files().find(query("none")).error().code, ErrorCode::kNotFound);
}

TEST_F(StaticFilesTest, ListsWhenAskedTo) {
  config_.listing = true;
  config_.listing_limit = 2;
  folder_.write("d/<b>&.txt", "");
  folder_.write("d/a:b", "");
  folder_.write("d/.hidden", "");
  const auto page = std::get<FoundListing>(*folder("d")).html;
  EXPECT_NE(page.find("<a href=\"./%3Cb%3E&amp;.txt\">&lt;b&gt;&amp;.txt</a>"), std::string::npos) << page;
  EXPECT_NE(page.find("href=\"./a:b\""), std::string::npos) << page;
  EXPECT_EQ(page.find("hidden"), std::string::npos);
  EXPECT_EQ(page.find("more entries"), std::string::npos);
  folder_.write("d/c", "");
  EXPECT_NE(std::get<FoundListing>(*folder("d")).html.find("more entries"), std::string::npos);
}

TEST_F(StaticFilesTest, ReadsNothingThatHasChanged) {
  folder_.write("a", "hello");
  const FileRoot root = *FileRoot::create(folder_.path(), config::Symlinks::kNever);
  const OpenFile file = *root.open("a");
  EXPECT_TRUE(read_unchanged(file, 0, 5).has_value());
  folder_.write("a", "hello, world");
  EXPECT_EQ(read_unchanged(file, 0, 5).error().code, ErrorCode::kClosed);
}

TEST(FileErrors, HaveTheirStatus) {
  const std::pair<ErrorCode, int> cases[] = {{ErrorCode::kNotFound, 404},
                                             {ErrorCode::kRefused, 403},
                                             {ErrorCode::kUnavailable, 503},
                                             {ErrorCode::kIo, 500}};
  for (const auto& [code, status] : cases) {
    EXPECT_EQ(file_error_answer({code, ErrorSource::kOrigin, false, ""}).status, status);
  }
}

TEST(HeaderRules, AddWhatMatches) {
  config::HeaderRuleConfig all{"/**", "no-cache", "site", {"X-Frame-Options: DENY"}};
  config::HeaderRuleConfig assets{"/assets/**", "max-age=1", "assets", {"Vary: Origin"}};
  const HeaderRules rules({all, assets});
  HeaderBlock headers;
  headers.set("Vary", "Accept-Encoding");
  rules.apply("/assets/a.js", headers);
  EXPECT_EQ(headers.value("Cache-Control"), "max-age=1");
  EXPECT_EQ(headers.value("Surrogate-Key"), "site assets");
  EXPECT_EQ(headers.value("X-Frame-Options"), "DENY");
  EXPECT_EQ(headers.value("Vary"), "Accept-Encoding, Origin");
  HeaderBlock other;
  rules.apply("/", other);
  EXPECT_EQ(other.value("Cache-Control"), "no-cache");
}

TEST(AccessLog, LinesCannotBeForged) {
  const std::string line =
      combined_line({"192.0.2.1", 1'700'000'000'123, "GET", "/a\"b\n", "HTTP/1.1", 200, 7, "", "x\\y"});
  EXPECT_EQ(
      line,
      "192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] \"GET /a\\x22b\\x0a HTTP/1.1\" 200 7 \"-\" \"x\\x5cy\"\n");
}

TEST(AccessLog, WritesWhatWaitsBeforeItEnds) {
  const TemporaryFolder folder;
  {
    auto log = AccessLog::open(folder.path("access.log"), 4096);
    ASSERT_TRUE(log.has_value());
    (*log)->write("one\n");
    (*log)->write("two\n");
    (*log)->write(std::string(5000, 'x'));
    EXPECT_EQ((*log)->dropped(), 1U);
  }
  std::ifstream file(folder.path("access.log"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "one\ntwo\n");
  EXPECT_FALSE(AccessLog::open("/nonexistent/log", 4096).has_value());
}

}  // namespace
}  // namespace meridian::origin
