#include <cerrno>
#include <utility>

#include "edge/tiers/ssd/io_ring.h"
#include "edge/tiers/ssd/read_queue.h"
#include "lib/base/check.h"

namespace meridian::ssd {
namespace {

class RingQueue final : public ReadQueue, FdHandler {
 public:
  RingQueue(EventLoop& loop, std::unique_ptr<IoRing> ring, Owner& owner)
      : ring_(std::move(ring)),
        owner_(owner),
        loop_(loop),
        watch_(loop, ring_->descriptor(), *this),
        submit_(loop, [this] { submit(); }) {
    watch_.want(true, false);
  }
  // The kernel writes into the buffers until each read has ended.
  ~RingQueue() override {
    watch_.want(false, false);
    IoRing::Answer answer;
    while (under_way_ > 0) {
      const int error = ring_->submit(1);
      if (error != 0 && !is_passing(error)) break;
      while (ring_->take(&answer)) --under_way_;
    }
  }

  void read(std::uint32_t slot, std::uint64_t offset, const Ref<AlignedBuffer>& to,
            std::uint32_t bytes) override {
    if (!ring_->read(offset, to->data(), bytes, slot)) {
      submit();
      // The depth of the ring is at least what its owner has under way.
      CHECK(ring_->read(offset, to->data(), bytes, slot));
    }
    ++under_way_;
    submit_.schedule();
  }

 private:
  static bool is_passing(int error) { return error == EAGAIN || error == EBUSY; }
  // What the kernel cannot take now stays queued, and goes with the next turn; after any other error with the
  // next read. Its owner gives up waiting in time.
  void submit() {
    // All that this turn asks for goes together, as each call may wake the disk's own processor.
    if (handing_out_) return submit_.schedule();
    if (is_passing(ring_->submit())) submit_.schedule();
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

  std::unique_ptr<IoRing> ring_;
  Owner& owner_;
  EventLoop& loop_;
  FdWatch watch_;
  Soon submit_;
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
