#include "control-plane/cli/session.h"

#include <optional>
#include <utility>

namespace meridian::cli {
namespace {

// A command waits for the store for some seconds; the answer that says so is worth waiting for.
constexpr std::int64_t kTimeoutMs = 30'000;
constexpr std::size_t kMostLineBytes = 64 * 1024 * 1024;

wire::JsonLimits answer_limits() {
  wire::JsonLimits limits;
  limits.bytes = kMostLineBytes;
  limits.values = 4'000'000;
  return limits;
}

// What the API says is wrong, in its own words.
Failure refused(int status, std::string_view body) {
  const Result<wire::Json> json = wire::Json::parse(body, answer_limits());
  const wire::Json* const detail = json ? json->find("detail") : nullptr;
  std::string sentence = detail != nullptr ? detail->text() : "the server answered " + std::to_string(status);
  const ErrorCode code = status == 503 ? ErrorCode::kUnavailable : ErrorCode::kInvalid;
  return fail(code, ErrorSource::kOperator, std::move(sentence), status == 503);
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(const Login& login) {
  Result<std::unique_ptr<EventLoop>> loop = EventLoop::create();
  if (!loop) return Failure(loop.error());
  std::shared_ptr<TlsClientContext> tls;
  if (login.server.starts_with("https://")) {
    TlsClientOptions options;
    options.ca_file = login.ca_file;
    auto made = TlsClientContext::create(options);
    if (!made) return Failure(made.error());
    tls = *std::move(made);
  }
  Result<http::ClientServer> server = http::parse_server(login.server, std::move(tls));
  if (!server) return Failure(server.error());
  std::unique_ptr<Resolver> resolver = Resolver::create(**loop, {});
  return std::unique_ptr<Session>(
      new Session(*std::move(loop), std::move(resolver), *std::move(server), login.token));
}

Session::Session(std::unique_ptr<EventLoop> loop, std::unique_ptr<Resolver> resolver,
                 http::ClientServer server, std::string token)
    : loop_(std::move(loop)),
      resolver_(std::move(resolver)),
      client_(*loop_, *resolver_, std::move(server)),
      token_(std::move(token)) {}

http::ClientRequest Session::request(const std::string& method, const std::string& target) const {
  http::ClientRequest request;
  request.method = method;
  request.target = target;
  request.timeout_ms = kTimeoutMs;
  http::append_field(request.fields, "Authorization", "Bearer " + token_);
  return request;
}

Result<wire::Json> Session::ask(const std::string& method, const std::string& target, std::string body,
                                const std::string& idempotency_key) {
  http::ClientRequest asked = request(method, target);
  if (!body.empty()) http::append_field(asked.fields, "Content-Type", "application/json");
  if (!idempotency_key.empty()) http::append_field(asked.fields, "Idempotency-Key", idempotency_key);
  asked.body = std::move(body);
  std::optional<Result<http::ClientResponse>> answer;
  const auto operation = client_.send(std::move(asked), [&](Result<http::ClientResponse> response) {
    answer.emplace(std::move(response));
    loop_->stop();
  });
  while (!answer) loop_->run();
  if (!*answer) return Failure(answer->error());
  const http::ClientResponse& response = **answer;
  if (response.status < 200 || response.status > 299) return refused(response.status, response.body);
  return wire::Json::parse(response.body, answer_limits());
}

Result<void> Session::lines(const std::string& target, const std::function<bool(std::string_view)>& line) {
  int status = 0;
  std::string unread;
  std::optional<Result<void>> end;
  http::Client::StreamHandlers handlers;
  handlers.on_head = [&](const http::ResponseHead& head) { status = head.status; };
  handlers.on_bytes = [&](std::string_view bytes) {
    unread.append(bytes);
    if (status != 200) return;
    std::size_t begin = 0;
    for (std::size_t at = 0; !end && (at = unread.find('\n', begin)) != std::string::npos; begin = at + 1) {
      if (!line(std::string_view(unread).substr(begin, at - begin))) end.emplace();
    }
    unread.erase(0, begin);
    if (unread.size() > kMostLineBytes)
      end.emplace(fail(ErrorCode::kTooLarge, ErrorSource::kOperator, "a line without an end"));
    if (end) loop_->stop();
  };
  handlers.on_end = [&](Result<void> result) {
    end.emplace(std::move(result));
    loop_->stop();
  };
  const auto operation = client_.stream(request("GET", target), std::move(handlers));
  while (!end) loop_->run();
  if (status != 0 && status != 200) return refused(status, unread);
  return *std::move(end);
}

}  // namespace meridian::cli
