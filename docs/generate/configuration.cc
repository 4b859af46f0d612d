#include "config/control_tables.h"
#include "config/origin_server_tables.h"
#include "config/tables.h"
#include "config/values.h"
#include "docs/generate/pages.h"

namespace meridian::docs {
namespace {

using namespace meridian::config;

// What a default looks like in the page.
template <class Kind>
std::string default_of(Kind kind, const typename Kind::Value& value) {
  if constexpr (requires { show(kind, value); }) {
    return "`" + show(kind, value) + "`";
  } else if constexpr (std::is_same_v<typename Kind::Value, std::string>) {
    return value.empty() ? "none" : "`" + value + "`";
  } else if constexpr (std::is_same_v<typename Kind::Value, std::vector<std::string>>) {
    std::string list;
    for (const std::string& member : value) list += (list.empty() ? "`" : ", `") + member + "`";
    return list.empty() ? "none" : list;
  } else if constexpr (std::is_same_v<Kind, Address>) {
    return value.valid() ? "`" + value.to_string() + "`" : "none";
  } else {
    return "none";
  }
}

// Inside a table cell a bar would end it.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

// Writes one section for each mapping, the outer ones first.
class PageVisitor {
 public:
  explicit PageVisitor(std::string path, std::string& page) : path_(std::move(path)), page_(page) {}

  template <class Kind>
  void param(std::string_view key, const typename Kind::Value& value, Kind kind, const Allowed& allowed,
             std::string_view doc) {
    row(key, expected_within(kind, allowed), allowed.required ? "required" : default_of(kind, value), doc);
  }
  template <class Struct>
  void block(std::string_view key, Struct&, std::string_view doc) {
    nested<Struct>(key, "a mapping", "its defaults", doc, "");
  }
  template <class Struct>
  void optional_block(std::string_view key, std::optional<Struct>&, std::string_view doc) {
    nested<Struct>(key, "a mapping", "none", doc, "");
  }
  template <class Struct>
  void blocks(std::string_view key, std::vector<Struct>&, std::size_t least, std::size_t most,
              std::string_view doc) {
    const std::string count = std::to_string(least) + " to " + std::to_string(most);
    nested<Struct>(key, "a list of " + count + " mappings", least > 0 ? "required" : "none", doc, "[]");
  }

  template <class Struct>
  static void write(const std::string& path, std::string_view doc, std::string& page) {
    page += "\n## " + (path.empty() ? std::string("The file") : "`" + path + "`") + "\n\n";
    page.append(doc).append(
        "\n\n| key | what it may be | default | what it does |\n| --- | --- | --- | --- |\n");
    Struct defaults;
    PageVisitor visitor(path, page);
    visit(visitor, defaults);
    page += visitor.sections_;
  }

 private:
  void row(std::string_view key, std::string_view allowed, std::string_view value, std::string_view doc) {
    page_.append("| `").append(key).append("` | ").append(cell(allowed)).append(" | ");
    page_.append(value).append(" | ").append(cell(doc)).append(" |\n");
  }
  template <class Struct>
  void nested(std::string_view key, std::string_view what, std::string_view value, std::string_view doc,
              std::string_view suffix) {
    const std::string path = (path_.empty() ? "" : path_ + ".") + std::string(key) + std::string(suffix);
    row(key, what, value, std::string(doc) + " See `" + path + "` below.");
    write<Struct>(path, doc, sections_);
  }

  std::string path_;
  std::string& page_;
  std::string sections_;  // of nested mappings, written after this one's table
};

std::string head_of(std::string_view program, std::string_view more) {
  std::string page = "# Configuration of ";
  page.append(program).append(
      "\n\n<!-- Made by meridian-docs from config/params/*.def. Edit those, then run meridian-docs --write. "
      "-->\n\n"
      "A YAML file, given by `--config`; `--check` reads it, says everything that is wrong with it and "
      "exits. Relative "
      "paths are taken from the folder of the file. Unknown and repeated keys are refused. ");
  return page.append(more).append(
      "\n\n- Sizes: `4096`, `16KiB`, `256MiB`, `8GiB`.\n"
      "- Durations: `500ms`, `30s`, `5m`, `2h`, `1d`.\n"
      "- Yes and no: `true` or `false`, `on` or `off`, `yes` or `no`.\n");
}

}  // namespace

std::string configuration_page() {
  std::string page = head_of(
      "meridian-edge", "[full.yaml](../../config/examples/full.yaml) is the same as a file to start from.");
  PageVisitor::write<EdgeConfig>("", "The outermost mapping.", page);
  return page;
}

std::string origin_page() {
  std::string page = head_of("meridian-origin", "Most of it can be given as flags instead.");
  PageVisitor::write<OriginServerConfig>("", "The outermost mapping.", page);
  return page;
}

std::string control_page() {
  std::string page =
      head_of("meridian-control", "`--listen`, `--data` and `--node` are enough for one node.");
  PageVisitor::write<ControlConfig>("", "The outermost mapping.", page);
  return page;
}

}  // namespace meridian::docs
