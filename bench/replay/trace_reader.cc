#include "bench/replay/trace_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include "bench/replay/trace_line.h"

namespace meridian::replay {

void TraceReader::read(std::istream& from, const std::string& name) {
  std::string text;
  for (std::uint64_t number = 1; std::getline(from, text); ++number) {
    add_line(text, name + ":" + std::to_string(number) + ": ");
  }
}

Result<void> TraceReader::read_file(const std::string& path) {
  if (path == "-") {
    read(std::cin, "stdin");
    return {};
  }
  std::ifstream file(path);
  if (!file) {
    return fail(ErrorCode::kIo, ErrorSource::kOperator, "cannot read " + path + ": " + std::strerror(errno));
  }
  read(file, path);
  return {};
}

void TraceReader::add_line(std::string_view text, const std::string& place) {
  TraceLine line;
  if (text.size() > kMostLineBytes) {
    line.kind = TraceLine::Kind::kBad;
    line.problem = "the line is longer than 1 MiB";
  } else {
    line = parse_trace_line(text);
  }
  if (line.kind == TraceLine::Kind::kRequest && ids_.size() >= kMostObjects && ids_.count(line.key) == 0) {
    line.kind = TraceLine::Kind::kBad;
    line.problem = "there are more objects than a replay can hold";
  }
  if (line.kind == TraceLine::Kind::kBad) {
    ++bad_lines_;
    tell_(place + std::string(line.problem));
    return;
  }
  if (line.kind == TraceLine::Kind::kSkipped) {
    ++skipped_lines_;
    return;
  }
  const auto [at, fresh] = ids_.try_emplace(std::move(line.key), static_cast<ObjectId>(ids_.size()));
  if (fresh) trace_.object_bytes.push_back(1);
  std::uint64_t& bytes = trace_.object_bytes[at->second];
  bytes = std::max(bytes, line.bytes);
  trace_.requests.push_back({line.time_ms, at->second, line.ttl_s != 0 ? line.ttl_s : ttl_s_});
}

Trace TraceReader::finish(std::string name) {
  trace_.name = std::move(name);
  std::stable_sort(trace_.requests.begin(), trace_.requests.end(),
                   [](const Request& a, const Request& b) { return a.time_ms < b.time_ms; });
  ids_.clear();
  return std::move(trace_);
}

}  // namespace meridian::replay
