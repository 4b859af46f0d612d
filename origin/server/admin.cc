#include "origin/server/admin.h"

#include <charconv>
#include <optional>
#include <utility>

#include "config/origin_server_config.h"
#include "origin/server/body_pump.h"
#include "origin/server/faults_json.h"

namespace meridian::origin {
namespace {

using http::Method;

constexpr std::size_t kMaxConnections = 256;
constexpr std::size_t kMaxBodyBytes = 1024 * 1024;

http::ServerLimits admin_limits() {
  http::ServerLimits limits;
  limits.body_bytes = kMaxBodyBytes;
  return limits;
}

Answer json_answer(std::string_view json) {
  Answer answer = text_answer(200, json);
  answer.headers.set("Content-Type", "application/json");
  return answer;
}

// {"version": N} and nothing else.
std::optional<std::uint64_t> parse_version(std::string_view body) {
  const auto skip = [&](std::string_view expected) {
    while (!body.empty() && std::string_view(" \t\r\n").find(body.front()) != std::string_view::npos)
      body.remove_prefix(1);
    if (body.substr(0, expected.size()) != expected) return false;
    body.remove_prefix(expected.size());
    return true;
  };
  if (!skip("{") || !skip("\"version\"") || !skip(":") || !skip("")) return std::nullopt;
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), version);
  if (error != std::errc()) return std::nullopt;
  body.remove_prefix(static_cast<std::size_t>(end - body.data()));
  if (!skip("}") || !skip("") || !body.empty()) return std::nullopt;
  return version;
}

}  // namespace

// One command: its body is read whole, then it is answered.
class Admin::Command final : public http::ExchangeHandler {
 public:
  Command(Admin& admin, http::Exchange& exchange) : admin_(admin), exchange_(exchange) {}

  void start() {
    exchange_.set_handler(this);
    if (exchange_.has_request_body())
      exchange_.read_body();
    else
      reply();
  }
  void on_request_body(std::string_view bytes, bool last, const http::FieldList&) override {
    // The connection refuses more than kMaxBodyBytes by itself.
    body_.append(bytes);
    if (last)
      reply();
    else
      exchange_.read_body();
  }
  void on_drained() override {
    if (pump_) pump_->run();
  }
  void on_closed(bool) override {
    if (pump_) pump_->stop();
    const auto found = admin_.commands_.find(this);
    std::shared_ptr<Command> last = std::move(found->second);
    admin_.commands_.erase(found);
    admin_.loop_.at_end_of_turn([last = std::move(last)] {});
  }

 private:
  void reply() {
    const std::string_view target = exchange_.request().path;
    Answer answer = admin_.answer(exchange_.request().method, target.substr(0, target.find('?')), body_);
    answer.headers.set("Cache-Control", "no-store");
    send_head(exchange_, answer);
    if (exchange_.request().method == Method::kHead) return exchange_.finish();
    pump_.emplace(exchange_, std::move(answer.body), std::string(), FaultPlan());
    pump_->run();
  }

  Admin& admin_;
  http::Exchange& exchange_;
  std::string body_;
  std::optional<BodyPump> pump_;
};

Admin::Admin(EventLoop& loop, ListenSocket socket, Parts parts)
    : loop_(loop),
      socket_(std::move(socket)),
      parts_(parts),
      connections_(loop, kMaxConnections),
      listener_(loop, socket_, nullptr, [this](std::unique_ptr<Stream> stream) {
        // At the limit the stream is simply closed: whoever holds the others is the one to look at.
        (void)connections_.add(std::move(stream), admin_limits(), *this);
      }) {}

Admin::~Admin() = default;

void Admin::on_request(http::Exchange& exchange) {
  auto command = std::make_unique<Command>(*this, exchange);
  Command& started = *command;
  commands_.emplace(&started, std::move(command));
  started.start();
}

std::string_view Admin::on_bad_request(const http::BadRequest&, const SocketAddress&) { return {}; }

void Admin::on_connection_closed(http::ServerConnection& connection) { connections_.remove(connection); }

Answer Admin::answer(Method method, std::string_view path, const std::string& body) {
  const bool reading = method == Method::kGet || method == Method::kHead;
  if (path == "/healthz" || path == "/metrics") {
    if (!reading) return method_answer(method, "GET, HEAD");
    if (path == "/healthz") return draining_ ? text_answer(503, "draining\n") : text_answer(200, "ok\n");
    Answer metrics = text_answer(200, parts_.registry.text());
    metrics.headers.set("Content-Type", stats::Registry::kTextType);
    return metrics;
  }
  if (path == "/faults") return answer_faults(method, body);
  if (path.substr(0, 8) == "/faults/") return answer_fault(method, path.substr(8));
  if (path == "/version") return answer_version(method, body);
  return text_answer(404, "Here are /healthz, /metrics, /faults and /version.\n");
}

Answer Admin::answer_faults(Method method, const std::string& body) {
  if (method == Method::kPut || method == Method::kPost) {
    const Result<config::FaultListConfig> list = config::load_faults_text(body, "faults");
    if (!list) return text_answer(400, list.error().context + "\n");
    const Result<void> set = method == Method::kPut ? parts_.faults.replace_all(list->faults, loop_.now_ms())
                                                    : parts_.faults.set(list->faults, loop_.now_ms());
    if (!set) return text_answer(400, set.error().context + "\n");
  } else if (method == Method::kDelete) {
    parts_.faults.clear();
  } else if (method != Method::kGet && method != Method::kHead) {
    return method_answer(method, "GET, HEAD, PUT, POST, DELETE");
  }
  return json_answer(faults_json(*parts_.faults.view(), loop_.now_ms()));
}

Answer Admin::answer_fault(Method method, std::string_view name) {
  if (method != Method::kDelete) return method_answer(method, "DELETE");
  if (!parts_.faults.remove(name)) return text_answer(404, "No fault has this name.\n");
  return json_answer(faults_json(*parts_.faults.view(), loop_.now_ms()));
}

Answer Admin::answer_version(Method method, const std::string& body) {
  if (method == Method::kPut) {
    const std::optional<std::uint64_t> version = parse_version(body);
    if (!version) return text_answer(400, "The body is to be {\"version\": N}.\n");
    parts_.content_version.store(*version, std::memory_order_relaxed);
  } else if (method != Method::kGet && method != Method::kHead) {
    return method_answer(method, "GET, HEAD, PUT");
  }
  return json_answer(
      "{\"version\": " + std::to_string(parts_.content_version.load(std::memory_order_relaxed)) + "}\n");
}

}  // namespace meridian::origin
