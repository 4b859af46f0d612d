#include "control-plane/program.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "control-plane/store/etcd_store.h"
#include "control-plane/store/sqlite_store.h"

namespace meridian::control {
namespace {

std::string machine_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "control";
  return std::string(name.data()).substr(0, kMostNameBytes);
}

Result<void> make_folder(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return {};
  std::filesystem::create_directories(path, error);
  if (!error) std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  if (!error) return {};
  return fail(ErrorCode::kIo, ErrorSource::kOperator, path + ": cannot be made: " + error.message());
}

ClusterLog::Limits log_limits(const config::ControlConfig& config) {
  ClusterLog::Limits limits;
  limits.waiting = config.waiting;
  limits.waiting_bytes = config.waiting_bytes;
  limits.command_ms = config.command_timeout_ms;
  return limits;
}

EdgeStreams::Limits stream_limits(const config::ControlConfig& config) {
  EdgeStreams::Limits limits;
  limits.kept_events = config.stream_events;
  limits.kept_bytes = config.stream_bytes;
  limits.queue_bytes = config.stream_queue_bytes;
  limits.heartbeat_ms = config.heartbeat_ms;
  return limits;
}

ApiServer::Limits server_limits(const config::ControlConfig& config) {
  ApiServer::Limits limits;
  limits.http.body_bytes = config.body_bytes;
  limits.connections = config.connections;
  return limits;
}

}  // namespace

Program::~Program() = default;

Result<std::unique_ptr<Program>> Program::create(const config::ControlConfig& config) {
  std::unique_ptr<Program> program(new Program(config));
  program->registry_ = stats::Registry::create(stats::Program::kControl, MERIDIAN_VERSION);
  Result<std::unique_ptr<EventLoop>> loop = EventLoop::create();
  if (!loop) return Failure(loop.error());
  program->loop_ = *std::move(loop);
  program->resolver_ = Resolver::create(*program->loop_, {});
  if (const auto made = make_folder(config.data_folder); !made) return Failure(made.error());
  if (const auto opened = program->open_store(); !opened) return Failure(opened.error());
  program->assemble();
  if (const auto opened = program->open_listener(); !opened) return Failure(opened.error());
  program->log_->start();
  program->leadership_->start();
  return program;
}

Result<void> Program::open_store() {
  if (config_.etcd) return open_etcd(*config_.etcd);
  const std::string path = config_.data_folder + "/log.db";
  Result<std::unique_ptr<SqliteFile>> file = SqliteFile::open(path);
  if (!file) return Failure(file.error());
  store_ = std::make_unique<SqliteStore>(*loop_, *std::move(file), path);
  return {};
}

Result<void> Program::open_etcd(const config::ControlEtcdConfig& etcd) {
  std::shared_ptr<TlsClientContext> tls;
  for (const std::string& endpoint : etcd.endpoints) {
    if (tls != nullptr || !endpoint.starts_with("https://")) continue;
    TlsClientOptions options;
    options.ca_file = etcd.ca_file;
    options.certificate_file = etcd.certificate_file;
    options.key_file = etcd.key_file;
    auto made = TlsClientContext::create(options);
    if (!made) return Failure(made.error());
    tls = *std::move(made);
  }
  EtcdOptions options;
  for (const std::string& endpoint : etcd.endpoints) {
    Result<http::ClientServer> server = http::parse_server(endpoint, tls);
    if (!server) return Failure(server.error());
    options.endpoints.push_back(*std::move(server));
  }
  options.prefix = etcd.prefix;
  options.attempt_ms = etcd.attempt_timeout_ms;
  options.budget_ms = etcd.timeout_ms;
  options.lease_ms = etcd.lease_ms;
  store_ = std::make_unique<EtcdStore>(*loop_, *resolver_, options);
  return {};
}

void Program::assemble() {
  const std::string node = config_.node.empty() ? machine_name() : config_.node;
  log_ = std::make_unique<ClusterLog>(*loop_, *store_, node, log_limits(config_));
  leadership_ = std::make_unique<Leadership>(*loop_, *store_, *log_, config_.log_window);
  bootstrap_ = std::make_unique<Bootstrap>(*log_, *leadership_, config_.data_folder + "/admin.token");
  streams_ = std::make_unique<EdgeStreams>(*loop_, *log_, stream_limits(config_));
  api_ = std::make_unique<Api>(Api::Parts{*loop_, *store_, *log_, *leadership_, *streams_, *registry_});
}

Result<void> Program::open_listener() {
  if (config_.tls) {
    TlsServerOptions options;
    options.certificate_file = config_.tls->certificate_file;
    options.key_file = config_.tls->key_file;
    auto made = TlsServerContext::create(options);
    if (!made) return Failure(made.error());
    tls_ = *std::move(made);
  }
  Result<ListenSocket> socket = ListenSocket::open(config_.listen);
  if (!socket) return Failure(socket.error());
  server_ = std::make_unique<ApiServer>(*loop_, *std::move(socket), tls_, *api_, server_limits(config_));
  source_ = registry_->add_source([this](stats::Scrape& scrape) { report(scrape); });
  return {};
}

void Program::reload() {
  if (tls_ == nullptr) return;
  if (const auto reloaded = tls_->reload(); !reloaded)
    std::fprintf(stderr, "meridian-control: the certificate stays as it was: %s\n",
                 reloaded.error().context.c_str());
}

void Program::end() {
  if (drain_ != nullptr) return;
  drain_ = std::make_unique<Timer>(*loop_, [this] { loop_->stop(); });
  drain_->arm(config_.drain_timeout_ms);
  parts_to_end_ = 2;
  const auto ended = [this] {
    if (--parts_to_end_ == 0) loop_->stop();
  };
  api_->begin_drain();
  streams_->end_all();
  server_->drain(ended);
  leadership_->resign(ended);
}

}  // namespace meridian::control
