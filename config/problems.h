#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::config {

// Counted from 1; 0 when there is no place (flags).
struct Place {
  int line = 0;
  int column = 0;
};

// The mistakes of one file, each with its place. Checks that run after reading name a value by its path
// ("sites[1].hosts[0]"); the place was noted when it was read. Lives for one load.
class Problems {
 public:
  // `file` is what messages begin with.
  explicit Problems(std::string file) : file_(std::move(file)) {}

  void note(const std::string& path, Place place) { places_.emplace(path, place); }

  // "found ..., allowed: ...".
  void wrong(const std::string& path, std::string_view found, std::string_view allowed);
  // Any other sentence about the value at `path`.
  void add(const std::string& path, std::string_view sentence);
  void add_at(Place place, const std::string& path, std::string_view sentence);

  bool empty() const { return lines_.empty(); }
  // One line each, in the order of the file; beyond kMostShown only how many more.
  std::string text() const;
  static constexpr std::size_t kMostShown = 50;

 private:
  // Of the value, or of the nearest one around it that is in the file.
  Place place_of(std::string path) const;

  std::string file_;
  std::map<std::string, Place> places_;
  struct Line {
    Place place;
    std::string text;
  };
  std::vector<Line> lines_;
};

// Of the known keys the one with the smallest edit distance to `key`; "" when none is near.
std::string_view nearest(std::string_view key, std::span<const std::string_view> known);

// Text as it is shown in a message: in quotes, cut when long, control characters replaced.
std::string in_quotes(std::string_view text);

}  // namespace meridian::config
