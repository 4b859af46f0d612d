#include "lib/http/target_uri.h"

#include <algorithm>
#include <array>

#include "lib/http/authority.h"

namespace meridian::http {
namespace {

// What a byte is in a path or query.
enum Class : std::uint8_t {
  kPlain,     // stands for itself: unreserved, sub-delims, ":", "@", "/"
  kEncode,    // no URI character: percent-encoded
  kPercent,   // begins an encoding
  kQuestion,  // ends the path; plain in a query
  kRefuse,    // control characters, space
  kHash,      // a fragment, which has no place on the wire
};

constexpr std::array<Class, 256> make_classes() {
  std::array<Class, 256> classes{};
  for (std::size_t i = 0; i < 256; ++i) classes[i] = i <= 0x20 || i == 0x7f ? kRefuse : kEncode;
  for (const char* c = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/";
       *c != '\0'; ++c) {
    classes[static_cast<unsigned char>(*c)] = kPlain;
  }
  classes['%'] = kPercent;
  classes['?'] = kQuestion;
  classes['#'] = kHash;
  return classes;
}
constexpr std::array<Class, 256> kClasses = make_classes();

Class class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool is_alnum(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z'); }
bool is_unreserved(char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void append_encoded(char c, std::string& to) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  to += '%';
  to += kHex[byte >> 4U];
  to += kHex[byte & 15U];
}

// Normalises the encoding at text[i], which is "%". False when two hex digits do not follow.
bool append_percent(std::string_view text, std::size_t i, std::string& to, bool& nul) {
  if (i + 2 >= text.size()) return false;
  const int high = hex_value(text[i + 1]);
  const int low = hex_value(text[i + 2]);
  if (high < 0 || low < 0) return false;
  const char c = static_cast<char>(high * 16 + low);
  nul = nul || c == '\0';
  if (is_unreserved(c))
    to += c;
  else
    append_encoded(c, to);
  return true;
}

// RFC 3986 section 6.2.2: appends `text` with its encodings in normal form.
UriError append_normal(std::string_view text, bool is_query, std::string& to) {
  bool nul = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (class_of(text[i])) {
      case kPercent:
        if (!append_percent(text, i, to, nul)) return UriError::kPercent;
        i += 2;
        break;
      case kEncode:
        append_encoded(text[i], to);
        break;
      case kRefuse:
        return UriError::kControl;
      case kHash:
        return UriError::kFragment;
      case kPlain:
      case kQuestion:
        to += text[i];
        break;
    }
  }
  return nul && !is_query ? UriError::kNul : UriError::kNone;
}

// RFC 3986 section 5.2.4, in place, on the path that begins at `begin` with "/".
void remove_dot_segments(std::string& text, std::size_t begin) {
  std::size_t out = begin;
  std::size_t in = begin;
  while (in < text.size()) {
    const std::size_t end = std::min(text.find('/', in + 1), text.size());
    const std::string_view segment = std::string_view(text).substr(in, end - in);  // with its leading "/"
    const bool last = end == text.size();
    const bool up = segment == "/..";
    if (up || segment == "/.") {
      while (up && out > begin && text[--out] != '/') {
      }
      if (last) text[out++] = '/';
    } else {
      std::copy(text.begin() + static_cast<std::ptrdiff_t>(in),
                text.begin() + static_cast<std::ptrdiff_t>(end),
                text.begin() + static_cast<std::ptrdiff_t>(out));
      out += segment.size();
    }
    in = end;
  }
  text.resize(out);
}

// "*" matches any characters.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  for (std::size_t t = 0; t < text.size();) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++, star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1, t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string_view parameter_name(std::string_view parameter) {
  return parameter.substr(0, parameter.find('='));
}

// Applies the policy to the query that begins at `begin`, behind its "?".
void apply_query_policy(const UriPolicy& policy, std::size_t begin, std::string& text) {
  const std::string query = text.substr(begin);
  std::vector<std::string_view> kept;
  bool dropped = false;
  for (std::size_t at = 0; at <= query.size();) {
    const std::size_t end = std::min(query.find('&', at), query.size());
    const std::string_view parameter = std::string_view(query).substr(at, end - at);
    const bool drop =
        std::any_of(policy.drop_parameters.begin(), policy.drop_parameters.end(),
                    [&](const std::string& p) { return matches(p, parameter_name(parameter)); });
    if (drop)
      dropped = true;
    else
      kept.push_back(parameter);
    at = end + 1;
  }
  if (policy.sort_query) {
    std::stable_sort(kept.begin(), kept.end(), [](std::string_view a, std::string_view b) {
      return parameter_name(a) < parameter_name(b);
    });
  }
  text.resize(begin);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (i > 0) text += '&';
    text += kept[i];
  }
  if (dropped && kept.empty()) text.resize(begin - 1);
}

// One parameter of a query. A bad "%" has no normal form: such a parameter stands as it came, and so can be
// taken for no other.
UriError append_parameter(std::string_view parameter, std::string& to) {
  const std::size_t begin = to.size();
  const UriError error = append_normal(parameter, true, to);
  if (error != UriError::kPercent) return error;
  to.resize(begin);
  for (char c : parameter) {
    if (class_of(c) == kRefuse) return UriError::kControl;
    if (class_of(c) == kHash) return UriError::kFragment;
    to += c;
  }
  return UriError::kNone;
}

UriError append_query(std::string_view query, const UriPolicy& policy, std::string& to) {
  if (policy.drop_query) return UriError::kNone;
  to += '?';
  const std::size_t begin = to.size();
  for (std::size_t at = 0; at <= query.size();) {
    const std::size_t end = std::min(query.find('&', at), query.size());
    if (at > 0) to += '&';
    const UriError error = append_parameter(query.substr(at, end - at), to);
    if (error != UriError::kNone) return error;
    at = end + 1;
  }
  if (policy.sort_query || !policy.drop_parameters.empty()) apply_query_policy(policy, begin, to);
  return UriError::kNone;
}

// Where the first character stands that makes the path something else than normal; a dot behind a slash may.
std::size_t plain_prefix(std::string_view path) {
  std::size_t i = 0;
  for (char previous = '\0'; i < path.size() && class_of(path[i]) == kPlain; previous = path[i++]) {
    if (path[i] == '.' && previous == '/') break;
  }
  return i;
}

UriError append_target(std::string_view target, const UriPolicy& policy, TargetKey& key) {
  const std::size_t plain = plain_prefix(target);
  if (plain == target.size()) {
    key.text += target;
    return UriError::kNone;
  }
  const std::size_t path_end = std::min(target.find('?', plain), target.size());
  if (path_end == plain) {
    key.text += target.substr(0, plain);
  } else {
    const UriError error = append_normal(target.substr(0, path_end), false, key.text);
    if (error != UriError::kNone) return error;
    remove_dot_segments(key.text, key.path_begin);
  }
  if (path_end == target.size()) return UriError::kNone;
  return append_query(target.substr(path_end + 1), policy, key.text);
}

}  // namespace

std::string_view token_of(UriError error) {
  switch (error) {
    case UriError::kNone:
      return "none";
    case UriError::kScheme:
      return "uri-scheme";
    case UriError::kHost:
      return "uri-host";
    case UriError::kPercent:
      return "uri-percent";
    case UriError::kNul:
      return "uri-nul";
    case UriError::kControl:
      return "uri-control";
    case UriError::kFragment:
      return "uri-fragment";
    case UriError::kNotAPath:
      return "uri-not-a-path";
  }
  return "none";
}

UriError make_key(std::string_view scheme, std::string_view authority, std::string_view path,
                  const UriPolicy& policy, TargetKey& key) {
  const bool secure = equals_ignoring_case(scheme, "https");
  if (!secure && !equals_ignoring_case(scheme, "http")) return UriError::kScheme;
  if (path.empty() || path.front() != '/') return UriError::kNotAPath;
  key.text.assign(secure ? "https://" : "http://");
  key.host_begin = static_cast<std::uint32_t>(key.text.size());
  if (!append_authority(authority, secure ? 443 : 80, key.text)) return UriError::kHost;
  key.path_begin = static_cast<std::uint32_t>(key.text.size());
  return append_target(path, policy, key);
}

}  // namespace meridian::http
