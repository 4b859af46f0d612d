#include "origin/server/target_path.h"

namespace meridian::origin {
namespace {

constexpr std::size_t kLongestSegment = 255;  // NAME_MAX of every file system in use

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_unreserved_in_segment(char c) {
  const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return alphanumeric || std::string_view("-._~!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

bool is_hidden(const std::vector<std::string>& segments) {
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].front() == '.' && !(i == 0 && segments[i] == ".well-known")) return true;
  }
  return false;
}

// Adds one raw segment to the decoded ones. `last` has a say only in what `.` and `..` at the end mean.
PathFault add_segment(std::string_view raw, std::vector<std::string>& segments, bool& wants_directory) {
  std::optional<std::string> segment = percent_decode(raw);
  if (!segment || segment->find('\0') != std::string::npos) return PathFault::kMalformed;
  wants_directory = segment->empty() || *segment == "." || *segment == "..";
  if (*segment == "..") {
    if (segments.empty()) return PathFault::kEscape;
    segments.pop_back();
  } else if (!wants_directory) {
    if (segment->find('/') != std::string::npos || segment->size() > kLongestSegment)
      return PathFault::kNoSuch;
    segments.push_back(*std::move(segment));
  }
  return PathFault::kNone;
}

}  // namespace

PathFault decode_target(std::string_view target, TargetPath& path) {
  const std::size_t question = target.find('?');
  path = {};
  if (question != std::string_view::npos) path.query = target.substr(question + 1);
  std::string_view rest = target.substr(0, question);
  if (rest.empty() || rest.front() != '/') return PathFault::kMalformed;
  rest.remove_prefix(1);

  std::vector<std::string> segments;
  PathFault fault = PathFault::kNone;
  while (true) {
    const std::size_t slash = rest.find('/');
    const PathFault found = add_segment(rest.substr(0, slash), segments, path.wants_directory);
    if (found == PathFault::kNoSuch)
      fault = found;
    else if (found != PathFault::kNone)
      return found;
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  path.hidden = is_hidden(segments);
  for (const std::string& segment : segments) {
    if (!path.relative.empty()) path.relative += '/';
    path.relative += segment;
  }
  return fault;
}

std::string encode_path(const TargetPath& path, bool as_directory) {
  std::string encoded = "/";
  std::string_view rest = path.relative;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    encoded += percent_encode_segment(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    encoded += '/';
    rest.remove_prefix(slash + 1);
  }
  if (as_directory && encoded.back() != '/') encoded += '/';
  return encoded;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

std::string percent_encode_segment(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (char c : text) {
    if (is_unreserved_in_segment(c)) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += kHex[byte >> 4];
      encoded += kHex[byte & 15];
    }
  }
  return encoded;
}

std::optional<QueryParameters> parse_query(std::string_view query) {
  QueryParameters parameters;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    std::optional<std::string> name = percent_decode(pair.substr(0, equals), true);
    std::optional<std::string> value =
        equals == std::string_view::npos ? std::string() : percent_decode(pair.substr(equals + 1), true);
    if (!name || !value) return std::nullopt;
    parameters.emplace_back(*std::move(name), *std::move(value));
  }
  return parameters;
}

}  // namespace meridian::origin
