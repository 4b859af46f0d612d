#include "edge/origin_fetch.h"
#include "edge/stored_head.h"
#include "edge/stored_object.h"
#include "edge/worker.h"
#include "lib/base/check.h"
#include "lib/http/forwarding.h"
#include "lib/http/invalidation.h"
#include "lib/http/range.h"

// What becomes of an origin's response: the head that clients get, whether it is stored, and storing it.
namespace meridian::edge {

http::StoreDecision OriginFetch::decide(const http::ResponseHead& head, bool is_update) const {
  http::StoreInput input{asked(),  head, has_body_, worker_.now_s(), worker_.loop().now_ms() - started_ms_,
                         is_update};
  http::StoreDecision decision = http::decide_store(input, view_->store_policies[site_index_]);
  if (hop_ != nullptr) apply_hop(decision);
  return decision;
}

void OriginFetch::begin_response(const http::ResponseHead& head, std::optional<std::uint64_t> length,
                                 bool no_body) {
  http::StoreDecision decision = decide(head);
  const bool may_keep = decision.store();
  if (decision.store() && !keeps_here(length)) decision.reason = http::NotStored::kOtherEdge;
  if (decision.store() && !plan_.may_store) decision.reason = http::NotStored::kSite;
  const bool slices = decision.store() && decision.partial && may_begin_slices(head);
  if (decision.store() && !slices && length && !fits(*length)) {
    decision.reason = http::NotStored::kTooLarge;
    worker_.sheet().add(stats::kLimits, stats::Limit::kMaxObject);
  }

  FillHead fill_head;
  fill_head.status = head.status;
  fill_head.length = length;
  fill_head.no_body = no_body;
  fill_head.may_keep = may_keep;
  fill_head.stored = decision.store();
  if (!fill_head.stored) fill_head.reason = http::token_of(decision.reason);
  set_times(fill_head.meta, decision.times);
  fill_head.meta.status = static_cast<std::uint16_t>(head.status);
  fill_head.meta.site = site().id;
  if (hop_ != nullptr) {
    fill_head.meta.fill_seq = hop_->fill.fill_seq;
    fill_head.tier = hop_->role == wire::HopRole::kShield ? stats::Tier::kShield : stats::Tier::kPeer;
  }
  const std::span<const std::string> replaced = replaced_fields();
  const auto block_without = [&](std::span<const std::string> strip, std::string& block) {
    http::append_client_response_fields(head, worker_.name(), worker_.http_date(), strip, block);
    if (site().config.forwarding.rewrite_redirects) rewrite_location(block);
  };
  block_without(replaced, fill_head.block);
  // Whoever asked gets these fields; only later askers may not (RFC 9111 sections 5.2.2.4 and 5.2.2.7).
  if (fill_head.stored && !decision.strip.empty()) {
    decision.strip.insert(decision.strip.end(), replaced.begin(), replaced.end());
    block_without(decision.strip, fill_head.stored_block);
  }

  storing_ = fill_head.stored;
  partial_ = decision.partial;
  bool shareable = false;
  if (may_keep) append_own_lines(head.fields, fill_head.own_lines);
  if (storing_) {
    store_key_ = plan_.key;
    worker_.sheet().change(stats::kFillsRunning, +1);
    settle_variant(head, fill_head);
    // Those who come later may have it only as far as it is fresh now.
    shareable = may_share(decision.times);
  } else if (plan_.may_store) {
    worker_.sheet().add(stats::kNotStored, stats::label<stats::NotStoredReason>(decision.reason));
    mark_not_shareable(head.status, decision.reason);
  }
  if (slices && begin_slices(fill_head)) {
    // Whoever wants another part of it, or the same one later, finds what the store has by then.
    fill_head.sliced = true;
    storing_ = shareable = false;
    worker_.sheet().change(stats::kFillsRunning, -1);
  }
  // What one range says of a new version is not for those who want another range of it.
  if (plan_.validate_range && head.status == 206) shareable = false;
  if (storing_ && length && !fits_ram(*length) && !begin_ssd_fill(fill_head)) {
    storing_ = fill_head.stored = shareable = false;
    fill_head.reason = http::token_of(http::NotStored::kTierRefused);
    worker_.sheet().change(stats::kFillsRunning, -1);
    worker_.sheet().add(stats::kNotStored,
                        stats::label<stats::NotStoredReason>(http::NotStored::kTierRefused));
    mark_not_shareable(head.status, http::NotStored::kTierRefused);
  }
  if (!shareable) close_to_askers();
  headed_ = true;
  no_body_ = no_body;
  fill_->publish_head(std::move(fill_head), shareable, storing_);
  if (background_) on_readers_changed();
}

// An id of the origin's would be the first asker's for all: the edge gives each response its own.
std::span<const std::string> OriginFetch::replaced_fields() const {
  const config::ForwardingConfig& forwarding = site().config.forwarding;
  if (!forwarding.request_id_response || forwarding.request_id_header.empty()) return {};
  return {&forwarding.request_id_header, 1};
}

bool lies_in_request(http::NotStored reason) {
  switch (reason) {
    case http::NotStored::kMethod:
    case http::NotStored::kRequestBody:
    case http::NotStored::kRequestNoStore:
    case http::NotStored::kAuthorization:
    case http::NotStored::kSuspectRequest:
    case http::NotStored::kRequestRefused:
      return true;
    default:
      return false;
  }
}

// A key whose response could not be shared lets its next askers go at once (hit-for-miss).
void OriginFetch::mark_not_shareable(int status, http::NotStored reason) {
  const std::int64_t lifetime_s = (site().config.cache.hit_for_miss_ms + 999) / 1000;
  // An error, or an answer to a request with credentials, says nothing of the next one.
  if (lifetime_s == 0 || status >= 500 || asked().fields.has(http::FieldId::kAuthorization)) return;
  // One client's request must not undo the sharing of all, nor take the place of what is stored. What another
  // edge keeps is shared there.
  if (lies_in_request(reason) || reason == http::NotStored::kOtherEdge || plan_.collapse_key.empty() ||
      plan_.stale)
    return;
  mark_hit_for_miss(worker_.store(), plan_.variant.empty() ? plan_.key : plan_.variant, lifetime_s, site().id,
                    worker_.now_s());
  worker_.sheet().add(stats::kHitForMissMarked);
}

// With Vary the response is kept under its variant's key, and the fill is found there from now on.
void OriginFetch::settle_variant(const http::ResponseHead& head, FillHead& fill_head) {
  const http::VaryPolicy& policy = view_->vary_policies[site_index_];
  http::FieldList fields = head.fields;
  // Headers that the operator puts into every key work like a Vary that the origin forgot.
  for (const std::string& name : site().config.cache.key_headers) fields.add(http::FieldId::kVary, name);
  http::VaryPolicy with_ours = policy;
  with_ours.names_max += site().config.cache.key_headers.size();
  const http::VaryKind kind = http::parse_vary(fields, with_ours, fill_head.vary);
  if (kind == http::VaryKind::kNone) return;
  // What may be stored has a Vary within its limit; ours are added to the limit.
  CHECK(kind == http::VaryKind::kNames);
  http::append_variant(fill_head.vary, asked().fields, policy, store_key_);
  fill_head.variant = store_key_;
  if (!still_valid()) return;
  const std::size_t dropped = add_variant(worker_.store(), plan_.key, fill_head.vary, store_key_,
                                          site().config.cache.vary_max_variants, site().id, worker_.now_s());
  worker_.sheet().add_n(stats::kLimits, dropped, stats::Limit::kVaryVariants);
  if (plan_.collapse_key.empty() || !plan_.variant.empty() || partial_) return;
  close_to_askers();
  plan_.collapse_key = store_key_ + "\n\nsite " + std::to_string(site().id);
  worker_.fills().adopt(hash_of_key(plan_.collapse_key), plan_.collapse_key, plan_.hash, generation_, fill_);
}

bool OriginFetch::fits(std::uint64_t body_bytes) const {
  const std::uint64_t site_limit = site().config.cache.max_object_bytes;
  const std::uint64_t most = partial_ ? worker_.store().max_object_bytes() : worker_.store().max_body_bytes();
  return body_bytes <= most && (site_limit == 0 || body_bytes <= site_limit);
}

bool OriginFetch::fits_ram(std::uint64_t body_bytes) const {
  return body_bytes <= worker_.store().max_object_bytes();
}

bool OriginFetch::still_valid() const { return worker_.fills().generation(plan_.hash) == generation_; }

void OriginFetch::store() {
  storing_ = false;
  pages_.reset();
  worker_.sheet().change(stats::kFillsRunning, -1);
  std::vector<Slice> body = fill_->take_body();
  if (partial_) return store_part(std::move(body));
  const FillHead& head = fill_->head();
  worker_.sheet().observe(stats::kObjectSize, static_cast<std::int64_t>(fill_->produced_bytes()));
  const std::string& block = head.stored_block.empty() ? head.block : head.stored_block;
  ObjectMeta meta = head.meta;
  if (hop_ != nullptr) settle_meta(meta);
  const std::string packed = pack_head(block, head.own_lines, worker_.name(), meta);
  put(Object::from_fill(store_key_, meta, packed, std::move(body)));
}

// Keeps a 206: with what is held already where the two are of one representation and touch (RFC 9111
// section 3.4), and as a whole response once nothing is missing.
void OriginFetch::store_part(std::vector<Slice> body) {
  const FillHead& head = fill_->head();
  http::FieldList fields;
  http::parse_block(head.stored_block.empty() ? head.block : head.stored_block, fields);
  auto held = http::parse_content_range(fields.value(http::FieldId::kContentRange));
  CHECK(held && held->has_range);
  if (held->range.size() != fill_->produced_bytes()) return stop_storing(http::NotStored::kContentRange);
  std::string key;
  part_key(store_key_, key);
  const Ref<const Object> old = worker_.store().find(hash_of_key(key), key);
  if (old) join_parts(*old, fields, *held, body);

  std::string block;
  for (const http::Field& field : fields) {
    if (field.id != http::FieldId::kContentRange) http::append_field(block, field.name, field.value);
  }
  ObjectMeta meta = head.meta;
  if (hop_ != nullptr) settle_meta(meta);
  if (held->complete_length && held->range.first == 0 && held->range.size() == *held->complete_length) {
    meta.status = 200;
    meta.flags = static_cast<std::uint16_t>(meta.flags & ~http::kStoredPartial);
    const std::string packed = pack_head(block, head.own_lines, worker_.name(), meta);
    put(Object::from_fill(store_key_, meta, packed, std::move(body)));
    worker_.store().remove(key);
    return;
  }
  if (!held->complete_length) return stop_storing(http::NotStored::kContentRange);
  std::array<char, 70> buffer;
  http::append_field(block, "Content-Range",
                     http::format_content_range(held->range, *held->complete_length, buffer));
  put(Object::from_fill(key, meta, block, std::move(body)));
}

// Puts the bytes of an older part in front of or behind the new ones, as far as the new ones do not have
// them.
void OriginFetch::join_parts(const Object& old, const http::FieldList& fields, http::ContentRange& held,
                             std::vector<Slice>& body) {
  http::FieldList old_fields;
  http::parse_block(old.head(), old_fields);
  const auto was = http::parse_content_range(old_fields.value(http::FieldId::kContentRange));
  if (!was || !http::may_combine(fields, old_fields)) return;
  const bool touch = was->range.first <= held.range.last + 1 && held.range.first <= was->range.last + 1;
  if (!touch ||
      !fits(std::max(held.range.last, was->range.last) - std::min(held.range.first, was->range.first)))
    return;
  const auto bytes_of_old = [&](std::uint64_t begin, std::uint64_t end, std::vector<Slice>& to) {
    std::uint64_t at = was->range.first;
    for (std::size_t i = 0; i < old.piece_count(); ++i) {
      const Slice piece = old.piece(i);
      const std::uint64_t from = std::max(begin, at), until = std::min(end, at + piece.size);
      if (from < until)
        to.push_back(piece.sub(static_cast<std::size_t>(from - at), static_cast<std::size_t>(until - from)));
      at += piece.size;
    }
  };
  std::vector<Slice> joined;
  bytes_of_old(was->range.first, held.range.first, joined);
  joined.insert(joined.end(), body.begin(), body.end());
  bytes_of_old(held.range.last + 1, was->range.last + 1, joined);
  body = std::move(joined);
  held.range = {std::min(held.range.first, was->range.first), std::max(held.range.last, was->range.last)};
}

// An invalidation may come at any moment, on any thread: it counts first and removes then, so that looking at
// the count after the insert leaves no gap.
void OriginFetch::put(Ref<Object> object) {
  if (object && is_hot()) object->mark_hot_copy();
  if (!object || !still_valid()) {
    const http::NotStored reason = object ? http::NotStored::kInvalidated : http::NotStored::kTooLarge;
    worker_.sheet().add(stats::kNotStored, stats::label<stats::NotStoredReason>(reason));
    worker_.sheet().add(stats::kFills, stats::FillEnd::kNotStored);
    return;
  }
  const bool stored = worker_.store().put_if(object, [this] { return still_valid(); });
  if (stored) worker_.record_use(object->key_hash(), *object);
  worker_.sheet().add(stats::kFills, stored ? stats::FillEnd::kStored : stats::FillEnd::kNotStored);
}

// Bodies on their way are kept beside the tiers: their sum has a limit of its own.
void OriginFetch::hold(std::uint64_t bytes) {
  held_bytes_ += bytes;
  const std::uint64_t in_all = worker_.fill_bytes().fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (in_all <= view_->table->config().cache.fill_bytes) return;
  worker_.sheet().add(stats::kLimits, stats::Limit::kFills);
  stop_storing(http::NotStored::kFillsFull);
}

void OriginFetch::let_go() {
  worker_.fill_bytes().fetch_sub(std::exchange(held_bytes_, 0), std::memory_order_relaxed);
}

void OriginFetch::stop_storing(http::NotStored reason) {
  if (storing_) worker_.sheet().change(stats::kFillsRunning, -1);
  storing_ = false;
  worker_.sheet().add(stats::kNotStored, stats::label<stats::NotStoredReason>(reason));
  if (reason == http::NotStored::kTooLarge) worker_.sheet().add(stats::kLimits, stats::Limit::kMaxObject);
  worker_.sheet().add(stats::kFills, reason == http::NotStored::kBroken ? stats::FillEnd::kBroken
                                                                        : stats::FillEnd::kNotStored);
  let_go();
  close_to_askers();
  if (ssd_fill_) leave_ssd();
  fill_->stop_retaining();
}

// A Location that names the origin is made to name the site, as the client knows it.
void OriginFetch::rewrite_location(std::string& block) const {
  http::FieldList fields;
  http::parse_block(block, fields);
  const http::Field* location = fields.find(http::FieldId::kLocation);
  if (location == nullptr) return;
  for (const config::OriginConfig& origin : site().config.origins) {
    const std::string_view url = origin.url;
    if (!location->value.starts_with(url)) continue;
    const std::string_view rest = location->value.substr(url.size());
    if (!rest.empty() && rest[0] != '/' && rest[0] != '?' && rest[0] != '#') continue;
    const http::RequestHead head = asked_by_key();
    std::string changed;
    for (const http::Field& field : fields) {
      if (&field != location) http::append_field(changed, field.name, field.value);
    }
    std::string target(head.scheme);
    target.append("://").append(head.authority).append(rest.empty() ? "/" : rest);
    http::append_field(changed, "Location", target);
    block = std::move(changed);
    return;
  }
}

}  // namespace meridian::edge
