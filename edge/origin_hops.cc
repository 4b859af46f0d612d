#include <algorithm>

#include "edge/origin_fetch.h"
#include "edge/request.h"
#include "edge/stored_object.h"
#include "edge/worker.h"
#include "lib/wire/ring.h"

// What a fetch has to do with other edges: whether and in which order they are asked, and what is made of the
// answer of one.
namespace meridian::edge {

// What the store could answer, for whoever asks: see Request::may_collapse().
bool OriginFetch::may_ask_edges(const Request& request) const {
  const http::Method method = asked().method;
  return plan_.validate && !plan_.key.empty() && !has_body_ && !plan_.tunnel && !request.passes_edges() &&
         (method == http::Method::kGet || method == http::Method::kHead) &&
         !asked().fields.has(http::FieldId::kAuthorization);
}

// Nothing: there is nobody to ask, and the origin is asked at once.
std::unique_ptr<upstream::Fetch> OriginFetch::ask_edges(Request& request,
                                                        const upstream::Request& to_origin) {
  if (!may_ask_edges(request)) return nullptr;
  PeerView& peers = *view_->peers;
  const PeerTable& table = peers.table();
  RouteQuestion question;
  question.hash = wire::Ring::hash_of(plan_.key);
  question.came = request.hop_role();
  question.own = table.own();
  question.shield = view_->shields[site_index_];
  question.choices = table.config().choices;
  question.load_bound = table.config().load_bound;
  question.load_least = table.config().load_least;
  const HopRoute route =
      choose_route(question, [&peers](std::uint16_t edge) { return peers.state_of(edge); });
  worker_.sheet().add_n(stats::kHopsPassedOver, route.broken, stats::PassedOver::kBreaker);
  worker_.sheet().add_n(stats::kHopsPassedOver, route.loaded, stats::PassedOver::kLoad);
  if (route.size == 0) return nullptr;

  fill_->set_asks(static_cast<std::uint8_t>(route.steps.front().role));
  std::string lines;
  build_request(request, AskWhom::kEdge, lines);
  if (plan_.slice) append_slice_range(lines);
  // What was invalidated here is out of date elsewhere: an answer has to be younger.
  if (const auto removed_s = worker_.store().removal_time_s(plan_.hash)) {
    const std::int64_t most_s = std::max<std::int64_t>(worker_.now_s() - *removed_s - 1, 0);
    http::append_field(lines, "Cache-Control", "max-age=" + std::to_string(most_s));
  }
  HopAsking asking(to_origin, std::move(lines));
  asking.edge_authority = plan_.authority();
  asking.key_hash = plan_.hash;
  asking.hop.edge = table.self();
  asking.hop.region = table.region();
  asking.hop.client = request.direct_client();
  asking.hop.scheme = request.scheme();
  asking.hop.request_id = request.ensure_request_id();
  auto fetch = std::make_unique<HopFetch>(worker_.sheet(), view_->peers, route, std::move(asking),
                                          view_->groups[site_index_], *this);
  hops_ = fetch.get();
  return fetch;
}

// Age and freshness as the edge says them: it has them from whoever asked the origin, and no rule is applied
// a second time. What this one's own rules find against storing still counts.
void OriginFetch::apply_hop(http::StoreDecision& decision) const {
  const wire::HopFill& fill = hop_->fill;
  const auto delay_s = static_cast<std::uint32_t>(std::clamp<std::int64_t>(hop_->delay_ms / 1000, 0, 86'400));
  http::StoredTimes& times = decision.times;
  times.initial_age_s = fill.age_s > UINT32_MAX - delay_s ? UINT32_MAX : fill.age_s + delay_s;
  times.lifetime_s = fill.lifetime_s;
  times.stale_revalidate_s = fill.stale_revalidate_s;
  times.stale_error_s = fill.stale_error_s;
  if (!fill.may_keep && decision.store()) decision.reason = http::NotStored::kSite;
}

// Whether the copy is a hot one: the edge that gave it, of this same region, has the key and keeps it.
bool OriginFetch::is_hot() const { return hop_ != nullptr && hop_->role != wire::HopRole::kShield; }

bool OriginFetch::keeps_here(std::optional<std::uint64_t> length) const {
  return !is_hot() || (view_->peers->table().config().hot_copy_s > 0 && (!length || fits_ram(*length)));
}

// What is kept of an edge's answer. A hot copy is asked about again after its time, whatever may be served
// stale: the edge that keeps it answers that at once.
void OriginFetch::settle_meta(ObjectMeta& meta) const {
  meta.fill_seq = hop_->fill.fill_seq;
  if (!is_hot()) return;
  const std::int64_t most_s =
      times_of(meta).age_at(worker_.now_s()) + view_->peers->table().config().hot_copy_s;
  if (std::int64_t{meta.lifetime_s} <= most_s) return;
  meta.lifetime_s = static_cast<std::uint32_t>(most_s);
  meta.stale_revalidate_s = 0;
  meta.flags |= http::kStoredStaleRevalidateSaid;
}

Ref<Object> OriginFetch::renewed(const Object& stale, const ObjectMeta& meta, std::string_view head) const {
  Ref<Object> fresh = worker_.store().freshened(stale, meta, head);
  if (fresh && is_hot()) fresh->mark_hot_copy();
  return fresh;
}

// Those who come later may have it as far as it is fresh now. What an edge gives that is stale is what may be
// served while it is asked for again, and then to all.
bool OriginFetch::may_share(const http::StoredTimes& times) const {
  if (times.has(http::kStoredNoCache)) return false;
  const std::int64_t ttl_s = times.ttl_at(worker_.now_s());
  if (ttl_s > 0) return true;
  return hop_ != nullptr && !times.has(http::kStoredMustRevalidate) &&
         -ttl_s <= std::int64_t{times.stale_revalidate_s};
}

}  // namespace meridian::edge
