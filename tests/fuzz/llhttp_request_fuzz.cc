#include <llhttp.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/check.h"
#include "lib/http/http1.h"

// A second opinion: what we take for a request, llhttp takes for the same one: method, target, version,
// fields, framing and body. We may refuse more. Where the two differ on purpose, inputs are passed over:
//   - methods that llhttp has no number for, and those of other protocols that it has (RTSP, ICE, PRI);
//   - HTTP/1.2 to 1.9, which RFC 9110 section 2.5 has us read as HTTP/1.1;
//   - fields that make llhttp leave HTTP: Upgrade and CONNECT;
//   - chunk extensions with white space around ";" and "=", and obs-text, which RFC 9112 section 7.1.1
//   allows;
//   - Connection values, Proxy-Connection and others that llhttp checks for its own flags.
using namespace meridian::http;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Opinion {
  std::string target;
  std::string body;
  Fields fields;
  bool in_value = false;
  bool headers_done = false;
  bool message_done = false;
  std::uint8_t method = 0;
  std::uint8_t major = 0;
  std::uint8_t minor = 0;
};

Opinion& of(llhttp_t* parser) { return *static_cast<Opinion*>(parser->data); }

int on_url(llhttp_t* parser, const char* at, std::size_t size) {
  of(parser).target.append(at, size);
  return 0;
}
int on_name(llhttp_t* parser, const char* at, std::size_t size) {
  Opinion& opinion = of(parser);
  if (opinion.headers_done) return 0;  // trailers
  if (opinion.in_value || opinion.fields.empty()) opinion.fields.emplace_back();
  opinion.in_value = false;
  opinion.fields.back().first.append(at, size);
  return 0;
}
int on_value(llhttp_t* parser, const char* at, std::size_t size) {
  Opinion& opinion = of(parser);
  if (opinion.headers_done) return 0;
  opinion.in_value = true;
  opinion.fields.back().second.append(at, size);
  return 0;
}
int on_value_complete(llhttp_t* parser) {
  of(parser).in_value = true;  // also behind an empty value
  return 0;
}
int on_headers(llhttp_t* parser) {
  Opinion& opinion = of(parser);
  opinion.headers_done = true;
  opinion.method = parser->method;
  opinion.major = parser->http_major;
  opinion.minor = parser->http_minor;
  return 0;
}
int on_body(llhttp_t* parser, const char* at, std::size_t size) {
  of(parser).body.append(at, size);
  return 0;
}
int on_message(llhttp_t* parser) {
  of(parser).message_done = true;
  return HPE_PAUSED;
}

llhttp_errno_t ask(const std::string& bytes, Opinion& opinion, llhttp_t& parser) {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_url = on_url;
  settings.on_header_field = on_name;
  settings.on_header_value = on_value;
  settings.on_header_value_complete = on_value_complete;
  settings.on_headers_complete = on_headers;
  settings.on_body = on_body;
  settings.on_message_complete = on_message;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.data = &opinion;
  return llhttp_execute(&parser, bytes.data(), bytes.size());
}

bool is_known_to_both(std::string_view method) {
  for (const char* name : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PURGE"}) {
    if (method == name) return true;
  }
  return false;
}

// Chunk extensions that RFC 9112 section 7.1.1 allows and llhttp does not know.
bool is_beyond_llhttp(std::string_view chunk_line) {
  for (char c : chunk_line) {
    if (c == ' ' || c == '\t' || c == '"' || static_cast<unsigned char>(c) >= 0x80) return true;
  }
  const std::size_t value = chunk_line.find('=');
  return value != std::string_view::npos && chunk_line.find(';', value) != std::string_view::npos;
}

// White space behind a value may be tabs (RFC 9110 section 5.6.3), which llhttp does not take behind a
// length.
bool has_tab_behind_length(const RequestHead& head) {
  const Field* length = head.fields.find(FieldId::kContentLength);
  if (length == nullptr) return false;
  const char* at = length->value.data() + length->value.size();
  while (*at == ' ') ++at;
  return *at == '\t';
}

// Our own reading of the body; false when it is broken or passed over.
bool read_body(std::string_view input, const Framing& framing, std::string& body, bool& done) {
  if (framing.kind == Framing::Kind::kNone) return done = true;
  if (framing.kind == Framing::Kind::kLength) {
    done = input.size() >= framing.length;
    body = input.substr(0, framing.length);
    return true;
  }
  ChunkDecoder decoder(HeadLimits{});
  for (;;) {
    const ChunkDecoder::Step step = decoder.next(input);
    if (step.state == ParseState::kBad) return false;
    body += step.data;
    if (is_beyond_llhttp(input.substr(0, step.consumed - step.data.size()))) return false;
    done = step.state == ParseState::kDone;
    if (done || step.consumed == 0) return true;
    input.remove_prefix(step.consumed);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  RequestHead head;
  const ParseResult result = parse_request_head(bytes, {}, head);
  if (result.state != ParseState::kDone) return 0;
  Framing framing;
  if (request_framing(head, framing).state != ParseState::kDone) return 0;
  const char minor = bytes[bytes.find(" HTTP/1.") + 8];
  if (!is_known_to_both(head.method_name) || minor > '1') return 0;
  if (head.fields.has(FieldId::kUpgrade) || head.fields.has(FieldId::kConnection) ||
      head.fields.has(FieldId::kProxyConnection) || has_tab_behind_length(head)) {
    return 0;
  }
  std::string body;
  bool body_done = false;
  const bool body_is_good =
      read_body(std::string_view(bytes).substr(result.consumed), framing, body, body_done);

  Opinion opinion;
  llhttp_t parser;
  const llhttp_errno_t error = ask(bytes, opinion, parser);
  const auto differ = [&] {
    std::fprintf(stderr, "llhttp: %s %s\n", llhttp_errno_name(error), llhttp_get_error_reason(&parser));
    return false;
  };
  CHECK(opinion.headers_done || differ());
  CHECK(head.method_name == llhttp_method_name(static_cast<llhttp_method_t>(opinion.method)));
  CHECK(opinion.major == 1 && opinion.minor == (head.version == Version::kHttp10 ? 0 : 1));
  CHECK(bytes.find(" " + opinion.target + " ") != std::string::npos);
  CHECK(opinion.target == head.path || opinion.target.find(head.authority) != std::string::npos);
  CHECK(opinion.fields.size() == head.fields.size());
  std::size_t i = 0;
  for (const Field& field : head.fields) {
    CHECK(field.name == opinion.fields[i].first);
    CHECK(field.value == trim(opinion.fields[i].second));
    ++i;
  }
  if (!body_is_good) return 0;
  CHECK(opinion.message_done == body_done || differ());
  CHECK(body == opinion.body || differ());
  return 0;
}
