#pragma once

#include <string>
#include <vector>

#include "bench/replay/experiment.h"
#include "lib/base/result.h"

namespace meridian::replay {

struct Results {
  std::vector<Row> rows;
  std::vector<SsdRow> ssd_rows;
};

// For people: requests and bytes served from the cache, in percent.
std::string table_of(const std::vector<Row>& rows);
std::string table_of(const std::vector<SsdRow>& rows);
// For programs.
std::string json_of(const Results& results);
// Miss ratio of requests over the size of the cache, a curve for each policy and a chart for each trace.
std::string svg_of(const std::vector<Row>& rows);

// How far ours may be behind the best online policy, in points of hit ratio.
struct Bars {
  double requests_points = 0;
  double bytes_points = 0;
};
// What `file` (bench/bars.json) says of this program.
[[nodiscard]] Result<Bars> read_bars(const std::string& file);
// A line for each row in which ours is further behind than the bars allow.
std::vector<std::string> misses(const std::vector<Row>& rows, const Bars& bars);

}  // namespace meridian::replay
