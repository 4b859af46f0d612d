#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.h"
#include "config/tables.h"
#include "config/values.h"

// Reads YAML into the structs of the tables. Included by loaders only: yaml-cpp is slow to compile.
namespace meridian::config {

// What a file may hold at most; beyond it the file is refused whole (a small file can grow by YAML's
// aliases).
inline constexpr std::size_t kMaxFileBytes = 8 * kMiB;
inline constexpr std::size_t kMaxValues = 300'000;
inline constexpr std::size_t kMaxListMembers = 10'000;
inline constexpr std::size_t kMaxKeys = 1'000;

inline Place place_of(const YAML::Node& node) {
  const YAML::Mark mark = node.Mark();
  return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1};
}
// A node as a message shows it.
std::string shown(const YAML::Node& node);
// Text relative to `folder`, unless it is absolute or empty.
std::string resolved_path(const std::string& folder, std::string path);

std::string folder_of(const std::string& file);
[[nodiscard]] Result<std::string> read_file(const std::string& path);
// The answer to a file with mistakes.
Failure refused(const Problems& problems);

// What one load shares between its mappings.
struct ReadState {
  Problems& problems;
  std::string folder;  // that relative paths are taken from
  std::size_t values = 0;
  // Counts one more value; false once there are too many.
  bool count() { return ++values <= kMaxValues; }
};

// The visitor (see tables.h) that fills one struct from one mapping. finish() then names the keys that nobody
// asked for.
class MappingReader {
 public:
  MappingReader(ReadState& state, const YAML::Node& mapping, std::string path);

  template <class Kind>
  void param(std::string_view key, typename Kind::Value& to, Kind kind, const Allowed& allowed,
             std::string_view) {
    const YAML::Node node = take(key, allowed.required, [&] { return expected_within(kind, allowed); });
    if (!node.IsDefined() || !state_.count()) return;
    const std::string path = below(key);
    if (!node.IsScalar()) return wrong(path, node, expected_within(kind, allowed));
    auto value = parse(kind, node.Scalar());
    bool fits = value.has_value();
    if constexpr (Numeric<Kind>) fits = fits && within(kind, *value, allowed);
    if (!allowed.may_be_empty && node.Scalar().empty()) fits = false;
    if (!fits) return wrong(path, node, expected_within(kind, allowed));
    if constexpr (std::is_same_v<Kind, FilePath>) *value = resolved_path(state_.folder, std::move(*value));
    to = std::move(*value);
  }
  void param(std::string_view key, Hosts::Value& to, Hosts kind, const Allowed& allowed, std::string_view) {
    list(key, to, kind, allowed);
  }
  void param(std::string_view key, Networks::Value& to, Networks kind, const Allowed& allowed,
             std::string_view) {
    list(key, to, kind, allowed);
  }
  void param(std::string_view key, Tokens::Value& to, Tokens kind, const Allowed& allowed, std::string_view) {
    list(key, to, kind, allowed);
  }
  void param(std::string_view key, Texts::Value& to, Texts kind, const Allowed& allowed, std::string_view) {
    list(key, to, kind, allowed);
  }
  void param(std::string_view key, Servers::Value& to, Servers kind, const Allowed& allowed,
             std::string_view) {
    list(key, to, kind, allowed);
  }
  void param(std::string_view key, StatusTtls::Value& to, StatusTtls kind, const Allowed& allowed,
             std::string_view);

  template <class Struct>
  void block(std::string_view key, Struct& to, std::string_view) {
    const YAML::Node node = take(key, false, [] { return std::string(kMapping); });
    if (node.IsDefined()) read_mapping(node, below(key), to);
  }
  template <class Struct>
  void optional_block(std::string_view key, std::optional<Struct>& to, std::string_view) {
    const YAML::Node node = take(key, false, [] { return std::string(kMapping); });
    if (node.IsDefined()) read_mapping(node, below(key), to.emplace());
  }
  template <class Struct>
  void blocks(std::string_view key, std::vector<Struct>& to, std::size_t least, std::size_t most,
              std::string_view) {
    const auto allowed = [&] {
      return "a list of " + std::to_string(least) + " to " + std::to_string(most) + " mappings";
    };
    const YAML::Node node = take(key, least > 0, allowed);
    if (!node.IsDefined()) return;
    const std::string path = below(key);
    if (!node.IsSequence()) return wrong(path, node, allowed());
    if (node.size() < least || node.size() > most) return wrong(path, node, allowed());
    to.clear();
    std::size_t i = 0;
    for (const YAML::Node& member : node) {
      if (state_.values > kMaxValues) return;
      read_mapping(member, path + "[" + std::to_string(i++) + "]", to.emplace_back());
    }
  }

  void finish();

 private:
  static constexpr std::string_view kMapping = "a mapping (key: value)";

  std::string below(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  }
  void wrong(const std::string& path, const YAML::Node& node, std::string_view allowed) {
    state_.problems.wrong(path, shown(node), allowed);
  }
  // The value of a key, noted as known; undefined when it is not there (and said so when it had to be).
  template <class Describe>
  YAML::Node take(std::string_view key, bool required, Describe&& allowed) {
    known_.push_back(key);
    const YAML::Node node = lookup(key);
    if (!node.IsDefined() && required) state_.problems.wrong(below(key), "nothing", allowed());
    return node;
  }
  YAML::Node lookup(std::string_view key);
  template <class Struct>
  void read_mapping(const YAML::Node& node, const std::string& path, Struct& to) {
    if (!state_.count()) return;
    if (!node.IsMap()) return wrong(path, node, kMapping);
    MappingReader reader(state_, node, path);
    visit(reader, to);
    reader.finish();
  }
  template <class Kind>
  void list(std::string_view key, typename Kind::Value& to, Kind kind, const Allowed& allowed) {
    const YAML::Node node = take(key, allowed.required, [&] { return std::string(expected(kind)); });
    if (!node.IsDefined()) return;
    const std::string path = below(key);
    const bool fits =
        node.IsSequence() && node.size() <= kMaxListMembers && (allowed.may_be_empty || node.size() > 0);
    if (!fits) return wrong(path, node, expected(kind));
    to.clear();
    std::size_t i = 0;
    for (const YAML::Node& member : node) {
      if (!state_.count()) return;
      const std::string at = path + "[" + std::to_string(i++) + "]";
      state_.problems.note(at, place_of(member));
      auto value = member.IsScalar() ? parse_member(kind, member.Scalar()) : std::nullopt;
      if (value)
        to.push_back(std::move(*value));
      else
        wrong(at, member, expected(kind));
    }
  }

  ReadState& state_;
  std::string path_;
  struct Entry {
    std::string key;
    YAML::Node key_node;
    YAML::Node value;
  };
  std::vector<Entry> entries_;
  std::vector<std::string_view> known_;
};

// Parses `text` (one YAML document, a mapping) into `to`; what is wrong goes to the state's problems.
YAML::Node parse_document(std::string_view text, Problems& problems);

template <class Root>
void read_document(std::string_view text, ReadState& state, Root& to) {
  const YAML::Node document = parse_document(text, state.problems);
  if (!state.problems.empty()) return;
  MappingReader reader(state, document, "");
  visit(reader, to);
  reader.finish();
  if (state.values > kMaxValues) state.problems.add("", "the file has too many values");
}

}  // namespace meridian::config
