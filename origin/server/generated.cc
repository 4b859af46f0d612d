#include "origin/server/generated.h"

#include <algorithm>
#include <charconv>

#include "lib/http/http1.h"
#include "origin/server/echo.h"
#include "origin/server/oracle.h"

namespace meridian::origin {
namespace {

using http::Method;

constexpr std::uint64_t kMaxWaitMs = 3'600'000;
constexpr std::uint64_t kMaxPieceBytes = 1024 * 1024;
constexpr std::string_view kReadOnly = "GET, HEAD, OPTIONS";
// Fields of the connection and of framing: the wire layer's business, which a query must not break.
constexpr std::string_view kReservedFields[] = {
    "connection", "content-length", "keep-alive",        "proxy-connection",
    "te",         "trailer",        "transfer-encoding", "upgrade"};

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t limit) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || number > limit)
    return std::nullopt;
  return number;
}

// The query's parameters: those that a resource takes for itself, and the rest, which are header fields.
class Query {
 public:
  // False when the query does not decode.
  bool parse(std::string_view query) {
    std::optional<QueryParameters> parsed = parse_query(query);
    if (!parsed) return false;
    parameters_ = *std::move(parsed);
    return true;
  }
  std::optional<std::string> take(std::string_view name) {
    const auto found = std::find_if(parameters_.begin(), parameters_.end(),
                                    [&](const auto& p) { return http::equals_ignoring_case(p.first, name); });
    if (found == parameters_.end()) return std::nullopt;
    std::string value = std::move(found->second);
    parameters_.erase(found);
    return value;
  }
  // A number; `fallback` when absent. A mistake is kept for problem().
  std::uint64_t take_number(std::string_view name, std::uint64_t fallback, std::uint64_t limit) {
    const std::optional<std::string> text = take(name);
    if (!text) return fallback;
    const std::optional<std::uint64_t> number = parse_number(*text, limit);
    if (!number)
      note(std::string(name) + ": '" + *text + "' is not a number from 0 to " + std::to_string(limit));
    return number.value_or(fallback);
  }
  // What is left, as header fields.
  void apply_fields(HeaderBlock& headers) {
    std::vector<std::string> seen;
    for (const auto& parameter : parameters_) {
      const std::string& name = parameter.first;
      const std::string& value = parameter.second;
      const bool reserved =
          std::any_of(std::begin(kReservedFields), std::end(kReservedFields),
                      [&name = name](auto field) { return http::equals_ignoring_case(name, field); });
      if (!http::is_token(name) || reserved)
        note("'" + name + "' is no field that a response may be given");
      else if (!http::is_field_value(value))
        note(name + ": the value is not a field value");
      else if (std::find(seen.begin(), seen.end(), name) != seen.end())
        headers.add(name, value);
      else if (value.empty())
        headers.remove(name);
      else
        headers.set(name, value);
      seen.push_back(name);
    }
    parameters_.clear();
  }
  void note(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }
  const std::string& problem() const { return problem_; }

 private:
  QueryParameters parameters_;
  std::string problem_;
};

struct Target {
  std::string_view path;
  std::string_view query;
  std::string_view name;      // "_bytes"
  std::string_view argument;  // what follows the next slash
};

Target split_target(std::string_view target) {
  Target split;
  const std::size_t question = target.find('?');
  split.path = target.substr(0, question);
  if (question != std::string_view::npos) split.query = target.substr(question + 1);
  std::string_view rest = split.path;
  if (!rest.empty()) rest.remove_prefix(1);
  const std::size_t slash = rest.find('/');
  split.name = rest.substr(0, slash);
  if (slash != std::string_view::npos) split.argument = rest.substr(slash + 1);
  return split;
}

// Names the fields that the response varies on, so that the body differs where the response says that it may.
std::string oracle_name(const GeneratedRequest& request, const Target& target, std::string_view vary) {
  std::string name(target.path);
  http::for_each_member(vary, [&](std::string_view field) {
    std::string scratch;
    name.append("\n").append(field).append(":").append(request.head.fields.combined(field, scratch));
    return true;
  });
  return name;
}

std::uint64_t take_key(const GeneratedRequest& request, const Target& target, Query& query,
                       HeaderBlock& headers) {
  const std::uint64_t seed = query.take_number("seed", 0, UINT64_MAX);
  const std::uint64_t version = query.take_number("version", request.content_version, UINT64_MAX);
  if (const std::optional<std::string> vary = query.take("vary"); vary && !vary->empty())
    headers.set("Vary", *vary);
  return oracle_key({oracle_name(request, target, headers.value("Vary")), seed, version});
}

std::string hex(std::uint64_t number) {
  char digits[16];
  return {digits, std::to_chars(digits, digits + sizeof digits, number, 16).ptr};
}

Answer answer_bytes(const GeneratedRequest& request, const Target& target, Query& query) {
  const std::optional<std::uint64_t> size = parse_number(target.argument, kMaxGeneratedBytes);
  if (!size) return text_answer(404, "/_bytes/N takes a number of bytes.\n");
  if (request.head.method != Method::kGet && request.head.method != Method::kHead) {
    return method_answer(request.head.method, kReadOnly);
  }
  Representation representation;
  const std::uint64_t key = take_key(request, target, query, representation.headers);
  representation.content_type = "application/octet-stream";
  representation.etag = query.take("etag").value_or('"' + hex(key) + '"');
  representation.last_modified = query.take("last-modified").value_or("");
  if (auto type = query.take("content-type")) representation.content_type = *type;
  query.apply_fields(representation.headers);
  for (const std::string& validator :
       {representation.etag, representation.last_modified, representation.content_type}) {
    if (!http::is_field_value(validator)) query.note("a validator is not a field value");
  }
  representation.content = std::make_unique<OracleContent>(key, *size);
  return select_answer(request.head, std::move(representation), request.loop.wall_ms() / 1000,
                       request.boundary);
}

Answer answer_status(const Target& target, Query& query) {
  const std::optional<std::uint64_t> status = parse_number(target.argument, 599);
  if (!status || *status < 200) return text_answer(404, "/_status/N takes a status from 200 to 599.\n");
  const int code = static_cast<int>(*status);
  Answer answer =
      text_answer(code, std::to_string(code) + " " + std::string(http::reason_phrase(code)) + "\n");
  if (code == 204 || code == 304)
    answer.body = nullptr, answer.length.reset(), answer.headers.remove("Content-Type");
  query.apply_fields(answer.headers);
  return answer;
}

Answer answer_echo(const GeneratedRequest& request, Query& query) {
  Answer answer = text_answer(200, echo_json(request.head, request.peer, request.body));
  answer.headers.set("Content-Type", "application/json");
  answer.headers.set("Cache-Control", "no-store");
  query.apply_fields(answer.headers);
  return answer;
}

Answer answer_sse(const GeneratedRequest& request, Query& query) {
  if (request.head.method != Method::kGet && request.head.method != Method::kHead) {
    return method_answer(request.head.method, kReadOnly);
  }
  const auto interval_ms = static_cast<std::int64_t>(query.take_number("interval", 1000, kMaxWaitMs));
  const std::uint64_t count = query.take_number("count", 0, UINT64_MAX);
  // Without a pause an endless stream would only be a flood.
  if (interval_ms == 0 && count == 0) query.note("interval: 0 needs a count");
  Answer answer;
  answer.headers.set("Content-Type", "text/event-stream; charset=utf-8");
  answer.headers.set("Cache-Control", "no-store");
  query.apply_fields(answer.headers);
  answer.body =
      std::make_unique<TimedBody>(request.loop, interval_ms, [&loop = request.loop, count](std::uint64_t n) {
        if (count != 0 && n >= count) return std::string();
        return "id: " + std::to_string(n) + "\ndata: {\"number\":" + std::to_string(n) +
               ",\"time_ms\":" + std::to_string(loop.wall_ms()) + "}\n\n";
      });
  return answer;
}

// "Name:value" as a field line of the trailer section.
void take_trailer(Query& query, Answer& answer) {
  const std::optional<std::string> trailer = query.take("trailer");
  if (!trailer) return;
  const std::size_t colon = trailer->find(':');
  const std::string_view name = http::trim(std::string_view(*trailer).substr(0, colon));
  const std::string_view value = colon == std::string::npos
                                     ? std::string_view()
                                     : http::trim(std::string_view(*trailer).substr(colon + 1));
  if (!http::is_token(name) || !http::is_field_value(value)) return query.note("trailer: is not Name:value");
  answer.headers.set("Trailer", name);
  http::append_field(answer.trailer_block, name, value);
}

Answer answer_chunked(const GeneratedRequest& request, const Target& target, Query& query) {
  const std::optional<std::uint64_t> size = parse_number(target.argument, kMaxGeneratedBytes);
  if (!size) return text_answer(404, "/_chunked/N takes a number of bytes.\n");
  if (request.head.method != Method::kGet && request.head.method != Method::kHead) {
    return method_answer(request.head.method, kReadOnly);
  }
  Answer answer;
  const std::uint64_t key = take_key(request, target, query, answer.headers);
  const std::uint64_t piece = std::max<std::uint64_t>(query.take_number("piece", 4096, kMaxPieceBytes), 1);
  const auto interval_ms = static_cast<std::int64_t>(query.take_number("interval", 0, kMaxWaitMs));
  answer.headers.set("Content-Type", "application/octet-stream");
  take_trailer(query, answer);
  query.apply_fields(answer.headers);
  answer.body =
      std::make_unique<TimedBody>(request.loop, interval_ms, [key, size = *size, piece](std::uint64_t n) {
        const std::uint64_t offset = n * piece;
        std::string bytes(offset >= size ? 0 : static_cast<std::size_t>(std::min(piece, size - offset)),
                          '\0');
        oracle_fill(key, offset, bytes.data(), bytes.size());
        return bytes;
      });
  return answer;
}

Answer dispatch(const GeneratedRequest& request, const Target& target, Query& query) {
  if (target.name == "_bytes") return answer_bytes(request, target, query);
  if (target.name == "_status") return answer_status(target, query);
  if (target.name == "_echo") return answer_echo(request, query);
  if (target.name == "_sse") return answer_sse(request, query);
  return answer_chunked(request, target, query);
}

}  // namespace

void BodyDigest::add(std::string_view piece) {
  bytes += piece.size();
  fnv1a64 = origin::fnv1a64(piece, fnv1a64);
}

bool is_generated(std::string_view path) {
  const std::string_view name = split_target(path).name;
  return name == "_bytes" || name == "_status" || name == "_echo" || name == "_sse" || name == "_chunked";
}

bool reads_body(std::string_view path) { return split_target(path).name == "_echo"; }

Answer answer_generated(const GeneratedRequest& request) {
  const Target target = split_target(request.head.path);
  Query query;
  if (!query.parse(target.query)) return text_answer(400, "The query is not percent-encoded rightly.\n");
  const std::uint64_t delay_ms = query.take_number("delay", 0, kMaxWaitMs);
  const std::optional<std::string> hint = query.take("hint");
  if (hint && !http::is_field_value(*hint)) query.note("hint: the value is not a field value");
  Answer answer = dispatch(request, target, query);
  if (!query.problem().empty()) return text_answer(400, query.problem() + "\n");
  answer.delay_ms = static_cast<std::int64_t>(delay_ms);
  if (hint) http::append_field(answer.early_hints.emplace_back(), "Link", *hint);
  return answer;
}

}  // namespace meridian::origin
