#include "origin/server/program.h"

#include <random>
#include <utility>

#include "lib/http/bad_message.h"

namespace meridian::origin {
namespace {

std::vector<std::string_view> bad_request_reasons() {
  std::vector<std::string_view> tokens;
  for (std::size_t i = 0; i < http::kBadMessageCount; ++i)
    tokens.push_back(token_of(static_cast<http::BadMessage>(i)));
  return tokens;
}

}  // namespace

Result<std::unique_ptr<Program>> Program::create(const config::OriginServerConfig& config) {
  std::unique_ptr<Program> program(new Program(config));
  if (Result<void> opened = program->open_parts(); !opened) return Failure(opened.error());
  if (Result<void> opened = program->open_workers(); !opened) return Failure(opened.error());
  return program;
}

Program::Program(const config::OriginServerConfig& config)
    : config_(config),
      rules_(config.rules),
      registry_(stats::Registry::create(stats::Program::kOrigin, MERIDIAN_VERSION)) {
  registry_->register_labels(stats::LabelSet::kBadRequestReason, bad_request_reasons());
}

Program::~Program() = default;

Result<void> Program::open_parts() {
  if (!config_.root.empty()) {
    Result<FileRoot> root = FileRoot::create(config_.root, config_.symlinks);
    if (!root) return Failure(root.error());
    files_ = std::make_unique<StaticFiles>(*std::move(root), config_);
  }
  if (!config_.access_log.empty()) {
    Result<std::unique_ptr<AccessLog>> log =
        AccessLog::open(config_.access_log, config_.access_log_buffer_bytes);
    if (!log) return Failure(log.error());
    log_ = *std::move(log);
  }
  Result<std::unique_ptr<EventLoop>> loop = EventLoop::create();
  if (!loop) return Failure(loop.error());
  loop_ = *std::move(loop);
  if (Result<void> set = faults_.set(config_.faults, system_clock().mono_ms()); !set) return set;
  if (config_.admin.valid()) {
    Result<ListenSocket> socket = ListenSocket::open(config_.admin);
    if (!socket) return Failure(socket.error());
    admin_ = std::make_unique<Admin>(*loop_, *std::move(socket),
                                     Admin::Parts{faults_, *registry_, content_version_});
  }
  return {};
}

Result<void> Program::open_workers() {
  pool_ = std::make_unique<IoPool>(config_.io_threads, config_.io_queue);
  shared_ = std::make_unique<Shared>(Shared{config_, rules_, files_.get(), *pool_, faults_, log_.get(),
                                            content_version_, refused_connections_});
  source_ = registry_->add_source([this](stats::Scrape& scrape) { report_limits(scrape); });
  Dice seeds(config_.seed != 0 ? config_.seed : std::random_device()());
  address_ = config_.listen;
  for (unsigned i = 0; i < config_.workers; ++i) {
    // The first socket may be given its port by the kernel; the others share it.
    Result<ListenSocket> socket = ListenSocket::open(address_);
    if (!socket) return Failure(socket.error());
    address_ = socket->address();
    Result<std::unique_ptr<Worker>> worker =
        Worker::create(*shared_, *std::move(socket), registry_->add_sheet(), seeds.next());
    if (!worker) return Failure(worker.error());
    workers_.push_back(*std::move(worker));
  }
  return {};
}

void Program::report_limits(stats::Scrape& scrape) const {
  const auto count = [&](std::string_view limit, std::uint64_t number) {
    scrape.set(stats::Sourced::kServerLimits, static_cast<double>(number), {limit});
  };
  count("connections", refused_connections_.load(std::memory_order_relaxed));
  count("io_queue", pool_->refused());
  count("access_log_buffer", log_ ? log_->dropped() : 0);
}

void Program::run() {
  for (const auto& worker : workers_) worker->start();
  loop_->run();
  for (const auto& worker : workers_) worker->join();
}

void Program::end() {
  if (admin_) admin_->begin_drain();
  // The main loop goes on, so that the admin listener answers while the workers finish.
  for (const auto& worker : workers_) {
    worker->drain(config_.drain_timeout_ms, [this] {
      loop_->post([this] {
        if (++ended_workers_ == workers_.size()) loop_->stop();
      });
    });
  }
}

void Program::reopen_log() {
  if (log_) log_->reopen();
}

}  // namespace meridian::origin
