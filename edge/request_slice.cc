#include <algorithm>
#include <array>
#include <utility>

#include "edge/error_page.h"
#include "edge/origin_fetch.h"
#include "edge/request.h"
#include "edge/stored_head.h"
#include "edge/worker.h"
#include "lib/base/check.h"
#include "lib/http/conditional.h"

// Answering from a body of which only slices are there: what is held comes from RAM and SSD, what lacks is
// fetched slice by slice, in the order in which the client takes it, and at most one slice ahead of it.
namespace meridian::edge {

namespace {

constexpr std::size_t kPiecesAtOnce = 4;
// What may wait for the client; then the store and the origin are left alone.
constexpr std::size_t kSlicesAheadBytes = std::size_t{256} << 10U;
// How often a request that no byte was sent for begins again with what has come instead of its object.
constexpr unsigned kMostRestarts = 3;
// For Cache-Status and the counters so many slices of a request are looked at.
constexpr std::uint64_t kMostSlicesCounted = 1024;

}  // namespace

// Whether what lacks of object_, a far one, can be fetched by slices.
bool Request::may_slice() const {
  if (site_->config.cache.slice_bytes == 0 || object_->meta().status != 200) return false;
  if ((object_->meta().flags & http::kStoredHasValidator) == 0) return false;
  // It begins anew, on the disk.
  if (worker_.store().belongs_on_ssd(*object_)) return false;
  http::FieldList fields;
  std::string text;
  http::parse_block(whole_head(*object_, worker_.name(), text), fields);
  return !strong_validator(fields, now_s()).empty();
}

SliceGrid Request::grid() const {
  return {object_->body_size(), site_->config.cache.slice_bytes, Store::large_of(*object_).chunk_bytes};
}

// What of the body the answer will hold: as respond() will decide.
std::vector<Span> Request::wanted_spans() const {
  const std::uint64_t length = object_->body_size();
  if (head().method == http::Method::kHead || length == 0) return {};
  http::FieldList fields;
  std::string text;
  http::parse_block(whole_head(*object_, worker_.name(), text), fields);
  const http::Validators validators = http::validators_of(200, fields);
  if (http::evaluate(head(), validators, http::Evaluate::kCache, now_s(), object_->meta().response_time_s) ==
      http::Precondition::kNotModified) {
    return {};
  }
  std::vector<Span> whole = {{0, length}};
  if (!head().fields.has(http::FieldId::kRange) ||
      !http::if_range_holds(head().fields, validators, now_s())) {
    return whole;
  }
  std::string joined;
  const http::RangeAnswer answer =
      http::answer_range(head().fields.combined(http::FieldId::kRange, joined), length, range_limits());
  std::vector<Span> spans;
  switch (answer.kind) {
    case http::RangeAnswer::Kind::kWhole:
      return whole;
    case http::RangeAnswer::Kind::kUnsatisfiable:
      return {};
    case http::RangeAnswer::Kind::kSingle:
      return {{answer.single.first, answer.single.last + 1}};
    case http::RangeAnswer::Kind::kMultiple:
      for (const http::ByteRange& range : answer.ranges) spans.push_back({range.first, range.last + 1});
  }
  return spans;
}

// Before the head goes out: which slices are there, and, where the first one is not, whether the origin still
// has the representation that the head speaks of.
Step Request::prepare_slices() {
  const bool again = std::exchange(slices_ready_, true);
  const std::vector<Span> wanted = wanted_spans();
  if (wanted.empty()) return Step::kDeliver;
  const SliceGrid slices = grid();
  std::uint64_t held = 0, needed = 0;
  for (const Span& span : wanted) {
    for (std::uint64_t at = span.begin; at < span.end && needed < kMostSlicesCounted;) {
      const Span slice = slices.around(at);
      const std::uint64_t end = std::min(slice.end, span.end);
      ++needed;
      if (worker_.store().has_of_slice(*object_, slice.begin, {at, end})) ++held;
      at = end;
    }
  }
  if (!again) {
    worker_.sheet().add_n(stats::kSliceLookups, held, stats::SliceLookup::kHit);
    worker_.sheet().add_n(stats::kSliceLookups, needed - held, stats::SliceLookup::kMiss);
  }
  if (held == needed) return Step::kDeliver;
  if (http::wants_only_if_cached(head().fields, reuse_policy())) {
    return fail(504, {ErrorCode::kNotFound, ErrorSource::kClient, false,
                      "not all of this is stored, and the request said only-if-cached"});
  }
  outcome_.forwarded = true;
  if (outcome_.result == stats::CacheResult::kLocal) {
    outcome_.result = stats::CacheResult::kMiss;
    outcome_.miss = http::MissReason::kPartial;
    outcome_.fwd_status = 206;
  }
  outcome_.tier = stats::Tier::kOrigin;
  outcome_.stored = keeps_slices();
  slices_detail_ = std::to_string(held) + " of " + std::to_string(needed) + " slices held";
  outcome_.detail = slices_detail_;
  const std::uint64_t first = wanted.front().begin;
  const Span slice = slices.around(first);
  const Span part{first, std::min(slice.end, wanted.front().end)};
  if (worker_.store().has_of_slice(*object_, slice.begin, part)) return Step::kDeliver;
  if (hop_) say_alive();
  join_slice(first);
  return settle_slice(fill_->view());
}

// Memory alone is not filled by those who want everything: it could not hold it.
bool Request::keeps_slices() const {
  return Store::far_body_of(*object_).on_ssd() || head().fields.has(http::FieldId::kRange);
}

bool Request::shares_slices() const {
  return keeps_slices() && site_->config.cache.collapse &&
         !head().fields.has(http::FieldId::kAuthorization) && !says_no_store() && !slice_alone_;
}

// Follows the fetch of the slice with that byte, or starts it.
void Request::join_slice(std::uint64_t at) {
  slice_ = grid().around(at);
  slicing_ = true;
  bool joined = false;
  fill_ = slice_fill(slice_, joined);
  leader_ = !joined;
  cursor_ = {};
  const bool may_wait = !joined || may_wait_for(*fill_);
  if (may_wait && worker_.board().join(fill_, *this, cursor_)) {
    if (joined) {
      worker_.sheet().change(stats::kFollowers, +1);
      if (!responding_) outcome_.collapsed = true;
    }
    return;
  }
  // It has let go of bytes already, as there was no memory for all of it; or it is not to be waited for.
  leader_ = true;
  slice_alone_ = true;
  fill_ = slice_fill(slice_, joined);
  CHECK(worker_.board().join(fill_, *this, cursor_));
}

// The running fetch of a slice; a new one runs when this returns.
std::shared_ptr<Fill> Request::slice_fill(const Span& slice, bool& joined) {
  const bool shared = shares_slices();
  std::string key;
  std::shared_ptr<Fill> fill;
  joined = false;
  if (shared) {
    slice_key(object_->key(), Store::large_of(*object_).fill_id, slice.begin, key);
    key.append(" ").append(std::to_string(slice.size()));
    fill = worker_.fills().join_or_start(hash_of_key(key), key, hash_, joined,
                                         [&] { return std::make_shared<Fill>(key, worker_.board()); });
  } else {
    fill = std::make_shared<Fill>(std::string(), worker_.board());
  }
  if (joined) return fill;
  FetchPlan plan = plan_for_key();
  plan.collapse_key = std::move(key);
  plan.may_store = true;
  plan.validate = true;
  plan.stale = object_;
  plan.slice = FetchPlan::SliceAsk{slice, keeps_slices()};
  worker_.run_fetch(std::make_unique<OriginFetch>(worker_, view_, site_index_, std::move(plan), fill))
      .start(*this, false);
  return fill;
}

void Request::leave_slice() { leave_fill(); }

// What the answer to the first slice means for a request whose head is not out.
Step Request::settle_slice(const Fill::View& view) {
  switch (view.verdict) {
    case Fill::Verdict::kPending:
      return Step::kWait;
    case Fill::Verdict::kStream:
      outcome_.tier = fill_->head().tier;
      return Step::kDeliver;
    case Fill::Verdict::kAlone:
      if (leader_) return Step::kDeliver;
      leave_slice();
      slice_alone_ = true;
      return prepare_slices();
    case Fill::Verdict::kObject:
      break;
    case Fill::Verdict::kFailed: {
      Error error = fill_->error();
      leave_slice();
      if (error.code == ErrorCode::kCancelled && rounds_ < kMostRestarts) return restart();
      // The origin has its own words for why it does not give this.
      if (error.code == ErrorCode::kCancelled || error.code == ErrorCode::kNotFound)
        return ask_without_slices();
      const int status = status_for(error);
      return fail(status, std::move(error));
    }
  }
  CHECK(false);
}

// With what the store has now, in place of an object that is no more.
Step Request::restart() {
  ++rounds_;
  forget_slices();
  return Step::kLookup;
}

Step Request::ask_without_slices() {
  forget_slices();
  rounds_ = kMostRestarts;
  return Step::kAsk;
}

void Request::forget_slices() {
  object_.reset();
  recalled_.clear();
  partly_held_ = slices_ready_ = slice_alone_ = false;
  outcome_.result = stats::CacheResult::kLocal;
  outcome_.collapsed = false;
  outcome_.detail = {};
}

// Sends what there is at the next byte that is wanted. False: something is waited for, or the connection
// died.
bool Request::send_slices(std::uint64_t next) {
  const Span slice = grid().around(next);
  const std::uint64_t chunk_bytes = Store::large_of(*object_).chunk_bytes;
  const Ref<const Object> in_ram = worker_.store().find_slice(*object_, slice.begin);
  const bool has_in_ram = in_ram && next < slice.begin + in_ram->body_size();
  const bool is_lost = lost_at_ / chunk_bytes == next / chunk_bytes;
  if (!has_in_ram && (is_lost || !worker_.store().has_chunk_at(*object_, next))) {
    join_slice(next);
    return true;
  }
  look_ahead(slice);
  return has_in_ram ? send_slice(*in_ram, slice.begin)
                    : read_chunk(Store::large_of(*object_), next / chunk_bytes);
}

bool Request::send_slice(const Object& slice, std::uint64_t begin) {
  std::uint64_t offset = begin;
  for (std::size_t i = 0; i < slice.piece_count() && !plan_.done(); ++i) {
    Slice piece = slice.piece(i);
    const std::uint64_t end = offset + piece.size;
    if (plan_.next_offset() < end && !send_planned(std::move(piece), offset)) return false;
    offset = end;
  }
  return true;
}

// Of the slice that is being fetched. True: look again what comes next.
bool Request::pump_slice() {
  const Fill::View now = fill_->view();
  if (now.verdict == Fill::Verdict::kPending) return false;
  if (now.verdict == Fill::Verdict::kFailed) return cut_slice();
  if (now.verdict == Fill::Verdict::kAlone && !leader_) {
    leave_slice();
    slice_alone_ = true;
    return true;
  }
  std::array<Slice, kPiecesAtOnce> pieces;
  while (exchange_->queued_bytes() <= kSlicesAheadBytes) {
    const std::uint64_t next = plan_.done() ? slice_.end : plan_.next_offset();
    if (next < slice_.begin + cursor_.offset || next >= slice_.end) {
      leave_slice();
      return true;
    }
    // What lies in front of it nobody wants.
    const std::uint64_t skip = next - slice_.begin - cursor_.offset;
    if (skip > 0) fill_->advance(cursor_, skip);
    std::uint64_t offset = next;
    Fill::View view;
    const std::size_t count = fill_->read(cursor_, pieces.data(), pieces.size(), view);
    if (view.producer_waits) FillBoard::wake_producer(fill_, worker_.board());
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t size = pieces[i].size;
      if (!send_planned(std::move(pieces[i]), offset)) return false;
      offset += size;
    }
    if (count > 0) continue;
    if (view.body == Fill::Body::kBroken) return cut_slice();
    if (view.body == Fill::Body::kFlowing) return false;
    leave_slice();
    return true;
  }
  if (fill_->view().body == Fill::Body::kWhole) look_ahead(slice_);
  return false;
}

// The head has promised what cannot be kept: only a cut connection tells the client so.
bool Request::cut_slice() {
  outcome_.error = fill_->error().context;
  worker_.sheet().add(stats::kSliceCuts);
  leave_slice();
  exchange_->abort();
  return false;
}

// The fetch that the answer came from has broken off. Where the store holds a part of the very same
// representation, the answer goes on with what is there, and what lacks is fetched.
bool Request::continue_by_slices() {
  const FillHead& sent = fill_->head();
  http::FieldList fields;
  http::parse_block(sent.block, fields);
  const auto range = http::parse_content_range(fields.value(http::FieldId::kContentRange));
  const bool is_part = sent.status == 206 && range && range->has_range;
  if (!is_part && (sent.status != 200 || !sent.length)) return false;
  const std::string_view key = sent.variant.empty() ? std::string_view(key_.text) : sent.variant;
  Ref<const Object> object = worker_.store().find(hash_of_key(key), key);
  const std::uint64_t length = is_part ? range->complete_length.value_or(0) : *sent.length;
  if (!object || object->far_body() == nullptr || object->body_size() != length) return false;
  object_ = std::move(object);
  http::FieldList stored;
  std::string text;
  http::parse_block(whole_head(*object_, worker_.name(), text), stored);
  if (!may_slice() || strong_validator(stored, now_s()) != strong_validator(fields, now_s())) {
    object_.reset();
    return false;
  }
  const std::uint64_t base = is_part ? range->range.first : 0;
  const std::uint64_t end = is_part ? range->range.last + 1 : length;
  if (plan_.everything()) plan_.range(base + cursor_.offset, end);
  chunk_read_ = {};
  chunk_waited_ = false;
  partly_held_ = slices_ready_ = true;
  leave_fill();
  return true;
}

// While the client takes one slice, the next one that lacks is fetched: the origin's answer takes its time.
void Request::look_ahead(const Span& slice) {
  const std::uint64_t next = slice.end;
  const std::uint64_t end = std::min(plan_.part_end(), object_->body_size());
  if (ahead_of_ == slice.begin || next >= end || plan_.done() || !shares_slices()) return;
  ahead_of_ = slice.begin;
  const Span ahead = grid().around(next);
  if (worker_.store().has_of_slice(*object_, next, {next, std::min(ahead.end, end)})) return;
  bool joined = false;
  slice_fill(ahead, joined);
}

}  // namespace meridian::edge
