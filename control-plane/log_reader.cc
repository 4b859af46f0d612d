#include "control-plane/log_reader.h"

#include <algorithm>
#include <utility>

#include "lib/wire/json.h"

namespace meridian::control {
namespace {

constexpr std::int64_t kRetryMs = 500;

// A page under way.
struct Page {
  Store& store;
  std::uint64_t after;
  std::uint64_t left;
  std::string kind;
  std::function<void(Result<std::string>)> done;
  std::string entries = {};
  std::size_t reads = 0;
};
// A kind that is rare is not looked for through the whole log in one request.
constexpr std::size_t kMostReadsOfPage = 64;

void finish(const Page& page, bool has_more) {
  std::string text;
  wire::JsonWriter writer(text);
  writer.begin_object().key("entries").raw("[" + page.entries + "]");
  writer.key("next").number(page.after).key("more").flag(has_more).end_object();
  page.done(text + "\n");
}

void read_on(const std::shared_ptr<Page>& page) {
  page->store.read(
      page->after, Store::kMostRead, Freshness::kLatest, [page](Result<std::vector<Entry>> read) {
        if (!read) return page->done(Failure(read.error()));
        if (read->empty()) return finish(*page, false);
        for (const Entry& entry : *read) {
          if (page->left == 0) return finish(*page, true);
          page->after = entry.seq;
          if (!page->kind.empty() && entry.kind != page->kind) continue;
          page->entries.append(page->entries.empty() ? "" : ",").append(public_line(entry));
          --page->left;
        }
        const bool is_full = page->left == 0 || page->entries.size() > 4 * Store::kMostAppendBytes;
        if (is_full || ++page->reads == kMostReadsOfPage) return finish(*page, true);
        read_on(page);
      });
}

}  // namespace

std::string public_line(const Entry& entry) {
  if (entry.kind != "token") return serialize(entry);
  Entry shown = entry;
  const Result<wire::Json> json = wire::Json::parse(entry.payload);
  shown.payload.clear();
  wire::JsonWriter writer(shown.payload);
  writer.begin_object();
  for (std::size_t i = 0; json && i < json->names().size(); ++i) {
    if (json->names()[i] != "digest") writer.key(json->names()[i]).raw(json->items()[i].to_text());
  }
  writer.end_object();
  return serialize(shown);
}

void read_log_page(Store& store, std::uint64_t after, std::uint64_t limit, std::string kind,
                   std::function<void(Result<std::string>)> done) {
  auto page = std::make_shared<Page>(
      Page{store, after, std::min(limit, kMostPage), std::move(kind), std::move(done)});
  read_on(page);
}

// --- time travel

void StateReading::begin(Store& store, std::uint64_t at, std::function<void(Result<State>)> done) {
  const std::shared_ptr<StateReading> self(new StateReading(store, at, std::move(done)));
  store.load_base(Freshness::kLatest, [self](Result<std::optional<Base>> base) {
    if (!base) return self->done_(Failure(base.error()));
    if (*base && (*base)->seq > self->at_) {
      return self->done_(
          fail(ErrorCode::kNotFound, ErrorSource::kClient,
               "what was before entry " + std::to_string((*base)->seq) + " has been compacted"));
    }
    if (*base) {
      Result<State> state = State::parse((*base)->state);
      if (!state) return self->done_(Failure(state.error()));
      self->state_ = *std::move(state);
    }
    read_on(self);
  });
}

void StateReading::read_on(const std::shared_ptr<StateReading>& self) {
  if (self->state_.seq() == self->at_) return self->done_(self->state_);
  self->store_.read(
      self->state_.seq(), Store::kMostRead, Freshness::kLatest, [self](Result<std::vector<Entry>> entries) {
        if (!entries) return self->done_(Failure(entries.error()));
        if (entries->empty()) {
          return self->done_(fail(ErrorCode::kNotFound, ErrorSource::kClient,
                                  "the log ends at entry " + std::to_string(self->state_.seq())));
        }
        for (const Entry& entry : *entries) {
          if (entry.seq <= self->at_) (void)self->state_.apply(entry);
        }
        read_on(self);
      });
}

// --- following

LogFollower::LogFollower(EventLoop& loop, Store& store, ClusterLog& log, std::shared_ptr<ApiCall> call,
                         std::uint64_t after, std::string kind)
    : store_(store),
      log_(log),
      call_(std::move(call)),
      after_(after),
      kind_(std::move(kind)),
      retry_(loop, [this] { pump(); }) {
  log_.add(*this);
}

LogFollower::~LogFollower() { log_.remove(*this); }

void LogFollower::begin(EventLoop& loop, Store& store, ClusterLog& log, std::shared_ptr<ApiCall> call,
                        std::uint64_t after, std::string kind) {
  const auto follower = std::make_shared<LogFollower>(loop, store, log, call, after, std::move(kind));
  // The call holds it until the client has gone.
  call->follow([follower] { follower->pump(); }, nullptr);
  call->begin_lines();
  follower->pump();
}

void LogFollower::pump() {
  const bool may_send = call_->is_open() && call_->queued_bytes() < http::Exchange::kHighWater;
  if (reading_ || !may_send || after_ >= log_.state()->seq()) return;
  reading_ = true;
  store_.read(after_, Store::kMostRead, Freshness::kLocal,
              [weak = weak_from_this()](Result<std::vector<Entry>> entries) {
                if (const auto self = weak.lock()) self->on_read(entries);
              });
}

void LogFollower::on_read(const Result<std::vector<Entry>>& entries) {
  reading_ = false;
  if (!entries && entries.error().code == ErrorCode::kNotFound) {
    // What it has missed is gone: the end of the lines says so, and where the log begins now.
    return call_->end_lines();
  }
  if (!entries || entries->empty()) return retry_.arm(kRetryMs);
  for (const Entry& entry : *entries) {
    after_ = entry.seq;
    if (kind_.empty() || entry.kind == kind_) call_->send_line(Slice::copy_of(public_line(entry) + "\n"));
  }
  pump();
}

}  // namespace meridian::control
