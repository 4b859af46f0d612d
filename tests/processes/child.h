#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

// Processes that tests and benches start: none outlives who started it, however that ends.
namespace meridian::test {

// fork() for a child that the kernel kills when the thread that forked it ends. Like fork() it returns twice.
inline pid_t fork_child() {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have ended before that was asked for.
  if (::getppid() != parent) ::_exit(1);
  return 0;
}

inline void kill_child(pid_t child) {
  if (child <= 0) return;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace meridian::test
