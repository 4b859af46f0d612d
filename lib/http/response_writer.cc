#include "lib/http/response_writer.h"

#include <charconv>
#include <cstring>
#include <utility>

#include "lib/base/check.h"

namespace meridian::http {
namespace {

// The lines that nearly every response begins with, ready made.
std::string_view common_status_line(int status) {
  switch (status) {
    case 200:
      return "HTTP/1.1 200 OK\r\n";
    case 206:
      return "HTTP/1.1 206 Partial Content\r\n";
    case 301:
      return "HTTP/1.1 301 Moved Permanently\r\n";
    case 302:
      return "HTTP/1.1 302 Found\r\n";
    case 304:
      return "HTTP/1.1 304 Not Modified\r\n";
    case 404:
      return "HTTP/1.1 404 Not Found\r\n";
    default:
      return {};
  }
}

constexpr std::string_view kChunked = "Transfer-Encoding: chunked\r\n";
constexpr std::string_view kClose = "Connection: close\r\n";
constexpr std::string_view kKeepAlive = "Connection: keep-alive\r\n";
constexpr std::string_view kEnd = "\r\n";

void append_length(std::uint64_t length, OutputQueue& out) {
  constexpr std::string_view kName = "Content-Length: ";
  char line[48];
  std::memcpy(line, kName.data(), kName.size());
  char* end = std::to_chars(line + kName.size(), line + sizeof line, length).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(std::string_view(line, static_cast<std::size_t>(end - line)));
}

void append_chunk_size(std::size_t size, OutputQueue& out) {
  char line[24];
  char* end = std::to_chars(line, line + sizeof line, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(std::string_view(line, static_cast<std::size_t>(end - line)));
}

}  // namespace

void append_status_line(int status, std::string_view reason, OutputQueue& out) {
  const std::string_view ready = reason.empty() ? common_status_line(status) : std::string_view();
  if (!ready.empty()) return out.append(ready);
  char code[4] = {};
  std::to_chars(code, code + sizeof code, status);
  out.append("HTTP/1.1 ");
  out.append(std::string_view(code, 3));
  out.append(" ");
  out.append(reason.empty() ? reason_phrase(status) : reason);
  out.append(kEnd);
}

void append_informational(int status, std::string_view block, OutputQueue& out) {
  append_status_line(status, {}, out);
  out.append(block);
  out.append(kEnd);
}

ResponseWriter::Body ResponseWriter::choose_body(const ResponseStart& start) const {
  if (to_head_ || start.status < 200 || start.status == 204 || start.status == 304) return Body::kNone;
  if (start.has_length) return Body::kLength;
  return version_ == Version::kHttp10 ? Body::kUntilClose : Body::kChunked;
}

bool ResponseWriter::write_head(const ResponseStart& start, bool keep_alive, OutputQueue& out) {
  DCHECK(!started());
  const std::size_t before = out.size();
  framing_ = choose_body(start);
  left_ = framing_ == Body::kLength ? start.length : 0;
  if (framing_ == Body::kUntilClose) keep_alive = false;
  append_status_line(start.status, start.reason, out);
  for (std::string_view block : start.blocks) out.append(block);
  // No length in a 1xx or 204 (RFC 9110 section 8.6).
  if (start.has_length && start.status >= 200 && start.status != 204) append_length(start.length, out);
  if (framing_ == Body::kChunked) out.append(kChunked);
  if (!keep_alive) {
    out.append(kClose);
  } else if (version_ == Version::kHttp10) {
    out.append(kKeepAlive);
  }
  out.append(kEnd);
  bytes_ += out.size() - before;
  return keep_alive;
}

void ResponseWriter::write_body(Slice bytes, OutputQueue& out) {
  DCHECK(started() && !finished_);
  if (bytes.size == 0 || framing_ == Body::kNone || framing_ == Body::kNotStarted) return;
  const std::size_t before = out.size();
  if (framing_ == Body::kLength) {
    if (bytes.size > left_) {
      overflown_ = true;
      bytes = bytes.sub(0, static_cast<std::size_t>(left_));
    }
    left_ -= bytes.size;
    out.append(std::move(bytes));
  } else if (framing_ == Body::kChunked) {
    append_chunk_size(bytes.size, out);
    out.append(std::move(bytes));
    out.append(kEnd);
  } else {
    out.append(std::move(bytes));
  }
  bytes_ += out.size() - before;
}

bool ResponseWriter::finish(std::string_view trailer_block, OutputQueue& out) {
  DCHECK(started() && !finished_);
  finished_ = true;
  if (framing_ == Body::kChunked) {
    const std::size_t before = out.size();
    out.append("0\r\n");
    out.append(trailer_block);
    out.append(kEnd);
    bytes_ += out.size() - before;
  }
  return left_ == 0 && !overflown_;
}

}  // namespace meridian::http
