#include "docs/generate/pages.h"
#include "lib/stats/table.h"

namespace meridian::docs {
namespace {

std::string_view name_of(stats::MetricType type) {
  switch (type) {
    case stats::MetricType::kCounter:
      return "counter";
    case stats::MetricType::kGauge:
      return "gauge";
    case stats::MetricType::kHistogram:
      break;
  }
  return "histogram";
}

std::string labels_of(const stats::MetricRow& row) {
  std::string labels;
  const auto add = [&](std::string_view name) {
    labels.append(labels.empty() ? "`" : ", `").append(name).append("`");
  };
  for (std::size_t i = 0; i < row.set_count; ++i) add(stats::label_row(row.sets[i]).name);
  std::string_view names = row.label_names;
  while (!names.empty()) {
    const std::size_t comma = std::min(names.find(','), names.size());
    add(names.substr(0, comma));
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return labels;
}

void append_values(const stats::MetricRow& row, std::string& page) {
  for (std::size_t i = 0; i < row.set_count; ++i) {
    const stats::LabelRow& set = stats::label_row(row.sets[i]);
    page.append(" `").append(set.name).append("` is ");
    if (set.values.empty()) page += "one of [reasons.md](reasons.md).";
    for (std::size_t v = 0; v < set.values.size(); ++v) {
      page.append(v == 0 ? "" : v + 1 == set.values.size() ? " or " : ", ").append("`").append(set.values[v]);
      page += "`";
    }
    if (!set.values.empty()) page += ".";
  }
}

void append_program(std::string_view title, stats::Program program, std::string& page) {
  page.append("\n## ").append(title).append(
      "\n\n| metric | type | labels | what it says |\n| --- | --- | --- | --- |\n");
  for (const stats::MetricRow& row : stats::metric_table()) {
    if (row.program != program) continue;
    page.append("| `").append(row.name).append("` | ").append(name_of(row.type)).append(" | ");
    page.append(labels_of(row)).append(" | ").append(row.help);
    append_values(row, page);
    page += " |\n";
  }
}

}  // namespace

std::string metrics_page() {
  std::string page =
      "# Metrics\n\n"
      "<!-- Made by meridian-docs from lib/stats/metrics.def. Edit that, then run meridian-docs --write. "
      "-->\n\n"
      "In the Prometheus text format at `/metrics` of the admin listener. Counters stand at zero from the "
      "start, so that "
      "the first event is an increase; of labelled histograms only the combinations that have counted are "
      "shown.\n";
  append_program("meridian-edge", stats::Program::kEdge, page);
  append_program("meridian-origin", stats::Program::kOrigin, page);
  append_program("meridian-control", stats::Program::kControl, page);
  append_program("Every program", stats::Program::kEvery, page);
  return page;
}

}  // namespace meridian::docs
