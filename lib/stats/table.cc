#include "lib/stats/table.h"

#include <vector>

namespace meridian::stats {
namespace {

template <class... L>
void put_sets(Labels<L...>, MetricRow& row) {
  ((row.sets[row.set_count++] = LabelTraits<L>::kSet), ...);
}

template <class L>
MetricRow counted(MetricType type, std::string_view name, Program program, std::string_view help,
                  std::size_t first) {
  MetricRow row{.name = name, .help = help, .program = program, .type = type};
  put_sets(L{}, row);
  row.first = first;
  return row;
}

template <class B, class L>
MetricRow histogram(std::string_view name, Program program, std::string_view help, std::size_t first) {
  MetricRow row = counted<L>(MetricType::kHistogram, name, program, help, first);
  row.bounds = B::kBounds;
  row.scale = B::kScale;
  return row;
}

MetricRow sourced(MetricType type, std::string_view name, Program program, std::string_view labels,
                  std::string_view help) {
  return {
      .name = name, .help = help, .program = program, .type = type, .sourced = true, .label_names = labels};
}

std::vector<MetricRow> make_table() {
  using enum MetricType;
  return {
#define NONE Labels<>
#define ONE(a) Labels<a>
#define TWO(a, b) Labels<a, b>
#define COUNTER(id, program, name, labels, help) counted<labels>(kCounter, name, program, help, id.first),
#define LEVEL(id, program, name, labels, help) counted<labels>(kGauge, name, program, help, id.first),
#define HISTOGRAM(id, program, name, bounds, labels, help) \
  histogram<buckets::bounds, labels>(name, program, help, id.first),
#define SOURCED(id, program, kind, name, labels, help) sourced(kind, name, program, labels, help),
#include "lib/stats/metrics.def"
#undef COUNTER
#undef LEVEL
#undef HISTOGRAM
#undef SOURCED
#undef NONE
#undef ONE
#undef TWO
  };
}

std::vector<const MetricRow*> make_sourced_index() {
  std::vector<const MetricRow*> index;
  for (const MetricRow& row : metric_table()) {
    if (row.sourced) index.push_back(&row);
  }
  return index;
}

#define V(id, text) text,
#define LABELS(type, label, values) constexpr std::string_view k##type##Values[] = {values};
#define REGISTERED_LABELS(type, label, most)
#include "lib/stats/labels.def"
#undef V
#undef LABELS
#undef REGISTERED_LABELS

constexpr LabelRow kLabelRows[] = {
#define LABELS(type, label, values) {label, k##type##Values, LabelTraits<type>::kCount},
#define REGISTERED_LABELS(type, label, most) {label, {}, most},
#include "lib/stats/labels.def"
#undef LABELS
#undef REGISTERED_LABELS
};

}  // namespace

std::span<const MetricRow> metric_table() {
  static const std::vector<MetricRow> table = make_table();
  return table;
}

const MetricRow& row_of(Sourced metric) {
  static const std::vector<const MetricRow*> index = make_sourced_index();
  return *index[static_cast<std::size_t>(metric)];
}

const LabelRow& label_row(LabelSet set) { return kLabelRows[static_cast<std::size_t>(set)]; }

}  // namespace meridian::stats
