#include "origin/upstream/connector.h"

#include <algorithm>
#include <utility>

namespace meridian::upstream {

Connector::Connector(EventLoop& loop, Resolver& resolver, const SharedTarget& target,
                     std::shared_ptr<TlsClientContext> tls, const GroupOptions& group, Done done)
    : loop_(loop),
      target_(target),
      tls_(std::move(tls)),
      deadline_ms_(loop.now_ms() + group.connect_timeout_ms),
      source_(group.source),
      done_(std::move(done)),
      deadline_(
          loop,
          [this] {
            finish(fail(ErrorCode::kTimeout, ErrorSource::kOrigin, "could not be connected in time", true));
          }),
      soon_(loop, [this] { try_next(); }),
      last_error_{ErrorCode::kUnresolved, ErrorSource::kOrigin, true, "has no address"} {
  deadline_.arm(group.connect_timeout_ms);
  operation_ =
      resolver.resolve(target.url().host, target.url().port,
                       [this](Result<std::vector<SocketAddress>> found) { on_resolved(std::move(found)); });
}

void Connector::on_resolved(Result<std::vector<SocketAddress>> addresses) {
  if (addresses) {
    addresses_ = *std::move(addresses);
  } else {
    last_error_ = std::move(addresses.error());
  }
  soon_.schedule();
}

void Connector::try_next() {
  if (next_ == addresses_.size()) return finish(Failure(last_error_));
  ConnectOptions options;
  const std::int64_t left_ms = std::max<std::int64_t>(deadline_ms_ - loop_.now_ms(), 1);
  options.timeout_ms =
      std::max<std::int64_t>(left_ms / static_cast<std::int64_t>(addresses_.size() - next_), 1);
  options.source = source_;
  if (target_.url().tls) {
    options.tls = tls_;
    options.server_name = target_.server_name();
  }
  operation_ = connect(loop_, addresses_[next_++], options,
                       [this](Result<std::unique_ptr<Stream>> stream) { on_connected(std::move(stream)); });
}

void Connector::on_connected(Result<std::unique_ptr<Stream>> stream) {
  if (stream) return finish(std::move(stream));
  last_error_ = std::move(stream.error());
  soon_.schedule();
}

void Connector::finish(Result<std::unique_ptr<Stream>> result) {
  const Done done = std::move(done_);
  deadline_.cancel();
  done(std::move(result));
}

}  // namespace meridian::upstream
