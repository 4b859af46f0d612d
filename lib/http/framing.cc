#include <limits>

#include "lib/http/chars.h"
#include "lib/http/field_parser.h"
#include "lib/http/http1.h"

// How a body is delimited (RFC 9112 section 6) and whether the connection persists (section 9.3).
namespace meridian::http {
namespace {

constexpr ParseResult kGood = {ParseState::kDone};

// A length that a signed 64-bit offset can hold: nothing else in the program needs to fear overflow.
bool parse_length(std::string_view text, std::uint64_t& length) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (text.empty()) return false;
  std::uint64_t value = 0;
  for (char c : text) {
    if (!is_digit(c)) return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (kMax - digit) / 10) return false;
    value = value * 10 + digit;
  }
  length = value;
  return true;
}

enum class Coding : std::uint8_t { kMalformed, kChunkedOnly, kNotFinal, kUnknown, kUnsupported };

// Codings that change the bytes (RFC 9112 section 7.2). We never ask for them and do not undo them.
bool is_compression(std::string_view coding) {
  for (std::string_view known : {"gzip", "x-gzip", "deflate", "compress", "x-compress"}) {
    if (equals_ignoring_case(coding, known)) return true;
  }
  return false;
}

// Looks at members with empty ones kept: a list like ", chunked" is read differently by different recipients.
struct CodingList {
  std::size_t members = 0;
  std::size_t chunked = 0;
  bool chunked_last = false;
  bool compressed = false;
  bool malformed = false;

  void add_line(std::string_view line) {
    for (;;) {
      const std::size_t comma = line.find(',');
      add(trim(line.substr(0, comma)));
      if (comma == std::string_view::npos) return;
      line.remove_prefix(comma + 1);
    }
  }
  void add(std::string_view member) {
    ++members;
    chunked_last = equals_ignoring_case(member, "chunked");
    if (chunked_last) ++chunked;
    // A parameter may follow another coding's name; chunked has none (RFC 9112 section 7).
    const std::string_view name = trim(member.substr(0, member.find(';')));
    if (is_compression(name)) compressed = true;
    if (!is_token(name) || (!chunked_last && equals_ignoring_case(name, "chunked"))) malformed = true;
  }
};

Coding coding_of(const FieldList& fields) {
  CodingList list;
  for (const Field& field : fields) {
    if (field.id == FieldId::kTransferEncoding) list.add_line(field.value);
  }
  if (list.malformed) return Coding::kMalformed;
  if (list.chunked == 0 && list.members == 1 && !list.compressed) return Coding::kUnknown;
  if (!list.chunked_last || list.chunked > 1) return Coding::kNotFinal;
  return list.members == 1 ? Coding::kChunkedOnly : Coding::kUnsupported;
}

ParseResult coding_framing(const FieldList& fields, Version version, Framing& framing) {
  if (fields.has(FieldId::kContentLength)) return bad_result(BadMessage::kLengthWithCoding);
  if (version == Version::kHttp10) return bad_result(BadMessage::kCodingInHttp10);
  switch (coding_of(fields)) {
    case Coding::kMalformed:
      return bad_result(BadMessage::kBadCoding);
    case Coding::kUnknown:
    case Coding::kNotFinal:
      return bad_result(BadMessage::kCodingNotFinal);
    case Coding::kUnsupported:
      return bad_result(BadMessage::kCodingUnsupported);
    case Coding::kChunkedOnly:
      break;
  }
  framing.kind = Framing::Kind::kChunked;
  return kGood;
}

ParseResult length_framing(const FieldList& fields, Framing& framing) {
  if (fields.count(FieldId::kContentLength) > 1) return bad_result(BadMessage::kSeveralLengths);
  const std::string_view value = fields.value(FieldId::kContentLength);
  if (!parse_length(value, framing.length)) {
    const bool list = value.find(',') != std::string_view::npos;
    return bad_result(list ? BadMessage::kSeveralLengths : BadMessage::kBadLength);
  }
  framing.kind = Framing::Kind::kLength;
  return kGood;
}

bool persists(const FieldList& fields, Version version) {
  bool close = version == Version::kHttp10;
  if (!fields.has(FieldId::kConnection)) return !close;
  bool keep = false;
  bool asked_close = false;
  for (const Field& field : fields) {
    if (field.id != FieldId::kConnection) continue;
    for_each_member(field.value, [&](std::string_view member) {
      if (equals_ignoring_case(member, "close"))
        asked_close = true;
      else if (equals_ignoring_case(member, "keep-alive"))
        keep = true;
      return true;
    });
  }
  return !asked_close && (!close || keep);
}

ParseResult field_framing(const FieldList& fields, Version version, Framing& framing) {
  framing = {};
  framing.keep_alive = persists(fields, version);
  if (fields.has(FieldId::kTransferEncoding)) return coding_framing(fields, version, framing);
  if (fields.has(FieldId::kContentLength)) return length_framing(fields, framing);
  return kGood;
}

}  // namespace

ParseResult request_framing(const RequestHead& head, Framing& framing) {
  const ParseResult result = field_framing(head.fields, head.version, framing);
  if (result.state == ParseState::kDone && framing.kind == Framing::Kind::kLength && framing.length == 0) {
    framing.kind = Framing::Kind::kNone;
  }
  return result;
}

namespace {

// A response whose one coding is a word that we do not know: RFC 9112 section 6.3, rule 4, ends it with the
// connection, and everybody who gets such messages passes the bytes on as they are.
bool ends_with_connection(const ResponseHead& head) {
  return head.fields.has(FieldId::kTransferEncoding) && !head.fields.has(FieldId::kContentLength) &&
         head.version != Version::kHttp10 && coding_of(head.fields) == Coding::kUnknown;
}

}  // namespace

ParseResult response_framing(const ResponseHead& head, bool to_head, Framing& framing) {
  if (ends_with_connection(head)) {
    framing = {};
    framing.keep_alive = false;
  } else {
    const ParseResult result = field_framing(head.fields, head.version, framing);
    if (result.state != ParseState::kDone) return result;
  }
  const bool no_body = to_head || head.status < 200 || head.status == 204 || head.status == 304;
  if (no_body) {
    framing.kind = Framing::Kind::kNone;  // the length stays: it tells what a GET would bring
  } else if (framing.kind == Framing::Kind::kNone) {
    framing.kind = Framing::Kind::kUntilClose;
    framing.keep_alive = false;
  }
  return kGood;
}

bool is_token(std::string_view text) {
  const char* end = text.data() + text.size();
  return !text.empty() && skip_token(text.data(), end) == end;
}

bool is_field_value(std::string_view text) {
  if (text.empty()) return true;
  const char* end = text.data() + text.size();
  return !is_blank(text.front()) && !is_blank(text.back()) && skip_value(text.data(), end) == end;
}

}  // namespace meridian::http
