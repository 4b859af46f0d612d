#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/stats/metrics.h"

namespace meridian::stats {

// What a source says at a scrape.
class Scrape {
 public:
  // `labels`: one value for each label that the table names, in its order. Setting the same metric and labels
  // twice in one scrape adds up, so that each part may report its own share.
  virtual void set(Sourced metric, double value, std::initializer_list<std::string_view> labels = {}) = 0;

 protected:
  ~Scrape() = default;
};

// All numbers of a process: the sheets of its threads, and sources that are asked at a scrape. One for each
// process, made before its threads and ended after them. Any thread may call it; none does on the hit path.
class Registry {
 public:
  // `version` is shown by meridian_build_info. Process numbers (CPU, memory, descriptors) need no source.
  [[nodiscard]] static std::unique_ptr<Registry> create(Program program, std::string version);
  virtual ~Registry() = default;

  // A sheet for one thread to count on; lives as long as the registry.
  virtual Sheet& add_sheet() = 0;
  // Names the values of a registered label set, in the order of their enumeration. Before the first scrape.
  virtual void register_labels(LabelSet set, std::span<const std::string_view> values) = 0;

  // Called at each scrape, on the scraping thread, until the handle is dropped (which waits for a scrape that
  // runs).
  class Source {
   public:
    virtual ~Source() = default;
  };
  [[nodiscard]] virtual std::unique_ptr<Source> add_source(std::function<void(Scrape&)> read) = 0;

  // Everything in the Prometheus text format. Counters and levels are shown from zero on, so that the first
  // event is an increase; of labelled histograms only the combinations that have counted.
  virtual std::string text() = 0;
  static constexpr std::string_view kTextType = "text/plain; version=0.0.4; charset=utf-8";
};

}  // namespace meridian::stats
