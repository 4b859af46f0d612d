#pragma once

#include <functional>
#include <istream>
#include <string>
#include <unordered_map>

#include "bench/replay/trace.h"
#include "lib/base/result.h"

namespace meridian::replay {

// Makes a trace of lines (trace_line.h). Bad lines are told and left out.
class TraceReader {
 public:
  using Tell = std::function<void(const std::string& place_and_problem)>;
  // `ttl_s`: the lifetime of objects whose lines say none; 0: never stale.
  explicit TraceReader(std::uint32_t ttl_s, Tell tell) : ttl_s_(ttl_s), tell_(std::move(tell)) {}

  void read(std::istream& from, const std::string& name);
  // "-" is standard input.
  [[nodiscard]] Result<void> read_file(const std::string& path);
  std::uint64_t bad_lines() const { return bad_lines_; }
  std::uint64_t skipped_lines() const { return skipped_lines_; }
  // What was read, in the order of time: a log is in the order in which answers ended.
  Trace finish(std::string name);

  static constexpr std::size_t kMostLineBytes = 1 << 20;
  static constexpr std::size_t kMostObjects = 1U << 30U;

 private:
  void add_line(std::string_view text, const std::string& place);

  const std::uint32_t ttl_s_;
  const Tell tell_;
  Trace trace_;
  std::unordered_map<std::string, ObjectId> ids_;
  std::uint64_t bad_lines_ = 0;
  std::uint64_t skipped_lines_ = 0;
};

}  // namespace meridian::replay
