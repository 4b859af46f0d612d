#pragma once

#include <map>
#include <string>
#include <string_view>

#include "config/edge_config.h"
#include "config/problems.h"

// What the checks of config/check.h are made of.
namespace meridian::config {

inline std::string at(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

// Says where each value was first seen.
class Seen {
 public:
  explicit Seen(Problems& problems) : problems_(problems) {}
  void add(const std::string& value, const std::string& path, std::string_view what) {
    const auto [first, fresh] = paths_.emplace(value, path);
    if (!fresh)
      problems_.add(path, std::string(what) + " " + in_quotes(value) + " is taken by " + first->second);
  }

 private:
  Problems& problems_;
  std::map<std::string, std::string> paths_;
};

// A file that will have to be read.
void check_readable(const std::string& file, const std::string& path, Problems& problems);

void check_memcached(const EdgeConfig& config, Problems& problems);
// This edge's region, its peers, the regions, and the sites that name one as their shield.
void check_regions(const EdgeConfig& config, Problems& problems);

}  // namespace meridian::config
