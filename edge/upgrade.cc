#include "edge/upgrade.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace meridian::edge {
namespace {

constexpr std::int64_t kPatienceMs = 60'000;
constexpr char kSocketsVariable[] = "MERIDIAN_LISTEN_FDS";
constexpr char kReadyVariable[] = "MERIDIAN_READY_FD";

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  std::vector<std::string> variables = added;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (!text.starts_with(kSocketsVariable) && !text.starts_with(kReadyVariable))
      variables.emplace_back(text);
  }
  return variables;
}

}  // namespace

Upgrade::Upgrade(EventLoop& loop, std::string program, std::vector<std::string> arguments)
    : loop_(loop),
      program_(std::move(program)),
      arguments_(std::move(arguments)),
      patience_(loop, [this] { finish(false); }) {}

Upgrade::~Upgrade() {
  watch_.reset();
  if (pipe_ >= 0) ::close(pipe_);
}

Result<void> Upgrade::start(const std::vector<const ListenSocket*>& sockets,
                            std::function<void(bool)> ended) {
  if (running())
    return fail(ErrorCode::kUnavailable, ErrorSource::kOperator, "an upgrade is under way already");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    return fail(ErrorCode::kIo, ErrorSource::kEdge,
                std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  std::string list;
  for (const ListenSocket* socket : sockets) {
    if (!list.empty()) list.push_back(',');
    list.append(std::to_string(socket->fd()));
  }
  std::vector<std::string> variables =
      environment_with({std::string(kSocketsVariable) + "=" + list,
                        std::string(kReadyVariable) + "=" + std::to_string(ends[1])});
  std::vector<std::string> arguments = arguments_;
  const std::vector<char*> argv = pointers_to(arguments);
  const std::vector<char*> envp = pointers_to(variables);

  // Between fork and exec only async-signal-safe calls: other threads hold locks that the child will never
  // see released.
  const pid_t child = ::fork();
  if (child == 0) {
    for (const ListenSocket* socket : sockets) ::fcntl(socket->fd(), F_SETFD, 0);
    ::fcntl(ends[1], F_SETFD, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(program_.c_str(), argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    return fail(ErrorCode::kIo, ErrorSource::kEdge, std::string("cannot fork: ") + std::strerror(errno));
  }
  pipe_ = ends[0];
  child_ = child;
  patience_.arm(kPatienceMs);
  ended_ = std::move(ended);
  watch_ = std::make_unique<FdWatch>(loop_, pipe_, *this);
  watch_->want(true, false);
  return {};
}

void Upgrade::on_fd(bool, bool) {
  char word = 0;
  const ssize_t n = ::read(pipe_, &word, 1);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  finish(n > 0);
}

void Upgrade::finish(bool serves) {
  patience_.cancel();
  watch_.reset();
  ::close(std::exchange(pipe_, -1));
  // It has closed its pipe: it is ending, or hangs. One that serves outlives us.
  if (!serves) {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  std::exchange(ended_, nullptr)(serves);
}

InheritedSockets Upgrade::inherited() {
  const char* list = std::getenv(kSocketsVariable);
  return list == nullptr ? InheritedSockets() : InheritedSockets::parse(list);
}

void Upgrade::announce_ready() {
  const char* text = std::getenv(kReadyVariable);
  if (text == nullptr) return;
  const int fd = std::atoi(text);
  const char word = 'R';
  if (::write(fd, &word, 1) == 1) ::close(fd);
  ::unsetenv(kReadyVariable);
  ::unsetenv(kSocketsVariable);
}

}  // namespace meridian::edge
