#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "control-plane/options.h"
#include "control-plane/program.h"

namespace {

using meridian::control::Program;

// Signals as events of the loop. Blocked before any thread starts, so that no thread is interrupted by one.
class Signals final : public meridian::FdHandler {
 public:
  explicit Signals(Program& program) : program_(program), fd_(open()), watch_(program.loop(), fd_, *this) {
    watch_.want(true, false);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  static void block() {
    const sigset_t set = handled();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
  }

 private:
  static sigset_t handled() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
    return set;
  }
  static int open() {
    const sigset_t set = handled();
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  }
  void on_fd(bool, bool) override {
    signalfd_siginfo info{};
    while (read(fd_, &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGHUP)
        program_.reload();
      else
        program_.end();
    }
  }

  Program& program_;
  const int fd_;  // lives as long as the process
  meridian::FdWatch watch_;
};

int run(const meridian::config::ControlConfig& config) {
  Signals::block();
  auto program = Program::create(config);
  if (!program) {
    std::fprintf(stderr, "meridian-control: %s\n", program.error().context.c_str());
    return 1;
  }
  Signals signals(**program);
  std::fprintf(stderr, "meridian-control: the log is in %s\n", (*program)->store().c_str());
  std::printf("listening on %s\n", (*program)->address().to_string().c_str());
  std::fflush(stdout);
  (*program)->run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const meridian::control::CommandLine line = meridian::control::parse_command_line(argc, argv);
  if (line.config) return run(*line.config);
  std::fputs(line.print.c_str(), line.exit_status == 0 ? stdout : stderr);
  return line.exit_status;
}
