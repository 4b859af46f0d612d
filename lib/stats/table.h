#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "lib/stats/metrics.h"

// metrics.def and labels.def as data: for the registry, which prints the numbers, and for the reference page.
namespace meridian::stats {

enum class MetricType : std::uint8_t { kCounter, kGauge, kHistogram };

struct MetricRow {
  std::string_view name = {};
  std::string_view help = {};
  Program program = Program::kEvery;
  MetricType type = MetricType::kCounter;
  bool sourced = false;
  // Of a counted metric: its label sets, the last one varying fastest, and where its cells begin on a sheet.
  LabelSet sets[2] = {};
  std::size_t set_count = 0;
  std::size_t first = 0;
  // Of a sourced metric: the names of its labels, joined by commas.
  std::string_view label_names = {};
  // Of a histogram.
  std::span<const std::int64_t> bounds = {};
  double scale = 1;
};

// In the order of metrics.def.
std::span<const MetricRow> metric_table();
const MetricRow& row_of(Sourced metric);

struct LabelRow {
  std::string_view name = {};                // "status"
  std::span<const std::string_view> values;  // empty for a registered set
  std::size_t most = 0;                      // how many values it can have
};
const LabelRow& label_row(LabelSet set);

}  // namespace meridian::stats
