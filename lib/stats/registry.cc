#include "lib/stats/registry.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <list>
#include <map>
#include <utility>

#include "lib/base/check.h"
#include "lib/base/mutex.h"
#include "lib/stats/process.h"
#include "lib/stats/table.h"

namespace meridian::stats {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

prometheus::MetricType type_of(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return prometheus::MetricType::Counter;
    case MetricType::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricType::kHistogram:
      break;
  }
  return prometheus::MetricType::Histogram;
}

std::string_view name_of(Program program) {
  switch (program) {
    case Program::kOrigin:
      return "meridian-origin";
    case Program::kControl:
      return "meridian-control";
    default:
      return "meridian-edge";
  }
}

MetricFamily family_of(const MetricRow& row) {
  MetricFamily family;
  family.name = row.name;
  family.help = row.help;
  family.type = type_of(row.type);
  return family;
}

void put_number(const MetricRow& row, double value, ClientMetric& to) {
  if (row.type == MetricType::kCounter)
    to.counter.value = value;
  else
    to.gauge.value = value;
}

// Collects what sources say, family by family. Lives for one scrape.
class Collected final : public Scrape {
 public:
  explicit Collected(Program program) : program_(program) {}

  void set(Sourced metric, double value, std::initializer_list<std::string_view> labels) override {
    const MetricRow& row = row_of(metric);
    if (row.program != program_ && row.program != Program::kEvery) return;
    std::vector<std::string> key(labels.begin(), labels.end());
    values_[metric][std::move(key)] += value;
  }

  void append_to(std::vector<MetricFamily>& families) const {
    for (const auto& [metric, by_labels] : values_) {
      const MetricRow& row = row_of(metric);
      MetricFamily family = family_of(row);
      for (const auto& [labels, value] : by_labels) put(row, labels, value, family);
      if (!family.metric.empty()) families.push_back(std::move(family));
    }
  }

 private:
  static void put(const MetricRow& row, const std::vector<std::string>& labels, double value,
                  MetricFamily& family) {
    ClientMetric& metric = family.metric.emplace_back();
    std::string_view names = row.label_names;
    for (const std::string& label : labels) {
      const std::size_t comma = std::min(names.find(','), names.size());
      metric.label.push_back({std::string(names.substr(0, comma)), label});
      names.remove_prefix(std::min(comma + 1, names.size()));
    }
    // A source that names more or fewer labels than the table is a bug of ours, not worth a crash at a
    // scrape.
    const bool right = names.empty() && (metric.label.empty() || !metric.label.back().name.empty());
    if (!right) {
      BUG_COUNT();
      family.metric.pop_back();
      return;
    }
    put_number(row, value, metric);
  }

  Program program_;
  std::map<Sourced, std::map<std::vector<std::string>, double>> values_;
};

class RegistryImpl final : public Registry {
 public:
  RegistryImpl(Program program, std::string version) : program_(program), version_(std::move(version)) {
    for (std::size_t i = 0; i < kSets; ++i) {
      const LabelRow& row = label_row(static_cast<LabelSet>(i));
      label_values_[i].assign(row.values.begin(), row.values.end());
    }
  }

  Sheet& add_sheet() override {
    MutexLock lock(mutex_);
    return *sheets_.emplace_back(std::make_unique<Sheet>());
  }

  void register_labels(LabelSet set, std::span<const std::string_view> values) override {
    MutexLock lock(mutex_);
    const LabelRow& row = label_row(set);
    CHECK(row.values.empty() && values.size() <= row.most);
    label_values_[static_cast<std::size_t>(set)].assign(values.begin(), values.end());
  }

  std::unique_ptr<Source> add_source(std::function<void(Scrape&)> read) override {
    MutexLock lock(mutex_);
    sources_.push_back(std::move(read));
    return std::make_unique<SourceImpl>(*this, std::prev(sources_.end()));
  }

  std::string text() override {
    MutexLock lock(mutex_);
    std::vector<MetricFamily> families;
    for (const MetricRow& row : metric_table()) {
      if (!row.sourced && (row.program == program_ || row.program == Program::kEvery))
        append_counted(row, families);
    }
    Collected collected(program_);
    report_process(collected);
    collected.set(Sourced::kBuildInfo, 1, {name_of(program_), version_});
    collected.set(Sourced::kBugs, static_cast<double>(bug_count()), {});
    for (const auto& source : sources_) source(collected);
    collected.append_to(families);
    return prometheus::TextSerializer().Serialize(families);
  }

 private:
  using Sources = std::list<std::function<void(Scrape&)>>;
  static constexpr std::size_t kSets = static_cast<std::size_t>(LabelSet::kCount);

  class SourceImpl final : public Source {
   public:
    SourceImpl(RegistryImpl& registry, Sources::iterator at) : registry_(registry), at_(at) {}
    ~SourceImpl() override {
      MutexLock lock(registry_.mutex_);
      registry_.sources_.erase(at_);
    }
    SourceImpl(const SourceImpl&) = delete;
    SourceImpl& operator=(const SourceImpl&) = delete;

   private:
    RegistryImpl& registry_;
    Sources::iterator at_;
  };

  // The sum over all sheets; levels wrap around below zero, and so does their sum, back to what it should be.
  std::uint64_t sum(std::size_t cell) const REQUIRES(mutex_) {
    std::uint64_t total = 0;
    for (const auto& sheet : sheets_) total += sheet->cell(cell);
    return total;
  }

  const std::vector<std::string>& values_of(LabelSet set) const REQUIRES(mutex_) {
    return label_values_[static_cast<std::size_t>(set)];
  }

  // Combination number `index` (row-major, as Labels::index) of a metric's labels. A cell that counts values
  // beyond the registered ones is shown as "other".
  std::vector<ClientMetric::Label> labels_at(const MetricRow& row, std::size_t index) const REQUIRES(mutex_) {
    std::vector<ClientMetric::Label> labels(row.set_count);
    for (std::size_t i = row.set_count; i-- > 0;) {
      const LabelRow& set = label_row(row.sets[i]);
      const std::vector<std::string>& values = values_of(row.sets[i]);
      const std::size_t value = index % set.most;
      labels[i] = {std::string(set.name), value < values.size() ? values[value] : "other"};
      index /= set.most;
    }
    return labels;
  }

  // Whether every label of the combination has a name: a registered set may use less than it could.
  bool is_named(const MetricRow& row, std::size_t index) const REQUIRES(mutex_) {
    for (std::size_t i = row.set_count; i-- > 0;) {
      const std::size_t most = label_row(row.sets[i]).most;
      if (index % most >= values_of(row.sets[i]).size()) return false;
      index /= most;
    }
    return true;
  }

  void append_counted(const MetricRow& row, std::vector<MetricFamily>& families) const REQUIRES(mutex_) {
    std::size_t combinations = 1;
    for (std::size_t i = 0; i < row.set_count; ++i) combinations *= label_row(row.sets[i]).most;
    MetricFamily family = family_of(row);
    for (std::size_t index = 0; index < combinations; ++index) {
      ClientMetric metric;
      const bool is_histogram = row.type == MetricType::kHistogram;
      const bool counted =
          is_histogram ? read_histogram(row, index, metric) : read_number(row, index, metric);
      const bool shown = counted || row.set_count == 0 || (!is_histogram && is_named(row, index));
      if (!shown) continue;
      metric.label = labels_at(row, index);
      family.metric.push_back(std::move(metric));
    }
    if (!family.metric.empty()) families.push_back(std::move(family));
  }

  bool read_number(const MetricRow& row, std::size_t index, ClientMetric& to) const REQUIRES(mutex_) {
    const std::uint64_t total = sum(row.first + index);
    const bool is_level = row.type == MetricType::kGauge;
    put_number(row,
               is_level ? static_cast<double>(static_cast<std::int64_t>(total)) : static_cast<double>(total),
               to);
    return total != 0;
  }

  bool read_histogram(const MetricRow& row, std::size_t index, ClientMetric& to) const REQUIRES(mutex_) {
    const std::size_t first = row.first + index * (row.bounds.size() + 2);
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < row.bounds.size(); ++i) {
      count += sum(first + i);
      to.histogram.bucket.push_back({count, static_cast<double>(row.bounds[i]) / row.scale});
    }
    count += sum(first + row.bounds.size());
    to.histogram.bucket.push_back({count, std::numeric_limits<double>::infinity()});
    to.histogram.sample_count = count;
    to.histogram.sample_sum = static_cast<double>(sum(first + row.bounds.size() + 1)) / row.scale;
    return count != 0;
  }

  const Program program_;
  const std::string version_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Sheet>> sheets_ GUARDED_BY(mutex_);
  Sources sources_ GUARDED_BY(mutex_);
  std::vector<std::string> label_values_[kSets] GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<Registry> Registry::create(Program program, std::string version) {
  return std::make_unique<RegistryImpl>(program, std::move(version));
}

}  // namespace meridian::stats
