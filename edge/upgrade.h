#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "edge/inherited_sockets.h"
#include "lib/base/result.h"
#include "lib/net/event_loop.h"

namespace meridian::edge {

// Replacing the binary without refusing a connection: the running process starts its successor with the
// listening sockets open, the successor says when it serves, and only then the old one drains. On the main
// thread's loop.
class Upgrade final : public FdHandler {
 public:
  // `program` and `arguments`: how this process was started; the program is looked up again by its path, so
  // that it is the new binary.
  Upgrade(EventLoop& loop, std::string program, std::vector<std::string> arguments);
  ~Upgrade();

  // Starts a successor. `ended(true)`: it serves. `ended(false)`: it ended before; everything stays as it
  // was.
  [[nodiscard]] Result<void> start(const std::vector<const ListenSocket*>& sockets,
                                   std::function<void(bool)> ended);
  bool running() const { return pipe_ >= 0; }

  // In the successor: the sockets handed over, and the word that it serves. Both do nothing in a first
  // process.
  static InheritedSockets inherited();
  static void announce_ready();

 private:
  void on_fd(bool readable, bool writable) override;
  void finish(bool serves);

  EventLoop& loop_;
  std::string program_;
  std::vector<std::string> arguments_;
  int pipe_ = -1;
  int child_ = -1;
  Timer patience_;  // a successor that says nothing for so long is given up
  std::unique_ptr<FdWatch> watch_;
  std::function<void(bool)> ended_;
};

}  // namespace meridian::edge
