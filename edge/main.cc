#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "config/edge_config.h"
#include "edge/admin.h"
#include "edge/server.h"
#include "edge/upgrade.h"
#include "edge/version.h"

// The program: reads its command line, starts a Server, and turns signals into its commands.
namespace meridian::edge {
namespace {

struct Flags {
  std::string config;
  std::string listen = "127.0.0.1:8080";
  std::string origin;
  std::string admin;
  bool check = false;
};

Result<config::EdgeConfig> load(const Flags& flags) {
  if (!flags.config.empty()) return config::load_edge(flags.config);
  auto made = config::edge_from_flags(flags.listen, flags.origin);
  if (!made || flags.admin.empty()) return made;
  auto address = SocketAddress::parse(flags.admin);
  if (!address) return Failure(address.error());
  made->admin.address = *address;
  return made;
}

void say(const std::string& line) { std::fprintf(stderr, "meridian-edge: %s\n", line.c_str()); }

// SIGHUP reloads, SIGTERM and SIGINT drain (a second one ends at once), SIGUSR2 upgrades.
class Signals final : public FdHandler {
 public:
  Signals(EventLoop& loop, Server& server, Admin* admin, Upgrade& upgrade)
      : loop_(loop),
        server_(server),
        admin_(admin),
        upgrade_(upgrade),
        fd_(::signalfd(-1, &mask(), SFD_CLOEXEC | SFD_NONBLOCK)),
        watch_(loop, fd_, *this) {
    watch_.want(true, false);
  }
  ~Signals() { ::close(fd_); }

  // Blocked in every thread, so that they arrive at the descriptor only: call before any thread starts.
  static void block() {
    ::sigprocmask(SIG_BLOCK, &mask(), nullptr);
    ::signal(SIGPIPE, SIG_IGN);
  }

 private:
  static const sigset_t& mask() {
    static const sigset_t set = [] {
      sigset_t made;
      sigemptyset(&made);
      for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR2}) sigaddset(&made, signal);
      return made;
    }();
    return set;
  }

  void on_fd(bool, bool) override {
    signalfd_siginfo info;
    while (::read(fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
      switch (info.ssi_signo) {
        case SIGHUP:
          reload();
          break;
        case SIGUSR2:
          upgrade();
          break;
        default:
          drain();
          break;
      }
    }
  }

  void reload() {
    auto reloaded = server_.reload();
    if (!reloaded) return say("reload refused, the old configuration stays:\n" + reloaded.error().context);
    if (admin_ != nullptr) {
      if (auto token = admin_->reload_token(); !token)
        say("the old admin token stays: " + token.error().context);
    }
    say(*reloaded);
  }

  void upgrade() {
    if (server_.draining()) return say("no upgrade: this process is draining");
    // In the order in which a process takes them: the operators' first.
    std::vector<const ListenSocket*> sockets;
    if (admin_ != nullptr) sockets.push_back(&admin_->socket());
    for (const ListenSocket* socket : server_.sockets()) sockets.push_back(socket);
    auto started = upgrade_.start(sockets, [this](bool serves) {
      if (!serves) return say("the new process ended before it served; this one goes on");
      say("the new process serves; this one drains");
      drain();
    });
    if (!started) say(started.error().context);
  }

  void drain() {
    if (server_.draining()) return loop_.stop();
    say("draining");
    server_.drain([this] { loop_.stop(); });
  }

  EventLoop& loop_;
  Server& server_;
  Admin* admin_;
  Upgrade& upgrade_;
  int fd_;
  FdWatch watch_;
};

int check(const Flags& flags) {
  auto config = load(flags);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().context.c_str());
    return 1;
  }
  // What only a start finds: error pages, names and certificates of origins.
  if (auto table = SiteTable::make(*config, nullptr); !table) {
    std::fprintf(stderr, "%s\n", table.error().context.c_str());
    return 1;
  }
  std::printf("%s is valid\n", config->source.c_str());
  return 0;
}

int serve(const Flags& flags, const std::string& program, const std::vector<std::string>& arguments) {
  Signals::block();
  const auto give_up = [](const Error& error) {
    say("cannot start:\n" + error.context);
    return 1;
  };
  auto loop = EventLoop::create();
  if (!loop) return give_up(loop.error());
  InheritedSockets inherited = Upgrade::inherited();
  auto first = load(flags);
  if (!first) return give_up(first.error());
  std::unique_ptr<Admin> admin;
  std::optional<ListenSocket> admin_socket;
  if (first->admin.address.valid()) {
    auto socket = inherited.take_or_open(first->admin.address, 128);
    if (!socket) return give_up(socket.error());
    admin_socket = *std::move(socket);
  }
  auto server = Server::start(
      **loop, [flags] { return load(flags); }, std::move(inherited));
  if (!server) return give_up(server.error());
  if (admin_socket) {
    auto opened = Admin::open(**loop, **server, *std::move(admin_socket));
    if (!opened) return give_up(opened.error());
    admin = *std::move(opened);
  }
  if (SsdKeeper* ssd = (*server)->ssd()) ssd->tell(say);
  Upgrade upgrade(**loop, program, arguments);
  Signals signals(**loop, **server, admin.get(), upgrade);
  for (const SocketAddress& address : (*server)->addresses())
    std::printf("listening on %s\n", address.to_string().c_str());
  if (admin) std::printf("admin on %s\n", admin->address().to_string().c_str());
  std::fflush(stdout);
  Upgrade::announce_ready();
  (*loop)->run();
  admin.reset();
  return 0;
}

}  // namespace
}  // namespace meridian::edge

int main(int argc, char** argv) {
  using namespace meridian::edge;
  CLI::App app{
      "meridian-edge: a caching reverse proxy. Signals: HUP reloads, TERM drains, USR2 upgrades the binary."};
  Flags flags;
  auto* file = app.add_option("--config", flags.config,
                              "Configuration file (YAML); docs/reference/configuration.md lists all");
  auto* listen =
      app.add_option("--listen", flags.listen, "Address to serve on, without a file")->capture_default_str();
  auto* origin =
      app.add_option("--origin", flags.origin, "The app behind, without a file: http://127.0.0.1:3000");
  auto* admin =
      app.add_option("--admin", flags.admin, "Address for /metrics, /healthz and /readyz, without a file");
  for (CLI::Option* option : {listen, origin, admin}) option->excludes(file);
  app.add_flag("--check", flags.check, "Validate the configuration and exit");
  app.set_version_flag("--version", std::string("meridian-edge ") + kVersion);
  CLI11_PARSE(app, argc, argv);
  if (flags.config.empty() && flags.origin.empty()) {
    std::fprintf(stderr, "meridian-edge: give --config FILE, or --origin URL; see --help\n");
    return 2;
  }
  if (flags.check) return check(flags);
  std::error_code ignored;
  std::string program = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  return serve(flags, program, std::vector<std::string>(argv, argv + argc));
}
