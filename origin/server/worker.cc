#include "origin/server/worker.h"

#include <utility>

#include "config/edge_config.h"
#include "lib/http/bad_message.h"

namespace meridian::origin {

Result<std::unique_ptr<Worker>> Worker::create(Shared& shared, ListenSocket socket, stats::Sheet& sheet,
                                               std::uint64_t seed) {
  Result<std::unique_ptr<EventLoop>> loop = EventLoop::create();
  if (!loop) return Failure(loop.error());
  return std::unique_ptr<Worker>(new Worker(shared, *std::move(loop), std::move(socket), sheet, seed));
}

Worker::Worker(Shared& shared, std::unique_ptr<EventLoop> loop, ListenSocket socket, stats::Sheet& sheet,
               std::uint64_t seed)
    : shared_(shared),
      limits_(config::server_limits(shared.config.limits)),
      loop_(std::move(loop)),
      socket_(std::move(socket)),
      services_(shared, *loop_, sheet, seed),
      connections_(*loop_, shared.config.connections) {}

Worker::~Worker() = default;

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::run() {
  listener_ = std::make_unique<Listener>(
      *loop_, socket_, nullptr, [this](std::unique_ptr<Stream> stream) { accept(std::move(stream)); });
  loop_->run();
  // What is left belongs to this thread and ends on it.
  listener_.reset();
  connections_.clear();
  deadline_.reset();
  loop_->run_once();  // lets go of what was to be destroyed at the end of the last turn
  if (ended_) ended_();
}

void Worker::accept(std::unique_ptr<Stream> stream) {
  if (connections_.add(std::move(stream), limits_, *this)) {
    services_.sheet.change(stats::kServerConnections, +1);
  } else {
    shared_.refused_connections.fetch_add(1, std::memory_order_relaxed);
  }
}

void Worker::on_request(http::Exchange& exchange) {
  auto responder = std::make_unique<Responder>(exchange, services_, [this](Responder& ended) {
    const auto found = responders_.find(&ended);
    // Destroyed at the end of the turn: the responder that has ended may be on the stack.
    std::shared_ptr<Responder> last = std::move(found->second);
    responders_.erase(found);
    loop_->at_end_of_turn([last = std::move(last)] {});
  });
  Responder& started = *responder;
  responders_.emplace(&started, std::move(responder));
  started.start();
}

std::string_view Worker::on_bad_request(const http::BadRequest& bad, const SocketAddress&) {
  for (std::size_t i = 0; i < http::kBadMessageCount; ++i) {
    const auto reason = static_cast<http::BadMessage>(i);
    if (http::token_of(reason) != bad.reason) continue;
    services_.sheet.add(stats::kServerBadRequests, stats::label<stats::BadRequestReason>(reason));
    break;
  }
  return {};
}

void Worker::on_connection_closed(http::ServerConnection& connection) {
  connections_.remove(connection);
  services_.sheet.change(stats::kServerConnections, -1);
  if (draining_ && connections_.size() == 0) loop_->stop();
}

void Worker::drain(std::int64_t deadline_ms, std::function<void()> ended) {
  loop_->post([this, deadline_ms, ended = std::move(ended)] { begin_drain(deadline_ms, ended); });
}

void Worker::begin_drain(std::int64_t deadline_ms, std::function<void()> ended) {
  if (draining_) return;
  draining_ = true;
  ended_ = std::move(ended);
  listener_.reset();
  deadline_ = std::make_unique<Timer>(*loop_, [this] { loop_->stop(); });
  deadline_->arm(deadline_ms);
  connections_.drain();
  if (connections_.size() == 0) loop_->stop();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace meridian::origin
