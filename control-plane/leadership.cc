#include "control-plane/leadership.h"

#include <algorithm>
#include <utility>

#include "lib/base/aead.h"
#include "lib/wire/json.h"

namespace meridian::control {

Leadership::Leadership(EventLoop& loop, Store& store, ClusterLog& log, std::uint64_t window)
    : loop_(loop),
      store_(store),
      log_(log),
      window_(std::max<std::uint64_t>(window, 1)),
      timer_(loop, [this] { on_timer(); }) {
  log_.add(*this);
}

Leadership::~Leadership() { log_.remove(*this); }

void Leadership::start() { try_to_lead(); }

void Leadership::on_timer() {
  if (resigned_) return;
  if (!lease_) return try_to_lead();
  if (loop_.clock().mono_ms() - kept_ms_ >= store_.lease_ms()) step_down();
  if (lease_) keep();
  if (lease_ && !announced_ && !announcing_) announce();
}

void Leadership::try_to_lead() {
  kept_ms_ = loop_.clock().mono_ms();
  store_.acquire(log_.node(), [this](Result<Lease> lease) { on_lease(std::move(lease)); });
}

void Leadership::on_lease(Result<Lease> lease) {
  if (resigned_) {
    if (lease) store_.release(*lease, [](Result<void>) {});
    return;
  }
  if (!lease) {
    // Nodes that wait for the same end do not all come at once.
    const std::int64_t pause_ms = std::max<std::int64_t>(store_.lease_ms() / 4, 10);
    timer_.arm(pause_ms / 2 + static_cast<std::int64_t>(random_u64() % static_cast<std::uint64_t>(pause_ms)));
    return;
  }
  lease_ = *std::move(lease);
  ++terms_;
  announced_ = false;
  timer_.arm(std::max<std::int64_t>(store_.lease_ms() / 3, 10));
  announce();
}

void Leadership::announce() {
  Command command;
  command.kind = "leader";
  wire::JsonWriter(command.payload).begin_object().key("node").string(log_.node()).end_object();
  command.author = log_.node();
  command.epoch = lease_->epoch;
  announcing_ = true;
  log_.append(std::move(command), [this, epoch = lease_->epoch](const Result<Receipt>& receipt) {
    announcing_ = false;
    if (epoch != this->epoch()) return;
    announced_ = receipt.has_value();
    // Fenced: somebody else leads already. Otherwise it is said again with the next keep().
    if (!receipt && receipt.error().code == ErrorCode::kRefused && log_.head().epoch > epoch) step_down();
  });
}

void Leadership::keep() {
  const std::int64_t asked_ms = loop_.clock().mono_ms();
  store_.keep(*lease_, [this, asked_ms, epoch = lease_->epoch](Result<void> kept) {
    if (epoch != this->epoch()) return;
    if (kept) {
      kept_ms_ = asked_ms;
    } else if (kept.error().code == ErrorCode::kRefused) {
      step_down();
    }
  });
  timer_.arm(std::max<std::int64_t>(store_.lease_ms() / 3, 10));
}

void Leadership::step_down() {
  lease_.reset();
  timer_.arm(std::max<std::int64_t>(store_.lease_ms() / 4, 10));
}

void Leadership::resign(std::function<void()> done) {
  resigned_ = true;
  timer_.cancel();
  if (!lease_) return loop_.post(std::move(done));
  const Lease lease = *std::exchange(lease_, std::nullopt);
  store_.release(lease, [done = std::move(done)](Result<void>) { done(); });
}

// --- compacting

void Leadership::on_entries(const std::shared_ptr<const State>& state, std::span<const Entry>) {
  consider_compacting(state);
}

void Leadership::on_reset(const std::shared_ptr<const State>& state) { checkpoint_ = state; }

void Leadership::consider_compacting(const std::shared_ptr<const State>& state) {
  if (checkpoint_ == nullptr) checkpoint_ = state;
  if (state->seq() < checkpoint_->seq() + window_ || compacting_) return;
  const std::shared_ptr<const State> base = std::exchange(checkpoint_, state);
  if (!lease_) return;
  compacting_ = true;
  store_.compact({base->seq(), base->to_text()}, [this](Result<void> done) {
    compacting_ = false;
    if (done) ++compactions_;
  });
}

}  // namespace meridian::control
