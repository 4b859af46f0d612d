#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tests/processes/child.h"
#include "tests/processes/temporary_folder.h"

namespace meridian::test {

// A memcached on a port that is its own as long as this object lives, whether it runs or not. Killed, frozen
// and thawed by its process id; killed with its owner.
class MemcachedProcess {
 public:
  explicit MemcachedProcess(std::vector<std::string> more = {}) : more_(std::move(more)) { hold_port(); }
  ~MemcachedProcess() {
    kill();
    ::close(held_);
  }
  MemcachedProcess(const MemcachedProcess&) = delete;
  MemcachedProcess& operator=(const MemcachedProcess&) = delete;

  std::uint16_t port() const { return port_; }

  // False: it did not listen.
  [[nodiscard]] bool start() {
    // When it listens it writes its port to a file, which gets its name when it is whole.
    const TemporaryFolder folder;
    const std::string port_file = folder.path("port");
    const int changes = ::inotify_init1(IN_CLOEXEC);
    ::inotify_add_watch(changes, folder.path().c_str(), IN_MOVED_TO);
    pid_ = fork_child();
    if (pid_ == 0) exec(port_file);
    pollfd wait{changes, POLLIN, 0};
    const bool listens = ::poll(&wait, 1, kPatienceMs) == 1;
    ::close(changes);
    return listens;
  }
  void kill() { kill_child(std::exchange(pid_, -1)); }
  // False: it did not stop.
  [[nodiscard]] bool freeze() {
    ::kill(pid_, SIGSTOP);
    int status = 0;
    return ::waitpid(pid_, &status, WUNTRACED) == pid_ && WIFSTOPPED(status);
  }
  void thaw() { ::kill(pid_, SIGCONT); }

 private:
  static constexpr int kPatienceMs = 30'000;

  // Bound and not listening: nobody else is given the port, and memcached may still listen there.
  void hold_port() {
    held_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int reuse = 1;
    ::setsockopt(held_, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    if (::bind(held_, plain, size) != 0 || ::getsockname(held_, plain, &size) != 0) std::abort();
    port_ = ntohs(address.sin_port);
  }

  [[noreturn]] void exec(const std::string& port_file) {
    ::setenv("MEMCACHED_PORT_FILENAME", port_file.c_str(), 1);
    const std::string port = std::to_string(port_);
    std::vector<std::string> words = {"memcached", "-l", "127.0.0.1", "-U", "0", "-t", "1", "-p", port};
    // It does not run as root unless it is told to.
    if (::getuid() == 0) words.insert(words.end(), {"-u", "root"});
    words.insert(words.end(), more_.begin(), more_.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execvp("memcached", argv.data());
    ::_exit(127);
  }

  const std::vector<std::string> more_;
  std::uint16_t port_ = 0;
  int held_ = -1;
  pid_t pid_ = -1;
};

}  // namespace meridian::test
