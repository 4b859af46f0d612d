#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "tests/tidy/rules.h"
#include "tests/tidy/sources.h"

// Style that matters is a test, without exemptions: docs/architecture.md says why.
namespace meridian::tidy {
namespace {

namespace fs = std::filesystem;

// Folders of the root that hold what people write.
constexpr std::string_view kFolders[] = {"lib",   "config", "edge",   "origin", "control-plane",
                                         "tests", "bench",  "deploy", "docs"};
constexpr std::string_view kText[] = {".cc",  ".h",     ".def", ".py", ".sh",   ".js",   ".mjs", ".ts",
                                      ".lua", ".cmake", ".txt", ".md", ".yaml", ".json", ""};

SourceFile read(const fs::path& root, const fs::path& file) {
  SourceFile source{file.lexically_relative(root).generic_string(), {}};
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) source.lines.push_back(std::move(line));
  return source;
}

std::vector<SourceFile> read_all() {
  const fs::path root = MERIDIAN_SOURCE_DIR;
  std::vector<SourceFile> sources;
  for (std::string_view folder : kFolders) {
    std::error_code error;
    for (auto at = fs::recursive_directory_iterator(root / folder, error);
         at != fs::recursive_directory_iterator(); at.increment(error)) {
      const std::string name = at->path().filename().string();
      if (at->is_directory() && (name == "node_modules" || name == "corpus" || name == "__pycache__")) {
        at.disable_recursion_pending();
      } else if (at->is_regular_file() &&
                 std::find(std::begin(kText), std::end(kText), at->path().extension()) != std::end(kText)) {
        sources.push_back(read(root, at->path()));
      }
    }
  }
  std::sort(sources.begin(), sources.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return sources;
}

std::string place(const SourceFile& file, std::size_t line) {
  return file.path + ":" + std::to_string(line) + ": ";
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string out;
  for (std::string_view word : words) out.append(out.empty() ? "" : ", ").append(word);
  return out.empty() ? "nothing" : out;
}

// Whether to ask a regex at all: those of the standard library are slow.
bool mentions(const std::string& line, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view w) { return line.find(w) != line.npos; });
}

bool has_word(const std::string& line, const std::string& word) {
  const auto in_word = [&](std::size_t i) {
    return i < line.size() && (std::isalnum(line[i]) != 0 || line[i] == '_');
  };
  for (std::size_t at = 0; (at = line.find(word, at)) != line.npos; ++at) {
    if ((at == 0 || !in_word(at - 1)) && !in_word(at + word.size())) return true;
  }
  return false;
}

// What docs/architecture.md says, as one text.
std::string architecture() {
  std::string text;
  for (const SourceFile& file : all_sources()) {
    if (file.path != "docs/architecture.md") continue;
    for (const std::string& line : file.lines) text += line + "\n";
  }
  return text;
}

const Room* room_at(std::string_view path) {
  const std::string_view name = room_of(path);
  const auto room = std::find_if(kRooms.begin(), kRooms.end(), [&](const Room& r) { return r.path == name; });
  return room == kRooms.end() ? nullptr : &*room;
}

bool is_system(const std::string& header) {
  const auto begins = [&](std::string_view start) { return std::string_view(header).starts_with(start); };
  return header.find_first_of("./") == std::string::npos ||
         std::any_of(kSystemFolders.begin(), kSystemFolders.end(), begins) ||
         std::find(kSystemHeaders.begin(), kSystemHeaders.end(), header) != kSystemHeaders.end();
}

TEST(Tidy, ReadsTheSources) { EXPECT_GT(all_sources().size(), 100U); }

TEST(Tidy, EveryRoomIncludesOnlyWhatItMay) {
  for (const SourceFile& file : all_sources()) {
    const Room* room = room_at(file.path);
    if (room == nullptr || !file.is_cpp()) continue;
    for (const Include& include : includes_of(file)) {
      if (!include.quoted) continue;
      const std::string_view to = room_of(include.name);
      const bool allowed = to == room->path || std::find(room->may_include.begin(), room->may_include.end(),
                                                         to) != room->may_include.end();
      EXPECT_TRUE(allowed) << place(file, include.line) << room->path << " includes \"" << include.name
                           << "\"; it may include " << joined(room->may_include)
                           << " (by their full path from the root)";
    }
  }
}

TEST(Tidy, EveryThirdPartyHeaderStaysInItsHome) {
  for (const SourceFile& file : all_sources()) {
    if (!file.is_cpp()) continue;
    for (const Include& include : includes_of(file)) {
      if (include.quoted || is_system(include.name)) continue;
      const auto entry = std::find_if(kThirdParty.begin(), kThirdParty.end(), [&](const ThirdParty& t) {
        return std::string_view(include.name).starts_with(t.begins);
      });
      if (entry == kThirdParty.end()) {
        ADD_FAILURE() << place(file, include.line) << "<" << include.name
                      << "> has no home in tests/tidy/rules.h";
        continue;
      }
      const bool at_home = std::any_of(entry->homes.begin(), entry->homes.end(),
                                       [&](std::string_view home) { return file.below(home); });
      EXPECT_TRUE(at_home) << place(file, include.line) << "<" << include.name << "> belongs only in "
                           << joined(entry->homes);
    }
  }
}

// clang 14 cannot read these headers of libstdc++ 12; a bare lock is invisible to its thread-safety analysis.
TEST(Tidy, NothingThatClangCannotFollow) {
  const std::regex lock(
      R"(\bstd::(mutex|shared_mutex|recursive_mutex|lock_guard|unique_lock|scoped_lock)\b)");
  for (const SourceFile& file : all_sources()) {
    if (!file.is_cpp() || room_at(file.path) == nullptr) continue;
    for (const Include& include : includes_of(file)) {
      EXPECT_FALSE(include.name == "format" || include.name == "ranges")
          << place(file, include.line) << "<" << include.name << "> does not compile with clang 14";
    }
    if (file.path == "lib/base/mutex.h") continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(mentions(file.lines[i], {"std::"}) && std::regex_search(file.lines[i], lock))
          << place(file, i + 1) << "use Mutex and MutexLock of lib/base/mutex.h";
    }
  }
}

TEST(Tidy, FilesAreShort) {
  for (const SourceFile& file : all_sources()) {
    const bool counted =
        file.is_cpp() || file.is(".py") || file.is(".sh") || file.is(".js") || file.is(".mjs");
    if (!counted) continue;
    EXPECT_LE(file.lines.size(), kMostLines) << file.path << ": ask what second idea lives in it";
  }
}

TEST(Tidy, LinesAreShort) {
  for (const SourceFile& file : all_sources()) {
    if (!file.is_cpp()) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      // A byte that continues a UTF-8 character takes no column.
      const auto columns = std::count_if(file.lines[i].begin(), file.lines[i].end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
      });
      EXPECT_LE(static_cast<std::size_t>(columns), kMostColumns)
          << place(file, i + 1) << "clang-format breaks it";
    }
  }
}

TEST(Tidy, HeadersAreGuarded) {
  for (const SourceFile& file : all_sources()) {
    if (!file.is(".h")) continue;
    EXPECT_TRUE(!file.lines.empty() && file.lines.front() == "#pragma once")
        << file.path << ":1: a header begins with #pragma once";
  }
}

TEST(Tidy, NothingIsLeftForLater) {
  // Written in two parts, so that this file does not find itself.
  const std::string marks[] = {"TO" + std::string("DO"), "FIX" + std::string("ME"), "XX" + std::string("X"),
                               "HA" + std::string("CK")};
  for (const SourceFile& file : all_sources()) {
    if (file.is(".md") || file.is(".json")) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      for (const std::string& mark : marks) {
        EXPECT_FALSE(has_word(file.lines[i], mark))
            << place(file, i + 1) << mark << ": do it now, or write an issue that says why not";
      }
    }
  }
}

TEST(Tidy, NamesSayWhatThingsAre) {
  const std::string vague = "(util|utils|manager|helper|helpers|common|misc)";
  const std::regex file_name("(^|[/_.-])" + vague + "([/_.-]|$)");
  const std::regex type_name(
      R"(^\s*(class|struct|enum class)\s+(\w*(Util|Utils|Manager|Helper|Common|Misc))\b)");
  for (const SourceFile& file : all_sources()) {
    EXPECT_FALSE(std::regex_search(file.path, file_name)) << file.path << ": a name that explains nothing";
    if (!file.is_cpp()) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const bool declares = mentions(file.lines[i], {"class ", "struct "});
      EXPECT_FALSE(declares && std::regex_search(file.lines[i], type_name))
          << place(file, i + 1) << "a name that explains nothing";
    }
  }
}

TEST(Tidy, TestsDoNotSleep) {
  const std::regex sleeping(
      R"(\b(sleep_for|sleep_until|usleep|nanosleep)\b|(^|[^_\w])sleep(\(|\s+\d)|\bimport\b.*\bsleep\b)");
  for (const SourceFile& file : all_sources()) {
    const bool runs = file.is_cpp() || file.is(".py") || file.is(".sh") || file.is(".js") || file.is(".mjs");
    if (!file.below("tests/") || !runs || file.below("tests/tidy/")) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(mentions(file.lines[i], {"sleep"}) && std::regex_search(file.lines[i], sleeping))
          << place(file, i + 1) << "wait for the event, or move a ManualClock";
    }
  }
}

TEST(Tidy, EveryRoomIsDocumented) {
  const std::string text = architecture();
  ASSERT_FALSE(text.empty());
  std::set<std::string> folders;
  for (const SourceFile& file : all_sources()) {
    if (room_at(file.path) != nullptr && file.is_cpp())
      folders.insert(fs::path(file.path).parent_path().string() + "/");
  }
  for (const std::string& folder : folders) {
    EXPECT_NE(text.find("`" + folder + "`"), std::string::npos)
        << "docs/architecture.md does not say what `" << folder << "` is";
  }
}

TEST(Tidy, EveryLockIsListed) {
  const std::string text = architecture();
  const std::regex declared(R"(^\s*(mutable\s+)?Mutex\s+\w+;)");
  for (const SourceFile& file : all_sources()) {
    if (room_at(file.path) == nullptr || !file.is_cpp()) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (!mentions(file.lines[i], {"Mutex"}) || !std::regex_search(file.lines[i], declared)) continue;
      EXPECT_NE(text.find("`" + file.path + "`"), std::string::npos)
          << place(file, i + 1) << "the lock is not in the list of docs/architecture.md";
    }
  }
}

}  // namespace

const std::vector<SourceFile>& all_sources() {
  static const std::vector<SourceFile> sources = read_all();
  return sources;
}

std::vector<Include> includes_of(const SourceFile& file) {
  static const std::regex shape(R"(^\s*#\s*include\s+([<"])([^>"]+)[>"])");
  std::vector<Include> includes;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch match;
    if (mentions(file.lines[i], {"include"}) && std::regex_search(file.lines[i], match, shape))
      includes.push_back({i + 1, match[2], match[1] == "\""});
  }
  return includes;
}

std::string_view room_of(std::string_view path) {
  for (const Room& room : kRooms) {
    if (path.starts_with(room.path) && path.substr(room.path.size()).starts_with("/")) return room.path;
  }
  return "";
}

}  // namespace meridian::tidy
