#include "lib/http/client.h"

#include <charconv>
#include <optional>
#include <utility>

#include "lib/base/check.h"
#include "lib/http/authority.h"
#include "lib/net/lifeline.h"

namespace meridian::http {
namespace {

constexpr int kReadsPerTurn = 8;
// More interim responses than this before one response are an attack or a fault.
constexpr unsigned kMostInformational = 16;

std::string request_bytes(const ClientRequest& request, const ClientServer& server) {
  std::string bytes = request.method + " " + request.target + " HTTP/1.1\r\n";
  append_field(bytes, "Host", server.authority());
  bytes += request.fields;
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
    append_field(bytes, "Content-Length", std::to_string(request.body.size()));
  return bytes.append("\r\n").append(request.body);
}

}  // namespace

std::string ClientServer::authority() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  std::string text = is_ipv6 ? "[" + host + "]" : host;
  if (port != (tls == nullptr ? 80 : 443)) text += ":" + std::to_string(port);
  return text;
}

Result<ClientServer> parse_server(std::string_view url, std::shared_ptr<TlsClientContext> tls) {
  const bool is_tls = url.starts_with("https://");
  const auto wrong = [&] {
    return fail(ErrorCode::kInvalid, ErrorSource::kOperator,
                "'" + std::string(url) + "' is no http(s)://host[:port]");
  };
  if (!is_tls && !url.starts_with("http://")) return wrong();
  std::string_view authority = url.substr(is_tls ? 8 : 7);
  if (authority.ends_with('/')) authority.remove_suffix(1);
  std::string_view host;
  std::string_view port;
  if (!split_authority(authority, host, port) || host.empty()) return wrong();
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  ClientServer server{std::string(host), static_cast<std::uint16_t>(is_tls ? 443 : 80),
                      is_tls ? std::move(tls) : nullptr};
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), server.port);
    if (error != std::errc() || end != port.data() + port.size() || server.port == 0) return wrong();
  }
  if (is_tls && server.tls == nullptr) return wrong();
  return server;
}

// One request and its response: address, connection, head, body, each when the one before is there. Owned by
// whoever asked, on the client's loop; a callback may destroy it, so nothing is touched behind one.
class Client::Exchange final : public Operation, private StreamHandler {
 public:
  Exchange(Client& client, ClientRequest request, StreamHandlers handlers, bool is_stream)
      : client_(client),
        handlers_(std::make_shared<StreamHandlers>(std::move(handlers))),
        out_(request_bytes(request, client.server_)),
        is_head_(request.method == "HEAD"),
        is_stream_(is_stream),
        timeout_ms_(request.timeout_ms),
        silence_ms_(request.silence_ms),
        chunks_(client.limits_.head),
        deadline_(client.loop_, [this] { on_deadline(); }),
        soon_(client.loop_, [this] { begin(); }) {
    deadline_.arm(timeout_ms_);
    soon_.schedule();
  }
  ~Exchange() override {
    if (stream_ != nullptr) stream_->set_handler(nullptr);
  }

 private:
  enum class Phase : std::uint8_t { kConnecting, kHead, kBody, kEnded };

  void begin() {
    if (auto idle = client_.take_idle()) return use(std::move(idle));
    auto operation = client_.resolver_.resolve(
        client_.server_.host, client_.server_.port,
        [this](Result<std::vector<SocketAddress>> found) { on_addresses(std::move(found)); });
    if (operation != nullptr) operation_ = std::move(operation);
  }
  void on_addresses(Result<std::vector<SocketAddress>> found) {
    if (!found) return end(Failure(found.error()));
    addresses_ = *std::move(found);
    connect_next("has no address");
  }
  // To one address behind the other, until one takes the connection.
  void connect_next(std::string why) {
    if (next_address_ == addresses_.size()) return fail_with(ErrorCode::kUnavailable, std::move(why));
    ConnectOptions options;
    options.timeout_ms = timeout_ms_;
    options.tls = client_.server_.tls;
    options.server_name = client_.server_.host;
    operation_ = connect(client_.loop_, addresses_[next_address_++], options,
                         [this](Result<std::unique_ptr<Stream>> stream) {
                           if (stream) return use(*std::move(stream));
                           connect_next(stream.error().context);
                         });
  }
  void use(std::unique_ptr<Stream> stream) {
    stream_ = std::move(stream);
    stream_->set_handler(this);
    phase_ = Phase::kHead;
    flush();
  }

  void flush() {
    while (sent_ < out_.size()) {
      const iovec part{out_.data() + sent_, out_.size() - sent_};
      const IoResult result = stream_->write(&part, 1);
      if (result.kind == IoResult::Kind::kWouldBlock) break;
      // The answer to a request that was not wanted whole may be there already.
      if (result.kind != IoResult::Kind::kOk) break;
      sent_ += result.bytes;
    }
    stream_->want(true, sent_ < out_.size());
  }
  void on_writable() override { flush(); }

  void on_readable() override {
    Lifeline::Scope scope(life_);
    for (int i = 0; i < kReadsPerTurn; ++i) {
      char* const scratch = client_.loop_.scratch();
      const IoResult result = stream_->read(scratch, EventLoop::kScratchBytes);
      if (result.kind == IoResult::Kind::kWouldBlock) return;
      if (result.kind == IoResult::Kind::kEof) return on_eof();
      if (result.kind == IoResult::Kind::kError) return fail_with(ErrorCode::kClosed, "broke the connection");
      in_.append(scratch, result.bytes);
      if (is_stream_ && phase_ == Phase::kBody && silence_ms_ > 0) deadline_.arm(silence_ms_);
      if (!run(scope)) return;
    }
  }

  // False: ended, and perhaps destroyed.
  bool run(const Lifeline::Scope& scope) {
    while (phase_ == Phase::kHead) {
      const Took took = take_head(scope);
      if (took == Took::kMore) return true;
      if (took == Took::kEnded) return false;
    }
    return phase_ == Phase::kBody && take_body(scope);
  }

  enum class Took : std::uint8_t { kSome, kMore, kEnded };
  Took take_head(const Lifeline::Scope& scope) {
    ResponseHead head;
    ParseResult parsed = parse_response_head(in_, client_.limits_.head, head);
    if (parsed.state == ParseState::kNeedMore) return Took::kMore;
    if (parsed.state == ParseState::kDone) {
      const std::size_t bytes = parsed.consumed;
      if (head.status >= 100 && head.status < 200 && head.status != 101 &&
          ++informational_ <= kMostInformational) {
        in_.erase(0, bytes);
        return Took::kSome;
      }
      parsed = head.status < 200 ? ParseResult{ParseState::kBad} : response_framing(head, is_head_, framing_);
      if (parsed.state == ParseState::kDone) {
        left_ = framing_.length;
        phase_ = Phase::kBody;
        if (is_stream_) silence_ms_ > 0 ? deadline_.arm(silence_ms_) : deadline_.cancel();
        if (const auto handlers = handlers_; handlers->on_head) handlers->on_head(head);
        if (!scope.alive()) return Took::kEnded;
        in_.erase(0, bytes);
        return Took::kSome;
      }
    }
    fail_with(ErrorCode::kInvalid, "answered with what is no HTTP response");
    return Took::kEnded;
  }

  bool take_body(const Lifeline::Scope& scope) {
    switch (framing_.kind) {
      case Framing::Kind::kNone:
        return complete();
      case Framing::Kind::kLength: {
        const std::size_t bytes = std::min<std::uint64_t>(left_, in_.size());
        left_ -= bytes;
        if (!hand_on(std::string_view(in_).substr(0, bytes), scope)) return false;
        in_.erase(0, bytes);
        return left_ > 0 || complete();
      }
      case Framing::Kind::kUntilClose:
        if (!hand_on(in_, scope)) return false;
        in_.clear();
        return true;
      case Framing::Kind::kChunked:
        break;
    }
    return take_chunks(scope);
  }
  bool take_chunks(const Lifeline::Scope& scope) {
    std::size_t used = 0;
    while (true) {
      const ChunkDecoder::Step step = chunks_.next(std::string_view(in_).substr(used));
      if (step.state == ParseState::kBad) {
        fail_with(ErrorCode::kInvalid, "sent a broken chunk");
        return false;
      }
      if (!hand_on(step.data, scope)) return false;
      used += step.consumed;
      if (step.state == ParseState::kDone) {
        in_.erase(0, used);
        return complete();
      }
      if (step.consumed == 0) break;
    }
    in_.erase(0, used);
    return true;
  }
  bool hand_on(std::string_view bytes, const Lifeline::Scope& scope) {
    if (bytes.empty()) return true;
    taken_ += bytes.size();
    if (!is_stream_ && taken_ > client_.limits_.body_bytes) {
      fail_with(ErrorCode::kTooLarge, "answered with more than is taken");
      return false;
    }
    const auto handlers = handlers_;
    handlers->on_bytes(bytes);
    return scope.alive();
  }

  void on_eof() {
    if (phase_ == Phase::kBody && framing_.kind == Framing::Kind::kUntilClose) return end({});
    fail_with(ErrorCode::kClosed, "closed the connection before its answer was whole");
  }
  bool complete() {
    if (framing_.keep_alive && in_.empty() && sent_ == out_.size()) client_.keep_idle(std::move(stream_));
    end({});
    return false;
  }
  void on_deadline() {
    fail_with(ErrorCode::kTimeout,
              phase_ == Phase::kConnecting ? "could not be reached in time" : "gave no whole answer in time");
  }
  void fail_with(ErrorCode code, std::string why) {
    end(fail(code, ErrorSource::kOperator, client_.server_.authority() + ": " + std::move(why), sent_ == 0));
  }
  void end(Result<void> result) {
    phase_ = Phase::kEnded;
    deadline_.cancel();
    if (stream_ != nullptr) {
      stream_->want(false, false);
      stream_->set_handler(nullptr);
    }
    const auto on_end = std::move(handlers_->on_end);
    on_end(std::move(result));
  }

  Client& client_;
  // Whoever calls one holds them, as the call may drop the operation.
  const std::shared_ptr<StreamHandlers> handlers_;
  std::string out_;
  std::size_t sent_ = 0;
  const bool is_head_;
  const bool is_stream_;
  const std::int64_t timeout_ms_;
  const std::int64_t silence_ms_;
  Phase phase_ = Phase::kConnecting;
  std::vector<SocketAddress> addresses_;
  std::size_t next_address_ = 0;
  std::unique_ptr<Operation> operation_;
  std::unique_ptr<Stream> stream_;
  std::string in_;
  Framing framing_;
  std::uint64_t left_ = 0;
  std::uint64_t taken_ = 0;
  unsigned informational_ = 0;
  ChunkDecoder chunks_;
  Timer deadline_;
  Soon soon_;
  Lifeline life_;
};

Client::Client(EventLoop& loop, Resolver& resolver, ClientServer server, const Limits& limits)
    : loop_(loop), resolver_(resolver), server_(std::move(server)), limits_(limits) {}

Client::~Client() = default;

std::unique_ptr<Operation> Client::stream(ClientRequest request, StreamHandlers handlers) {
  return std::make_unique<Exchange>(*this, std::move(request), std::move(handlers), true);
}

std::unique_ptr<Operation> Client::send(ClientRequest request, Done done) {
  auto response = std::make_shared<ClientResponse>();
  StreamHandlers handlers;
  handlers.on_head = [response](const ResponseHead& head) {
    response->status = head.status;
    response->content_type = head.fields.value(FieldId::kContentType);
  };
  handlers.on_bytes = [response](std::string_view bytes) { response->body.append(bytes); };
  handlers.on_end = [response, done = std::move(done)](Result<void> end) {
    if (end) return done(std::move(*response));
    done(Failure(end.error()));
  };
  return std::make_unique<Exchange>(*this, std::move(request), std::move(handlers), false);
}

std::unique_ptr<Stream> Client::take_idle() {
  while (!idle_.empty()) {
    Idle idle = std::move(idle_.back());
    idle_.pop_back();
    if (idle.until_ms > loop_.now_ms() && !idle.stream->stale()) return std::move(idle.stream);
  }
  return nullptr;
}

void Client::keep_idle(std::unique_ptr<Stream> stream) {
  stream->want(false, false);
  stream->set_handler(nullptr);
  if (idle_.size() == kMostIdle) idle_.erase(idle_.begin());
  idle_.push_back({std::move(stream), loop_.now_ms() + kIdleMs});
}

}  // namespace meridian::http
