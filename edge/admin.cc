#include "edge/admin.h"

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "edge/version.h"
#include "lib/base/check.h"

namespace meridian::edge {
namespace {

using nlohmann::json;

// Connections that operators and scrapers may have open at once.
constexpr std::size_t kMaxConnections = 256;

Admin::Answer problem(int status, std::string_view title) {
  // RFC 9457.
  return {status, "application/problem+json", json{{"status", status}, {"title", title}}.dump() + "\n", {}};
}

std::string_view name_of(upstream::TargetState::Breaker breaker) {
  switch (breaker) {
    case upstream::TargetState::Breaker::kClosed:
      return "closed";
    case upstream::TargetState::Breaker::kOpen:
      return "open";
    case upstream::TargetState::Breaker::kHalfOpen:
      return "half-open";
  }
  return "";
}

json origins_of(const SiteTable& sites) {
  json list = json::array();
  for (std::size_t i = 0; i < sites.size(); ++i) {
    for (const upstream::TargetState& target : upstream::snapshot(*sites.at(i).origins)) {
      list.push_back({{"site", sites.at(i).config.name},
                      {"url", target.url},
                      {"running", target.running},
                      {"waiting", target.waiting},
                      {"breaker", name_of(target.breaker)},
                      {"ejected", target.ejected},
                      {"requests", target.requests},
                      {"failures", target.failures},
                      {"retries", target.retries}});
    }
  }
  return list;
}

json tier_of(std::string_view name, const TierStats& stats) {
  return {{"tier", name},
          {"objects", stats.objects},
          {"bytes", stats.bytes},
          {"capacity_bytes", stats.capacity_bytes},
          {"hits", stats.hits},
          {"misses", stats.misses},
          {"evictions", stats.evictions}};
}

json tiers_of(Server& server) {
  json tiers = json::array({tier_of("ram", server.ram().stats())});
  if (const memcached::Fleet* fleet = server.cold().fleet())
    tiers.push_back(tier_of("memcached", fleet->stats()));
  if (const SsdKeeper* keeper = server.ssd()) {
    const SsdTier* ssd = server.cold().ssd();
    tiers.push_back(tier_of("ssd", ssd != nullptr ? ssd->stats() : TierStats()));
    tiers.back()["state"] = keeper->state();
  }
  return tiers;
}

// What the miss ratio would be with other sizes of RAM, from a sixteenth of it to sixty-four times as much.
json miss_ratio_of(const MissRatioCurve& sampled, const TierStats& tier) {
  constexpr double kLeast = 1.0 / 16, kMost = 64, kStep = 1.4142135623730951;
  std::vector<std::uint64_t> sizes;
  for (double times = kLeast; times < kMost * 1.001; times *= kStep) {
    sizes.push_back(static_cast<std::uint64_t>(times * static_cast<double>(tier.capacity_bytes)));
  }
  const MissRatioCurve::Curve curve = sampled.at(sizes);
  json points = json::array();
  for (const MissRatioCurve::Point& point : curve.points) {
    points.push_back({{"bytes", point.bytes}, {"miss_ratio", point.miss_ratio}});
  }
  return {{"tier", "ram"},
          {"capacity_bytes", tier.capacity_bytes},
          {"requests", curve.requests},
          {"sampled_keys", curve.samples},
          {"sampling_rate", curve.rate},
          {"points", std::move(points)}};
}

// The same time whatever the first difference is, so that a token cannot be guessed byte by byte.
bool same_secret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |=
        static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b.empty() ? '\0' : b[i % b.size()]);
  }
  return difference == 0;
}

}  // namespace

// One request of an operator: answered at once, forgotten when it is closed.
class Admin::Call final : public http::ExchangeHandler {
 public:
  explicit Call(Admin& admin) : admin_(admin) {}
  void on_request_body(std::string_view, bool, const http::FieldList&) override {}
  void on_drained() override {}
  void on_closed(bool) override { admin_.calls_.erase(this); }

 private:
  Admin& admin_;
};

Admin::Admin(EventLoop& loop, Server& server, ListenSocket socket)
    : loop_(loop), server_(server), socket_(std::move(socket)) {}

Admin::~Admin() {
  listener_.reset();
  connections_.clear();
}

Result<std::unique_ptr<Admin>> Admin::open(EventLoop& loop, Server& server, ListenSocket socket) {
  auto admin = std::unique_ptr<Admin>(new Admin(loop, server, std::move(socket)));
  if (auto token = admin->reload_token(); !token) return Failure(token.error());
  admin->listener_ =
      std::make_unique<Listener>(loop, admin->socket_, nullptr, [raw = admin.get()](auto stream) {
        if (raw->connections_.size() >= kMaxConnections) return;
        auto connection =
            http::ServerConnection::create(raw->loop_, std::move(stream), http::ServerLimits{}, *raw);
        http::ServerConnection* key = connection.get();
        raw->connections_.emplace(key, std::move(connection));
      });
  return admin;
}

Result<void> Admin::reload_token() {
  const std::string& path = server_.config().admin.token_file;
  std::string token;
  if (!path.empty()) {
    std::ifstream file(path);
    if (!std::getline(file, token) || token.empty()) {
      return fail(ErrorCode::kIo, ErrorSource::kOperator,
                  "cannot read a token from the first line of " + path);
    }
  }
  token_ = std::move(token);
  return {};
}

void Admin::on_request(http::Exchange& exchange) {
  auto call = std::make_unique<Call>(*this);
  exchange.set_handler(call.get());
  calls_.emplace(call.get(), std::move(call));
  const Answer made = answer(exchange.request());
  std::string block;
  http::append_field(block, "Content-Type", made.type);
  http::append_field(block, "Cache-Control", "no-store");
  if (!made.allow.empty()) http::append_field(block, "Allow", made.allow);
  if (made.status == 401) http::append_field(block, "WWW-Authenticate", "Bearer realm=\"meridian\"");
  const std::string_view blocks[] = {block};
  http::ResponseStart start;
  start.status = made.status;
  start.blocks = blocks;
  start.has_length = true;
  start.length = made.body.size();
  exchange.send_head(start);
  if (exchange.request().method != http::Method::kHead) exchange.send_body(Slice::copy_of(made.body));
  exchange.finish();
}

bool Admin::authorized(const http::FieldList& fields) const {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view value = fields.value(http::FieldId::kAuthorization);
  return !token_.empty() && value.starts_with(kScheme) && same_secret(value.substr(kScheme.size()), token_);
}

Admin::Answer Admin::answer(const http::RequestHead& head) {
  const std::string_view path = head.path.substr(0, head.path.find('?'));
  const bool reads = head.method == http::Method::kGet || head.method == http::Method::kHead;
  if (path == "/metrics" || path == "/healthz" || path == "/readyz") {
    if (!reads) {
      Answer refused = problem(405, "this can only be read");
      refused.allow = "GET, HEAD";
      return refused;
    }
    if (path == "/metrics")
      return {200, std::string(stats::Registry::kTextType), server_.registry().text(), {}};
    if (path == "/healthz") return {200, "application/json", "{\"status\":\"alive\"}\n", {}};
    const bool ready = !server_.draining();
    const json body = {{"status", ready ? "ready" : "draining"},
                       {"config", server_.config().version},
                       {"tiers", tiers_of(server_)}};
    return {ready ? 200 : 503, "application/json", body.dump() + "\n", {}};
  }
  if (!path.starts_with("/v1/")) return problem(404, "there is nothing under this path");
  if (!authorized(head.fields)) {
    return problem(401, token_.empty() ? "commands are off: the configuration names no admin.token_file"
                                       : "a command needs the token: Authorization: Bearer ...");
  }
  return answer_command(head, path);
}

Admin::Answer Admin::answer_command(const http::RequestHead& head, std::string_view path) {
  const auto wants = [&](http::Method method) { return head.method == method; };
  const auto body = [](const json& value) {
    return Answer{200, "application/json", value.dump(2) + "\n", {}};
  };
  Answer wrong_method = problem(405, "this path takes another method");
  if (path == "/v1/origins" || path == "/v1/cache" || path == "/v1/cache/mrc" || path == "/v1/config") {
    wrong_method.allow = "GET";
    if (!wants(http::Method::kGet)) return wrong_method;
    if (path == "/v1/origins") return body(origins_of(server_.sites()));
    if (path == "/v1/cache") return body(tiers_of(server_));
    if (path == "/v1/cache/mrc") return body(miss_ratio_of(server_.miss_ratio(), server_.ram().stats()));
    return body(
        {{"version", server_.config().version}, {"source", server_.config().source}, {"program", kVersion}});
  }
  wrong_method.allow = "POST";
  if (path == "/v1/reload") {
    if (!wants(http::Method::kPost)) return wrong_method;
    auto reloaded = server_.reload();
    if (!reloaded) return problem(422, reloaded.error().context);
    return body({{"status", *reloaded}});
  }
  return problem(404, "there is no such command");
}

std::string_view Admin::on_bad_request(const http::BadRequest&, const SocketAddress&) { return {}; }

void Admin::on_connection_closed(http::ServerConnection& connection) {
  const auto found = connections_.find(&connection);
  CHECK(found != connections_.end());
  loop_.at_end_of_turn([dead = std::shared_ptr<http::ServerConnection>(std::move(found->second))] {});
  connections_.erase(found);
}

}  // namespace meridian::edge
