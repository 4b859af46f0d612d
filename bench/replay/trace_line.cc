#include "bench/replay/trace_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "bench/replay/flat_json.h"
#include "bench/replay/log_time.h"

namespace meridian::replay {
namespace {

// Objects beyond this are no objects: the sums of bytes must fit.
constexpr std::uint64_t kMostBytes = 1ULL << 44U;

TraceLine bad(std::string_view problem) {
  TraceLine line;
  line.kind = TraceLine::Kind::kBad;
  line.problem = problem;
  return line;
}

TraceLine skipped() { return {}; }

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

TraceLine request(std::optional<std::int64_t> time_ms, std::string key, std::optional<std::uint64_t> bytes,
                  std::optional<std::uint32_t> ttl_s) {
  if (!time_ms) return bad("this is no time");
  if (key.empty() || key.size() > kMostKeyBytes) return bad("a key has between 1 byte and 64 KiB");
  if (!bytes || *bytes > kMostBytes) return bad("this is no size in bytes");
  if (!ttl_s) return bad("this is no lifetime in seconds");
  TraceLine line;
  line.kind = TraceLine::Kind::kRequest;
  line.time_ms = *time_ms;
  line.key = std::move(key);
  line.bytes = *bytes;
  line.ttl_s = *ttl_s;
  return line;
}

// Answers that no cache could have given: labels.def has the words.
bool passes_by(std::string_view cache) {
  constexpr std::array<std::string_view, 4> kWords = {"pass", "hit-for-miss", "tunnel", "local"};
  return std::find(kWords.begin(), kWords.end(), cache) != kWords.end();
}

TraceLine parse_json(std::string_view text) {
  FlatJson json(text);
  std::string time, method, cache, scheme, host, path, bytes;
  while (auto member = json.next()) {
    struct Wanted {
      std::string_view name;
      std::string& to;
      bool is_string;
    };
    const Wanted wanted[] = {{"time", time, true},     {"method", method, true}, {"cache", cache, true},
                             {"scheme", scheme, true}, {"host", host, true},     {"path", path, true},
                             {"bytes", bytes, false}};
    for (const Wanted& each : wanted) {
      if (each.name == member->name && each.is_string == member->is_string)
        each.to = std::move(member->value);
    }
  }
  if (json.broken()) return bad("this is no JSON object of strings and numbers");
  if (method.empty() || path.empty())
    return bad("this is no line of the access log: method or path is missing");
  if (method != "GET" || passes_by(cache)) return skipped();
  return request(parse_json_time(time), scheme + "://" + host + path, number_of<std::uint64_t>(bytes), 0U);
}

// Takes up to the next `end`, which is taken too; nothing when there is none.
std::optional<std::string_view> take_until(std::string_view& rest, std::string_view end) {
  const std::size_t at = rest.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at + end.size());
  return taken;
}

// host ident user [time] "METHOD target VERSION" status bytes ...
TraceLine parse_combined(std::string_view rest) {
  const auto before = take_until(rest, " [");
  const auto time = before ? take_until(rest, "] \"") : std::nullopt;
  const auto quoted = time ? take_until(rest, "\" ") : std::nullopt;
  if (!quoted) return bad("this is neither JSON, nor the combined format, nor: time key size [ttl]");
  std::string_view line = *quoted;
  const auto method = take_until(line, " ");
  const auto target = method ? take_until(line, " HTTP/") : std::nullopt;
  if (!target) return bad("the request line is not: METHOD target HTTP/version");
  if (*method != "GET") return skipped();
  const auto status = take_until(rest, " ");
  if (!status || !number_of<unsigned>(*status)) return bad("the status is no number");
  const std::string_view bytes = rest.substr(0, rest.find(' '));
  return request(parse_combined_time(*time), std::string(*target),
                 bytes == "-" ? std::optional<std::uint64_t>(0) : number_of<std::uint64_t>(bytes), 0U);
}

TraceLine parse_plain(std::string_view rest) {
  std::array<std::string_view, 4> words;
  std::size_t count = 0;
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if (rest.empty()) break;
    if (count == words.size()) return bad("there is more than: time key size [ttl]");
    words[count] = rest.substr(0, rest.find_first_of(" \t"));
    rest.remove_prefix(words[count++].size());
  }
  if (count < 3) return bad("there is less than: time key size [ttl]");
  return request(parse_seconds(words[0]), std::string(words[1]), number_of<std::uint64_t>(words[2]),
                 count == 4 ? number_of<std::uint32_t>(words[3]) : 0U);
}

}  // namespace

TraceLine parse_trace_line(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) {
    line.remove_suffix(1);
  }
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  if (line.empty() || line.front() == '#') return skipped();
  if (line.front() == '{') return parse_json(line);
  if (line.find("] \"") != std::string_view::npos) return parse_combined(line);
  return parse_plain(line);
}

}  // namespace meridian::replay
