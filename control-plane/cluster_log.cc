#include "control-plane/cluster_log.h"

#include <algorithm>
#include <utility>

#include "lib/base/aead.h"
#include "lib/base/digest.h"

namespace meridian::control {
namespace {

constexpr std::int64_t kLeastRetryMs = 50;
constexpr std::int64_t kMostRetryMs = 1000;
// A look without a cause: a quorum that was lost is noticed although nobody wants anything.
constexpr std::int64_t kCheckMs = 2000;
constexpr int kMostEmptyReads = 8;
constexpr std::int64_t kExpiryMs = 100;  // how exactly a command's deadline is kept

std::string random_key() {
  std::string bytes(12, '\0');
  fill_random(bytes.data(), bytes.size());
  return "~" + hex(bytes);
}

Error error_of(ErrorCode code, std::string why) {
  return {code, ErrorSource::kOperator, code == ErrorCode::kUnavailable, std::move(why)};
}

}  // namespace

ClusterLog::ClusterLog(EventLoop& loop, Store& store, std::string node, const Limits& limits)
    : loop_(loop),
      store_(store),
      node_(std::move(node)),
      limits_(limits),
      state_(std::make_shared<const State>()),
      pump_soon_(loop, [this] { pump(); }),
      retry_(loop, [this] { look(); }),
      expiry_(loop, [this] { expire(); }) {}

ClusterLog::~ClusterLog() { store_.watch(nullptr); }

void ClusterLog::start() {
  store_.watch([this] { look(); });
  look();
}

void ClusterLog::add(LogObserver& observer) { observers_.push_back(&observer); }

void ClusterLog::remove(LogObserver& observer) { std::erase(observers_, &observer); }

void ClusterLog::publish(State state, std::span<const Entry> entries) {
  state_ = std::make_shared<const State>(std::move(state));
  has_state_ = true;
  // What is called may remove observers.
  for (LogObserver* observer : std::vector<LogObserver*>(observers_)) {
    if (std::find(observers_.begin(), observers_.end(), observer) == observers_.end()) continue;
    if (entries.empty()) {
      observer->on_reset(state_);
    } else {
      observer->on_entries(state_, entries);
    }
  }
}

// --- following

void ClusterLog::look() {
  if (!stuck_.empty()) return;
  if (looking_ || appending_) {
    look_again_ = true;
    return;
  }
  looking_ = true;
  look_again_ = false;
  hurried_ = false;
  refreshes_running_ = std::exchange(refreshes_, {});
  empty_reads_ = 0;
  // Without a quorum there is still what one server has.
  read_more(failures_ % 2 == 1 ? Freshness::kLocal : Freshness::kLatest);
}

void ClusterLog::refresh(std::function<void()> done) {
  refreshes_.push_back(std::move(done));
  // Not inside the call, also when nothing can be looked for any more.
  loop_.post([this, here = std::weak_ptr<bool>(here_)] {
    if (here.expired()) return;
    look();
    if (!stuck_.empty()) end_look();
  });
}

void ClusterLog::end_look() {
  looking_ = false;
  if (!stuck_.empty()) {
    for (auto& refresh : std::exchange(refreshes_, {})) refreshes_running_.push_back(std::move(refresh));
  }
  for (const auto& done : std::exchange(refreshes_running_, {})) done();
}

void ClusterLog::read_more(Freshness freshness) {
  store_.read(
      state_->seq(), Store::kMostRead, freshness,
      [this, freshness](Result<std::vector<Entry>> entries) { on_read(freshness, std::move(entries)); });
}

void ClusterLog::on_read(Freshness freshness, Result<std::vector<Entry>> entries) {
  if (!entries && entries.error().code == ErrorCode::kNotFound) return load_base(freshness);
  if (!entries) return on_trouble(entries.error());
  if (entries->empty()) return check_head(freshness);
  State next = *state_;
  for (const Entry& entry : *entries) {
    const auto reason = next.apply(entry);
    if (reason && *reason != NotApplied::kDuplicate) {
      return get_stuck("entry " + std::to_string(entry.seq) + " of kind " + entry.kind +
                       " does not follow: " + std::string(name_of(*reason)));
    }
  }
  empty_reads_ = 0;
  publish(std::move(next), *entries);
  read_more(freshness);
}

void ClusterLog::load_base(Freshness freshness) {
  store_.load_base(freshness, [this, freshness](Result<std::optional<Base>> base) {
    on_base(freshness, std::move(base));
  });
}

void ClusterLog::on_base(Freshness freshness, Result<std::optional<Base>> base) {
  if (!base) return on_trouble(base.error());
  // A server that is behind has compacted and not got the base yet.
  if (!*base || (*base)->seq <= state_->seq())
    return on_trouble(error_of(ErrorCode::kUnavailable, "the log's base is not there"));
  Result<State> state = State::parse((*base)->state);
  if (!state || state->seq() != (*base)->seq) return get_stuck("the log's base cannot be read");
  if (has_state_) ++counts_.resets;
  publish(*std::move(state), {});
  read_more(freshness);
}

void ClusterLog::check_head(Freshness freshness) {
  store_.head(freshness, [this, freshness](Result<Head> head) {
    if (!head) return on_trouble(head.error());
    if (head->seq > state_->seq()) {
      // More has come meanwhile; unless nothing comes, time and again.
      if (++empty_reads_ < kMostEmptyReads) return read_more(freshness);
      return on_trouble(error_of(ErrorCode::kUnavailable, "the store does not give the entries that it has"));
    }
    // A server that is behind says less than is known.
    if (head->seq == state_->seq()) head_ = *head;
    has_state_ = true;
    if (freshness == Freshness::kLatest) {
      failures_ = 0;
      is_current_ = head->seq == state_->seq();
      trouble_ = is_current_ ? "" : "the store has lost entries that were acknowledged";
      if (!is_current_) return get_stuck(trouble_);
      retry_.arm(kCheckMs);
    } else {
      // Good for reading; whether it is all, only a quorum can say.
      ++failures_;
      retry_.arm(kLeastRetryMs);
    }
    end_look();
    if (look_again_) return look();
    pump();
  });
}

void ClusterLog::on_trouble(const Error& error) {
  is_current_ = false;
  trouble_ = error.context;
  ++failures_;
  const std::int64_t most = std::min(kMostRetryMs, kLeastRetryMs << std::min<std::size_t>(failures_, 5));
  retry_.arm(most / 2 + static_cast<std::int64_t>(random_u64() % static_cast<std::uint64_t>(most)));
  end_look();
}

void ClusterLog::get_stuck(std::string why) {
  stuck_ = std::move(why);
  end_look();
  expire();
}

// --- appending

void ClusterLog::append(Command command, Done done) {
  Waiting waiting;
  waiting.digest = State::digest_of(command.kind, command.payload);
  if (command.key.empty()) command.key = random_key();
  waiting.deadline_ms = loop_.clock().mono_ms() + limits_.command_ms;
  waiting.command = std::move(command);
  waiting.done = std::move(done);
  const std::size_t bytes = waiting.command.payload.size();
  if (waiting_.size() >= limits_.waiting || waiting_bytes_ + bytes > limits_.waiting_bytes ||
      !stuck_.empty()) {
    if (stuck_.empty()) ++counts_.full;
    const Error error = stuck_.empty() ? error_of(ErrorCode::kRefused, "too many commands wait for the store")
                                       : error_of(ErrorCode::kUnavailable, stuck_);
    // Not inside the call.
    loop_.post([done = std::move(waiting.done), error] { done(Failure(error)); });
    return;
  }
  waiting_bytes_ += bytes;
  waiting_.push_back(std::move(waiting));
  if (!expiry_.armed()) expiry_.arm(kExpiryMs);
  if (!is_current_ && !looking_ && !hurried_) {
    // Somebody waits: no use in sitting out the whole pause.
    hurried_ = true;
    retry_.arm(kLeastRetryMs);
  }
  // At the end of this turn: whatever else it brings goes into the same append.
  pump_soon_.schedule();
}

void ClusterLog::answer(Waiting& waiting, Result<Receipt> receipt) {
  const Done done = std::move(waiting.done);
  done(std::move(receipt));
}

// Adds a command to a batch, or answers it. False: it was answered.
bool ClusterLog::take_into(Batch& batch, Waiting& waiting) {
  const Command& command = waiting.command;
  if (const auto use = batch.state.keys().find(command.key)) {
    if (use->digest != waiting.digest) {
      answer(waiting,
             Failure(error_of(ErrorCode::kInvalid, "this idempotency key stands for another command")));
    } else if (use->seq > state_->seq()) {
      // The same twice in one batch: the second is told when the first is in.
      return true;
    } else {
      answer(waiting, Receipt{use->seq, !waiting.was_tried});
    }
    return false;
  }
  if (command.epoch != 0 && command.epoch < head_.epoch) {
    answer(waiting, Failure(error_of(ErrorCode::kRefused, "another node leads now")));
    return false;
  }
  Entry entry{.seq = batch.state.seq() + 1,
              .prev = batch.state.seq(),
              .epoch = head_.epoch,
              .time_ms = loop_.clock().wall_ms(),
              .node = node_,
              .author = command.author,
              .from = command.from,
              .key = command.key,
              .kind = command.kind,
              .payload = command.payload};
  if (const auto reason = batch.state.apply(entry)) {
    answer(waiting, Failure(error_of(ErrorCode::kInvalid,
                                     "the command does not follow: " + std::string(name_of(*reason)))));
    return false;
  }
  batch.entries.push_back(std::move(entry));
  return true;
}

void ClusterLog::pump() {
  if (appending_ || looking_ || !is_current_ || !stuck_.empty() || waiting_.empty()) return;
  // Whoever writes with a later epoch knows of a change that has not been seen here yet.
  if (waiting_.front().command.epoch > head_.epoch) return look();
  auto batch = std::make_shared<Batch>();
  batch->state = *state_;
  // Not appended twice while its answers are given, which may bring more.
  appending_ = true;
  std::size_t bytes = 0;
  while (!waiting_.empty() && batch->entries.size() < Store::kMostAppend) {
    const std::size_t more = waiting_.front().command.payload.size();
    if (!batch->entries.empty() && bytes + more > Store::kMostAppendBytes / 2) break;
    if (waiting_.front().command.epoch > head_.epoch) break;
    Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= more;
    if (!take_into(*batch, waiting)) continue;
    bytes += more;
    batch->commands.push_back(std::move(waiting));
  }
  if (batch->entries.empty()) {
    appending_ = false;
    if (look_again_) look();
    return;
  }
  store_.append({state_->seq(), head_.epoch, head_.first}, batch->entries,
                [this, batch](Appended appended) { on_appended(batch, std::move(appended)); });
}

void ClusterLog::on_appended(std::shared_ptr<Batch> batch, Appended appended) {
  appending_ = false;
  if (appended.end == AppendEnd::kAppended) {
    ++counts_.appends;
    counts_.entries += batch->entries.size();
    head_ = appended.head;
    publish(batch->state, batch->entries);
    for (Waiting& waiting : batch->commands) {
      const auto use = state_->keys().find(waiting.command.key);
      const bool is_second = use->digest != waiting.digest;
      if (is_second) {
        answer(waiting,
               Failure(error_of(ErrorCode::kInvalid, "this idempotency key stands for another command")));
      } else {
        answer(waiting, Receipt{use->seq, false});
      }
    }
    if (look_again_) return look();
    return pump();
  }
  if (appended.end == AppendEnd::kUnavailable) {
    ++counts_.unavailable;
    // They may be in the log. What met a conflict is not: if its key is found there, it is another one's.
    for (Waiting& waiting : batch->commands) waiting.was_tried = true;
    put_back(*batch);
    return on_trouble(error_of(ErrorCode::kUnavailable, appended.why));
  }
  ++counts_.conflicts;
  put_back(*batch);
  look();
}

void ClusterLog::put_back(Batch& batch) {
  for (auto waiting = batch.commands.rbegin(); waiting != batch.commands.rend(); ++waiting) {
    waiting_bytes_ += waiting->command.payload.size();
    waiting_.push_front(std::move(*waiting));
  }
}

void ClusterLog::expire() {
  const std::int64_t now_ms = loop_.clock().mono_ms();
  // All wait equally long, but what was put back may stand before what is older.
  std::vector<Waiting> expired;
  std::deque<Waiting> left;
  for (Waiting& waiting : waiting_) {
    const bool is_late = waiting.deadline_ms <= now_ms || !stuck_.empty();
    if (is_late) waiting_bytes_ -= waiting.command.payload.size();
    if (is_late) {
      expired.push_back(std::move(waiting));
    } else {
      left.push_back(std::move(waiting));
    }
  }
  waiting_ = std::move(left);
  for (Waiting& waiting : expired) {
    ++counts_.expired;
    answer(waiting,
           Failure(error_of(ErrorCode::kUnavailable, why_not().empty() ? "the store is slow" : why_not())));
  }
  if (!waiting_.empty() || appending_) expiry_.arm(kExpiryMs);
}

}  // namespace meridian::control
