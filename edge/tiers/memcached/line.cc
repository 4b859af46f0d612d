#include "edge/tiers/memcached/line.h"

#include <algorithm>
#include <array>
#include <utility>

namespace meridian::memcached {
namespace {

// Parts of one write; more wait for the next one.
constexpr std::size_t kMostParts = 64;

}  // namespace

Line::Line(EventLoop& loop, Resolver& resolver, Fleet& fleet, Server& server)
    : loop_(loop),
      resolver_(resolver),
      fleet_(fleet),
      server_(server),
      reader_(fleet.options().max_object_bytes + kFixedBytes),
      deadline_(loop, [this] { fail_all(); }),
      flush_soon_(loop, [this] { flush(); }),
      fail_soon_(loop, [this] { fail_all(); }) {}

Line::~Line() {
  // One of those who are being told destroys the line: the others may be gone a moment later.
  if (failing_ != nullptr) {
    for (Question& question : *failing_) {
      if (question.lookup != nullptr) question.lookup->forget();
    }
  }
  for (Question& question : questions_) {
    if (question.lookup != nullptr) question.lookup->forget();
    if (!question.is_judged) server_.breaker.abandoned(question.pass);
  }
  server_.waiting.fetch_sub(questions_.size(), std::memory_order_relaxed);
  server_.waiting_bytes.fetch_sub(write_bytes_, std::memory_order_relaxed);
}

Question& Line::ask(Question::Kind kind, const WireKey& key, Breaker::Pass pass) {
  server_.waiting.fetch_add(1, std::memory_order_relaxed);
  questions_.push_back({.kind = kind, .key = key, .pass = pass, .asked_ms = loop_.now_ms()});
  if (questions_.size() == 1) set_deadline();
  if (state_ == State::kIdle) open();
  flush_soon_.schedule();
  return questions_.back();
}

std::unique_ptr<Lookup> Line::get(const WireKey& wire_key, std::string_view key, Lookup::Done done) {
  if (is_full()) return server_.count(GetEnd::kShed), nullptr;
  const Breaker::Pass pass = enter();
  if (pass == Breaker::Pass::kRefused) return server_.count(GetEnd::kRefused), nullptr;
  auto lookup = std::make_unique<Lookup>(loop_, *this, key, std::move(done));
  Question& question = ask(Question::Kind::kGet, wire_key, pass);
  question.lookup = lookup.get();
  lookup->begin(question, fleet_.options().get_budget_ms);
  send(std::string("get ").append(wire_key.view()).append("\r\n"));
  return lookup;
}

void Line::set(const WireKey& key, const Object& object, std::uint32_t keep_s) {
  const std::uint64_t bytes = content_bytes(object) + kFixedBytes;
  if (is_full() || write_bytes_ + bytes > fleet_.options().write_queue_bytes)
    return server_.count(WriteEnd::kShed);
  const Breaker::Pass pass = enter();
  if (pass == Breaker::Pass::kRefused) return server_.count(WriteEnd::kRefused);
  EncodedValue value = encode(object);
  ask(Question::Kind::kSet, key, pass).write_bytes = bytes;
  write_bytes_ += bytes;
  server_.waiting_bytes.fetch_add(bytes, std::memory_order_relaxed);
  send(std::string("set ").append(key.view()).append(" 0 ") + std::to_string(keep_s) + " " +
       std::to_string(value.size()) + "\r\n" + value.front);
  if (value.body.size != 0) unsent_.push_back(std::move(value.body));
  send(std::string(value.checksum.data(), value.checksum.size()) + "\r\n");
}

void Line::remove(const WireKey& key) {
  const Breaker::Pass pass = is_full() ? Breaker::Pass::kRefused : enter();
  if (pass == Breaker::Pass::kRefused) return server_.count(RemovalEnd::kFailed);
  ask(Question::Kind::kDelete, key, pass);
  send(std::string("delete ").append(key.view()).append("\r\n"));
}

void Line::ask_stats() {
  const Breaker::Pass pass = is_full() ? Breaker::Pass::kRefused : enter();
  if (pass == Breaker::Pass::kRefused) return;
  ask(Question::Kind::kStats, WireKey({}), pass);
  send("stats\r\n");
}

void Line::leave(Question& question, GetEnd why) {
  server_.count(why);
  question.lookup = nullptr;
  question.left = why;
  if (why == GetEnd::kLate) judge(question, false);
}

void Line::judge(Question& question, bool is_well) {
  if (std::exchange(question.is_judged, true)) return;
  if (is_well) {
    server_.breaker.succeeded(question.pass);
  } else {
    server_.breaker.failed(question.pass, loop_.now_ms());
  }
}

// --- the connection ---

void Line::open() {
  state_ = State::kConnecting;
  const ServerAddress& address = server_.address;
  auto running =
      resolver_.resolve(address.host, address.port, [this](Result<std::vector<SocketAddress>> found) {
        connect_to(found ? *found : std::vector<SocketAddress>());
      });
  // When it was answered inside the call, the connecting has taken its place already.
  if (running) opening_ = std::move(running);
}

void Line::connect_to(const std::vector<SocketAddress>& addresses) {
  // Never inside the call that asked.
  if (addresses.empty()) return fail_soon_.schedule();
  server_.connects.fetch_add(1, std::memory_order_relaxed);
  const SocketAddress& address = addresses[attempts_++ % addresses.size()];
  opening_ =
      connect(loop_, address, {.timeout_ms = fleet_.options().timeout_ms, .tls = nullptr, .server_name = {}},
              [this](Result<std::unique_ptr<Stream>> stream) { on_connected(std::move(stream)); });
}

void Line::on_connected(Result<std::unique_ptr<Stream>> stream) {
  const std::unique_ptr<Operation> done = std::move(opening_);
  if (!stream) return fail_all();
  attempts_ = 0;
  stream_ = std::move(*stream);
  stream_->set_handler(this);
  reader_.reset();
  state_ = State::kOpen;
  flush();
}

void Line::close() {
  state_ = State::kIdle;
  opening_.reset();
  stream_.reset();
  unsent_.clear();
  deadline_.cancel();
  flush_soon_.cancel();
  fail_soon_.cancel();
}

void Line::fail_all() {
  close();
  server_.waiting.fetch_sub(questions_.size(), std::memory_order_relaxed);
  server_.waiting_bytes.fetch_sub(std::exchange(write_bytes_, 0), std::memory_order_relaxed);
  // Their addresses stay, for the lookups; what is asked meanwhile belongs to another connection.
  std::deque<Question> failed = std::exchange(questions_, {});
  for (Question& question : failed) judge(question, false);
  const Lifeline::Scope scope(lifeline_);
  failing_ = &failed;
  for (Question& question : failed) {
    end(question, Outcome::kFailed);
    if (!scope.alive()) return;
  }
  failing_ = nullptr;
}

void Line::set_deadline() {
  if (questions_.empty()) return deadline_.cancel();
  const std::int64_t waited_ms = loop_.now_ms() - questions_.front().asked_ms;
  deadline_.arm(std::max<std::int64_t>(fleet_.options().timeout_ms - waited_ms, 0));
}

void Line::flush() {
  if (state_ != State::kOpen) return;
  while (!unsent_.empty()) {
    std::array<iovec, kMostParts> parts;
    const std::size_t count = std::min(unsent_.size(), parts.size());
    for (std::size_t i = 0; i < count; ++i) parts[i] = {const_cast<char*>(unsent_[i].data), unsent_[i].size};
    const IoResult result = stream_->write(parts.data(), static_cast<int>(count));
    if (result.kind == IoResult::Kind::kWouldBlock) break;
    if (result.kind != IoResult::Kind::kOk) return fail_all();
    std::size_t sent = result.bytes;
    while (sent != 0 && sent >= unsent_.front().size) {
      sent -= unsent_.front().size;
      unsent_.pop_front();
    }
    if (sent != 0) unsent_.front() = unsent_.front().sub(sent, unsent_.front().size - sent);
  }
  stream_->want(true, !unsent_.empty());
}

void Line::on_readable() {
  for (;;) {
    const std::span<char> room = reader_.room();
    const IoResult result = stream_->read(room.data(), room.size());
    if (result.kind == IoResult::Kind::kWouldBlock) return;
    if (result.kind != IoResult::Kind::kOk) return fail_all();
    reader_.commit(result.bytes);
    if (!take_replies() || result.bytes < room.size()) return;
  }
}

// --- replies ---

bool Line::take_replies() {
  for (;;) {
    Reply reply = reader_.next();
    if (reply.kind == Reply::Kind::kMore) return true;
    if (!take(std::move(reply))) return false;
  }
}

bool Line::break_off() {
  fail_all();
  return false;
}

bool Line::take(Reply reply) {
  using Kind = Reply::Kind;
  if (questions_.empty() || reply.kind == Kind::kBroken) return break_off();
  if (reply.kind == Kind::kServerError) return finish(Outcome::kDeclined);
  switch (questions_.front().kind) {
    case Question::Kind::kGet:
      return take_for_get(std::move(reply));
    case Question::Kind::kSet:
      if (reply.kind == Kind::kStored) return finish(Outcome::kDone);
      return reply.kind == Kind::kNotStored ? finish(Outcome::kDeclined) : break_off();
    case Question::Kind::kDelete:
      return reply.kind == Kind::kDeleted || reply.kind == Kind::kNotFound ? finish(Outcome::kDone)
                                                                           : break_off();
    case Question::Kind::kStats:
      return take_for_stats(reply);
  }
  return break_off();
}

bool Line::take_for_get(Reply reply) {
  Question& question = questions_.front();
  if (reply.kind == Reply::Kind::kEnd) return finish(Outcome::kDone);
  const bool is_first = question.value.data == nullptr && question.reject == Reject::kNone;
  if (!is_first) return break_off();
  if (reply.kind == Reply::Kind::kTooLarge) {
    question.reject = Reject::kTooLarge;
  } else if (reply.kind == Reply::Kind::kValue && reply.name == question.key.view()) {
    question.value = std::move(reply.value);
  } else {
    return break_off();
  }
  return true;
}

bool Line::take_for_stats(const Reply& reply) {
  if (reply.kind == Reply::Kind::kEnd) return finish(Outcome::kDone);
  if (reply.kind != Reply::Kind::kStat) return break_off();
  const std::array<std::pair<std::string_view, Count*>, 4> wanted = {
      {{"curr_items", &server_.objects},
       {"bytes", &server_.bytes},
       {"limit_maxbytes", &server_.capacity_bytes},
       {"evictions", &server_.evictions}}};
  for (const auto& [name, to] : wanted) {
    if (reply.name == name) to->store(reply.number, std::memory_order_relaxed);
  }
  return true;
}

bool Line::finish(Outcome outcome) {
  Question question = std::move(questions_.front());
  questions_.pop_front();
  server_.waiting.fetch_sub(1, std::memory_order_relaxed);
  write_bytes_ -= question.write_bytes;
  server_.waiting_bytes.fetch_sub(question.write_bytes, std::memory_order_relaxed);
  set_deadline();
  const Lifeline::Scope scope(lifeline_);
  end(question, outcome);
  return scope.alive();
}

void Line::end(Question& question, Outcome outcome) {
  const bool is_done = outcome == Outcome::kDone;
  switch (question.kind) {
    case Question::Kind::kGet:
      return end_get(question, outcome);
    case Question::Kind::kSet:
      server_.count(is_done ? WriteEnd::kStored : WriteEnd::kFailed);
      break;
    case Question::Kind::kDelete:
      server_.count(is_done ? RemovalEnd::kDone : RemovalEnd::kFailed);
      break;
    case Question::Kind::kStats:
      break;
  }
  judge(question, outcome != Outcome::kFailed);
}

void Line::end_get(Question& question, Outcome outcome) {
  if (question.lookup == nullptr) {
    if (outcome == Outcome::kDone && question.left == GetEnd::kLate) {
      server_.late_answers.fetch_add(1, std::memory_order_relaxed);
    }
    return judge(question, outcome != Outcome::kFailed);
  }
  Decoded decoded{.object = {}, .reject = question.reject};
  GetEnd how = GetEnd::kFailed;
  if (outcome == Outcome::kDone) {
    if (question.value.data != nullptr) decoded = decode(question.value, question.lookup->key());
    how = decoded.object ? GetEnd::kHit : decoded.reject == Reject::kNone ? GetEnd::kMiss : GetEnd::kRejected;
  }
  if (how == GetEnd::kRejected) {
    server_.rejects[static_cast<std::size_t>(decoded.reject)].fetch_add(1, std::memory_order_relaxed);
  }
  server_.count(how);
  // A server that gives what nobody has put there does no better than one that is silent.
  const bool is_lying = decoded.reject != Reject::kNone && decoded.reject != Reject::kTooLarge;
  judge(question, outcome != Outcome::kFailed && !is_lying);
  // The answer may destroy the lookup, and the line.
  std::exchange(question.lookup, nullptr)->answer(std::move(decoded.object));
}

}  // namespace meridian::memcached
