#include "edge/origin_fetch.h"
#include "edge/request.h"
#include "edge/worker.h"
#include "lib/base/check.h"
#include "lib/http/conditional.h"
#include "lib/http/forwarding.h"

// Asking an origin: alone or together with others, what becomes of the answer, and the request's body on its
// way.
namespace meridian::edge {

namespace {
// How often a request may find that the fill it followed is of another variant before it goes alone.
constexpr unsigned kMaxRounds = 3;
}  // namespace

// RFC 9110 section 15.6: 502 for an origin that fails, 504 for one that is slow, 503 when we will not ask it
// now.
int status_for(const Error& error) {
  switch (error.code) {
    case ErrorCode::kTimeout:
      return 504;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kRefused:
      return error.source == ErrorSource::kOrigin ? 502 : 503;
    case ErrorCode::kTooLarge:
      return error.source == ErrorSource::kClient ? 413 : 502;
    case ErrorCode::kInvalid:
      return error.source == ErrorSource::kClient ? 400 : 502;
    default:
      return 502;
  }
}

namespace {
// Where a fetch that is stored was answered, where that is not the origin itself.
std::string_view detail_of(stats::Tier tier) {
  return tier == stats::Tier::kPeer ? "peer" : tier == stats::Tier::kShield ? "shield" : "";
}

// Whether what the fill has learnt is that the response is for one asker only.
bool tells_not_to_share(const Fill& fill) {
  return fill.view().verdict == Fill::Verdict::kAlone && !fill.object() && fill.head().status != 0 &&
         !fill.head().may_keep;
}
}  // namespace

Step Request::ask() {
  outcome_.forwarded = true;
  if (hop_) say_alive();
  if (bypass_) return ask_alone(false);
  return may_collapse() ? ask_shared() : ask_alone(true);
}

bool Request::may_collapse() const {
  if (!site_->config.cache.collapse || hit_for_miss_ || rounds_ >= kMaxRounds) return false;
  // An answer to a request with credentials is rarely one for others; one that the client wants validated may
  // not come from a fetch that began before it.
  if (head().method == http::Method::kHead || head().fields.has(http::FieldId::kAuthorization)) return false;
  if (outcome_.miss == http::MissReason::kRequest || says_no_store()) return false;
  // What must be validated for each request cannot be shared by several (RFC 9111 section 5.2.2.4).
  if (object_ && ((object_->meta().flags & http::kStoredNoCache) != 0 || object_->meta().lifetime_s == 0))
    return false;
  return true;
}

// Its answer is for nobody else, and it must not make others wait.
bool Request::says_no_store() const {
  return site_->config.cache.honour_client &&
         head().fields.present().intersects(http::kRequestDirectiveFields) &&
         http::request_directives(head().fields).no_store;
}

bool Request::asks_for_range() const {
  return !object_ && head().method == http::Method::kGet && head().fields.has(http::FieldId::kRange);
}

std::string Request::collapse_key(bool of_whole) const {
  std::string key(lookup_key());
  key.append("\n\nsite ").append(std::to_string(site_->id));
  if (!of_whole && asks_for_range()) {
    std::string joined;
    key.append("\n\nrange ").append(head().fields.combined(http::FieldId::kRange, joined));
    key.append("\n").append(head().fields.value(http::FieldId::kIfRange));
  }
  return key;
}

Step Request::ask_shared() {
  outcome_.result = stats::CacheResult::kMiss;
  if (asks_for_range() && !own_range_ && join_whole()) return settle_fill(fill_->view());
  const std::string key = collapse_key(false);
  const std::uint64_t hash = hash_of_key(key);
  bool joined = false;
  std::shared_ptr<Fill> fill = worker_.fills().join_or_start(
      hash, key, hash_, joined, [&] { return std::make_shared<Fill>(key, worker_.board()); });
  if (!joined) {
    start_fetch(std::move(fill), true, true);
    return Step::kWait;
  }
  return follow(std::move(fill)) ? settle_fill(fill_->view()) : ask_alone(true);
}

bool Request::follow(std::shared_ptr<Fill> fill) {
  if (!may_wait_for(*fill)) return false;
  if (!worker_.board().join(fill, *this, cursor_)) return false;
  worker_.sheet().change(stats::kFollowers, +1);
  fill_ = std::move(fill);
  collapse_timer_.arm(site_->config.cache.collapse_wait_ms);
  return true;
}

// A range may come from the fetch of the whole that is running: what has come of it is a partly filled
// object.
bool Request::join_whole() {
  const std::string key = collapse_key(true);
  std::shared_ptr<Fill> fill = worker_.fills().find(hash_of_key(key), key, hash_);
  if (!fill) return false;
  const Fill::Verdict verdict = fill->view().verdict;
  const bool may =
      verdict == Fill::Verdict::kPending || (verdict == Fill::Verdict::kStream && serves_range(*fill));
  return may && follow(std::move(fill));
}

// Whether waiting for this range is better than asking for it: a single one, of a body of known length, that
// has come or begins not far behind what has come. What is no answer to a range at all is shared as it is.
bool Request::serves_range(const Fill& fill) const {
  const FillHead& fill_head = fill.head();
  if (fill_head.status != 200) return true;
  if (!fill_head.length) return false;
  std::string joined;
  const http::RangeAnswer answer = http::answer_range(head().fields.combined(http::FieldId::kRange, joined),
                                                      *fill_head.length, range_limits());
  switch (answer.kind) {
    case http::RangeAnswer::Kind::kSingle:
      return answer.single.first <= fill.produced_bytes() + site_->config.cache.range_ahead_bytes;
    case http::RangeAnswer::Kind::kMultiple:
      return false;
    case http::RangeAnswer::Kind::kWhole:
    case http::RangeAnswer::Kind::kUnsatisfiable:
      break;
  }
  return true;
}

Step Request::ask_alone(bool may_store) {
  outcome_.result = !may_store      ? stats::CacheResult::kPass
                    : hit_for_miss_ ? stats::CacheResult::kHitForMiss
                                    : stats::CacheResult::kMiss;
  start_fetch(std::make_shared<Fill>(std::string(), worker_.board()), false, may_store);
  return Step::kWait;
}

FetchPlan Request::plan_for_key() const {
  FetchPlan plan;
  plan.key = key_.text;
  plan.host_begin = key_.host_begin;
  plan.path_begin = key_.path_begin;
  plan.hash = hash_;
  plan.variant = variant_;
  return plan;
}

// The validation of a body that is held in slices asks for no more of a new version than the client does.
bool Request::validates_range() const {
  // What a new version means for the client's own conditions is told by the whole of it.
  return object_ && partly_held_ && head().method == http::Method::kGet &&
         head().fields.has(http::FieldId::kRange) &&
         !head().fields.present().intersects(http::kConditionalFields);
}

void Request::start_fetch(std::shared_ptr<Fill> fill, bool shared, bool may_store) {
  FetchPlan plan = plan_for_key();
  if (shared) plan.collapse_key = fill->key();
  plan.may_store = may_store && head().method == http::Method::kGet;
  plan.validate = may_store;
  plan.stale = may_store ? object_ : Ref<const Object>();
  plan.validate_range = plan.stale && validates_range();
  plan.stale_if_error = object_ && reuse_.stale_if_error;
  plan.unsafe = !http::is_safe(head().method);
  plan.tunnel = outcome_.miss == http::MissReason::kUpgrade && site_->config.upgrade;
  leader_ = true;
  fill_ = std::move(fill);
  CHECK(worker_.board().join(fill_, *this, cursor_));
  OriginFetch& fetch =
      worker_.run_fetch(std::make_unique<OriginFetch>(worker_, view_, site_index_, std::move(plan), fill_));
  fetch_ = &fetch;
  fetch.start(*this, true);
  if (exchange_->has_request_body()) exchange_->read_body();
}

// Stale-while-revalidate (RFC 5861 section 3): one fetch behind the client's back, unless one runs.
void Request::refresh_behind() {
  std::string key = collapse_key(false);
  const std::uint64_t hash = hash_of_key(key);
  bool joined = false;
  std::shared_ptr<Fill> fill = worker_.fills().join_or_start(
      hash, key, hash_, joined, [&] { return std::make_shared<Fill>(key, worker_.board()); });
  if (joined) return;
  FetchPlan plan = plan_for_key();
  plan.collapse_key = std::move(key);
  plan.may_store = true;
  plan.validate = true;
  plan.stale = object_;
  plan.validate_range = validates_range();
  plan.stale_if_error = reuse_.stale_if_error;
  worker_
      .run_fetch(std::make_unique<OriginFetch>(worker_, view_, site_index_, std::move(plan), std::move(fill)))
      .start(*this, false);
}

void Request::leave_fill() {
  slicing_ = false;
  if (!fill_) return;
  collapse_timer_.cancel();
  if (!leader_) worker_.sheet().change(stats::kFollowers, -1);
  leader_ = false;
  const std::shared_ptr<Fill> fill = std::move(fill_);
  worker_.board().leave(*fill, *this, cursor_);
  cursor_ = {};
}

void Request::on_fill_progress() {
  if (!fill_ || finished_) return;
  if (recalling_) return walk(end_recall(fill_->view()));
  if (responding_) {
    pump();
    return;
  }
  walk(slicing_ ? settle_slice(fill_->view()) : settle_fill(fill_->view()));
}

// What the fill's verdict means for this request.
Step Request::settle_fill(const Fill::View& view) {
  if (stand_in(view)) return Step::kDeliver;
  switch (view.verdict) {
    case Fill::Verdict::kPending:
      return Step::kWait;
    case Fill::Verdict::kStream:
      return leader_ || view.body != Fill::Body::kBroken ? Step::kStream : ask_again();
    case Fill::Verdict::kAlone:
      if (!leader_) return ask_again();
      return fill_->object() ? take_object() : Step::kStream;
    case Fill::Verdict::kObject:
      return take_object();
    case Fill::Verdict::kFailed: {
      Error error = fill_->error();
      // The validation came to nothing; see OriginFetch::take_not_modified.
      if (error.code == ErrorCode::kCancelled && error.retryable && rounds_++ < kMaxRounds) {
        leave_fill();
        object_.reset();
        recalled_.clear();
        return Step::kLookup;
      }
      const int status = status_for(error);
      return fail(status, std::move(error));
    }
  }
  CHECK(false);
}

// A range that is not this one's has begun an object in the store that all can use; or it was about a version
// of it that is no more.
bool Request::waits_for_slices() const {
  if (partly_held_) return true;
  return fill_->view().verdict == Fill::Verdict::kAlone && !fill_->object() && fill_->head().sliced;
}

// Not to be shared: those who waited ask for themselves, at once and all together.
Step Request::ask_again() {
  passes_edges_ = passes_edges_ || tells_not_to_share(*fill_);
  const bool look = rounds_ < kMaxRounds && waits_for_slices();
  leave_fill();
  if (look) return restart();
  hit_for_miss_ = true;
  return Step::kAsk;
}

// Stale-if-error: what this request has found stored answers in place of the origin's failure, where the
// response, our policy or this very request allows it (RFC 5861 section 4). Each reader of a fill decides for
// itself.
bool Request::stand_in(const Fill::View& view) {
  if (!object_ || !reuse_.stale_if_error || view.verdict == Fill::Verdict::kPending) return false;
  if (view.verdict == Fill::Verdict::kFailed) {
    if (fill_->error().code == ErrorCode::kCancelled) return false;
    outcome_.detail = "origin-unreachable";
  } else {
    outcome_.fwd_status = fill_->object() ? 0 : fill_->head().status;
    if (!http::is_stale_if_error_status(outcome_.fwd_status)) return false;
    outcome_.detail = "origin-error";
  }
  outcome_.collapsed = !leader_;
  outcome_.result = stats::CacheResult::kStale;
  outcome_.tier = stats::Tier::kRam;
  leave_fill();
  return true;
}

// The origin confirmed what is stored.
Step Request::take_object() {
  object_ = fill_->object();
  outcome_.collapsed = !leader_;
  outcome_.result = stats::CacheResult::kRevalidated;
  outcome_.tier = stats::Tier::kRam;
  outcome_.fwd_status = fill_->fwd_status();
  outcome_.stored = true;
  reuse_.ttl_s = times_of(object_->meta()).ttl_at(now_s());
  leave_fill();
  return Step::kDeliver;
}

bool Request::variant_matches(const FillHead& fill_head) {
  if (fill_head.vary.empty()) return true;
  scratch_.assign(key_.text);
  http::append_variant(fill_head.vary, head().fields, view_->vary_policies[site_index_], scratch_);
  return scratch_ == fill_head.variant;
}

Step Request::stream() {
  const FillHead& fill_head = fill_->head();
  if (!leader_) {
    if (!variant_matches(fill_head)) {
      leave_fill();
      ++rounds_;
      return Step::kLookup;
    }
    if (asks_for_range() && !own_range_ && !serves_range(*fill_)) {
      own_range_ = true;
      leave_fill();
      return Step::kAsk;
    }
    outcome_.collapsed = true;
    outcome_.result = stats::CacheResult::kCollapsed;
    worker_.sheet().add(stats::kCollapsed);
  }
  outcome_.tier = fill_head.tier;
  outcome_.fwd_status = fill_head.status;
  outcome_.stored = fill_head.stored;
  outcome_.detail = fill_head.stored ? detail_of(fill_head.tier) : fill_head.reason;
  object_.reset();
  Source source;
  source.status = fill_head.status;
  // Fields for the one who asked (private="x", a stripped Set-Cookie) are not for those who follow.
  source.block = leader_ || fill_head.stored_block.empty() ? fill_head.block : fill_head.stored_block;
  source.age_s = fill_head.meta.initial_age_s;
  source.has_length = fill_head.length.has_value();
  source.length = fill_head.length.value_or(0);
  source.no_body = fill_head.no_body;
  source.meta = &fill_head.meta;
  if (hop_) say_fill(fill_head.meta, fill_head.own_lines, fill_head.may_keep);
  respond(source);
  return Step::kWait;
}

void Request::on_request_body(std::string_view bytes, bool last, const http::FieldList& trailers) {
  if (fetch_ == nullptr) {
    // The origin has answered or failed already: the rest of the body is of no use to anybody.
    if (!last) exchange_->close_after();
    return;
  }
  if (!bytes.empty()) {
    body_bytes_ += bytes.size();
    worker_.sheet().add_n(stats::kOriginBytesOut, bytes.size());
    const std::uint64_t limit = site_->config.body_limit_bytes;
    if (limit > 0 && body_bytes_ > limit) {
      worker_.sheet().add(stats::kLimits, stats::Limit::kBody);
      fetch_->fail({ErrorCode::kTooLarge, ErrorSource::kClient, false,
                    "the request's body is larger than the site takes"});
      return;
    }
    fetch_->send_body(bytes);
  }
  if (fetch_ == nullptr) return;
  if (last) {
    std::string block;
    for (const http::Field& field : trailers) http::append_field(block, field.name, field.value);
    fetch_->finish_body(block);
  } else if (fetch_->body_writable()) {
    exchange_->read_body();
  }
}

void Request::on_request_writable() { exchange_->read_body(); }

void Request::on_informational(const http::ResponseHead& response) {
  if (responding_) return;
  std::string block;
  http::append_end_to_end(response.fields, {}, {}, block);
  exchange_->send_informational(response.status, block);
}

void Request::on_upgraded(const http::ResponseHead& response, std::unique_ptr<Stream> origin, Slice early) {
  fetch_ = nullptr;
  leave_fill();
  tunnel_origin_ = std::move(origin);
  tunnel_early_ = std::move(early);
  http::append_end_to_end(response.fields, {}, {}, tunnel_block_);
  http::append_field(tunnel_block_, "Connection", "upgrade");
  http::append_field(tunnel_block_, "Upgrade", response.fields.value(http::FieldId::kUpgrade));
  walk(Step::kTunnel);
}

}  // namespace meridian::edge
