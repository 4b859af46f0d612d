#include <cstdio>

#include "bench/replay/report.h"

namespace meridian::replay {
namespace {

std::string text(const char* format, auto... values) {
  char buffer[256];
  std::snprintf(buffer, sizeof(buffer), format, values...);
  return buffer;
}

std::string size_text(double bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(kUnits)) bytes /= 1024, ++unit;
  return text(bytes < 10 ? "%.1f %s" : "%.0f %s", bytes, kUnits[unit]);
}

// The best of the online policies has a star.
bool is_best(const Row& row, std::size_t column) {
  if (row.kinds[column] != Contender::Kind::kOnline) return false;
  for (std::size_t i = 0; i < row.ratios.size(); ++i) {
    if (row.kinds[i] == Contender::Kind::kOnline && row.ratios[i].hits > row.ratios[column].hits)
      return false;
  }
  return true;
}

}  // namespace

std::string table_of(const std::vector<Row>& rows) {
  if (rows.empty()) return {};
  std::string to = "hits % / bytes %, * the best online policy by hits\n";
  to += text("%-12s %8s %9s", "trace", "share", "cache");
  for (const std::string& name : rows.front().names) to += text(" | %12s", name.c_str());
  to += "\n";
  for (const Row& row : rows) {
    to += text("%-12.12s %7.2f%% %9s", row.trace.c_str(), 100 * row.share,
               size_text(static_cast<double>(row.capacity)).c_str());
    for (std::size_t i = 0; i < row.ratios.size(); ++i) {
      to += text(" |%c%5.2f /%5.2f", is_best(row, i) ? '*' : ' ', 100 * row.ratios[i].hits,
                 100 * row.ratios[i].bytes);
    }
    to += "\n";
  }
  return to;
}

std::string table_of(const std::vector<SsdRow>& rows) {
  if (rows.empty()) return {};
  std::string to = "RAM and SSD: hits % / bytes %, promotions in % of requests, written to SSD\n";
  to += text("%-12s %-11s %12s %6s | %14s | %14s | %14s | %9s | %12s %12s %11s\n", "trace", "admission",
             "budget a day", "window", "ram", "ssd", "both", "promoted", "written", "a day", "reinserted");
  for (const SsdRow& row : rows) {
    const TwoLevel::Counts& counts = row.counts;
    const auto pair = [&](double hits, double bytes) {
      return text("%6.2f /%6.2f", 100 * hits / counts.requests, 100 * bytes / counts.bytes);
    };
    const std::string budget = row.write_budget == 0 ? "-" : size_text(static_cast<double>(row.write_budget));
    const std::string a_day = counts.days > 0 ? size_text(counts.written_bytes / counts.days) : "-";
    to += text("%-12.12s %-11s %12s %6.2f | %14s | %14s | %14s | %8.2f%% | %12s %12s %11s\n",
               row.trace.c_str(), row.admission.c_str(), budget.c_str(), row.promotion_window,
               pair(counts.ram_hits, counts.ram_hit_bytes).c_str(),
               pair(counts.ssd_hits, counts.ssd_hit_bytes).c_str(),
               pair(counts.ram_hits + counts.ssd_hits, counts.ram_hit_bytes + counts.ssd_hit_bytes).c_str(),
               100 * counts.promotions / counts.requests, size_text(counts.written_bytes).c_str(),
               a_day.c_str(), size_text(counts.reinserted_bytes).c_str());
  }
  return to;
}

}  // namespace meridian::replay
