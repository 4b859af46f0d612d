#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "control-plane/cli/commands.h"
#include "control-plane/cli/login.h"
#include "control-plane/cli/options.h"
#include "control-plane/cli/table.h"
#include "tests/control-plane/folder.h"

namespace meridian::cli {
namespace {

CommandLine parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "meridian");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Cli, CommandLines) {
  const CommandLine purge =
      parse({"--output", "json", "purge", "--tag", "a", "--tag", "b", "--url", "http://h/", "--soft"});
  EXPECT_EQ(purge.options.command, Options::Command::kPurge);
  EXPECT_TRUE(purge.options.json);
  EXPECT_EQ(purge.options.tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(purge.options.soft);
  // An option of all commands may stand behind one.
  EXPECT_TRUE(parse({"state", "--at", "7", "--output", "json"}).options.json);
  EXPECT_EQ(parse({"state", "--at", "7"}).options.at, 7U);
  EXPECT_EQ(parse({"log", "--follow", "--kind", "purge"}).options.kind, "purge");
  EXPECT_EQ(parse({"token", "revoke", "0123"}).options.id, "0123");
  EXPECT_EQ(parse({"--help"}).exit_status, 0);
  for (const auto& wrong : std::vector<std::vector<const char*>>{{},
                                                                 {"fly"},
                                                                 {"login"},
                                                                 {"token"},
                                                                 {"token", "make", "--name", "a"},
                                                                 {"state", "--at", "x"},
                                                                 {"--output", "xml", "state"}}) {
    EXPECT_EQ(parse(wrong).exit_status, 2);
    EXPECT_EQ(parse(wrong).options.command, Options::Command::kNone);
  }
}

TEST(Cli, PurgeBodies) {
  Options options;
  EXPECT_FALSE(purge_body(options));
  options.site = "shop";
  EXPECT_EQ(*purge_body(options), R"({"mode":"hard","targets":[{"site":"shop"}]})");
  options.tags = {"a"};
  options.urls = {"http://h/\"x"};
  options.soft = true;
  EXPECT_EQ(*purge_body(options),
            R"({"mode":"soft","targets":[{"url":"http://h/\"x","site":"shop"},{"tag":"a","site":"shop"}]})");
  options.all = true;
  EXPECT_FALSE(purge_body(options));
  Options everything;
  everything.all = true;
  EXPECT_EQ(*purge_body(everything), R"({"mode":"hard","targets":[{"all":true}]})");
}

TEST(Cli, TheLoginIsForItsOwnerAlone) {
  const control::Folder folder;
  const std::string path = folder / "a/b/login.json";
  EXPECT_FALSE(read_login(path));
  ASSERT_TRUE(write_login(path, {"http://h", "mer_x", "ca.pem"}));
  const auto login = read_login(path);
  ASSERT_TRUE(login) << login.error().context;
  EXPECT_EQ(login->server, "http://h");
  EXPECT_EQ(login->token, "mer_x");
  EXPECT_EQ(login->ca_file, "ca.pem");
  chmod(path.c_str(), 0644);
  EXPECT_NE(read_login(path).error().context.find("others may read it"), std::string::npos);
  std::ofstream(folder / "token") << "mer_y\r\nmore\n";
  EXPECT_EQ(*read_token(folder / "token"), "mer_y");
  std::ofstream(folder / "empty") << "\n";
  EXPECT_FALSE(read_token(folder / "empty"));
  EXPECT_FALSE(read_token(folder / "none"));
}

TEST(Cli, Tables) {
  EXPECT_EQ(table({{"A", "LONG"}, {"\xC3\xA9", "x"}, {"bcd", "y\x1B[2J"}}),
            "A    LONG\n\xC3\xA9    x\nbcd  y?[2J\n");
  EXPECT_EQ(table({}), "");
  EXPECT_EQ(time_text(0), "1970-01-01 00:00:00");
  const auto entry = wire::Json::parse(
      R"({"seq":7,"prev":6,"epoch":2,"time_ms":1700000000999,"node":"n","author":"a\nb","from":"::1",)"
      R"("kind":"purge","payload":{"x":1}})");
  EXPECT_EQ(entry_row(*entry), (std::vector<std::string>{"7", "2", "2023-11-14 22:13:20", "purge",
                                                         "a\nb from ::1 at n", R"({"x":1})"}));
  EXPECT_EQ(entry_line(*entry).find('\n'), entry_line(*entry).size() - 1);
}

}  // namespace
}  // namespace meridian::cli
