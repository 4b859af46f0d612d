#include <algorithm>

#include "edge/origin_fetch.h"
#include "edge/request.h"
#include "edge/stored_head.h"
#include "edge/stored_object.h"
#include "edge/worker.h"
#include "lib/http/merge.h"
#include "lib/http/range.h"

// Slices of a large body. The first range that is asked of it goes to the origin as it is, as nobody knows
// yet that the body is large, lasting and of one version: widening it unseen would let anybody make the
// origin send a MiB for each byte (Li et al., "CDN Backfired: Amplification Attacks Based on HTTP Range
// Requests", DSN 2020). Its head makes the object, and what it brings of whole slices is kept. From then on
// each slice that lacks is fetched by itself, once for all who wait for it, and held against the validator of
// the first.
namespace meridian::edge {

// --- a response that begins an object

bool OriginFetch::may_begin_slices(const http::ResponseHead& head) const {
  const config::CachePolicyConfig& policy = site().config.cache;
  // The edge that keeps it slices it.
  if (policy.slice_bytes == 0 || head.status != 206 || is_hot()) return false;
  const auto range = http::parse_content_range(head.fields.value(http::FieldId::kContentRange));
  if (!range || !range->has_range || !range->complete_length) return false;
  const std::uint64_t length = *range->complete_length;
  const bool fits = policy.max_object_bytes == 0 || length <= policy.max_object_bytes;
  return fits && length >= policy.slice_from_bytes && length <= kMostSlicedBytes;
}

// False: it is not sliced after all, as it has no strong validator, or no tier has room for slices.
bool OriginFetch::begin_slices(FillHead& head) {
  http::FieldList fields;
  http::parse_block(head.stored_block.empty() ? head.block : head.stored_block, fields);
  const auto range = http::parse_content_range(fields.value(http::FieldId::kContentRange));
  const bool is_whole = range && (!head.length || *head.length == range->range.size());
  if (!is_whole || strong_validator(fields, worker_.now_s()).empty() || !still_valid()) return false;
  const std::uint64_t length = *range->complete_length;
  const Ref<const Object> object = object_to_slice(head, fields, length);
  if (!object) return false;
  const Span part{range->range.first, range->range.last + 1};
  const SliceGrid grid(length, site().config.cache.slice_bytes, Store::large_of(*object).chunk_bytes);
  head.stored = grid.has_whole_slice(part);
  tee_.emplace(worker_.store(), object, grid, part, head.meta, [this] { return still_valid(); });
  return true;
}

// Another range of the same version may have begun it; then its head is updated (RFC 9111 section 3.4).
Ref<const Object> OriginFetch::object_to_slice(const FillHead& head, const http::FieldList& fields,
                                               std::uint64_t length) {
  const Ref<const Object> old = worker_.store().find(hash_of_key(store_key_), store_key_);
  const auto valid = [this] { return still_valid(); };
  http::FieldList stored;
  std::string text;
  std::string lines;
  ObjectMeta meta = head.meta;
  meta.status = 200;
  meta.flags = static_cast<std::uint16_t>(meta.flags & ~http::kStoredPartial);
  const bool is_same_kind = old && old->far_body() != nullptr && old->body_size() == length &&
                            old->meta().status == 200 && old->meta().site == site().id;
  if (is_same_kind) {
    http::parse_block(whole_head(*old, worker_.name(), text), stored);
    if (strong_validator(stored, worker_.now_s()) == strong_validator(fields, worker_.now_s())) {
      http::merge_fields(stored, fields, {}, lines);
      meta.fill_seq = std::min(meta.fill_seq, old->meta().fill_seq);
      const std::string packed = pack_head(lines, own_lines(*old), worker_.name(), meta);
      Ref<const Object> fresh = old->with(meta, packed);
      worker_.store().replace(*old, fresh, valid);
      return fresh;
    }
  }
  // With If-Range the origin may leave out what its client has already (RFC 9110 section 15.3.7), as the type
  // of the content: that is no head for others.
  if (asked().fields.has(http::FieldId::kIfRange) && !fields.has(http::FieldId::kContentType)) return {};
  for (const http::Field& field : fields) {
    if (field.id != http::FieldId::kContentRange) http::append_field(lines, field.name, field.value);
  }
  const std::string packed = pack_head(lines, head.own_lines, worker_.name(), meta);
  return worker_.store().begin_sliced(store_key_, meta, packed, length, site().config.cache.slice_bytes,
                                      old.get(), valid);
}

// The readers' window is all that memory holds of it, and one slice.
void OriginFetch::tee_slices(const Slice& bytes) {
  const FillHead& head = fill_->head();
  // More than Content-Range says: nothing of it can be trusted.
  const auto announced = head.length.value_or(UINT64_MAX);
  if (fill_->produced_bytes() + bytes.size > announced || !tee_->takes(bytes.size)) {
    tee_.reset();
    return let_go();
  }
  tee_->append(bytes);
  const std::uint64_t before = held_bytes_;
  let_go();
  held_bytes_ = tee_->held_bytes();
  const std::uint64_t in_all =
      worker_.fill_bytes().fetch_add(held_bytes_, std::memory_order_relaxed) + held_bytes_;
  if (held_bytes_ <= before || in_all <= view_->table->config().cache.fill_bytes) return;
  worker_.sheet().add(stats::kLimits, stats::Limit::kFills);
  tee_.reset();
  let_go();
}

// A whole that broke off on its way to SSD: what is there is held like slices, and what lacks is fetched when
// somebody wants it, first of all those who were reading.
void OriginFetch::keep_what_came() {
  const FillHead& head = fill_->head();
  if (site().config.cache.slice_bytes == 0 || head.status != 200 || !head.length || !ssd_body_) return;
  const std::string& block = head.stored_block.empty() ? head.block : head.stored_block;
  http::FieldList fields;
  http::parse_block(block, fields);
  if (strong_validator(fields, worker_.now_s()).empty() || !still_valid() || !ssd_fill_->publish()) return;
  ObjectMeta meta = head.meta;
  const std::string packed = pack_head(block, head.own_lines, worker_.name(), meta);
  worker_.store().filled(store_key_);
  worker_.store().put_far(Object::make_far(store_key_, meta, packed, *head.length, ssd_body_),
                          [this] { return still_valid(); });
  if (!still_valid()) worker_.store().remove(store_key_);
}

// --- a slice

Span OriginFetch::rest_of_slice() const {
  return {plan_.slice->span.begin + fill_->produced_bytes(), plan_.slice->span.end};
}

void OriginFetch::append_slice_range(std::string& block) const {
  http::FieldList stored;
  std::string text;
  http::parse_block(whole_head(*plan_.stale, worker_.name(), text), stored);
  append_slice_request(rest_of_slice(), strong_validator(stored, worker_.now_s()), block);
}

// Once more, for what has not come: of the origin itself, whoever was asked before.
void OriginFetch::ask_rest_of_slice() {
  std::string block = slice_block_;
  append_slice_range(block);
  http::RequestHead head;
  head.method = http::Method::kGet;
  head.method_name = "GET";
  head.path = std::string_view(plan_.key).substr(plan_.path_begin);
  upstream::Request rest;
  rest.head = &head;
  rest.block = block;
  if (site().config.host_header == config::HostHeader::kClient) rest.authority = plan_.authority();
  rest.hash = plan_.hash;
  hops_ = nullptr;
  hop_ = nullptr;
  started_ms_ = worker_.loop().now_ms();
  fetch_ = view_->groups[site_index_]->start(rest, *this);
}

void OriginFetch::on_slice_head(const http::ResponseHead& head, std::optional<std::uint64_t> length) {
  http::FieldList stored;
  std::string text;
  http::parse_block(whole_head(*plan_.stale, worker_.name(), text), stored);
  const Span rest = rest_of_slice();
  SliceAnswer answer = judge_slice(head, rest, stored, plan_.stale->body_size(), worker_.now_s());
  if (answer == SliceAnswer::kGood && length && *length != rest.size()) answer = SliceAnswer::kNotSliced;
  bool for_all = true;
  if (answer == SliceAnswer::kGood && !headed_ && !freshen_by_slice(head, stored, for_all))
    answer = SliceAnswer::kChanged;
  if (answer != SliceAnswer::kGood) return refuse_slice(answer);
  if (headed_) return;  // it goes on where it had broken off
  const bool shareable = for_all && !plan_.collapse_key.empty();
  FillHead fill_head;
  fill_head.status = 206;
  fill_head.length = plan_.slice->span.size();
  fill_head.meta = plan_.stale->meta();
  if (hop_ != nullptr) fill_head.meta.fill_seq = hop_->fill.fill_seq;
  fill_head.may_keep = for_all;
  if (hop_ != nullptr)
    fill_head.tier = hop_->role == wire::HopRole::kShield ? stats::Tier::kShield : stats::Tier::kPeer;
  storing_ = fill_head.stored = plan_.slice->keep && for_all && !is_hot() && still_valid();
  if (storing_) {
    worker_.sheet().change(stats::kFillsRunning, +1);
    const SliceGrid grid(plan_.stale->body_size(), site().config.cache.slice_bytes,
                         Store::large_of(*plan_.stale).chunk_bytes);
    tee_.emplace(worker_.store(), plan_.stale, grid, plan_.slice->span, fill_head.meta,
                 [this] { return still_valid(); });
  }
  if (!shareable) close_to_askers();
  headed_ = true;
  fill_->publish_head(std::move(fill_head), shareable, storing_);
  if (!ended_) on_readers_changed();
}

// The head is updated by what comes later of the same representation (RFC 9111 section 3.4), for all its
// slices. False: this says that it may not be stored any more, or is another variant now. `for_all` is made
// false where the answer is for this request alone.
bool OriginFetch::freshen_by_slice(const http::ResponseHead& head, const http::FieldList& stored,
                                   bool& for_all) {
  Updated now;
  update_stored(stored, head, now);
  if (vary_of(stored) != vary_of(now.head.fields)) return false;
  if (!now.decision.store()) {
    for_all = false;
    return lies_in_request(now.decision.reason);
  }
  if (is_hot()) return true;
  const Object& known = *plan_.stale;
  ObjectMeta meta = known.meta();
  if (hop_ != nullptr) meta.fill_seq = std::min(meta.fill_seq, hop_->fill.fill_seq);
  set_times(meta, now.decision.times);
  meta.flags |= http::kStoredHasValidator;
  const std::string packed = pack_head(now.lines, now.own_lines, worker_.name(), meta);
  if (still_valid())
    worker_.store().replace(known, known.with(meta, packed), [this] { return still_valid(); });
  return true;
}

void OriginFetch::on_slice_body(Slice bytes) {
  if (bytes.size > rest_of_slice().size()) {
    return on_slice_error({ErrorCode::kInvalid, ErrorSource::kOrigin, false,
                           "the origin sent more of a body than it was asked for"});
  }
  if (storing_) {
    tee_->append(bytes);
    hold(bytes.size);
    if (!storing_) tee_.reset();  // there was no memory for it
  }
  fill_->append(std::move(bytes));
  // Readers have run inside append(), and the last one may have gone.
  if (ended_ || !fetch_) return;
  if (fill_->should_pause()) {
    paused_ = true;
    fetch_->pause();
  }
}

void OriginFetch::on_slice_done() {
  if (ended_) return;
  if (rest_of_slice().size() > 0) {
    return on_slice_error(
        {ErrorCode::kClosed, ErrorSource::kOrigin, true, "the origin sent less of a body than it announced"});
  }
  const bool kept = storing_ && tee_->kept() > 0;
  if (storing_) worker_.sheet().change(stats::kFillsRunning, -1);
  storing_ = false;
  worker_.sheet().add(stats::kSliceFetches, kept ? stats::SliceEnd::kKept : stats::SliceEnd::kNotKept);
  close_to_askers();
  settled_ = true;
  fill_->finish({});
  end();
}

void OriginFetch::on_slice_error(const Error& error) {
  if (ended_ || resume_slice(error)) return;
  worker_.sheet().add(stats::kSliceFetches, stats::SliceEnd::kFailed);
  end_slice(error);
}

// Readers do not notice: they wait for the next byte.
bool OriginFetch::resume_slice(const Error& error) {
  const upstream::GroupOptions& options = site().origin_options;
  if (!headed_ || !error.retryable || resumes_ >= options.retries) return false;
  if (!upstream::take_retry(*site().origins, worker_.loop().now_ms())) return false;
  worker_.sheet().add(stats::kSliceResumes);
  fetch_.reset();
  paused_ = false;
  if (!resume_timer_) resume_timer_.emplace(worker_.loop(), [this] { ask_rest_of_slice(); });
  constexpr unsigned kMostDoublings = 10;
  const auto most_ms =
      static_cast<std::uint64_t>(options.retry_backoff_ms << std::min(resumes_++, kMostDoublings));
  resume_timer_->arm(static_cast<std::int64_t>(worker_.random() % (most_ms + 1)));
  return true;
}

// Nothing is taken of a body that is not what was asked for.
void OriginFetch::refuse_slice(SliceAnswer answer) {
  if (answer == SliceAnswer::kFailed) {
    worker_.sheet().add(stats::kSliceFetches, stats::SliceEnd::kFailed);
    return end_slice({ErrorCode::kNotFound, ErrorSource::kOrigin, false,
                      "the origin did not give a part of the body that was asked for"});
  }
  const bool changed = answer == SliceAnswer::kChanged;
  worker_.sheet().add(stats::kSliceFetches,
                      changed ? stats::SliceEnd::kChanged : stats::SliceEnd::kNotSliced);
  worker_.store().drop_sliced(*plan_.stale);
  end_slice({ErrorCode::kCancelled, ErrorSource::kOrigin, true,
             changed ? "the representation changed while its parts were being fetched"
                     : "the origin does not serve this body by parts"});
}

void OriginFetch::end_slice(const Error& error) {
  if (storing_) stop_storing(http::NotStored::kBroken);
  tee_.reset();
  headed_ = true;
  close_to_askers();
  fill_->publish_error(error);
  end();
}

}  // namespace meridian::edge
