#include "config/problems.h"

#include <algorithm>

namespace meridian::config {
namespace {

// Levenshtein's distance with a swap of neighbours as one step, over three rows.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
      row[j] = std::min({change, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

void Problems::wrong(const std::string& path, std::string_view found, std::string_view allowed) {
  add(path, std::string("found ").append(found).append(", allowed: ").append(allowed));
}

void Problems::add(const std::string& path, std::string_view sentence) {
  add_at(place_of(path), path, sentence);
}

void Problems::add_at(Place place, const std::string& path, std::string_view sentence) {
  std::string text = file_;
  if (place.line > 0) text += ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
  text += ": ";
  if (!path.empty()) text += path + ": ";
  lines_.push_back({place, text.append(sentence)});
}

std::string Problems::text() const {
  std::vector<Line> sorted = lines_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Line& a, const Line& b) {
    return a.place.line != b.place.line ? a.place.line < b.place.line : a.place.column < b.place.column;
  });
  std::string text;
  for (std::size_t i = 0; i < sorted.size() && i < kMostShown; ++i) {
    if (i > 0) text += '\n';
    text += sorted[i].text;
  }
  if (sorted.size() > kMostShown) text += "\nand " + std::to_string(sorted.size() - kMostShown) + " more";
  return text;
}

Place Problems::place_of(std::string path) const {
  while (!path.empty()) {
    if (const auto at = places_.find(path); at != places_.end()) return at->second;
    const std::size_t cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
  const auto top = places_.find("");
  return top == places_.end() ? Place{} : top->second;
}

std::string_view nearest(std::string_view key, std::span<const std::string_view> known) {
  // Keys are short; anything far longer than all of them is near to none.
  if (key.size() > 64) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, key.size() / 2) + 1;
  for (std::string_view candidate : known) {
    const std::size_t distance = edit_distance(key, candidate);
    if (distance < best_distance) best = candidate, best_distance = distance;
  }
  return best;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMostShown = 80;
  std::string out = "\"";
  for (char c : text.substr(0, kMostShown))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (text.size() > kMostShown ? "...\"" : "\"");
}

}  // namespace meridian::config
