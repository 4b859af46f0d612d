#pragma once

#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "edge/tiers/memcached/fleet.h"
#include "edge/tiers/memcached/lookup.h"
#include "edge/tiers/memcached/reply.h"
#include "lib/net/connect.h"
#include "lib/net/event_loop.h"
#include "lib/net/lifeline.h"
#include "lib/net/stream.h"

namespace meridian::memcached {

// Something that a server was asked and has not answered.
struct Question {
  enum class Kind : std::uint8_t { kGet, kSet, kDelete, kStats };
  Kind kind;
  WireKey key;
  Breaker::Pass pass;
  std::int64_t asked_ms;
  std::uint64_t write_bytes = 0;  // of a set
  Lookup* lookup = nullptr;       // who waits for a get; nobody any more when it is null
  GetEnd left = GetEnd::kHit;     // why nobody waits
  bool is_judged = false;         // the breaker has been told how it went
  Slice value = {};               // of a get, until its END
  Reject reject = Reject::kNone;
};

// One worker's line to one server: a connection that is opened when it is needed, on which questions are
// asked one behind the other without waiting and answered in order. Its own for each server, so that one that
// is frozen holds up nobody else's keys. When the oldest question has waited for `timeout` the connection is
// closed and all that is on it has failed. Lives on its worker's loop; nothing blocks. Owned by the worker's
// tier.
class Line final : private StreamHandler {
 public:
  Line(EventLoop& loop, Resolver& resolver, Fleet& fleet, Server& server);
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  // Nullptr: refused, and counted; `done` was not called.
  std::unique_ptr<Lookup> get(const WireKey& wire_key, std::string_view key, Lookup::Done done);
  void set(const WireKey& key, const Object& object, std::uint32_t keep_s);
  void remove(const WireKey& key);
  void ask_stats();
  bool idle() const { return questions_.empty(); }

  // The asker of a get no longer waits for it.
  void leave(Question& question, GetEnd why);

 private:
  enum class State : std::uint8_t { kIdle, kConnecting, kOpen };

  // What became of a question.
  enum class Outcome : std::uint8_t {
    kDone,
    kDeclined,  // the server is well, and said no
    kFailed,
  };

  bool is_full() const { return questions_.size() >= fleet_.options().queue; }
  Breaker::Pass enter() { return server_.breaker.enter(loop_.now_ms()); }
  Question& ask(Question::Kind kind, const WireKey& key, Breaker::Pass pass);
  void send(std::string_view text) { unsent_.push_back(Slice::copy_of(text)); }

  void open();
  void connect_to(const std::vector<SocketAddress>& addresses);
  void on_connected(Result<std::unique_ptr<Stream>> stream);
  void close();
  // Closes, and everything that waits has failed. May destroy the line.
  void fail_all();
  void set_deadline();
  void flush();
  void on_readable() override;
  void on_writable() override { flush(); }

  // These say whether the line still stands: replies end in callbacks that may do anything.
  bool take_replies();
  bool take(Reply reply);
  bool take_for_get(Reply reply);
  bool take_for_stats(const Reply& reply);
  bool break_off();
  bool finish(Outcome outcome);

  void end(Question& question, Outcome outcome);
  void end_get(Question& question, Outcome outcome);
  void judge(Question& question, bool is_well);

  EventLoop& loop_;
  Resolver& resolver_;
  Fleet& fleet_;
  Server& server_;
  State state_ = State::kIdle;
  std::unique_ptr<Operation> opening_;
  std::unique_ptr<Stream> stream_;
  std::size_t attempts_ = 0;  // which of the server's addresses is next
  ReplyReader reader_;
  std::deque<Question> questions_;
  std::deque<Question>* failing_ = nullptr;  // while those who asked them are told
  std::deque<Slice> unsent_;
  std::uint64_t write_bytes_ = 0;
  Timer deadline_;
  Soon flush_soon_;
  Soon fail_soon_;
  Lifeline lifeline_;
};

}  // namespace meridian::memcached
