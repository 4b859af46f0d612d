#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/replay/report.h"

namespace meridian::replay {
namespace {

using nlohmann::json;

json of(const Row& row) {
  json policies = json::object();
  for (std::size_t i = 0; i < row.names.size(); ++i) {
    policies[row.names[i]] = {{"hit_ratio", row.ratios[i].hits}, {"byte_hit_ratio", row.ratios[i].bytes}};
  }
  return {{"trace", row.trace},
          {"share", row.share},
          {"capacity_bytes", row.capacity},
          {"policies", std::move(policies)}};
}

json of(const SsdRow& row) {
  const TwoLevel::Counts& counts = row.counts;
  return {{"trace", row.trace},
          {"admission", row.admission},
          {"ram_share", row.ram_share},
          {"ssd_share", row.ssd_share},
          {"write_budget_bytes_a_day", row.write_budget},
          {"ram_hit_ratio", counts.ram_hits / counts.requests},
          {"ssd_hit_ratio", counts.ssd_hits / counts.requests},
          {"ram_byte_hit_ratio", counts.ram_hit_bytes / counts.bytes},
          {"ssd_byte_hit_ratio", counts.ssd_hit_bytes / counts.bytes},
          {"promotion_window", row.promotion_window},
          {"promotions", counts.promotions},
          {"written_bytes", counts.written_bytes},
          {"reinserted_bytes", counts.reinserted_bytes},
          {"days", counts.days}};
}

}  // namespace

std::string json_of(const Results& results) {
  json rows = json::array();
  for (const Row& row : results.rows) rows.push_back(of(row));
  json ssd_rows = json::array();
  for (const SsdRow& row : results.ssd_rows) ssd_rows.push_back(of(row));
  const json all = {{"eviction", std::move(rows)}, {"admission", std::move(ssd_rows)}};
  // A trace may be named by a file whose name is not UTF-8.
  return all.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Bars> read_bars(const std::string& file) {
  std::ifstream stream(file);
  const json bars = json::parse(stream, nullptr, false);
  const auto number = [&](const char* name) {
    const json::json_pointer at(std::string("/replay/") + name);
    return bars.contains(at) && bars.at(at).is_number() ? bars.at(at).get<double>() : -1;
  };
  const Bars read = {number("behind_best_by_requests"), number("behind_best_by_bytes")};
  if (bars.is_discarded() || read.requests_points < 0 || read.bytes_points < 0) {
    return fail(ErrorCode::kInvalid, ErrorSource::kOperator, file + " has no bars for replay");
  }
  return read;
}

std::vector<std::string> misses(const std::vector<Row>& rows, const Bars& bars) {
  std::vector<std::string> missed;
  for (const Row& row : rows) {
    const auto ours = std::find(row.names.begin(), row.names.end(), kOurs);
    if (ours == row.names.end()) continue;
    const Ratios& own = row.ratios[static_cast<std::size_t>(ours - row.names.begin())];
    const auto check = [&](const char* what, double Ratios::*ratio, double most_points) {
      double best = 0;
      std::string by;
      for (std::size_t i = 0; i < row.names.size(); ++i) {
        if (row.kinds[i] != Contender::Kind::kOnline || row.ratios[i].*ratio <= best) continue;
        best = row.ratios[i].*ratio;
        by = row.names[i];
      }
      const double behind = 100 * (best - own.*ratio);
      if (behind <= most_points) return;
      char text[160];
      std::snprintf(text, sizeof(text),
                    "%s at %.2f%% of the working set: %.2f points of %s behind %s, bar %.2f",
                    row.trace.c_str(), 100 * row.share, behind, what, by.c_str(), most_points);
      missed.push_back(text);
    };
    check("requests", &Ratios::hits, bars.requests_points);
    check("bytes", &Ratios::bytes, bars.bytes_points);
  }
  return missed;
}

}  // namespace meridian::replay
