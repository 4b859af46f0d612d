#include "edge/ssd_keeper.h"

#include <utility>

#include "edge/tier_report.h"
#include "edge/tiers/admission_policies.h"

namespace meridian::edge {
namespace {

// How soon a file is tried again that another process has, and one that could not be opened. The kernel lets
// go of a ring of io_uring, and of its file, a moment after the process that had it is gone: so the first
// tries follow sooner, and nothing is said of them.
constexpr std::int64_t kSoonMs = 25;
constexpr int kSoonTries = 20;
constexpr std::int64_t kBusyMs = 500;
constexpr std::int64_t kBrokenMs = 10'000;
// For how many objects the admission to SSD remembers how often they were asked for.
constexpr std::uint64_t kUsualObjectBytes = 32 * 1024;

SsdOptions options_of(const config::SsdConfig& ssd) {
  SsdOptions options;
  options.path = ssd.path;
  options.size_bytes = ssd.size_bytes;
  options.chunk_bytes = ssd.chunk_bytes;
  options.buffer_bytes = ssd.buffer_bytes;
  options.read_buffer_bytes = ssd.read_buffer_bytes;
  options.max_object_share = ssd.max_object_share;
  options.key_file = ssd.key_file;
  options.io = static_cast<SsdIo>(ssd.io);
  options.reads_per_worker = static_cast<unsigned>(ssd.reads_per_worker);
  options.waiting_reads = static_cast<unsigned>(ssd.waiting_reads);
  options.read_timeout_ms = ssd.read_timeout_ms;
  options.stall_timeout_ms = ssd.stall_timeout_ms;
  options.admission = make_admission_policy(static_cast<AdmissionKind>(ssd.admission),
                                            static_cast<std::size_t>(ssd.size_bytes / kUsualObjectBytes));
  options.write_budget_bytes = ssd.write_budget_bytes;
  return options;
}

}  // namespace

SsdKeeper::SsdKeeper(EventLoop& loop, ColdTiers& cold, const config::SsdConfig& config,
                     std::function<void()> is_open)
    : loop_(loop), cold_(cold), config_(config), is_open_(std::move(is_open)), retry_(loop, [this] {
        open();
      }) {
  cold_.expect_ssd();
  open();
}

void SsdKeeper::tell(std::function<void(const std::string&)> say) { say_ = std::move(say); }

void SsdKeeper::say(const std::string& what) const {
  if (say_) say_("cache.ssd " + what);
}

void SsdKeeper::set_write_budget(std::uint64_t bytes_per_day) {
  config_.write_budget_bytes = bytes_per_day;
  if (cold_.ssd() != nullptr) cold_.ssd()->set_write_budget(bytes_per_day);
}

void SsdKeeper::stop() {
  retry_.cancel();
  opening_.reset();
  if (problem_.empty()) problem_ = "the edge is draining";
}

void SsdKeeper::open() {
  SsdOptions options = options_of(config_);
  options.start_empty = start_empty_;
  opening_ = std::make_unique<SsdOpening>(
      loop_, std::move(options),
      [this](Result<std::unique_ptr<SsdTier>> opened) { take(std::move(opened)); });
}

void SsdKeeper::take(Result<std::unique_ptr<SsdTier>> opened) {
  opening_.reset();
  if (!opened) return have_problem(opened.error());
  if (!cold_.set_ssd(*std::move(opened))) {
    say("begins empty: more was removed while it was not there than is remembered");
    start_empty_ = true;
    return open();
  }
  // It may have been changed while the tier was being opened.
  cold_.ssd()->set_write_budget(config_.write_budget_bytes);
  problem_.clear();
  if (!said_.empty()) say("is " + state());
  is_open_();
}

void SsdKeeper::have_problem(const Error& error) {
  if (error.retryable && ++tries_ <= kSoonTries) return retry_.arm(kSoonMs);
  retry_.arm(error.retryable ? kBusyMs : kBrokenMs);
  problem_ = error.context;
  if (problem_ == said_) return;
  said_ = problem_;
  say("is " + state() + "; it is tried again, and requests go on without it");
}

bool SsdKeeper::is_recovering() const {
  if (cold_.ssd() != nullptr) return false;
  return problem_.empty() || (opening_ != nullptr && opening_->is_recovering());
}

std::string SsdKeeper::state() const {
  if (const SsdTier* ssd = cold_.ssd()) {
    const std::string reason = ssd->reason();
    return std::string(name_of(ssd->state())) + (reason.empty() ? "" : ": " + reason);
  }
  return is_recovering() ? "recovering" : "off: " + problem_;
}

}  // namespace meridian::edge
