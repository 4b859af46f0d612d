#include "edge/stored_object.h"

#include "edge/store.h"

namespace meridian::edge {

http::StoredTimes times_of(const ObjectMeta& meta) {
  return {meta.response_time_s,    meta.initial_age_s, meta.lifetime_s,
          meta.stale_revalidate_s, meta.stale_error_s, meta.flags};
}

void set_times(ObjectMeta& meta, const http::StoredTimes& times) {
  meta.response_time_s = times.response_time_s;
  meta.initial_age_s = times.initial_age_s;
  meta.lifetime_s = times.lifetime_s;
  meta.stale_revalidate_s = times.stale_revalidate_s;
  meta.stale_error_s = times.stale_error_s;
  meta.flags = times.flags;
}

void part_key(std::string_view key, std::string& to) {
  // A line feed cannot stand in a primary key, and no Vary name is empty.
  to.assign(key).append("\n\n206");
}

namespace {

Ref<const Object> find_in(const Store& tier, std::span<const Ref<const Object>> recalled, std::uint64_t hash,
                          std::string_view key) {
  Ref<const Object> found = tier.find(hash, key);
  for (std::size_t i = 0; i < recalled.size() && !found; ++i) {
    if (recalled[i]->key() == key) found = recalled[i];
  }
  return found;
}

std::string body_of(const Object& object) {
  std::string body;
  for (std::size_t i = 0; i < object.piece_count(); ++i) body.append(object.piece(i).view());
  return body;
}

// Whether one of the items, each of which ends with a NUL, is this one.
bool has_item(std::string_view items, std::string_view item) {
  for (std::size_t at = items.find(item); at != std::string_view::npos; at = items.find(item, at + 1)) {
    const bool begins = at == 0 || items[at - 1] == '\0';
    if (begins && at + item.size() < items.size() && items[at + item.size()] == '\0') return true;
  }
  return false;
}

// A variant that its index does not list is one that outlived an older index: what invalidated the resource
// since then could not know of it (RFC 9111 section 4.4), so it is never used.
bool lists_variant(const Object& index, std::string_view variant) {
  if (index.piece_count() == 1) return has_item(index.piece(0).view(), variant);
  return has_item(body_of(index), variant);
}

// Looks for a variant by each of the Vary lists that were seen, newest first.
Lookup look_up_variant(const Store& tier, std::span<const Ref<const Object>> recalled, const Object& index,
                       const http::FieldList& request, const http::VaryPolicy& policy, std::string& variant) {
  std::string first;
  std::string_view lists = index.head();
  Lookup found;
  found.reason = http::MissReason::kVaryMiss;
  while (!lists.empty() && !found.object) {
    const std::string_view names = lists.substr(0, lists.find('\n'));
    lists.remove_prefix(std::min(lists.size(), names.size() + 1));
    variant.assign(index.key());
    http::append_variant(names, request, policy, variant);
    found.object = find_in(tier, recalled, hash_of_key(variant), variant);
    const bool is_marker = found.object && (found.object->meta().flags & kObjectHitForMiss) != 0;
    if (found.object && !is_marker && !lists_variant(index, variant)) found.object.reset();
    if (first.empty()) first = variant;
  }
  if (found.object) return found;
  variant = first;
  found.parts = lists_variant(index, variant);
  found.absent = found.parts;
  return found;
}

bool marker_alive(const Object& marker, std::int64_t now_s) {
  return times_of(marker.meta()).ttl_at(now_s) > 0;
}

}  // namespace

Lookup look_up(Store& tier, std::span<const Ref<const Object>> recalled, std::string_view key,
               std::uint64_t hash, const http::FieldList& request, const http::VaryPolicy& policy,
               std::int64_t now_s, std::string& variant) {
  variant.clear();
  Lookup found;
  found.object = find_in(tier, recalled, hash, key);
  found.absent = !found.object;
  if (!found.object || (found.object->meta().flags & (kObjectVaryIndex | kObjectHitForMiss)) == 0)
    return found;
  if ((found.object->meta().flags & kObjectVaryIndex) != 0) {
    const Ref<const Object> index = found.object;
    found = look_up_variant(tier, recalled, *index, request, policy, variant);
  }
  if (found.object && (found.object->meta().flags & kObjectHitForMiss) != 0) {
    found.hit_for_miss = marker_alive(*found.object, now_s);
    found.reason = found.hit_for_miss ? http::MissReason::kHitForMiss : http::MissReason::kUriMiss;
    found.object.reset();
  }
  return found;
}

namespace {

void remove_with_part(Store& tier, std::string_view key) {
  tier.remove(key);
  std::string part;
  part_key(key, part);
  tier.remove(part);
}

// How many different Vary lists of one URL are tried in a lookup.
constexpr std::size_t kMaxVaryLists = 4;

// `first`, then the items of `list` other than it, `max` in all. Items end with `end`. What does not fit is
// given to `drop`.
template <class Drop>
std::string with_first(std::string_view first, std::string_view list, char end, std::size_t max,
                       Drop&& drop) {
  std::string to(first);
  to.push_back(end);
  for (std::size_t kept = 1; !list.empty();) {
    const std::string_view item = list.substr(0, list.find(end));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    if (item == first) continue;
    if (kept++ < max)
      to.append(item).push_back(end);
    else
      drop(item);
  }
  return to;
}

}  // namespace

std::size_t add_variant(Store& tier, std::string_view key, std::string_view names, std::string_view variant,
                        std::size_t max, std::uint32_t site, std::int64_t now_s) {
  std::string_view lists, variants;
  const Ref<const Object> old = tier.find(hash_of_key(key), key);
  std::string body_of_old;
  if (old && (old->meta().flags & kObjectVaryIndex) != 0) {
    lists = old->head();
    body_of_old = body_of(*old);
    variants = body_of_old;
  }
  // What is found under a name that was not listed is left from an older index.
  if (!has_item(variants, variant)) remove_with_part(tier, variant);
  std::size_t dropped = 0;
  const std::string head = with_first(names, lists, '\n', kMaxVaryLists, [](std::string_view) {});
  const std::string body = with_first(variant, variants, '\0', max, [&](std::string_view oldest) {
    remove_with_part(tier, oldest);
    ++dropped;
  });
  if (head == lists && body == variants) return 0;
  ObjectMeta meta;
  meta.response_time_s = now_s;
  meta.flags = kObjectVaryIndex;
  meta.site = site;
  const Slice slice = Slice::of_static(body);
  tier.put(Object::make(key, meta, head, std::span(&slice, 1)));
  return dropped;
}

void remove_all(Store& tier, std::string_view key) {
  const Ref<const Object> index = tier.find(hash_of_key(key), key);
  remove_with_part(tier, key);
  if (!index || (index->meta().flags & kObjectVaryIndex) == 0) return;
  const std::string variants = body_of(*index);
  for (std::string_view rest = variants; !rest.empty();) {
    const std::string_view variant = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), variant.size() + 1));
    remove_with_part(tier, variant);
  }
}

void mark_hit_for_miss(Store& tier, std::string_view key, std::int64_t lifetime_s, std::uint32_t site,
                       std::int64_t now_s) {
  ObjectMeta meta;
  meta.response_time_s = now_s;
  meta.lifetime_s = static_cast<std::uint32_t>(lifetime_s);
  meta.flags = kObjectHitForMiss;
  meta.site = site;
  tier.put(Object::make(key, meta, {}, {}));
}

}  // namespace meridian::edge
