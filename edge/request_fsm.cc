#include <algorithm>
#include <array>
#include <cstring>

#include "edge/error_page.h"
#include "edge/origin_fetch.h"
#include "edge/request.h"
#include "edge/worker.h"
#include "lib/base/check.h"
#include "lib/http/conditional.h"
#include "lib/http/forwarding.h"
#include "lib/http/http1.h"

// The corridor of a request: the table of steps, the loop that drives it, and the steps up to the cache's
// verdict. How an answer is made stands in request_respond.cc, how an origin is asked in request_ask.cc.
namespace meridian::edge {
namespace {

// Eight hex digits, of the low halves of eight bytes: all at once, by arithmetic within each byte.
void write_hex_digits(std::uint64_t bits, char* to) {
  constexpr std::uint64_t kEach = 0x0101010101010101U;
  bits &= 0x0f * kEach;
  const std::uint64_t is_letter = ((bits + 6 * kEach) >> 4U) & kEach;
  bits += '0' * kEach + is_letter * ('a' - '0' - 10);
  std::memcpy(to, &bits, sizeof bits);
}

// Sixteen hex digits, in an order that does not matter to who wants 64 random bits.
void write_hex(std::uint64_t bits, char* to) {
  write_hex_digits(bits, to);
  write_hex_digits(bits >> 4U, to + 8);
}

}  // namespace

const Request::StepFunction Request::kSteps[] = {
    &Request::choose_site,     // kSite
    &Request::check_access,    // kAccess
    &Request::make_key,        // kKey
    &Request::look_up,         // kLookup
    &Request::recall,          // kRecall
    &Request::judge,           // kJudge
    &Request::deliver,         // kDeliver
    &Request::prepare_slices,  // kSlices
    &Request::ask,             // kAsk
    &Request::stream,          // kStream
    &Request::open_tunnel,     // kTunnel
    &Request::refuse,          // kRefuse
    &Request::wait,            // kWait
};

Request::Request(Worker& worker)
    : worker_(worker), collapse_timer_(worker.loop(), [this] {
        worker_.sheet().add(stats::kLimits, stats::Limit::kCollapseWait);
        walk(ask_again());
      }) {}

void Request::begin(http::Exchange& exchange) {
  exchange_ = &exchange;
  exchange.set_handler(this);
  walk(Step::kSite);
}

void Request::walk(Step step) {
  while (step != Step::kWait) {
    const StepFunction take = kSteps[static_cast<std::size_t>(step)];
    step = (this->*take)();
  }
}

Step Request::wait() { return Step::kWait; }

std::int64_t Request::now_s() const { return worker_.now_s(); }

http::ReusePolicy Request::reuse_policy() const {
  const config::CachePolicyConfig& cache = site_->config.cache;
  // Of another edge's request nothing is the client's that this site would not listen to.
  return {cache.honour_client || hop_, cache.stale_if_error_s, cache.stale_while_revalidate_s};
}

Step Request::choose_site() {
  view_ = worker_.view();
  if (view_->peers && head().fields.has(http::FieldId::kMeridianHop) && !take_hop()) return Step::kRefuse;
  site_index_ = worker_.site_of(authority());
  if (site_index_ == SiteTable::kNone) {
    worker_.sheet().add(stats::kUnknownHost);
    return fail(421, {ErrorCode::kNotFound, ErrorSource::kClient, false, "no site serves this host"});
  }
  site_ = &view_->table->at(site_index_);
  return Step::kAccess;
}

Step Request::check_access() {
  const http::RequestHead& request = head();
  const config::SiteConfig& config = site_->config;
  // What follows a CONNECT may be meant for the tunnel that there will not be.
  if (request.method == http::Method::kConnect) exchange_->close_after();
  if (request.method == http::Method::kConnect || request.method == http::Method::kTrace) {
    return fail(405, {ErrorCode::kRefused, ErrorSource::kClient, false, "this method is never served here"});
  }
  if (!config.methods.empty() &&
      std::find(config.methods.begin(), config.methods.end(), request.method_name) == config.methods.end()) {
    return fail(405,
                {ErrorCode::kRefused, ErrorSource::kClient, false, "the site does not allow this method"});
  }
  if (request.fields.has(http::FieldId::kMaxForwards) &&
      http::max_forwards(request).action == http::MaxForwards::Action::kAnswer) {
    return answer_options();
  }
  if (request.fields.has(http::FieldId::kCdnLoop) &&
      http::cdn_loop_count(request.fields, worker_.name()) > 1) {
    worker_.sheet().add(stats::kLoops);
    return fail(508, {ErrorCode::kRefused, ErrorSource::kEdge, false,
                      "the request has come round to this CDN again"});
  }
  if (config.body_limit_bytes > 0 && exchange_->request_length().value_or(0) > config.body_limit_bytes) {
    worker_.sheet().add(stats::kLimits, stats::Limit::kBody);
    return fail(413, {ErrorCode::kTooLarge, ErrorSource::kClient, false,
                      "the request's body is larger than the site takes"});
  }
  const bool reads = request.method == http::Method::kGet || request.method == http::Method::kHead;
  if (!reads) {
    bypass_ = true;
    outcome_.miss = http::MissReason::kMethod;
  } else if (wants_upgrade()) {
    bypass_ = true;
    outcome_.miss = http::MissReason::kUpgrade;
  } else if (!config.cache.enabled) {
    bypass_ = true;
    outcome_.miss = http::MissReason::kBypass;
  } else if (exchange_->has_request_body()) {
    bypass_ = true;
    outcome_.miss = http::MissReason::kRequestBody;
  } else if (http::needs_origin_judgement(request.fields.present())) {
    bypass_ = true;
    outcome_.miss = http::MissReason::kPrecondition;
  }
  return Step::kKey;
}

// WebSocket (RFC 6455) is let through; other protocols are not spoken to blindly, least of all h2c, which
// would carry requests past every rule here. HTTP/1.0 has no Upgrade (RFC 9110 section 7.8).
bool Request::wants_upgrade() const {
  const http::FieldList& fields = head().fields;
  return fields.has(http::FieldId::kUpgrade) && head().version == http::Version::kHttp11 &&
         http::equals_ignoring_case(fields.value(http::FieldId::kUpgrade), "websocket") &&
         http::ConnectionOptions(fields).upgrade();
}

Step Request::make_key() {
  // Unsafe requests have a key too: it is what they invalidate. "*" (OPTIONS) has none.
  if (bypass_ && http::is_safe(head().method)) {
    // No key, but requests for one path still go to one origin where hashing balances.
    hash_ = hash_of_key(head().path);
    return Step::kAsk;
  }
  if (head().path.empty() || head().path[0] != '/') return Step::kAsk;
  const http::UriError error =
      http::make_key(scheme(), authority(), head().path, view_->uri_policies[site_index_], key_);
  if (error != http::UriError::kNone) {
    if (bypass_) {
      clear_key();
      return Step::kAsk;
    }
    return fail(400, {ErrorCode::kInvalid, ErrorSource::kClient, false,
                      "the target cannot be made a cache key: " + std::string(http::token_of(error))});
  }
  hash_ = hash_of_key(key_.text);
  return bypass_ ? Step::kAsk : Step::kLookup;
}

void Request::clear_key() {
  key_.text.clear();
  key_.host_begin = key_.path_begin = 0;
  hash_ = 0;
}

Step Request::look_up() {
  Lookup found = edge::look_up(worker_.store(), recalled_, key_.text, hash_, head().fields,
                               view_->vary_policies[site_index_], now_s(), variant_);
  object_ = std::move(found.object);
  // A host may have moved to another site since: what that one stored is not this one's.
  if (object_ && object_->meta().site != site_->id) object_.reset();
  partly_held_ = false;
  if (object_ && object_->far_body() != nullptr) look_at_far_body();
  if (object_) {
    worker_.record_use(variant_.empty() ? hash_ : object_->key_hash(), *object_);
    outcome_.forwarded = false;
    return Step::kJudge;
  }
  if (choose_recall(found)) return Step::kRecall;
  outcome_.miss = found.reason;
  hit_for_miss_ = hit_for_miss_ || found.hit_for_miss;
  passes_edges_ = passes_edges_ || found.hit_for_miss;
  if (head().method == http::Method::kGet && head().fields.has(http::FieldId::kRange) && found.parts &&
      deliver_part()) {
    return Step::kWait;
  }
  if (http::wants_only_if_cached(head().fields, reuse_policy())) {
    return fail(504, {ErrorCode::kNotFound, ErrorSource::kClient, false,
                      "nothing is stored for this request, which said only-if-cached"});
  }
  return Step::kAsk;
}

// What lacks of a body, or what the disk has lost of it, is fetched by slices where that can be; else the
// whole of it is a miss, and so is what a disk has that does not answer.
void Request::look_at_far_body() {
  const bool is_whole = worker_.store().has_body(*object_);
  if (is_whole && !worker_.store().disk_hangs()) return;
  partly_held_ = !is_whole && may_slice();
  if (partly_held_) return;
  if (!is_whole) worker_.store().remove_if(*object_);
  recalled_.clear();
  object_.reset();
}

Step Request::judge() {
  reuse_ = http::decide_reuse(times_of(object_->meta()), head().fields, now_s(), reuse_policy());
  outcome_.miss = reuse_.reason;
  switch (reuse_.verdict) {
    case http::Reuse::Verdict::kFresh:
    case http::Reuse::Verdict::kStaleAllowed:
      return Step::kDeliver;
    case http::Reuse::Verdict::kStaleWhileRevalidate:
      refresh_behind();
      return Step::kDeliver;
    case http::Reuse::Verdict::kValidate:
      return Step::kAsk;
    case http::Reuse::Verdict::kOnlyIfCached:
      return fail(504, {ErrorCode::kNotFound, ErrorSource::kClient, false,
                        "what is stored is stale, and the request said only-if-cached"});
  }
  CHECK(false);
}

Step Request::fail(int status, Error error) {
  refuse_status_ = status;
  refuse_error_ = std::move(error);
  return Step::kRefuse;
}

Step Request::refuse() {
  leave_fill();
  outcome_.error = refuse_error_.context;
  if (responding_) {
    // The head promised what cannot be kept: only a cut connection tells the client so.
    exchange_->abort();
    return Step::kWait;
  }
  worker_.sheet().add(stats::kErrorAnswers, side_of(refuse_error_.source));
  const ErrorPage page =
      make_error_page(refuse_status_, refuse_error_, ensure_request_id(), head().fields, site_);
  scratch_.clear();
  http::append_field(scratch_, "Date", worker_.http_date());
  scratch_.append(page.block);
  if (hop_) say_refusal();
  if (refuse_status_ == 405) {
    http::append_field(scratch_, "Allow", allowed_methods(site_));
  }
  outcome_.detail = name_of(refuse_error_.code);
  outcome_.status = refuse_status_;
  outcome_.first_byte_ms = worker_.loop().now_ms() - exchange_->started_ms();
  responding_ = true;
  if (site_ != nullptr) add_cache_status(-1);
  const std::string_view blocks[] = {scratch_};
  http::ResponseStart start;
  start.status = refuse_status_;
  start.blocks = blocks;
  start.has_length = true;
  start.length = page.body.size();
  exchange_->send_head(start);
  if (head().method != http::Method::kHead) exchange_->send_body(Slice::copy_of(page.body));
  finish_response();
  return Step::kWait;
}

// OPTIONS that was to come no further than this (RFC 9110 section 7.6.2): the edge speaks for itself.
Step Request::answer_options() {
  scratch_.clear();
  http::append_field(scratch_, "Date", worker_.http_date());
  http::append_field(scratch_, "Allow", allowed_methods(site_));
  outcome_.status = 204;
  outcome_.first_byte_ms = worker_.loop().now_ms() - exchange_->started_ms();
  responding_ = true;
  const std::string_view blocks[] = {scratch_};
  http::ResponseStart start;
  start.status = 204;
  start.blocks = blocks;
  exchange_->send_head(start);
  finish_response();
  return Step::kWait;
}

Step Request::open_tunnel() {
  const std::string block = std::move(tunnel_block_);
  std::unique_ptr<Stream> origin = std::move(tunnel_origin_);
  Slice early = std::move(tunnel_early_);
  const std::string_view blocks[] = {block};
  http::ResponseStart start;
  start.status = 101;
  start.blocks = blocks;
  outcome_.status = 101;
  outcome_.result = stats::CacheResult::kTunnel;
  outcome_.tier = stats::Tier::kOrigin;
  outcome_.first_byte_ms = worker_.loop().now_ms() - exchange_->started_ms();
  // The exchange has nothing more to tell once its stream is gone: this request is counted before.
  http::Exchange& exchange = *exchange_;
  Worker& worker = worker_;
  worker.release(*this, true);
  http::Exchange::Tunnel tunnel = exchange.upgrade(start);
  if (tunnel.unsent.size > 0) {
    early = Slice::copy_of(std::string(tunnel.unsent.view()).append(early.view()));
  }
  worker.add_tunnel(std::move(tunnel.stream), std::move(tunnel.early), std::move(origin), std::move(early));
  return Step::kWait;
}

// A listener on one address goes before one on all: so does the kernel.
TrustedNetworks Request::trusted_networks() const {
  TrustedNetworks trusted;
  if (site_ != nullptr) trusted.lists[0] = &site_->config.forwarding.trusted_proxies;
  const SocketAddress& local = exchange_->local();
  for (const config::ListenConfig& listen : view_->table->config().listen) {
    if (listen.address.port() != local.port()) continue;
    const bool exact = listen.address == local;
    if (exact || (listen.address.is_any() && trusted.lists[1] == nullptr))
      trusted.lists[1] = &listen.trusted_proxies;
    if (exact) break;
  }
  return trusted;
}

// How the client came: by its connection, or by the word of a proxy that is trusted.
std::string_view Request::scheme() const {
  if (hop_ && !hop_->scheme.empty()) return hop_->scheme;
  if (head().fields.has(http::FieldId::kXForwardedProto) && trusts_client()) {
    const std::string_view said = head().fields.value(http::FieldId::kXForwardedProto);
    if (http::equals_ignoring_case(said, "https")) return "https";
    if (http::equals_ignoring_case(said, "http")) return "http";
  }
  return exchange_->tls() != nullptr ? "https" : "http";
}

// An HTTP/1.0 request may come without Host: then it is for the address that it came to.
std::string_view Request::authority() {
  if (!head().authority.empty()) return head().authority;
  if (own_authority_.empty()) own_authority_ = exchange_->local().to_string();
  return own_authority_;
}

const std::string& Request::ensure_request_id() {
  if (!request_id_.empty()) return request_id_;
  constexpr std::size_t kMaxIdBytes = 128;
  if (site_ != nullptr && !site_->config.forwarding.request_id_header.empty()) {
    const http::Field* given =
        head().fields.find(std::string_view(site_->config.forwarding.request_id_header));
    if (given != nullptr && given->value.size() <= kMaxIdBytes && http::is_token(given->value) &&
        trusts_client()) {
      return request_id_.assign(given->value);
    }
  }
  std::array<char, 32> id;
  write_hex(worker_.random(), id.data());
  write_hex(worker_.random(), id.data() + 16);
  return request_id_.assign(id.data(), id.size());
}

void Request::on_closed(bool completed) {
  leave_fill();
  if (recall_ != nullptr) std::exchange(recall_, nullptr)->forget();
  if (fetch_ != nullptr) std::exchange(fetch_, nullptr)->forget_request();
  worker_.release(*this, completed && finished_);
}

void Request::reset() {
  if (hop_) end_hop();
  exchange_ = nullptr;
  view_.reset();
  site_ = nullptr;
  clear_key();
  variant_.clear();
  object_.reset();
  recalled_.clear();
  chunk_read_ = {};
  chunk_waited_ = false;
  partly_held_ = slices_ready_ = slicing_ = slice_alone_ = false;
  ahead_of_ = lost_at_ = UINT64_MAX;
  recall_tried_ = 0;
  recalling_ = false;
  reuse_ = {};
  bypass_ = own_range_ = hit_for_miss_ = passes_edges_ = leader_ = responding_ = finished_ = false;
  body_bytes_ = 0;
  rounds_ = 0;
  fill_.reset();
  cursor_ = {};
  fetch_ = nullptr;
  collapse_timer_.cancel();
  plan_.all();
  piece_ = 0;
  body_offset_ = 0;
  request_id_.clear();
  own_authority_.clear();
  outcome_ = {};
  refuse_status_ = 0;
  tunnel_origin_.reset();
  tunnel_early_ = {};
  tunnel_block_.clear();
}

}  // namespace meridian::edge
