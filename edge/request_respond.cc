#include <array>
#include <charconv>

#include "edge/request.h"
#include "edge/stored_head.h"
#include "edge/worker.h"
#include "lib/base/check.h"
#include "lib/http/cache_status.h"
#include "lib/http/conditional.h"
#include "lib/http/forwarding.h"
#include "lib/http/range.h"

// Answering: from a stored object, from a part of one, or from a running fill. respond() decides between the
// whole, a range, and 304; pump() moves the body from wherever it is.
namespace meridian::edge {

namespace {

// Fields by which a client asks for something else than the whole.
constexpr http::FieldSet kSelective = {http::FieldId::kIfNoneMatch, http::FieldId::kIfModifiedSince,
                                       http::FieldId::kRange};
constexpr std::size_t kPiecesAtOnce = 4;
// What is queued of a stored object is only pointed to, so much of it may stand ready: the kernel takes it in
// few calls.
constexpr std::size_t kObjectAheadBytes = std::size_t{1} << 20U;

}  // namespace

Step Request::deliver() {
  if (partly_held_ && !slices_ready_ && object_->far_body() != nullptr) return Step::kSlices;
  const ObjectMeta& meta = object_->meta();
  if (outcome_.result == stats::CacheResult::kLocal) {
    outcome_.result = reuse_.verdict == http::Reuse::Verdict::kFresh ? stats::CacheResult::kHit
                                                                     : stats::CacheResult::kStale;
    take_tier();
  }
  Source source;
  source.status = meta.status;
  source.block = whole_head(*object_, worker_.name(), head_text_);
  source.age_s = times_of(meta).age_at(now_s());
  source.has_length = true;
  source.length = object_->body_size();
  source.no_body = meta.status == 204 || meta.status == 304;
  source.meta = &meta;
  if (hop_) say_fill(meta, own_lines(*object_), true);
  respond(source);
  return Step::kWait;
}

http::RangeLimits Request::range_limits() const { return {site_->config.cache.max_ranges}; }

void Request::respond(const Source& source) {
  if (head().fields.present().intersects(kSelective) && respond_conditionally(source)) return;
  const bool has_length = source.has_length && source.status != 204 && source.status != 304;
  send(source.status, source.block, has_length, source.length, source.age_s);
  if (head().method == http::Method::kHead || source.no_body) return finish_response();
  pump();
}

// 304, 206 and 416; false when the whole is to be sent after all.
bool Request::respond_conditionally(const Source& source) {
  if (source.status != 200) return false;
  http::FieldList fields;
  http::parse_block(source.block, fields);
  const http::Validators validators = http::validators_of(source.status, fields);
  const std::int64_t received_s = source.meta->response_time_s;
  const http::Precondition verdict =
      http::evaluate(head(), validators, http::Evaluate::kCache, now_s(), received_s);
  if (verdict == http::Precondition::kNotModified) return respond_not_modified(source, fields);
  if (head().method != http::Method::kGet || !source.has_length || !head().fields.has(http::FieldId::kRange))
    return false;
  if (!http::if_range_holds(head().fields, validators, now_s())) return false;
  return respond_range(source, fields);
}

bool Request::respond_not_modified(const Source& source, const http::FieldList& fields) {
  std::string block;
  const bool has_etag = fields.has(http::FieldId::kEtag);
  for (const http::Field& field : fields) {
    if (http::kept_in_304(field.id, has_etag)) http::append_field(block, field.name, field.value);
  }
  send(304, block, false, 0, source.age_s);
  // Nothing of the body is sent; a fill goes on for those who want it.
  leave_fill();
  finish_response();
  return true;
}

bool Request::respond_range(const Source& source, const http::FieldList& fields) {
  http::RangeAnswer answer = http::answer_range(head().fields.combined(http::FieldId::kRange, scratch_),
                                                source.length, range_limits());
  // Parts of a body that is still on its way can be sent only in the order in which it comes.
  if (answer.kind == http::RangeAnswer::Kind::kMultiple && fill_ && !slicing_) return false;
  if (answer.kind == http::RangeAnswer::Kind::kWhole) return false;
  std::array<char, 70> buffer;
  std::string block;
  const bool multiple = answer.kind == http::RangeAnswer::Kind::kMultiple;
  for (const http::Field& field : fields) {
    const bool of_body = field.id == http::FieldId::kContentType && multiple;
    const bool none =
        answer.kind == http::RangeAnswer::Kind::kUnsatisfiable &&
        (field.id == http::FieldId::kContentType || field.id == http::FieldId::kContentEncoding);
    if (!of_body && !none && field.id != http::FieldId::kContentRange)
      http::append_field(block, field.name, field.value);
  }
  if (answer.kind == http::RangeAnswer::Kind::kUnsatisfiable) {
    http::append_field(block, "Content-Range", http::format_unsatisfied_range(source.length, buffer));
    send(416, block, true, 0, source.age_s);
    leave_fill();
    finish_response();
    return true;
  }
  if (!multiple) {
    http::append_field(block, "Content-Range",
                       http::format_content_range(answer.single, source.length, buffer));
    plan_.range(answer.single.first, answer.single.last + 1);
    send(206, block, true, answer.single.size(), source.age_s);
    pump();
    return true;
  }
  const std::string boundary = "meridian-" + std::to_string(worker_.random());
  const http::MultipartRanges parts(std::move(answer.ranges), source.length,
                                    fields.value(http::FieldId::kContentType), boundary);
  std::vector<BodyPlan::Part> plan;
  for (std::size_t i = 0; i < parts.count(); ++i) {
    plan.push_back({parts.part_head(i), parts.range(i).first, parts.range(i).last + 1});
  }
  plan_.parts(std::move(plan), parts.closing());
  http::append_field(block, "Content-Type", parts.media_type());
  send(206, block, true, parts.total_bytes(), source.age_s);
  pump();
  return true;
}

// A range from a stored part (206): only a single range that lies wholly within it, and only while it is
// fresh.
bool Request::deliver_part() {
  std::string key;
  part_key(lookup_key(), key);
  Ref<const Object> part = find_stored(key);
  if (!part) return false;
  const http::Reuse reuse =
      http::decide_reuse(times_of(part->meta()), head().fields, now_s(), reuse_policy());
  http::FieldList fields;
  http::parse_block(part->head(), fields);
  const auto held = http::parse_content_range(fields.value(http::FieldId::kContentRange));
  const auto specs =
      http::parse_range(head().fields.combined(http::FieldId::kRange, scratch_), range_limits());
  outcome_.miss = http::MissReason::kPartial;
  if (!reuse.serve() || !held || !held->complete_length || !specs || specs->size() != 1) return false;
  const http::Validators validators = http::validators_of(206, fields);
  const std::uint64_t length = *held->complete_length;
  const auto wanted = http::satisfy(specs->front(), length);
  if (!wanted || wanted->first < held->range.first || wanted->last > held->range.last) return false;
  // Preconditions come before the range (RFC 9110 section 13.2.2); a part has its representation's
  // validators.
  const bool known = http::evaluate(head(), validators, http::Evaluate::kCache, now_s(),
                                    part->meta().response_time_s) == http::Precondition::kNotModified;
  if (!known && !http::if_range_holds(head().fields, validators, now_s())) return false;

  reuse_ = reuse;
  // It asks for the same range again, as there is no whole response that could be refreshed.
  if (reuse.verdict == http::Reuse::Verdict::kStaleWhileRevalidate) refresh_behind();
  object_ = std::move(part);
  outcome_.miss = http::MissReason::kNone;
  outcome_.result =
      reuse.verdict == http::Reuse::Verdict::kFresh ? stats::CacheResult::kHit : stats::CacheResult::kStale;
  take_tier();
  Source source;
  source.meta = &object_->meta();
  source.age_s = times_of(object_->meta()).age_at(now_s());
  if (hop_) say_fill(object_->meta(), own_lines(*object_), true);
  if (known) return respond_not_modified(source, fields);
  std::array<char, 70> buffer;
  std::string block;
  for (const http::Field& field : fields) {
    if (field.id != http::FieldId::kContentRange) http::append_field(block, field.name, field.value);
  }
  http::append_field(block, "Content-Range", http::format_content_range(*wanted, length, buffer));
  plan_.range(wanted->first - held->range.first, wanted->last + 1 - held->range.first);
  send(206, block, true, wanted->size(), source.age_s);
  pump();
  return true;
}

void Request::send(int status, std::string_view block, bool has_length, std::uint64_t length,
                   std::int64_t age_s) {
  CHECK(!responding_);
  responding_ = true;
  collapse_timer_.cancel();
  outcome_.status = status;
  outcome_.first_byte_ms = worker_.loop().now_ms() - exchange_->started_ms();
  std::array<char, 32> age;
  scratch_.clear();
  if (age_s > 0 || outcome_.result == stats::CacheResult::kHit) scratch_.append(http::write_age(age_s, age));
  add_cache_status(reuse_.ttl_s);
  if (hop_) scratch_.append(hop_lines_);
  const config::ForwardingConfig& forwarding = site_->config.forwarding;
  if (forwarding.request_id_response && !forwarding.request_id_header.empty())
    http::append_field(scratch_, forwarding.request_id_header, ensure_request_id());
  // Ours behind the origin's: a Cache-Status list is in the order of the caches (RFC 9211 section 2).
  const std::string_view blocks[] = {block, scratch_};
  http::ResponseStart start;
  start.status = status;
  start.blocks = blocks;
  start.has_length = has_length;
  start.length = length;
  exchange_->send_head(start);
}

void Request::add_cache_status(std::int64_t ttl_s) {
  const config::CacheStatusMode mode = site_->config.cache.cache_status;
  if (mode == config::CacheStatusMode::kOff) return;
  http::CacheStatus status;
  status.hit = !outcome_.forwarded && object_;
  if (status.hit) {
    status.ttl_s = ttl_s;
  } else if (outcome_.forwarded) {
    status.fwd = outcome_.miss;
    status.fwd_status = outcome_.fwd_status;
    status.stored = outcome_.stored;
    status.collapsed = outcome_.collapsed;
  }
  status.detail = outcome_.detail;
  if (mode == config::CacheStatusMode::kKey) status.key = key_.text;
  std::array<char, http::kCacheStatusBytes> buffer;
  http::append_field(scratch_, "Cache-Status",
                     http::write_cache_status(status, worker_.cache_name(), buffer));
}

void Request::on_drained() {
  if (responding_ && !finished_) pump();
}

void Request::pump() {
  // Sending may find the connection dead, and then this request is over and released: exchange_ tells.
  scratch_.clear();
  const bool whole = fill_ && !slicing_ ? pump_fill(scratch_) : pump_object();
  if (exchange_ != nullptr && whole) finish_response(scratch_);
}

bool Request::pump_object() {
  if (object_->far_body() != nullptr) return pump_far();
  while (piece_ < object_->piece_count()) {
    if (exchange_->queued_bytes() > kObjectAheadBytes) return false;
    Slice piece = object_->piece(piece_++);
    const std::uint64_t offset = body_offset_;
    body_offset_ += piece.size;
    if (!send_planned(std::move(piece), offset)) return false;
    if (!plan_.everything() && plan_.done()) return true;
    if (plan_.must_rewind(body_offset_)) {
      piece_ = 0;
      body_offset_ = 0;
    }
  }
  return true;
}

// Sends what the plan wants of a piece; false when the connection died of it.
bool Request::send_planned(Slice piece, std::uint64_t offset) {
  plan_.take(piece, offset, [this](Slice bytes) {
    if (exchange_ != nullptr) exchange_->send_body(std::move(bytes));
  });
  return exchange_ != nullptr;
}

bool Request::pump_fill(std::string& trailers) {
  std::array<Slice, kPiecesAtOnce> pieces;
  while (exchange_->queued_bytes() <= http::Exchange::kHighWater) {
    std::uint64_t offset = cursor_.offset;
    Fill::View view;
    const std::size_t count = fill_->read(cursor_, pieces.data(), pieces.size(), view);
    if (view.producer_waits) FillBoard::wake_producer(fill_, worker_.board());
    if (view.behind) {
      if (!pump_behind()) return false;
      if (!plan_.everything() && plan_.done()) return true;
      continue;
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t size = pieces[i].size;
      if (!send_planned(std::move(pieces[i]), offset)) return false;
      offset += size;
      if (!plan_.everything() && plan_.done()) return true;
    }
    if (count == pieces.size()) continue;
    if (view.body == Fill::Body::kWhole) {
      trailers = fill_->head().trailer_block;
      return true;
    }
    if (view.body == Fill::Body::kBroken && continue_by_slices()) return pump_object();
    if (view.body == Fill::Body::kBroken) {
      outcome_.error = fill_->error().context;
      leave_fill();
      exchange_->abort();
    }
    return false;
  }
  return false;
}

void Request::finish_response(std::string_view trailers) {
  finished_ = true;
  leave_fill();
  exchange_->finish(trailers);
}

}  // namespace meridian::edge
