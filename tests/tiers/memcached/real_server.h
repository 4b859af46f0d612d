#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "edge/tiers/memcached/placement.h"

namespace meridian::test {

// A memcached on a port that the kernel chooses, which it says in a file. Started, killed, frozen and thawed
// by its process id; killed at the end.
class RealServer {
 public:
  explicit RealServer(std::vector<std::string> more = {}) : more_(std::move(more)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "memcached-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    start();
  }
  ~RealServer() {
    kill();
    std::filesystem::remove_all(folder_);
  }
  RealServer(const RealServer&) = delete;
  RealServer& operator=(const RealServer&) = delete;

  memcached::ServerAddress address() const { return {.host = "127.0.0.1", .port = port_}; }

  // On the port that it had before, if it had one.
  void start() {
    const int changes = inotify_init1(IN_CLOEXEC);
    inotify_add_watch(changes, folder_.c_str(), IN_MOVED_TO);
    const std::string port_file = folder_ + "/port";
    pid_ = fork();
    if (pid_ == 0) exec(port_file);
    pollfd wait{changes, POLLIN, 0};
    ASSERT_EQ(poll(&wait, 1, 30'000), 1) << "memcached did not start";
    close(changes);
    std::ifstream file(port_file);
    std::string tcp, inet;
    file >> tcp >> inet >> port_;
    ASSERT_NE(port_, 0);
    std::filesystem::remove(port_file);
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  void freeze() {
    ::kill(pid_, SIGSTOP);
    int status = 0;
    ASSERT_EQ(waitpid(pid_, &status, WUNTRACED), pid_);
    ASSERT_TRUE(WIFSTOPPED(status));
  }
  void thaw() { ::kill(pid_, SIGCONT); }

 private:
  [[noreturn]] void exec(const std::string& port_file) {
    setenv("MEMCACHED_PORT_FILENAME", port_file.c_str(), 1);
    std::vector<std::string> words = {"memcached",
                                      "-u",
                                      "root",
                                      "-l",
                                      "127.0.0.1",
                                      "-U",
                                      "0",
                                      "-t",
                                      "1",
                                      "-p",
                                      port_ == 0 ? "-1" : std::to_string(port_)};
    words.insert(words.end(), more_.begin(), more_.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    execvp("memcached", argv.data());
    _exit(127);
  }

  const std::vector<std::string> more_;
  std::string folder_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace meridian::test
