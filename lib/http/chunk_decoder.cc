#include <algorithm>

#include "lib/http/chars.h"
#include "lib/http/field_parser.h"
#include "lib/http/http1.h"

namespace meridian::http {
namespace {

constexpr std::ptrdiff_t kSizeDigits = 15;        // below 2^60
constexpr std::ptrdiff_t kExtensionBytes = 1024;  // in one line
// Extensions of all chunks together: a fixed part and a share of the data, as some signers put one on each
// chunk.
constexpr std::uint64_t kExtensionBudget = 8192;
constexpr std::uint64_t kExtensionShare = 16;

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

const char* skip_quoted(const char* p, const char* end) {
  for (++p; p != end; ++p) {
    if (*p == '"') return p + 1;
    if (*p == '\\' && ++p == end) return nullptr;
    if (!is_value_char(*p)) return nullptr;
  }
  return nullptr;
}

// RFC 9112 section 7.1.1: *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), and nothing behind
// it.
bool is_extension(const char* p, const char* end) {
  while (p != end) {
    p = skip_blanks(p, end);
    if (p == end || *p != ';') return false;
    const char* name = skip_blanks(p + 1, end);
    p = skip_token(name, end);
    if (p == name) return false;
    const char* equals = skip_blanks(p, end);
    if (equals == end || *equals != '=') continue;
    const char* value = skip_blanks(equals + 1, end);
    if (value == end) return false;
    p = *value == '"' ? skip_quoted(value, end) : skip_token(value, end);
    if (p == nullptr || p == value) return false;
  }
  return true;
}

// Fields that a trailer section must not have (RFC 9110 section 6.5.1): framing, routing, modifiers of the
// request, authentication, and what says how the content is to be processed.
constexpr FieldSet kNotInTrailers = {
    FieldId::kTransferEncoding,
    FieldId::kContentLength,
    FieldId::kHost,
    FieldId::kConnection,
    FieldId::kKeepAlive,
    FieldId::kProxyConnection,
    FieldId::kTe,
    FieldId::kTrailer,
    FieldId::kUpgrade,
    FieldId::kCacheControl,
    FieldId::kCdnCacheControl,
    FieldId::kMeridianCacheControl,
    FieldId::kSurrogateControl,
    FieldId::kPragma,
    FieldId::kExpect,
    FieldId::kMaxForwards,
    FieldId::kRange,
    FieldId::kIfMatch,
    FieldId::kIfNoneMatch,
    FieldId::kIfModifiedSince,
    FieldId::kIfUnmodifiedSince,
    FieldId::kIfRange,
    FieldId::kAuthorization,
    FieldId::kProxyAuthenticate,
    FieldId::kProxyAuthorization,
    FieldId::kProxyAuthenticationInfo,
    FieldId::kWwwAuthenticate,
    FieldId::kCookie,
    FieldId::kSetCookie,
    FieldId::kAge,
    FieldId::kExpires,
    FieldId::kDate,
    FieldId::kLocation,
    FieldId::kRetryAfter,
    FieldId::kVary,
    FieldId::kWarning,
    FieldId::kContentEncoding,
    FieldId::kContentType,
    FieldId::kContentRange,
    FieldId::kContentLocation,
    FieldId::kForwarded,
    FieldId::kXForwardedFor,
    FieldId::kXForwardedHost,
    FieldId::kXForwardedPort,
    FieldId::kXForwardedProto,
    FieldId::kXRealIp,
    FieldId::kVia,
    FieldId::kCdnLoop,
    FieldId::kOrigin,
    FieldId::kReferer,
    FieldId::kCacheTag,
    FieldId::kSurrogateKey,
};

}  // namespace

void ChunkDecoder::reset() {
  state_ = State::kSize;
  left_ = data_bytes_ = extension_bytes_ = 0;
  trailers_.clear();
}

ChunkDecoder::Step ChunkDecoder::refuse(BadMessage reason) {
  return {ParseState::kBad, 0, {}, token_of(reason)};
}

// Reads "size [extensions] CRLF" when it is whole; `p` is moved behind it.
ChunkDecoder::Step ChunkDecoder::read_size(const char*& p, const char* end) {
  const char* const digits = p;
  const char* at = digits;
  std::uint64_t size = 0;
  for (; at != end && hex_value(*at) >= 0; ++at) {
    if (at - digits >= kSizeDigits) return refuse(BadMessage::kBadChunkSize);
    size = size * 16 + static_cast<std::uint64_t>(hex_value(*at));
  }
  if (at == end) return {};
  if (at == digits) return refuse(BadMessage::kBadChunkSize);
  const char* const extension = at;
  at = skip_value(at, end);
  if (at - extension > kExtensionBytes) return refuse(BadMessage::kChunkExtensionTooLong);
  if (at == end || (*at == '\r' && end - at < 2)) return {};
  if (*at != '\r' || at[1] != '\n') return refuse(fault_or(at, BadMessage::kBadChunkSize));
  if (!is_extension(extension, at)) {
    const bool marked = *skip_blanks(extension, at) == ';';
    return refuse(marked ? BadMessage::kBadChunkExtension : BadMessage::kBadChunkSize);
  }
  extension_bytes_ += static_cast<std::uint64_t>(at - extension);
  if (extension_bytes_ > kExtensionBudget + data_bytes_ / kExtensionShare) {
    return refuse(BadMessage::kChunkExtensionTooLong);
  }
  left_ = size;
  state_ = size == 0 ? State::kTrailers : State::kData;
  p = at + 2;
  return {};
}

BadMessage ChunkDecoder::fault_or(const char* at, BadMessage otherwise) {
  switch (*at) {
    case '\r':
      return BadMessage::kBareCr;
    case '\n':
      return BadMessage::kBareLf;
    case '\0':
      return BadMessage::kNul;
    default:
      return otherwise;
  }
}

ChunkDecoder::Step ChunkDecoder::read_trailers(const char*& p, const char* end) {
  trailers_.clear();
  const FieldsResult fields = parse_fields(p, end, limits_, SpaceBeforeColon::kRefuse, trailers_);
  if (fields.state == ParseState::kBad) return refuse(fields.bad);
  if (fields.state == ParseState::kNeedMore) return {};
  if (trailers_.present().intersects(kNotInTrailers)) {
    trailers_.keep_if(
        [](const Field& field) { return field.id == FieldId::kOther || !kNotInTrailers.has(field.id); });
  }
  p = fields.end;
  state_ = State::kDone;
  return {.state = ParseState::kDone, .consumed = 0, .data = {}, .reason = {}};
}

ChunkDecoder::Step ChunkDecoder::next(std::string_view input) {
  const char* p = input.data();
  const char* const end = p + input.size();
  const auto step = [&](Step result, std::string_view data = {}) {
    result.consumed = static_cast<std::size_t>(p - input.data());
    result.data = data;
    return result;
  };
  if (state_ == State::kDataEnd) {
    if (p == end) return {};
    if (*p != '\r') return refuse(fault_or(p, BadMessage::kBadChunkEnd));
    if (end - p < 2) return {};
    if (p[1] != '\n') return refuse(BadMessage::kBareCr);
    p += 2;
    state_ = State::kSize;
  }
  if (state_ == State::kSize) {
    const Step size = read_size(p, end);
    if (size.state == ParseState::kBad || state_ == State::kSize) return step(size);
  }
  if (state_ == State::kData) {
    const auto take = static_cast<std::size_t>(std::min(left_, static_cast<std::uint64_t>(end - p)));
    const std::string_view data(p, take);
    p += take;
    left_ -= take;
    data_bytes_ += take;
    if (left_ == 0) state_ = State::kDataEnd;
    return step({}, data);
  }
  if (state_ == State::kTrailers) return step(read_trailers(p, end));
  return {.state = ParseState::kDone, .consumed = 0, .data = {}, .reason = {}};
}

}  // namespace meridian::http
