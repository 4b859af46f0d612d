#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control-plane/api_call.h"
#include "control-plane/cluster_log.h"
#include "control-plane/edge_streams.h"
#include "control-plane/leadership.h"
#include "control-plane/log_reader.h"
#include "control-plane/routes.h"
#include "lib/stats/registry.h"

namespace meridian::control {

// What the API answers, route by route: who may ask, what was asked, and what becomes of it. Owns nothing of
// the log. On the log's loop.
class Api {
 public:
  struct Parts {
    EventLoop& loop;
    Store& store;
    ClusterLog& log;
    Leadership& leadership;
    EdgeStreams& streams;
    stats::Registry& registry;
  };
  explicit Api(const Parts& parts) : parts_(parts) {}

  // Answers a call whose body has come, now or later.
  void handle(const std::shared_ptr<ApiCall>& call) { handle(call, false); }
  // From now on /healthz and /readyz say that this node is going away.
  void begin_drain() { draining_ = true; }
  // Answers by class of status: [2] is 2xx.
  const std::array<std::uint64_t, 6>& answers() const { return answers_; }
  void count_answer(int status) { ++answers_[static_cast<std::size_t>(status / 100) % 6]; }

 private:
  // A call whose caller is known and may ask this.
  struct Request {
    std::shared_ptr<ApiCall> call;
    Token token;
    std::string query;
    std::string id;  // of the path

    void answer(const ApiAnswer& answer) const { call->answer(answer); }
  };
  using Handler = void (Api::*)(const Request&);
  static Handler handler_of(RouteId id);

  // `refreshed`: the log has been looked at for this call, so that a token which is not known is none.
  void handle(const std::shared_ptr<ApiCall>& call, bool refreshed);
  enum class Access : std::uint8_t { kAllowed, kAnswered, kUnknownToken };
  Access authorise(const Route& route, Request& request) const;
  Command command_for(const Request& request, std::string kind, std::string payload) const;

  void health(const Request& request);
  void ready(const Request& request);
  void metrics(const Request& request);
  void state(const Request& request);
  void log_entries(const Request& request);
  void stream(const Request& request);
  void purges(const Request& request);
  void tokens(const Request& request);
  void make_a_token(const Request& request);
  void revoke_token(const Request& request);

  const Parts parts_;
  bool draining_ = false;
  std::array<std::uint64_t, 6> answers_{};
};

// A number in a query: nothing when it is absent; broken when it is none.
struct QueryNumber {
  std::optional<std::uint64_t> value;
  bool is_broken = false;
};
QueryNumber query_number(std::string_view query, std::string_view name);

}  // namespace meridian::control
