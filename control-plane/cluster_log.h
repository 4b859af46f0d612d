#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "control-plane/log/state.h"
#include "control-plane/log/store.h"
#include "lib/net/event_loop.h"

namespace meridian::control {

// What somebody wants to be changed.
struct Command {
  std::string kind;
  std::string payload;  // canonical JSON, as the kind's serialize() makes it
  std::string author;
  std::string from;
  // What makes a retry harmless. Empty: it gets one of its own, so that it is known again when the store's
  // answer was lost.
  std::string key = {};
  // Not 0: only while this is the epoch; what only the leader may write.
  std::uint64_t epoch = 0;
};

struct Receipt {
  std::uint64_t seq = 0;
  bool repeated = false;  // the key had been used for this command before
};

// Told of what the log says, on its loop, in order.
class LogObserver {
 public:
  // `entries` have led to `state` from the one before.
  virtual void on_entries(const std::shared_ptr<const State>& state, std::span<const Entry> entries) = 0;
  // The state was taken from a base: what lies between is not known here.
  virtual void on_reset(const std::shared_ptr<const State>& state) = 0;

 protected:
  ~LogObserver() = default;
};

// The log as one node has it: follows what any node appends, folds it into the state, publishes that, and
// appends commands. Many commands go into one append; those that lose to another node's, or whose answer was
// lost, are looked for in what has come and tried again until their deadline.
//
// On one loop; does not own the store. State is a value that any thread may hold.
class ClusterLog {
 public:
  struct Limits {
    std::size_t waiting = 10'000;                  // commands
    std::size_t waiting_bytes = 64 * 1024 * 1024;  // of their payloads
    std::int64_t command_ms = 8000;                // until a command is given up
  };
  struct Counts {
    std::uint64_t appends = 0;      // that were acknowledged
    std::uint64_t entries = 0;      // by this node, in them
    std::uint64_t conflicts = 0;    // lost to another node, and tried again
    std::uint64_t unavailable = 0;  // without an answer from the store
    std::uint64_t full = 0;         // commands refused because too many waited
    std::uint64_t expired = 0;      // commands given up
    std::uint64_t resets = 0;       // states taken from a base behind a gap
  };
  using Done = std::function<void(Result<Receipt>)>;

  ClusterLog(EventLoop& loop, Store& store, std::string node, const Limits& limits);
  ~ClusterLog();
  ClusterLog(const ClusterLog&) = delete;
  ClusterLog& operator=(const ClusterLog&) = delete;

  // Begins to follow.
  void start();

  const std::string& node() const { return node_; }
  const std::shared_ptr<const State>& state() const { return state_; }
  // Where the store is, as far as is known.
  const Head& head() const { return head_; }
  // Whether anything has been read; before that the state is empty because nothing is known.
  bool has_state() const { return has_state_; }
  // The state is the whole log's, and appends work, as far as is known. Otherwise why_not() says why.
  bool is_current() const { return is_current_ && stuck_.empty(); }
  const std::string& why_not() const { return stuck_.empty() ? trouble_ : stuck_; }
  const Counts& counts() const { return counts_; }
  std::size_t waiting() const { return waiting_.size(); }

  // `done` is called once, never inside. kInvalid: it does not follow, or its key stands for another command.
  // kRefused: too many wait, or it is fenced. kUnavailable: not known to be in the log; it may be, and asking
  // again with the same key tells.
  void append(Command command, Done done);

  // Looks whether there is more, and calls `done` once that look has ended, however it did.
  void refresh(std::function<void()> done);

  void add(LogObserver& observer);
  void remove(LogObserver& observer);

 private:
  struct Waiting {
    Command command;
    std::uint64_t digest = 0;
    std::int64_t deadline_ms = 0;
    Done done;
    bool was_tried = false;  // so that finding its key is its own doing
  };
  struct Batch {
    State state;
    std::vector<Entry> entries;
    std::vector<Waiting> commands;
  };

  void look();
  void read_more(Freshness freshness);
  void on_read(Freshness freshness, Result<std::vector<Entry>> entries);
  void load_base(Freshness freshness);
  void on_base(Freshness freshness, Result<std::optional<Base>> base);
  void check_head(Freshness freshness);
  void on_trouble(const Error& error);
  void end_look();
  void get_stuck(std::string why);

  void pump();
  bool take_into(Batch& batch, Waiting& waiting);
  void on_appended(std::shared_ptr<Batch> batch, Appended appended);
  void put_back(Batch& batch);
  void answer(Waiting& waiting, Result<Receipt> receipt);
  void expire();
  void publish(State state, std::span<const Entry> entries);

  EventLoop& loop_;
  Store& store_;
  const std::string node_;
  const Limits limits_;
  std::shared_ptr<const State> state_;
  Head head_;
  bool has_state_ = false;
  bool is_current_ = false;
  bool looking_ = false;     // a read is under way
  bool look_again_ = false;  // something may have changed since it began
  bool hurried_ = false;     // the next look comes sooner, for a command
  bool appending_ = false;
  std::size_t failures_ = 0;  // of looking, in a row
  int empty_reads_ = 0;       // in a row, although the head was ahead
  std::string trouble_ = "the log has not been read yet";
  std::string stuck_;  // not empty: an entry that this version cannot follow
  std::deque<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::vector<std::function<void()>> refreshes_;          // that wait for the next look
  std::vector<std::function<void()>> refreshes_running_;  // of the look that is under way
  std::vector<LogObserver*> observers_;
  Counts counts_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  Soon pump_soon_;
  Timer retry_;
  Timer expiry_;
};

}  // namespace meridian::control
