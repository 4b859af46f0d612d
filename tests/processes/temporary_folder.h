#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace meridian::test {

// A folder of one's own, removed with its owner, and with kAlsoWhenKilled also when the process is killed.
class TemporaryFolder {
 public:
  enum class Removal { kByOwner, kAlsoWhenKilled };
  explicit TemporaryFolder(const std::string& in = std::filesystem::temp_directory_path().string(),
                           Removal removal = Removal::kByOwner) {
    std::string pattern = in + "/meridian.XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::perror(in.c_str()), std::abort();
    path_ = pattern;
    if (removal == Removal::kAlsoWhenKilled) watch();
  }
  ~TemporaryFolder() {
    remove();
    if (watcher_ <= 0) return;
    ::close(alive_);
    ::waitpid(watcher_, nullptr, 0);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  void remove() const {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  // A process beside this one that removes the folder when nobody holds the pipe any more: neither this
  // process nor what it has forked without exec. Call it while there is one thread.
  void watch() {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) std::abort();
    watcher_ = ::fork();
    if (watcher_ == 0) {
      // Ctrl-C is for the others; and the pipes of other folders are not to be held here.
      ::setsid();
      ::dup2(pipe[0], STDIN_FILENO);
      ::close_range(STDIN_FILENO + 1, ~0U, 0);
      char nothing;
      while (::read(STDIN_FILENO, &nothing, 1) > 0) continue;
      remove();
      ::_exit(0);
    }
    ::close(pipe[0]);
    alive_ = pipe[1];
  }

  std::string path_;
  pid_t watcher_ = -1;
  int alive_ = -1;
};

}  // namespace meridian::test
