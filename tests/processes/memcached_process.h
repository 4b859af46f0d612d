#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/processes/child.h"
#include "tests/processes/temporary_folder.h"

namespace meridian::test {

// A memcached on a port that the kernel chooses. Killed, frozen and thawed by its process id; killed with its
// owner.
class MemcachedProcess {
 public:
  explicit MemcachedProcess(std::vector<std::string> more = {}) : more_(std::move(more)) {}
  ~MemcachedProcess() { kill(); }
  MemcachedProcess(const MemcachedProcess&) = delete;
  MemcachedProcess& operator=(const MemcachedProcess&) = delete;

  std::uint16_t port() const { return port_; }

  // On the port that it had before, if it had one. False: it did not listen.
  [[nodiscard]] bool start() {
    // It writes its port to a file, which gets its name when it is whole.
    const TemporaryFolder folder;
    const std::string port_file = folder.path("port");
    const int changes = ::inotify_init1(IN_CLOEXEC);
    ::inotify_add_watch(changes, folder.path().c_str(), IN_MOVED_TO);
    pid_ = fork_child();
    if (pid_ == 0) exec(port_file);
    pollfd wait{changes, POLLIN, 0};
    const bool told = ::poll(&wait, 1, kPatienceMs) == 1;
    ::close(changes);
    std::uint16_t port = 0;
    std::ifstream file(port_file);
    std::string tcp, inet;
    file >> tcp >> inet >> port;
    if (told && port != 0) port_ = port;
    return told && port != 0;
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

  [[noreturn]] void exec(const std::string& port_file) {
    ::setenv("MEMCACHED_PORT_FILENAME", port_file.c_str(), 1);
    const std::string port = port_ == 0 ? "-1" : std::to_string(port_);
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
  pid_t pid_ = -1;
};

}  // namespace meridian::test
