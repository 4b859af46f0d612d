#include <poll.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "edge/tiers/ssd/io_ring.h"
#include "edge/tiers/ssd/read_queue.h"

namespace meridian::ssd {
namespace {

class RingQueue final : public ReadQueue, FdHandler {
 public:
  RingQueue(EventLoop& loop, std::unique_ptr<IoRing> ring, Owner& owner)
      : ring_(std::move(ring)),
        owner_(owner),
        loop_(loop),
        watch_(loop, ring_->descriptor(), *this),
        submit_(loop, [this] { submit(); }),
        refuse_(loop, [this] { tell_refused(); }) {
    watch_.want(true, false);
  }
  // The kernel writes into the buffers until each read has ended.
  ~RingQueue() override {
    watch_.want(false, false);
    while (ring_->take_back()) --under_way_;
    IoRing::Answer answer;
    while (under_way_ > refused_.size()) {
      // When the kernel does not let us wait for them in the usual way, the descriptor tells.
      pollfd ready{ring_->descriptor(), POLLIN, 0};
      if (const int error = ring_->submit(1); error != 0 && !is_passing(error))
        ::poll(&ready, 1, kLookAgainMs);
      while (ring_->take(&answer)) --under_way_;
    }
  }

  void read(std::uint32_t slot, std::uint64_t offset, const Ref<AlignedBuffer>& to,
            std::uint32_t bytes) override {
    ++under_way_;
    if (!ring_->read(offset, to->data(), bytes, slot)) {
      hand_in();
      // The kernel takes nothing now, and says that this will pass.
      if (!ring_->read(offset, to->data(), bytes, slot)) return refuse(slot, EBUSY);
    }
    submit_.schedule();
  }

 private:
  static bool is_passing(int error) { return error == EAGAIN || error == EBUSY; }
  void submit() {
    // All that this turn asks for goes together, as each call may wake the disk's own processor.
    if (handing_out_) return submit_.schedule();
    hand_in();
  }
  // What the kernel cannot take now stays queued, and goes with the next turn. After any other error the
  // reads have failed like those that a disk refuses, so that its owner's health decides whether it is asked
  // again.
  void hand_in() {
    const int error = ring_->submit();
    if (error == 0) return;
    if (is_passing(error)) return submit_.schedule();
    while (const auto tag = ring_->take_back()) refuse(static_cast<std::uint32_t>(*tag), error);
  }
  // Told soon, never inside read().
  void refuse(std::uint32_t slot, int error) {
    refused_.emplace_back(slot, error);
    refuse_.schedule();
  }
  void tell_refused() {
    for (const auto& [slot, error] : std::exchange(refused_, {})) {
      --under_way_;
      owner_.on_read(slot, -error);
    }
  }
  void on_fd(bool, bool) override {
    IoRing::Answer answer;
    unsigned handed_out = 0;
    handing_out_ = true;
    while (ring_->take(&answer)) {
      --under_way_;
      owner_.on_read(static_cast<std::uint32_t>(answer.tag), answer.result);
      if (++handed_out % kAtOnce == 0) loop_.run_soon();
    }
    handing_out_ = false;
  }

  // Answers whose bytes, checked and not yet sent, fit a core's own cache.
  static constexpr unsigned kAtOnce = 2;
  static constexpr int kLookAgainMs = 10;

  std::unique_ptr<IoRing> ring_;
  Owner& owner_;
  EventLoop& loop_;
  FdWatch watch_;
  Soon submit_;
  Soon refuse_;
  std::vector<std::pair<std::uint32_t, int>> refused_;  // slots, and why
  unsigned under_way_ = 0;
  bool handing_out_ = false;
};

}  // namespace

Result<std::unique_ptr<ReadQueue>> make_ring_queue(EventLoop& loop, const DiskFile& file,
                                                   ReadQueue::Owner& owner, unsigned depth) {
  if (file.descriptor() < 0) {
    return fail(ErrorCode::kUnavailable, ErrorSource::kEdge, "the disk has no descriptor to read from");
  }
  auto ring = IoRing::create(file.descriptor(), depth);
  if (!ring) return Failure(std::move(ring.error()));
  return std::unique_ptr<ReadQueue>(std::make_unique<RingQueue>(loop, std::move(*ring), owner));
}

}  // namespace meridian::ssd
