#include "control-plane/store/etcd_client.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "lib/base/aead.h"
#include "lib/base/digest.h"

namespace meridian::control {
namespace {

constexpr std::int64_t kPauseMs = 50;  // between two rounds of all servers
// A watch that hears nothing for so long is made anew: the server that it has may be cut off.
constexpr std::int64_t kMostSilenceMs = 10'000;
constexpr std::size_t kMostAnswerBytes = 64 * 1024 * 1024;

http::ClientRequest request_for(std::string path, std::string body) {
  http::ClientRequest request;
  request.method = "POST";
  request.target = std::move(path);
  request.body = std::move(body);
  http::append_field(request.fields, "Content-Type", "application/json");
  return request;
}

std::int64_t with_jitter(std::int64_t ms) {
  return ms / 2 + static_cast<std::int64_t>(random_u64() % static_cast<std::uint64_t>(ms));
}

// The gateway's words for what went wrong.
std::string message_of(const http::ClientResponse& response) {
  const Result<wire::Json> json = wire::Json::parse(response.body);
  const wire::Json* const message = json ? json->find("message") : nullptr;
  return message != nullptr && message->is(wire::Json::Kind::kString)
             ? message->text()
             : "status " + std::to_string(response.status);
}

}  // namespace

// One question and its attempts. Owned by the client.
class EtcdClient::Question {
 public:
  Question(EtcdClient& owner, std::string path, std::string body, std::int64_t attempt_ms, Done done)
      : owner_(owner),
        request_(request_for(std::move(path), std::move(body))),
        budget_ms_(std::max(owner.options_.budget_ms, attempt_ms)),
        asked_ms_(owner.loop_.clock().mono_ms()),
        done_(std::move(done)),
        pause_(owner.loop_, [this] { attempt(); }) {
    request_.timeout_ms = attempt_ms;
    attempt();
  }
  Done take_done() { return std::move(done_); }

 private:
  void attempt() {
    std::size_t server = 0;
    http::Client& client = owner_.current(server);
    operation_ = client.send(request_, [this, server](Result<http::ClientResponse> response) {
      on_response(server, std::move(response));
    });
  }
  void on_response(std::size_t server, Result<http::ClientResponse> response) {
    if (response && response->status == 200) {
      wire::JsonLimits limits;
      limits.bytes = kMostAnswerBytes;
      return owner_.finish(*this, wire::Json::parse(response->body, limits));
    }
    const std::string why = response ? message_of(*response) : response.error().context;
    // What the request itself is to blame for is the same at every server.
    if (response && response->status >= 400 && response->status < 500)
      return owner_.finish(*this, fail(ErrorCode::kInvalid, ErrorSource::kOperator, "etcd: " + why));
    owner_.failed(server);
    if (owner_.loop_.clock().mono_ms() - asked_ms_ >= budget_ms_)
      return owner_.finish(*this,
                           fail(ErrorCode::kUnavailable, ErrorSource::kOperator, "etcd: " + why, true));
    // A server that fails at once is not asked again at once.
    ++attempts_;
    const bool is_round = attempts_ % owner_.clients_.size() == 0;
    pause_.arm(is_round ? with_jitter(kPauseMs) : 1);
  }

  EtcdClient& owner_;
  http::ClientRequest request_;
  const std::int64_t budget_ms_;
  const std::int64_t asked_ms_;
  Done done_;
  std::size_t attempts_ = 0;
  std::unique_ptr<Operation> operation_;
  Timer pause_;
};

// A long answer, of which every piece says that something has changed.
class EtcdClient::Watch {
 public:
  Watch(EtcdClient& owner, std::string key, std::function<void()> changed)
      : owner_(owner),
        key_(std::move(key)),
        changed_(std::move(changed)),
        again_(owner.loop_, [this] { begin(); }) {
    begin();
  }

 private:
  void begin() {
    std::string body;
    wire::JsonWriter writer(body);
    writer.begin_object().key("create_request").begin_object().key("key").string(base64(key_));
    writer.end_object().end_object();
    http::ClientRequest request = request_for("/v3/watch", std::move(body));
    // A server that has lost its leader ends the watch instead of being silent.
    http::append_field(request.fields, "Grpc-Metadata-Hasleader", "true");
    request.timeout_ms = owner_.options_.attempt_ms * 3;
    request.silence_ms = kMostSilenceMs;
    http::Client& client = owner_.current(server_);
    http::Client::StreamHandlers handlers;
    // The first piece says that the watch is there: what happened before it is to be looked for.
    heard_ = false;
    handlers.on_bytes = [this](std::string_view) {
      heard_ = true;
      changed_();
    };
    handlers.on_end = [this](const Result<void>&) { on_end(); };
    operation_ = client.stream(std::move(request), std::move(handlers));
  }
  void on_end() {
    // One that was silent after it had spoken may be well, and is asked again first.
    if (!heard_) owner_.failed(server_);
    again_.arm(with_jitter(4 * kPauseMs));
  }

  EtcdClient& owner_;
  const std::string key_;
  const std::function<void()> changed_;
  std::size_t server_ = 0;
  bool heard_ = false;
  std::unique_ptr<Operation> operation_;
  Timer again_;
};

EtcdClient::EtcdClient(EventLoop& loop, Resolver& resolver, const EtcdOptions& options)
    : loop_(loop), options_(options) {
  for (const http::ClientServer& server : options.endpoints)
    clients_.push_back(std::make_unique<http::Client>(loop, resolver, server));
}

EtcdClient::~EtcdClient() = default;

http::Client& EtcdClient::current(std::size_t& index) {
  index = preferred_;
  return *clients_[preferred_];
}

void EtcdClient::failed(std::size_t index) {
  // Of many questions that fail at one server only the first moves on.
  if (index == preferred_) preferred_ = (preferred_ + 1) % clients_.size();
}

void EtcdClient::ask(std::string path, std::string body, Done done) {
  ask(std::move(path), std::move(body), options_.attempt_ms, std::move(done));
}

void EtcdClient::ask(std::string path, std::string body, std::int64_t attempt_ms, Done done) {
  auto question =
      std::make_unique<Question>(*this, std::move(path), std::move(body), attempt_ms, std::move(done));
  Question* const key = question.get();
  questions_.emplace(key, std::move(question));
}

void EtcdClient::finish(Question& question, Result<wire::Json> answer) {
  const auto found = questions_.find(&question);
  // Its operation is what calls: it goes at the end of the turn.
  std::shared_ptr<Question> last = std::move(found->second);
  questions_.erase(found);
  loop_.at_end_of_turn([last] {});
  const Done done = question.take_done();
  done(std::move(answer));
}

void EtcdClient::watch(std::string key, std::function<void()> changed) {
  watch_.reset();
  if (changed) watch_ = std::make_unique<Watch>(*this, std::move(key), std::move(changed));
}

}  // namespace meridian::control
