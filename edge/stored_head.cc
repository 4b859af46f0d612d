#include "edge/stored_head.h"

#include <array>

#include "edge/stored_object.h"
#include "lib/http/date.h"

namespace meridian::edge {
namespace {

constexpr std::string_view kDateName = "Date: ";
constexpr std::string_view kViaStart = "Via: 1.1 ";
constexpr std::string_view kLineEnd = "\r\n";
// In the flags: 0, the Date line is in the head; n, it is the time of the response less n - 1 seconds.
constexpr unsigned kDateShift = 12;
constexpr std::int64_t kMaxDateCode = 7;
static_assert((kMaxDateCode << kDateShift) == kObjectDateMask);

void append_date(std::int64_t at_s, std::string& to) {
  std::array<char, http::kHttpDateBytes> date;
  http::format_http_date(at_s, date.data());
  to.append(kDateName).append(date.data(), date.size()).append(kLineEnd);
}

// Where the line with this very date stands, or npos.
std::size_t find_date(std::string_view head, std::int64_t at_s) {
  std::string line;
  append_date(at_s, line);
  const std::size_t found = head.find(line);
  const bool whole = found == 0 || (found != std::string_view::npos && found >= kLineEnd.size() &&
                                    head.substr(found - kLineEnd.size(), kLineEnd.size()) == kLineEnd);
  return whole ? found : std::string_view::npos;
}

void take_out_date(std::string& head, ObjectMeta& meta) {
  for (std::int64_t code = 1; code <= kMaxDateCode; ++code) {
    const std::size_t found = find_date(head, meta.response_time_s - (code - 1));
    if (found == std::string_view::npos) continue;
    const std::size_t line = kDateName.size() + http::kHttpDateBytes + kLineEnd.size();
    // A second Date line is the origin's mistake, and stays as it is.
    if (head.find(kDateName, found + line) != std::string::npos || head.find(kDateName) != found) return;
    head.erase(found, line);
    meta.flags = static_cast<std::uint16_t>(meta.flags | code << kDateShift);
    return;
  }
}

// Own lines stand behind the others with their length in two bytes and a NUL, which no line has.
constexpr std::size_t kOwnTailBytes = 3;
constexpr std::size_t kOwnMaxBytes = 0xffff;

// Of everything that is kept, how much is own lines with their tail.
std::size_t own_bytes(std::string_view kept) {
  if (kept.empty() || kept.back() != '\0') return 0;
  const std::string_view tail = kept.substr(kept.size() - kOwnTailBytes);
  const auto low = static_cast<unsigned char>(tail[0]);
  const auto high = static_cast<unsigned char>(tail[1]);
  return kOwnTailBytes + low + (std::size_t{high} << 8U);
}

}  // namespace

std::string pack_head(std::string_view head, std::string_view own_lines, std::string_view via_name,
                      ObjectMeta& meta) {
  std::string packed(head);
  meta.flags = static_cast<std::uint16_t>(meta.flags & ~(kObjectDateMask | kObjectOwnVia));
  take_out_date(packed, meta);
  const std::string via = std::string(kViaStart).append(via_name).append(kLineEnd);
  const bool begins_line = packed.size() == via.size() || packed.ends_with(std::string(kLineEnd).append(via));
  if (packed.ends_with(via) && begins_line) {
    packed.resize(packed.size() - via.size());
    meta.flags = static_cast<std::uint16_t>(meta.flags | kObjectOwnVia);
  }
  if (!own_lines.empty() && own_lines.size() <= kOwnMaxBytes) {
    packed.append(own_lines);
    packed.push_back(static_cast<char>(own_lines.size() & 0xffU));
    packed.push_back(static_cast<char>(own_lines.size() >> 8U));
    packed.push_back('\0');
  }
  return packed;
}

std::string_view whole_head(const Object& object, std::string_view via_name, std::string& buffer) {
  const ObjectMeta& meta = object.meta();
  const std::string_view kept = object.head();
  const std::string_view lines = kept.substr(0, kept.size() - own_bytes(kept));
  if ((meta.flags & (kObjectDateMask | kObjectOwnVia)) == 0) return lines;
  buffer.clear();
  const std::int64_t code = (meta.flags & kObjectDateMask) >> kDateShift;
  if (code != 0) append_date(meta.response_time_s - (code - 1), buffer);
  buffer.append(lines);
  if ((meta.flags & kObjectOwnVia) != 0) buffer.append(kViaStart).append(via_name).append(kLineEnd);
  return buffer;
}

std::string_view own_lines(const Object& object) {
  const std::string_view kept = object.head();
  const std::size_t bytes = own_bytes(kept);
  return bytes == 0 ? std::string_view() : kept.substr(kept.size() - bytes, bytes - kOwnTailBytes);
}

void append_own_lines(const http::FieldList& response, std::string& to) {
  if (!response.has(http::FieldId::kMeridianCacheControl)) return;
  for (const http::Field& field : response) {
    if (field.id == http::FieldId::kMeridianCacheControl) http::append_field(to, field.name, field.value);
  }
}

}  // namespace meridian::edge
