#include <charconv>
#include <ctime>

#include "edge/access_log.h"
#include "edge/request.h"
#include "lib/stats/table.h"

// The lines themselves: JSON with every field, or the combined format that other web servers write.
namespace meridian::edge {
namespace {

void append_number(std::string& to, std::int64_t number) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof(text), number);
  to.append(text, end.ptr);
}

// JSON text (RFC 8259 section 7). Bytes beyond ASCII that are not UTF-8 could not stand in JSON: they are
// shown as U+FFFD.
void append_json(std::string& to, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      to.push_back('\\');
      to.push_back(static_cast<char>(c));
    } else if (c < 0x20) {
      to.append("\\u00");
      to.push_back(kHex[c >> 4U]);
      to.push_back(kHex[c & 15U]);
    } else if (c < 0x80) {
      to.push_back(static_cast<char>(c));
    } else {
      to.append("\\ufffd");
    }
  }
}

void member(std::string& to, std::string_view name, std::string_view value) {
  to.append(",\"").append(name).append("\":\"");
  append_json(to, value);
  to.push_back('"');
}

void member(std::string& to, std::string_view name, std::int64_t value) {
  to.append(",\"").append(name).append("\":");
  append_number(to, value);
}

// The words of metrics, so that logs and metrics speak of the same things.
template <class Label>
std::string_view text_of(Label label) {
  return stats::label_row(stats::LabelTraits<Label>::kSet).values[static_cast<std::size_t>(label)];
}

// Quotes, backslashes and control characters are shown as \xHH, as others do, so that a line cannot be
// forged.
void append_combined(std::string& to, std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  if (text.empty()) to.push_back('-');
  for (const char raw : text) {
    const auto c = static_cast<unsigned char>(raw);
    if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
      to.append("\\x");
      to.push_back(kHex[c >> 4U]);
      to.push_back(kHex[c & 15U]);
    } else {
      to.push_back(raw);
    }
  }
}

void append_time(std::string& to, std::int64_t wall_ms, const char* format) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  to.append(text, std::strftime(text, sizeof(text), format, &parts));
}

}  // namespace

std::uint64_t LogBuffer::add(const Request& request, std::int64_t wall_ms, std::int64_t duration_ms,
                             bool completed) {
  if (log_.format() == config::LogFormat::kJson)
    add_json(request, wall_ms, duration_ms, completed);
  else
    add_combined(request, wall_ms);
  ++count_;
  return lines_.size() >= kHandOver ? flush() : 0;
}

std::uint64_t LogBuffer::flush() {
  if (lines_.empty()) return 0;
  const std::uint64_t count = std::exchange(count_, 0);
  std::string lines;
  lines.reserve(kHandOver + 4096);
  lines.swap(lines_);
  return log_.submit(std::move(lines)) ? 0 : count;
}

void LogBuffer::add_json(const Request& request, std::int64_t wall_ms, std::int64_t duration_ms,
                         bool completed) {
  const http::Exchange& exchange = request.exchange();
  const http::RequestHead& head = exchange.request();
  const Request::Outcome& outcome = request.outcome();
  std::string& to = lines_;
  to.append("{\"time\":\"");
  append_time(to, wall_ms, "%Y-%m-%dT%H:%M:%S");
  to.push_back('.');
  const std::int64_t ms = wall_ms % 1000;
  if (ms < 100) to.push_back('0');
  if (ms < 10) to.push_back('0');
  append_number(to, ms);
  to.append("Z\"");
  member(to, "client", request.client_address());
  member(to, "site", request.site() == nullptr ? std::string_view() : request.site()->config.name);
  member(to, "method", head.method_name);
  member(to, "scheme", head.scheme);
  member(to, "host", head.authority);
  member(to, "path", head.path);
  member(to, "protocol", http::version_name(head.version));
  member(to, "status", outcome.status);
  member(to, "bytes", static_cast<std::int64_t>(exchange.bytes_sent()));
  member(to, "duration_ms", duration_ms);
  member(to, "first_byte_ms", outcome.first_byte_ms);
  member(to, "cache", text_of(outcome.result));
  member(to, "tier", text_of(outcome.tier));
  if (outcome.miss != http::MissReason::kNone) member(to, "miss", http::token_of(outcome.miss));
  if (outcome.fwd_status != 0) member(to, "origin_status", outcome.fwd_status);
  if (!outcome.detail.empty()) member(to, "detail", outcome.detail);
  if (!outcome.error.empty()) member(to, "error", outcome.error);
  if (!completed) to.append(",\"aborted\":true");
  if (!request.request_id().empty()) member(to, "request_id", request.request_id());
  if (exchange.tls() != nullptr) member(to, "tls", exchange.tls()->version);
  member(to, "referer", head.fields.value(http::FieldId::kReferer));
  member(to, "user_agent", head.fields.value(http::FieldId::kUserAgent));
  to.append("}\n");
}

void LogBuffer::add_combined(const Request& request, std::int64_t wall_ms) {
  const http::Exchange& exchange = request.exchange();
  const http::RequestHead& head = exchange.request();
  std::string& to = lines_;
  to.append(request.client_address()).append(" - - [");
  append_time(to, wall_ms, "%d/%b/%Y:%H:%M:%S +0000");
  to.append("] \"");
  append_combined(to, head.method_name);
  to.push_back(' ');
  append_combined(to, head.path);
  to.append(" ").append(http::version_name(head.version)).append("\" ");
  append_number(to, request.outcome().status);
  to.push_back(' ');
  append_number(to, static_cast<std::int64_t>(exchange.bytes_sent()));
  to.append(" \"");
  append_combined(to, head.fields.value(http::FieldId::kReferer));
  to.append("\" \"");
  append_combined(to, head.fields.value(http::FieldId::kUserAgent));
  to.append("\"\n");
}

}  // namespace meridian::edge
