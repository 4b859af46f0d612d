#include <sys/signalfd.h>

#include <csignal>
#include <cstdio>

#include "origin/server/options.h"
#include "origin/server/owned_fd.h"
#include "origin/server/program.h"

namespace {

using meridian::origin::OwnedFd;
using meridian::origin::Program;

// Signals as events of the main loop. Blocked before any thread starts, so that no thread is interrupted by
// one.
class Signals final : public meridian::FdHandler {
 public:
  explicit Signals(Program& program)
      : program_(program), fd_(open()), watch_(program.loop(), fd_.get(), *this) {
    watch_.want(true, false);
  }
  static void block() {
    sigset_t set = handled();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }

 private:
  static sigset_t handled() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
    return set;
  }
  static OwnedFd open() {
    const sigset_t set = handled();
    return OwnedFd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  }
  void on_fd(bool, bool) override {
    signalfd_siginfo info{};
    while (read(fd_.get(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGHUP)
        program_.reopen_log();
      else
        program_.end();
    }
  }

  Program& program_;
  OwnedFd fd_;
  meridian::FdWatch watch_;
};

int run(const meridian::config::OriginServerConfig& config) {
  Signals::block();
  auto program = Program::create(config);
  if (!program) {
    std::fprintf(stderr, "meridian-origin: %s\n", program.error().context.c_str());
    return 1;
  }
  Signals signals(**program);
  std::printf("listening on %s\n", (*program)->address().to_string().c_str());
  if (const auto* admin = (*program)->admin())
    std::printf("admin on %s\n", admin->address().to_string().c_str());
  std::fflush(stdout);
  (*program)->run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const meridian::origin::CommandLine line = meridian::origin::parse_command_line(argc, argv);
  if (line.config) return run(*line.config);
  std::fputs(line.print.c_str(), line.exit_status == 0 ? stdout : stderr);
  return line.exit_status;
}
