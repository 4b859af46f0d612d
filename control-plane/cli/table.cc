#include "control-plane/cli/table.h"

#include <algorithm>
#include <array>
#include <ctime>

namespace meridian::cli {
namespace {

std::string printable(std::string_view text) {
  std::string shown(text);
  for (char& c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = '?';
  }
  return shown;
}

// Characters and not bytes.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void append_padded(std::string_view text, std::size_t width, std::string& to) {
  to.append(text).append(width - std::min(width, width_of(text)), ' ');
}

std::string text_of(const wire::Json& json, std::string_view name) {
  const wire::Json* const value = json.find(name);
  if (value == nullptr) return {};
  const bool is_plain = value->is(wire::Json::Kind::kString) || value->is(wire::Json::Kind::kNumber);
  return is_plain ? value->text() : value->to_text();
}

std::int64_t time_of(const wire::Json& json) {
  const wire::Json* const value = json.find("time_ms");
  return value == nullptr ? 0 : static_cast<std::int64_t>(value->number(INT64_MAX).value_or(0));
}

std::string from_of(const wire::Json& entry) {
  const std::string from = text_of(entry, "from");
  return text_of(entry, "author") + (from.empty() ? "" : " from " + from) + " at " + text_of(entry, "node");
}

}  // namespace

std::string time_text(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  std::array<char, 32> text{};
  if (gmtime_r(&seconds, &parts) == nullptr) return "?";
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return std::string(text.data(), size);
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  std::vector<std::vector<std::string>> shown = rows;
  for (auto& row : shown) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = printable(row[i]);
      widths[i] = std::max(widths[i], width_of(row[i]));
    }
  }
  std::string text;
  for (const auto& row : shown) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) append_padded(row[i], widths[i] + 2, text);
    // The last column may be long, and nothing stands behind it.
    if (!row.empty()) text += row.back();
    text += '\n';
  }
  return text;
}

std::vector<std::string> entry_head() { return {"SEQ", "EPOCH", "TIME (UTC)", "KIND", "BY", "WHAT"}; }

std::vector<std::string> entry_row(const wire::Json& entry) {
  return {text_of(entry, "seq"),  text_of(entry, "epoch"), time_text(time_of(entry)),
          text_of(entry, "kind"), from_of(entry),          text_of(entry, "payload")};
}

std::string entry_line(const wire::Json& entry) {
  constexpr std::array<std::size_t, 5> kWidths = {8, 4, 20, 14, 40};
  const std::vector<std::string> row = entry_row(entry);
  std::string line;
  for (std::size_t i = 0; i < kWidths.size(); ++i) {
    append_padded(printable(row[i]), kWidths[i], line);
    line += ' ';
  }
  return line + printable(row.back()) + "\n";
}

std::string state_text(const wire::Json& state) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string_view name : {"seq", "epoch", "leader", "edge_seq", "chain", "idempotency_keys"})
    rows.push_back({std::string(name), text_of(state, name)});
  if (const wire::Json* const purges = state.find("purges")) {
    rows.push_back({"purges kept", text_of(*purges, "kept")});
    rows.push_back({"purge floor", text_of(*purges, "floor")});
  }
  std::string text = table(rows);
  std::vector<std::vector<std::string>> tokens = {{"TOKEN", "NAME", "ROLE", "SITES", "SINCE"}};
  if (const wire::Json* const all = state.find("tokens")) {
    for (const wire::Json& token : all->items()) {
      tokens.push_back({text_of(token, "id"), text_of(token, "name"), text_of(token, "role"),
                        text_of(token, "sites"), text_of(token, "seq")});
    }
  }
  return text + "\n" + table(tokens);
}

}  // namespace meridian::cli
