#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "control-plane/api_call.h"
#include "control-plane/cluster_log.h"

namespace meridian::control {

// An entry as others may see it: what is no secret of it, as one line without its end.
std::string public_line(const Entry& entry);

// A page of the log: {"entries": [...], "next": SEQ, "more": BOOL}; `next` is what `after` is to be for the
// following page. Entries of other kinds are passed over when `kind` is not empty.
inline constexpr std::uint64_t kMostPage = 1000;
void read_log_page(Store& store, std::uint64_t after, std::uint64_t limit, std::string kind,
                   std::function<void(Result<std::string>)> done);

// Time travel: the state as it was at an entry, folded anew from the store's base.
class StateReading {
 public:
  // kNotFound: that has been compacted, or has not happened yet.
  static void begin(Store& store, std::uint64_t at, std::function<void(Result<State>)> done);

 private:
  StateReading(Store& store, std::uint64_t at, std::function<void(Result<State>)> done)
      : store_(store), at_(at), done_(std::move(done)) {}
  static void read_on(const std::shared_ptr<StateReading>& self);

  Store& store_;
  const std::uint64_t at_;
  const std::function<void(Result<State>)> done_;
  State state_;
};

// Sends entries as lines for as long as the client likes: what there is, read from the store as fast as the
// client takes it, and then what comes. Owned by the call's handlers; ends with the call.
class LogFollower final : private LogObserver, public std::enable_shared_from_this<LogFollower> {
 public:
  static void begin(EventLoop& loop, Store& store, ClusterLog& log, std::shared_ptr<ApiCall> call,
                    std::uint64_t after, std::string kind);
  LogFollower(EventLoop& loop, Store& store, ClusterLog& log, std::shared_ptr<ApiCall> call,
              std::uint64_t after, std::string kind);
  ~LogFollower();

 private:
  void on_entries(const std::shared_ptr<const State>&, std::span<const Entry>) override { pump(); }
  void on_reset(const std::shared_ptr<const State>&) override { pump(); }
  void pump();
  void on_read(const Result<std::vector<Entry>>& entries);

  Store& store_;
  ClusterLog& log_;
  const std::shared_ptr<ApiCall> call_;
  std::uint64_t after_;
  const std::string kind_;
  bool reading_ = false;
  Timer retry_;
};

}  // namespace meridian::control
