#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "edge/tiers/object.h"
#include "lib/http/message.h"
#include "lib/http/reuse.h"
#include "lib/http/stored.h"
#include "lib/http/vary.h"

// What the request path keeps in the tiers, and how it finds it: responses, and two kinds of marker under a
// primary key.
namespace meridian::edge {

class Store;

// Our bits of ObjectMeta::flags. Values go to disk and do not change.
enum ObjectFlag : std::uint16_t {
  // The head lists, a line each and newest first, the canonical Vary names under which variants are stored;
  // the body lists
  // the keys of the variants, each ended by a NUL, newest first.
  kObjectVaryIndex = http::kStoredFirstFree,
  // A response for this key could not be shared a moment ago: requests do not wait for one another.
  kObjectHitForMiss = http::kStoredFirstFree << 1U,
  // Lines that are not in the head but follow from it being a response of ours: see stored_head.h.
  kObjectDateMask =
      http::kStoredFirstFree << 2U | http::kStoredFirstFree << 3U | http::kStoredFirstFree << 4U,
  kObjectOwnVia = http::kStoredFirstFree << 5U,
};

// Whether it is no response but a slice of one (edge/slice_plan.h): those have no status, and no marks of
// ours.
inline bool is_slice(const ObjectMeta& meta) { return meta.status == 0 && meta.flags == 0; }

http::StoredTimes times_of(const ObjectMeta& meta);
void set_times(ObjectMeta& meta, const http::StoredTimes& times);

// The key under which a part (206) of the object with this key is kept.
void part_key(std::string_view key, std::string& to);

struct Lookup {
  Ref<const Object> object;
  http::MissReason reason = http::MissReason::kUriMiss;  // when there is no object
  bool hit_for_miss = false;
  // Nothing is there under the key that `variant` was left with (empty: under the primary key): a cold tier
  // may have it.
  bool absent = false;
  // Parts of the variant may be used: an index that does not list the variant knows nothing of them.
  bool parts = true;
};

// Finds the response for a request in RAM, or among what the request has `recalled` from elsewhere. `variant`
// is scratch; where variants exist it is left holding the key of
// the variant that the request selects by the newest Vary (empty when the primary key itself is the one).
Lookup look_up(Store& tier, std::span<const Ref<const Object>> recalled, std::string_view key,
               std::uint64_t hash, const http::FieldList& request, const http::VaryPolicy& policy,
               std::int64_t now_s, std::string& variant);

// Makes `names` the newest Vary of this key and `variant` its newest variant. Of more than `max` variants the
// oldest are removed; returns how many.
std::size_t add_variant(Store& tier, std::string_view key, std::string_view names, std::string_view variant,
                        std::size_t max, std::uint32_t site, std::int64_t now_s);

// Removes whatever is stored for a primary key: the response, its variants, and parts of either.
void remove_all(Store& tier, std::string_view key);

void mark_hit_for_miss(Store& tier, std::string_view key, std::int64_t lifetime_s, std::uint32_t site,
                       std::int64_t now_s);

}  // namespace meridian::edge
