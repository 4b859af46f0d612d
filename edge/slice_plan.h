#pragma once

#include <cstdint>
#include <string>

#include "lib/http/message.h"
#include "lib/http/range.h"

// Slices: a large body that is asked for by ranges is fetched in aligned pieces, each kept by itself
// (docs/tiers.md). Here is what can be said of them without asking anybody: where they lie, who may be
// sliced, and what an answer to the request for one means.
namespace meridian::edge {

// Bytes [begin, end) of a body.
struct Span {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t size() const { return end - begin; }
  bool operator==(const Span&) const = default;
};

// A body cut into slices of one size; the last one ends with the body.
class SliceGrid {
 public:
  // `slice_bytes` is rounded up to whole units, which are what the disk keeps. Neither is 0.
  SliceGrid(std::uint64_t length, std::uint64_t slice_bytes, std::uint64_t unit_bytes);
  std::uint64_t slice_bytes() const { return slice_bytes_; }
  // The slice that the byte lies in; `at` is less than the length.
  Span around(std::uint64_t at) const;
  // Whether a slice lies in `part` as a whole.
  bool has_whole_slice(const Span& part) const;
  // How many slices bytes of `wanted` lie in.
  std::uint64_t count(const Span& wanted) const;

 private:
  std::uint64_t length_;
  std::uint64_t slice_bytes_;
};

// A body that is announced as longer than this is not sliced: nothing that we keep can count so far.
inline constexpr std::uint64_t kMostSlicedBytes = std::uint64_t{1} << 44U;

// The validator by which parts of one representation are known to be of one (RFC 9110 section 13.1.5): the
// strong entity tag, else Last-Modified where that is strong by section 8.8.2.2. "" when there is none.
// `received_s` stands in for a Date that the origin did not send (section 6.6.1).
std::string_view strong_validator(const http::FieldList& fields, std::int64_t received_s);

// What the origin's answer to the request for a slice means.
enum class SliceAnswer : std::uint8_t {
  kGood,       // a 206 with the bytes that were asked for, of the same representation
  kChanged,    // the representation is another one, or gone: nothing that is held of the old one counts
  kNotSliced,  // the origin sends something else than the range, or does not say of what it is a part
  kFailed,     // nothing is said of the representation: the origin failed, or refused this request
};
// `stored`: the head that the slices belong to. `length`: of the whole body.
SliceAnswer judge_slice(const http::ResponseHead& answer, const Span& asked, const http::FieldList& stored,
                        std::uint64_t length, std::int64_t received_s);

// The fields of the request for a slice. If-Range, not If-Match: when the representation has changed the
// origin says so by a 200 whose body is not read, where If-Match would make every cache on the way step
// aside.
void append_slice_request(const Span& asked, std::string_view validator, std::string& block);

// The key under which RAM keeps a slice of the object with this key. `fill_id` tells one filling of the key
// from every other one, so slices of two versions are never mistaken for one another.
void slice_key(std::string_view key, std::uint64_t fill_id, std::uint64_t begin, std::string& to);
// The same taken apart; false: it is no such key.
struct SliceKey {
  std::string_view object;
  std::uint64_t fill_id = 0;
  std::uint64_t begin = 0;
};
bool parse_slice_key(std::string_view text, SliceKey& to);

}  // namespace meridian::edge
