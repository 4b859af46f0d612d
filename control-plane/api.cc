#include "control-plane/api.h"

#include <utility>

#include "lib/wire/event.h"
#include "lib/wire/parameters.h"

namespace meridian::control {
namespace {

std::string_view query_of(std::string_view target) {
  const std::size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

ApiAnswer text_answer(int status, std::string body) {
  ApiAnswer answer;
  answer.status = status;
  answer.body = std::move(body);
  answer.content_type = "text/plain; charset=utf-8";
  return answer;
}

// The token of "Bearer TOKEN"; "" when there is none.
std::string_view bearer(std::string_view field) {
  constexpr std::string_view kScheme = "bearer ";
  if (field.size() <= kScheme.size() || !http::equals_ignoring_case(field.substr(0, kScheme.size()), kScheme))
    return {};
  return http::trim(field.substr(kScheme.size()));
}

}  // namespace

QueryNumber query_number(std::string_view query, std::string_view name) {
  const Query found = query_value(query, name);
  if (found.is_broken) return {{}, true};
  if (!found.value) return {};
  const auto number = wire::parse_number(*found.value);
  return {number, !number};
}

Api::Handler Api::handler_of(RouteId id) {
  switch (id) {
    case RouteId::kHealth:
      return &Api::health;
    case RouteId::kReady:
      return &Api::ready;
    case RouteId::kMetrics:
      return &Api::metrics;
    case RouteId::kState:
      return &Api::state;
    case RouteId::kLog:
      return &Api::log_entries;
    case RouteId::kStream:
      return &Api::stream;
    case RouteId::kPurges:
      return &Api::purges;
    case RouteId::kTokens:
      return &Api::tokens;
    case RouteId::kMakeToken:
      return &Api::make_a_token;
    case RouteId::kRevokeToken:
      break;
  }
  return &Api::revoke_token;
}

void Api::handle(const std::shared_ptr<ApiCall>& call, bool refreshed) {
  const http::RequestHead& head = call->request();
  const std::string_view path = head.path.substr(0, head.path.find('?'));
  RouteMatch match = find_route(head.method, path);
  if (match.route == nullptr) {
    if (match.allowed.empty()) return call->answer(problem(404, "no-such-path", "There is nothing here."));
    ApiAnswer answer = problem(405, "method", "Here are " + match.allowed + ".");
    http::append_field(answer.fields, "Allow", match.allowed);
    return call->answer(answer);
  }
  Request request{call, {}, std::string(query_of(head.path)), std::move(match.id)};
  const Access access = match.route->role ? authorise(*match.route, request) : Access::kAllowed;
  if (access == Access::kAllowed) return (this->*handler_of(match.route->id))(request);
  if (access == Access::kAnswered) return;
  if (refreshed)
    return call->answer(problem(401, "token", "This needs a token: Authorization: Bearer mer_..."));
  // Another node may have made it a moment ago. However many ask so, there is one look at a time.
  parts_.log.refresh([this, call] {
    if (call->is_open()) handle(call, true);
  });
}

Api::Access Api::authorise(const Route& route, Request& request) const {
  const auto refuse = [&](int status, std::string_view code, std::string_view detail) {
    request.answer(problem(status, code, detail));
    return Access::kAnswered;
  };
  if (!parts_.log.has_state())
    return refuse(503, "store-unavailable", "The log has not been read yet: " + parts_.log.why_not());
  const http::FieldList& fields = request.call->request().fields;
  if (fields.count(http::FieldId::kAuthorization) > 1)
    return refuse(400, "authorization", "Authorization comes more than once.");
  const std::string_view text = bearer(fields.value(http::FieldId::kAuthorization));
  const Token* const token = parts_.log.state()->token(token_id(text));
  if (token == nullptr && !token_id(text).empty()) return Access::kUnknownToken;
  if (token == nullptr || !is_text_of(*token, text))
    return refuse(401, "token", "This needs a token: Authorization: Bearer mer_...");
  if (token->role < *route.role) {
    return refuse(403, "role",
                  "This needs the role " + std::string(name_of(*route.role)) + "; the token has the role " +
                      std::string(name_of(token->role)) + ".");
  }
  request.token = *token;
  return Access::kAllowed;
}

Command Api::command_for(const Request& request, std::string kind, std::string payload) const {
  Command command;
  command.kind = std::move(kind);
  command.payload = std::move(payload);
  command.author = request.token.name;
  command.from = request.call->from();
  return command;
}

// --- open to anybody

void Api::health(const Request& request) {
  request.answer(draining_ ? text_answer(503, "draining\n") : text_answer(200, "ok\n"));
}

void Api::ready(const Request& request) {
  if (draining_) return request.answer(text_answer(503, "draining\n"));
  if (!parts_.log.is_current()) return request.answer(text_answer(503, parts_.log.why_not() + "\n"));
  request.answer(text_answer(200, "ok\n"));
}

void Api::metrics(const Request& request) {
  ApiAnswer answer = text_answer(200, parts_.registry.text());
  answer.content_type = stats::Registry::kTextType;
  request.answer(answer);
}

// --- looking

void Api::state(const Request& request) {
  const QueryNumber at = query_number(request.query, "at");
  if (at.is_broken) return request.answer(problem(400, "query", "`at` is to be one number."));
  if (!at.value) {
    ApiAnswer answer;
    answer.body = parts_.log.state()->summary() + "\n";
    return request.answer(answer);
  }
  StateReading::begin(parts_.store, *at.value, [request](const Result<State>& state) {
    if (!state) return request.answer(problem_of(state.error()));
    ApiAnswer answer;
    answer.body = state->summary() + "\n";
    request.answer(answer);
  });
}

void Api::log_entries(const Request& request) {
  const QueryNumber after = query_number(request.query, "after");
  const QueryNumber limit = query_number(request.query, "limit");
  const Query kind = query_value(request.query, "kind");
  const Query follow = query_value(request.query, "follow");
  const bool follows = follow.value.value_or("false") == "true";
  const bool is_broken = after.is_broken || limit.is_broken || kind.is_broken || follow.is_broken ||
                         limit.value.value_or(1) == 0 ||
                         (follow.value && !follows && *follow.value != "false");
  if (is_broken) {
    return request.answer(
        problem(400, "query", "Here are after=SEQ, limit=1..., kind=NAME and follow=true, each once."));
  }
  if (follows && request.call->request().method != http::Method::kHead) {
    LogFollower::begin(parts_.loop, parts_.store, parts_.log, request.call,
                       after.value.value_or(parts_.log.state()->seq()), kind.value.value_or(""));
    return;
  }
  read_log_page(parts_.store, after.value.value_or(0), limit.value.value_or(kMostPage),
                kind.value.value_or(""), [request](const Result<std::string>& page) {
                  if (!page) return request.answer(problem_of(page.error()));
                  ApiAnswer answer;
                  answer.body = *page;
                  request.answer(answer);
                });
}

void Api::stream(const Request& request) {
  const QueryNumber after = query_number(request.query, "after");
  const Query chain_text = query_value(request.query, "chain");
  const auto chain = wire::parse_chain(chain_text.value.value_or("0000000000000000"));
  if (after.is_broken || chain_text.is_broken || !chain || (chain_text.value && !after.value)) {
    return request.answer(
        problem(400, "query", "Here are after=SEQ and, beside it, chain=16 hex digits, each once."));
  }
  if (draining_) return request.answer(problem(503, "draining", "This node is going away."));
  // A node that is behind must not take an edge back.
  const bool is_behind = after.value && *after.value > parts_.log.state()->edge_seq();
  if (is_behind && !parts_.log.is_current())
    return request.answer(problem(503, "behind", "This node has not read so far: " + parts_.log.why_not()));
  if (request.call->request().method == http::Method::kHead) return request.answer({});
  if (!after.value) return parts_.streams.follow(request.call, std::nullopt);
  EdgeStreams::Position position{*after.value, std::nullopt};
  if (chain_text.value) position.chain = *chain;
  parts_.streams.follow(request.call, position);
}

}  // namespace meridian::control
