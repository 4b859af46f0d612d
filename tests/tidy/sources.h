#pragma once

#include <string>
#include <string_view>
#include <vector>

// The project's own files as the tidy tests read them.
namespace meridian::tidy {

struct SourceFile {
  std::string path;  // from the root, with '/'
  std::vector<std::string> lines;

  bool is(std::string_view extension) const { return std::string_view(path).ends_with(extension); }
  bool is_cpp() const { return is(".cc") || is(".h"); }
  bool below(std::string_view folder) const { return std::string_view(path).starts_with(folder); }
};

struct Include {
  std::size_t line = 0;  // from 1
  std::string name;
  bool quoted = false;
};

// Every text file that people write, in the order of paths; nothing that a build or a package manager made.
const std::vector<SourceFile>& all_sources();
std::vector<Include> includes_of(const SourceFile& file);

// Where a file lives, for the include graph: "lib/base", "edge/tiers", "edge", ...; "" outside of all rooms.
std::string_view room_of(std::string_view path);

}  // namespace meridian::tidy
