#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/message.h"

// Range requests (RFC 9110 section 14) and combining partial content (RFC 9111 section 3.4).
namespace meridian::http {

// One range-spec: first-last, first- or -suffix. Numbers saturate.
struct RangeSpec {
  bool is_suffix = false;
  std::uint64_t first = 0;  // or the suffix length
  std::uint64_t last = UINT64_MAX;
};

struct RangeLimits {
  // More ranges than this, and the Range is ignored (section 14.2: many small or overlapping ranges are an
  // attack).
  std::size_t count = 16;
};

// Bytes [first, last] of a representation, both inclusive.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t size() const { return last - first + 1; }
  bool operator==(const ByteRange&) const = default;
};

// The Range field's value. nullopt: ignore it (unknown unit, malformed, too many).
std::optional<std::vector<RangeSpec>> parse_range(std::string_view value, const RangeLimits& limits);

// A single spec against a length; nullopt when not satisfiable.
std::optional<ByteRange> satisfy(const RangeSpec& spec, std::uint64_t length);

// What to do with a request's Range for a representation of a known length.
struct RangeAnswer {
  enum class Kind : std::uint8_t {
    kWhole,          // 200: no Range, or one that is ignored
    kSingle,         // 206 with Content-Range
    kMultiple,       // 206 multipart/byteranges
    kUnsatisfiable,  // 416 with Content-Range: bytes */length
  } kind = Kind::kWhole;
  ByteRange single;               // for kSingle
  std::vector<ByteRange> ranges;  // for kMultiple, in the order asked for, no two of them touching
};
// For GET only; the caller has checked If-Range. Overlapping and adjacent ranges are coalesced where the
// order allows (section 15.3.7.2), so the answer is never larger than the representation.
RangeAnswer answer_range(std::string_view range_value, std::uint64_t length, const RangeLimits& limits);

// Content-Range (section 14.4).
struct ContentRange {
  bool has_range = false;  // false: "bytes */length"
  ByteRange range;
  std::optional<std::uint64_t> complete_length;  // nullopt: "*"
};
// nullopt: another unit, malformed, last < first, or length <= last.
std::optional<ContentRange> parse_content_range(std::string_view value);
// "bytes 0-9/10"; at most 70 bytes are written, the view is of `out`.
std::string_view format_content_range(const ByteRange& range, std::uint64_t length, std::span<char, 70> out);
std::string_view format_unsatisfied_range(std::uint64_t length, std::span<char, 70> out);

// multipart/byteranges (section 14.6): the framing between the parts. `boundary`: 1 to 70 token characters
// that the caller makes from randomness.
class MultipartRanges {
 public:
  MultipartRanges(std::vector<ByteRange> ranges, std::uint64_t length, std::string_view content_type,
                  std::string_view boundary);
  std::size_t count() const { return ranges_.size(); }
  const ByteRange& range(std::size_t i) const { return ranges_[i]; }
  std::string part_head(std::size_t i) const;  // what stands before part i's bytes
  std::string closing() const;
  std::uint64_t total_bytes() const;  // for Content-Length
  std::string media_type() const;     // for Content-Type

 private:
  std::vector<ByteRange> ranges_;
  std::uint64_t length_;
  std::string content_type_;
  std::string boundary_;
};

// Two parts (or a part and a whole) are of one representation if both have the same strong ETag, or, lacking
// ETags, the same strong Last-Modified; and do not disagree on the complete length (RFC 9111 section 3.4).
bool may_combine(const FieldList& a, const FieldList& b);

// The ranges of `wanted` that `held` (sorted, not touching) lacks.
std::vector<ByteRange> missing_ranges(std::span<const ByteRange> held, const ByteRange& wanted);
// Adds a range to a sorted set, joining what touches.
void add_range(std::vector<ByteRange>& held, const ByteRange& range);

}  // namespace meridian::http
