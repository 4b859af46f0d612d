#include "edge/origin_fetch.h"

#include <algorithm>

#include "edge/request.h"
#include "edge/stored_head.h"
#include "edge/stored_object.h"
#include "edge/worker.h"
#include "lib/base/check.h"
#include "lib/http/conditional.h"
#include "lib/http/forwarding.h"
#include "lib/http/invalidation.h"
#include "lib/http/merge.h"

// Asking: the request as the origin sees it, and what its head decides. Storing stands in origin_store.cc.
namespace meridian::edge {

OriginFetch::OriginFetch(Worker& worker, std::shared_ptr<const SiteView> view, std::size_t site_index,
                         FetchPlan&& plan, std::shared_ptr<Fill> fill)
    : worker_(worker),
      view_(std::move(view)),
      site_index_(site_index),
      plan_(std::move(plan)),
      fill_(std::move(fill)) {
  worker_.board().produce(*fill_, *this);
}

OriginFetch::~OriginFetch() { worker_.board().stop_producing(*fill_); }

const Site& OriginFetch::site() const { return view_->table->at(site_index_); }

void OriginFetch::start(Request& request, bool serves_it) {
  const http::Exchange& exchange = request.exchange();
  if (serves_it) request_ = &request;
  background_ = !serves_it;
  has_body_ = serves_it && exchange.has_request_body();
  if (background_) keep_request(request);
  started_ms_ = worker_.loop().now_ms();
  generation_ = worker_.fills().generation(plan_.hash);

  std::string& block = worker_.scratch();
  block.clear();
  build_request(request, AskWhom::kOrigin, block);
  if (plan_.slice) {
    slice_block_ = block;
    append_slice_range(block);
  }
  const http::RequestHead& head = exchange.request();
  http::RequestHead to_origin;
  to_origin.method = serves_it ? head.method : http::Method::kGet;
  to_origin.method_name = serves_it ? head.method_name : std::string_view("GET");
  // What the cache may give to others is asked for by the key's own spelling; see lib/http/target_uri.h.
  to_origin.path = plan_.validate ? std::string_view(plan_.key).substr(plan_.path_begin) : head.path;
  upstream::Request asked;
  asked.head = &to_origin;
  asked.block = block;
  // By the key's own spelling of the host too: an origin that builds URLs from it must not let one client's
  // spelling stand in what all get.
  const std::string_view authority = plan_.validate ? plan_.authority() : request.authority();
  if (site().config.host_header == config::HostHeader::kClient) asked.authority = authority;
  asked.has_body = has_body_;
  if (has_body_) asked.body_length = exchange.request_length();
  asked.upgrade = plan_.tunnel;
  asked.hash = plan_.hash;
  if (view_->peers) fetch_ = ask_edges(request, asked);
  if (!fetch_) fetch_ = view_->groups[site_index_]->start(asked, *this);
}

// As the client sent it; a refresh asks by GET whatever it was.
const http::RequestHead& OriginFetch::asked() const {
  return kept_ ? kept_->head() : request_->exchange().request();
}

// In the words that made the key: what an unsafe request invalidates is found under them.
http::RequestHead OriginFetch::asked_by_key() const {
  http::RequestHead head = asked();
  if (!kept_) {
    head.scheme = request_->scheme();
    head.authority = request_->authority();
  }
  return head;
}

void OriginFetch::keep_request(Request& request) {
  kept_.emplace(request.exchange().request());
  kept_->head().scheme = request.scheme();
  kept_authority_ = request.authority();
  kept_->head().authority = kept_authority_;
  if (background_) kept_->head().method = http::Method::kGet;
}

void OriginFetch::build_request(Request& request, AskWhom whom, std::string& block) {
  const bool to_edge = whom == AskWhom::kEdge;
  const config::ForwardingConfig& forwarding = site().config.forwarding;
  const http::RequestHead& head = request.exchange().request();
  const std::string client = request.direct_client();
  http::ForwardPolicy policy;
  policy.via_name = worker_.name();
  policy.forwarded = forwarding.forwarded && !to_edge;
  policy.x_forwarded = forwarding.x_forwarded && !to_edge;
  policy.cdn_loop = !to_edge;
  policy.trusted_client = request.trusts_client();
  policy.for_cache = plan_.validate;
  http::ForwardFacts facts;
  facts.client_address = client;
  facts.scheme = request.scheme();
  facts.host = plan_.validate ? plan_.authority() : request.authority();

  http::FieldSet without = {http::FieldId::kXRequestId};
  std::optional<http::RequestHead> without_id;  // where the id's field is none that has a number
  if (!forwarding.request_id_header.empty()) {
    const http::FieldId id = http::field_id(forwarding.request_id_header);
    if (id != http::FieldId::kOther)
      without.add(id);
    else
      without_id.emplace(asked()).fields.remove(forwarding.request_id_header);
  }
  if (plan_.validate) {
    without.add(http::FieldId::kIfNoneMatch);
    without.add(http::FieldId::kIfModifiedSince);
    // A refresh, or the validation of a whole response, asks for the whole.
    if (plan_.stale && !plan_.validate_range) {
      without.add(http::FieldId::kRange);
      without.add(http::FieldId::kIfRange);
    }
  }
  // Its own rules do not listen to clients, but to what edges ask for.
  if (to_edge && !site().config.cache.honour_client) {
    without.add(http::FieldId::kCacheControl);
    without.add(http::FieldId::kPragma);
  }
  const bool reduce = plan_.validate && site().config.cache.normalise_accept_encoding &&
                      head.fields.has(http::FieldId::kAcceptEncoding);
  if (reduce) without.add(http::FieldId::kAcceptEncoding);
  http::append_origin_request_fields(without_id ? *without_id : asked(), policy, facts, without, block);
  if (reduce) {
    std::string joined;
    std::string reduced;
    http::append_reduced_encoding(head.fields.combined(http::FieldId::kAcceptEncoding, joined),
                                  view_->vary_policies[site_index_], reduced);
    http::append_field(block, "Accept-Encoding", reduced);
  }
  if (!forwarding.request_id_header.empty() && !to_edge) {
    http::append_field(block, forwarding.request_id_header, request.ensure_request_id());
  }
  if (plan_.tunnel) http::append_field(block, "Upgrade", head.fields.value(http::FieldId::kUpgrade));
  if (plan_.stale && !plan_.slice) {
    http::FieldList stored;
    std::string text;
    http::parse_block(whole_head(*plan_.stale, worker_.name(), text), stored);
    validating_ =
        http::append_validation_fields(http::validators_of(plan_.stale->meta().status, stored), block);
  }
}

void OriginFetch::on_informational(const http::ResponseHead& head) {
  if (request_ != nullptr) request_->on_informational(head);
}

void OriginFetch::on_head(const http::ResponseHead& head, std::optional<std::uint64_t> length, bool no_body) {
  if (hops_ != nullptr) hop_ = hops_->answer();
  if (fetch_ && hop_ == nullptr)
    worker_.sheet().observe(stats::kOriginFirstByte, (worker_.loop().now_ms() - started_ms_) * 1000);
  if (plan_.slice) return on_slice_head(head, length);
  if (validating_ && head.status == 304) return take_not_modified(head);
  if (plan_.stale && http::is_stale_if_error_status(head.status)) note_failure();
  if (validating_) worker_.sheet().add(stats::kRevalidations, stats::Revalidation::kReplaced);
  if (plan_.unsafe) invalidate(head);
  if (plan_.validate && asked().method == http::Method::kHead) freshen_by_head(head);
  begin_response(head, length, no_body);
}

// What the update does not name stays as it was, our own field among it: the merged head is judged as if it
// had come as a whole (RFC 9111 section 4.3.4).
void OriginFetch::update_stored(const http::FieldList& stored, const http::ResponseHead& update,
                                Updated& to) const {
  std::string received;
  http::append_client_response_fields(update, worker_.name(), worker_.http_date(), replaced_fields(),
                                      received);
  if (site().config.forwarding.rewrite_redirects) rewrite_location(received);
  http::FieldList fields;
  http::parse_block(received, fields);
  http::merge_fields(stored, fields, {}, to.lines);
  append_own_lines(update.fields, to.own_lines);
  if (to.own_lines.empty()) to.own_lines = own_lines(*plan_.stale);
  to.head.status = plan_.stale->meta().status;
  http::parse_block(to.lines, to.head.fields);
  if (update.fields.has(http::FieldId::kAge))
    to.head.fields.add(http::FieldId::kAge, update.fields.value(http::FieldId::kAge));
  http::FieldList own;
  http::parse_block(to.own_lines, own);
  for (const http::Field& field : own) to.head.fields.add(field.id, field.value);
  to.decision = decide(to.head, true);
  if (to.decision.strip.empty()) return;
  // Fields that the merged directives forbid to store, whichever of the two brought them.
  std::string kept;
  http::merge_fields(stored, fields, to.decision.strip, kept);
  to.head.fields.clear();
  to.lines = std::move(kept);
  http::parse_block(to.lines, to.head.fields);
}

// The origin confirms what is stored (RFC 9111 section 4.3.3): the stored head is updated and answers
// everybody.
void OriginFetch::take_not_modified(const http::ResponseHead& head) {
  worker_.sheet().add(stats::kRevalidations, stats::Revalidation::kNotModified);
  const Object& stale = *plan_.stale;
  std::string text;
  http::FieldList stored;
  http::parse_block(whole_head(stale, worker_.name(), text), stored);
  if (!http::selects(head.fields, http::validators_of(stale.meta().status, stored), true, worker_.now_s())) {
    return drop_stale("the origin's 304 confirmed another validator than the one it was asked about");
  }
  Updated now;
  update_stored(stored, head, now);
  const http::StoreDecision& decision = now.decision;
  ObjectMeta meta = stale.meta();
  set_times(meta, decision.times);
  meta.flags |= http::kStoredHasValidator;
  if (hop_ != nullptr) settle_meta(meta);
  const std::string packed = pack_head(now.lines, now.own_lines, worker_.name(), meta);
  const Ref<const Object> fresh = renewed(stale, meta, packed);
  if (!fresh) return drop_stale("the head has become too large by one update after another");
  headed_ = true;
  // Under another Vary it would have to stand under another key (RFC 9111 section 4.1): the next fetch puts
  // it there.
  const bool same_vary = vary_of(stored) == vary_of(now.head.fields);
  if (!same_vary) {
    worker_.store().remove_if(stale);
  } else if (decision.store()) {
    if (still_valid()) worker_.store().replace(stale, fresh, [this] { return still_valid(); });
    if (!still_valid()) worker_.store().remove_if(*fresh);
  } else if (!lies_in_request(decision.reason)) {
    // The 304 took back the permission to store.
    worker_.sheet().add(stats::kNotStored, stats::label<stats::NotStoredReason>(decision.reason));
    worker_.store().remove_if(stale);
  }
  close_to_askers();
  const bool shareable = same_vary && decision.store() && may_share(decision.times);
  // The connection is kept: on_done() follows.
  settled_ = true;
  fill_->publish_object(fresh, 304, shareable);
}

// Nothing is confirmed, and without the stored response there is nothing left to ask about: the next fetch
// gets all.
void OriginFetch::drop_stale(const char* why) {
  worker_.store().remove_if(*plan_.stale);
  plan_.stale_if_error = false;
  on_error({ErrorCode::kCancelled, ErrorSource::kOrigin, true, why});
}

// Stale-if-error (RFC 5861 section 4): who may have the stored response in place of this failure takes it;
// see Request::stand_in. The failure itself must not take its place in the store then.
void OriginFetch::note_failure() {
  if (headed_) return;
  worker_.sheet().add(stats::kRevalidations, plan_.stale_if_error ? stats::Revalidation::kServedStale
                                                                  : stats::Revalidation::kFailed);
  if (plan_.stale_if_error) plan_.may_store = false;
}

std::string OriginFetch::vary_of(const http::FieldList& fields) const {
  std::string names;
  http::parse_vary(fields, view_->vary_policies[site_index_], names);
  return names;
}

// A response to HEAD says what a GET would (RFC 9111 section 4.3.5).
void OriginFetch::freshen_by_head(const http::ResponseHead& head) {
  if (!plan_.stale || head.status != 200) return;
  const Object& stale = *plan_.stale;
  std::string text;
  http::FieldList stored;
  http::parse_block(whole_head(stale, worker_.name(), text), stored);
  switch (http::head_effect(head, http::validators_of(stale.meta().status, stored), stale.body_size())) {
    case http::HeadEffect::kNone:
      return;
    case http::HeadEffect::kInvalidate:
      worker_.store().remove_if(stale);
      return;
    case http::HeadEffect::kUpdate:
      break;
  }
  Updated now;
  update_stored(stored, head, now);
  if (!now.decision.store() || vary_of(stored) != vary_of(now.head.fields)) return;
  ObjectMeta meta = stale.meta();
  set_times(meta, now.decision.times);
  if (hop_ != nullptr) settle_meta(meta);
  const std::string packed = pack_head(now.lines, now.own_lines, worker_.name(), meta);
  const Ref<const Object> fresh = renewed(stale, meta, packed);
  if (fresh) worker_.store().replace(stale, fresh, [this] { return still_valid(); });
}

void OriginFetch::invalidate(const http::ResponseHead& head) {
  for (const std::string& key :
       http::invalidated_keys(asked_by_key(), head, view_->uri_policies[site_index_])) {
    const std::uint64_t hash = hash_of_key(key);
    worker_.fills().invalidate(hash);
    worker_.store().note_removal(hash, worker_.now_s());
    remove_all(worker_.store(), key);
    worker_.sheet().add(stats::kInvalidations);
  }
}

void OriginFetch::on_body(Slice bytes) {
  worker_.sheet().add_n(hop_ != nullptr ? stats::kPeerBytesIn : stats::kOriginBytesIn, bytes.size);
  if (plan_.slice) return on_slice_body(std::move(bytes));
  if (tee_) tee_slices(bytes);
  const std::uint64_t produced = fill_->produced_bytes() + bytes.size;
  const bool goes_on = !storing_ || (fits(produced) && (ssd_fill_ || fits_ram(produced) || move_to_ssd()));
  if (!goes_on) stop_storing(http::NotStored::kTooLarge);
  if (storing_ && !ssd_fill_) hold(bytes.size);
  append_body(std::move(bytes));
  // Readers have run inside append(), and the last one may have gone.
  if (ended_ || !fetch_) return;
  if (ssd_lags_ || fill_->should_pause()) {
    paused_ = true;
    fetch_->pause();
  }
}

// What is stored and may be large goes into pages as it comes, so that no client's socket has to copy it: not
// those who follow now, and not those who come later.
void OriginFetch::append_body(Slice bytes) {
  if (ssd_fill_) {
    if (!append_to_ssd(bytes)) stop_storing(http::NotStored::kTierRefused);
    return fill_->append(std::move(bytes));
  }
  const bool large = fill_->head().length.value_or(fill_->produced_bytes()) > Object::kInlineBody;
  if (storing_ && large && !pages_ && worker_.pages())
    pages_.emplace(worker_.pages(), fill_->head().length.value_or(0));
  if (!storing_ || !pages_) return fill_->append(std::move(bytes));
  while (bytes.size > 0 && !ended_) fill_->append(pages_->take(bytes));
}

void OriginFetch::on_done(const http::FieldList& trailers) {
  if (plan_.slice) return on_slice_done();
  std::string block;
  for (const http::Field& field : trailers) http::append_field(block, field.name, field.value);
  if (settled_) return end();
  has_all_ = true;
  trailer_block_ = std::move(block);
  if (ssd_fill_ && !commit_to_ssd()) return;  // the disk lags: it goes on when there is room
  finish();
}

void OriginFetch::finish() {
  if (storing_) store();
  close_to_askers();
  settled_ = true;
  fill_->finish(std::move(trailer_block_));
  end();
}

void OriginFetch::on_error(const Error& error) {
  if (ended_) return;
  if (settled_) return end();
  if (plan_.slice) return on_slice_error(error);
  if (plan_.stale) note_failure();
  if (storing_ && ssd_fill_) keep_what_came();
  if (storing_) stop_storing(http::NotStored::kBroken);
  headed_ = true;
  close_to_askers();
  fill_->publish_error(error);
  end();
}

void OriginFetch::on_request_writable() {
  if (request_ != nullptr) request_->on_request_writable();
}

void OriginFetch::on_upgraded(const http::ResponseHead& head, std::unique_ptr<Stream> stream, Slice early) {
  Request* request = std::exchange(request_, nullptr);
  headed_ = true;
  if (request != nullptr) request->on_upgraded(head, std::move(stream), std::move(early));
  end();
}

void OriginFetch::on_readers_changed() {
  if (ended_ || settled_) return;
  // What an unsafe request changes must be known, even when who asked for it does not wait for the answer.
  // A slice that is whole ends in a moment, and leaves a connection that can be used again.
  const bool ends = plan_.slice && rest_of_slice().size() == 0;
  const bool wanted = storing_ || no_body_ || ends || ((background_ || plan_.unsafe) && !headed_);
  if (!wanted && fill_->reader_count() == 0) {
    // Nobody reads it, and the cache does not want it.
    worker_.sheet().add(stats::kFills, stats::FillEnd::kAbandoned);
    close_to_askers();
    fill_->abandon();
    end();
    return;
  }
  if (paused_ && !ssd_lags_ && !fill_->should_pause()) {
    paused_ = false;
    fetch_->resume();
  }
}

void OriginFetch::forget_request() {
  if (request_ != nullptr && !ended_) keep_request(*request_);
  request_ = nullptr;
  if (has_body_ && !has_whole_body_) {
    on_error(
        {ErrorCode::kClosed, ErrorSource::kClient, false, "the client left before its request was whole"});
  }
}

void OriginFetch::close_to_askers() {
  if (!plan_.collapse_key.empty())
    worker_.fills().close(hash_of_key(plan_.collapse_key), plan_.collapse_key, *fill_);
}

void OriginFetch::end() {
  if (ended_) return;
  ended_ = true;
  let_go();
  if (request_ != nullptr) std::exchange(request_, nullptr)->on_fetch_gone();
  fetch_.reset();
  worker_.end_fetch(*this);
}

}  // namespace meridian::edge
