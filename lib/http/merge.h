#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lib/http/conditional.h"
#include "lib/http/message.h"

// Updating a stored head (RFC 9111 sections 3.2, 4.3.3 to 4.3.5).
namespace meridian::http {

// Writes to `block` the stored fields as updated by a 304 (or by a 200 to HEAD): every field that the update
// has replaces all stored lines of that name, except those of kept_on_update(). Hop-by-hop fields of the
// update are left out, as are the names in `strip` (an update's no-cache="x" and private="x").
void merge_fields(const FieldList& stored, const FieldList& update, std::span<const std::string> strip,
                  std::string& block);

// Never taken from an update (section 3.2): Content-Length, and Content-Encoding and Content-Range, which say
// how the stored bytes are to be read. Age is ours to say.
bool kept_on_update(FieldId id);

// Does this 304 speak of that stored response (section 4.3.4)? With a strong validator it must match; with a
// weak one, it must match too; with none, the stored response must have none either or be the only candidate,
// `only_candidate`.
bool selects(const FieldList& not_modified, const Validators& stored, bool only_candidate,
             std::int64_t now_s);

// What a 200 to HEAD means for the stored GET response (section 4.3.5).
enum class HeadEffect : std::uint8_t {
  kNone,        // nothing can be said
  kUpdate,      // it is the same representation: merge_fields
  kInvalidate,  // it has changed
};
HeadEffect head_effect(const ResponseHead& head_response, const Validators& stored,
                       std::uint64_t stored_length);

}  // namespace meridian::http
