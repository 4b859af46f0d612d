#include "control-plane/store/etcd_store.h"

#include <algorithm>

#include "lib/wire/json_fields.h"
#include "lib/wire/parameters.h"

namespace meridian::control {
namespace {

// So that an answer stays below what gRPC hands on by default, 4 MiB.
constexpr std::size_t kMostReadAtOnce = 30;
// A server may take longer to hand out many entries than to answer a question.
constexpr std::int64_t kReadAttempts = 4;

Failure damaged(const std::string& what) {
  return fail(ErrorCode::kInvalid, ErrorSource::kOperator, "the log in etcd is damaged: " + what);
}

using Found = std::vector<etcd::KeyValue>;

// head and first as two ranges found them.
Result<Head> parse_head(const Found& head, const Found& first) {
  Head at;
  if (!head.empty()) {
    const std::string_view value = head[0].value;
    const std::size_t space = value.find(' ');
    const auto seq = wire::parse_number(value.substr(0, space));
    const auto epoch =
        space == std::string_view::npos ? std::nullopt : wire::parse_number(value.substr(space + 1));
    if (!seq || !epoch) return damaged("its head is '" + std::string(value.substr(0, 64)) + "'");
    at.seq = *seq;
    at.epoch = *epoch;
  }
  if (!first.empty()) {
    const auto number = wire::parse_number(first[0].value);
    if (!number || *number == 0) return damaged("its first entry has no number");
    at.first = *number;
  }
  return at;
}

Result<std::vector<Entry>> parse_entries(const Found& found, std::uint64_t after) {
  std::vector<Entry> entries;
  for (const etcd::KeyValue& kv : found) {
    Result<Entry> entry = parse_entry(kv.value);
    if (!entry || entry->seq != after + 1)
      return damaged("entry " + std::to_string(after + 1) + " is missing");
    after = entry->seq;
    entries.push_back(*std::move(entry));
  }
  return entries;
}

}  // namespace

EtcdStore::EtcdStore(EventLoop& loop, Resolver& resolver, const EtcdOptions& options)
    : options_(options), client_(loop, resolver, options) {}

std::string EtcdStore::description() const {
  std::string text = "etcd";
  for (const http::ClientServer& server : options_.endpoints) text += " " + server.authority();
  return text + " " + options_.prefix;
}

std::string EtcdStore::head_value(std::uint64_t seq, std::uint64_t epoch) {
  return std::to_string(seq) + " " + std::to_string(epoch);
}

std::string EtcdStore::head_is(const Head& head) const {
  if (head.seq == 0 && head.epoch == 0) return etcd::is_absent(key("head"));
  return etcd::value_is(key("head"), head_value(head.seq, head.epoch));
}

void EtcdStore::transact(std::string body, std::int64_t attempt_ms, OnAnswer done) {
  client_.ask("/v3/kv/txn", std::move(body), attempt_ms, [done = std::move(done)](Result<wire::Json> json) {
    if (!json) return done(Failure(json.error()));
    done(etcd::parse_transaction(*json));
  });
}

void EtcdStore::append(const Head& after, std::vector<Entry> entries, std::function<void(Appended)> done) {
  std::vector<std::string> changes;
  std::string first_line;
  for (const Entry& entry : entries) {
    std::string line = serialize(entry);
    changes.push_back(etcd::put(log_key(entry.seq), line));
    if (first_line.empty()) first_line = std::move(line);
  }
  const std::uint64_t last = after.seq + entries.size();
  changes.push_back(etcd::put(key("head"), head_value(last, after.epoch)));
  changes.push_back(etcd::get(key("first")));
  std::string body =
      etcd::transaction({head_is(after)}, changes,
                        {etcd::get(key("head")), etcd::get(key("first")), etcd::get(log_key(after.seq + 1))});
  const auto settle = [after, last, first_line](const etcd::TransactionAnswer& answer) -> Appended {
    const std::size_t least = answer.succeeded ? 1 : 3;
    if (answer.found.size() < least) return {AppendEnd::kUnavailable, {}, "etcd answered half a transaction"};
    if (answer.succeeded) {
      const Result<Head> first = parse_head({}, answer.found.back());
      return {AppendEnd::kAppended, {last, after.epoch, first ? first->first : after.first}, ""};
    }
    const Result<Head> head = parse_head(answer.found[0], answer.found[1]);
    if (!head) return {AppendEnd::kUnavailable, {}, head.error().context};
    // An earlier attempt of this very append has won, and its answer was lost.
    const Found& there = answer.found[2];
    if (!there.empty() && there[0].value == first_line)
      return {AppendEnd::kAppended, {last, after.epoch, head->first}, ""};
    return {head->epoch == after.epoch ? AppendEnd::kConflict : AppendEnd::kFenced, *head, ""};
  };
  transact(std::move(body), [settle, done = std::move(done)](Result<etcd::TransactionAnswer> answer) {
    if (answer) return done(settle(*answer));
    done({AppendEnd::kUnavailable, {}, answer.error().context});
  });
}

void EtcdStore::read(std::uint64_t after, std::size_t most, Freshness freshness,
                     Done<std::vector<Entry>> done) {
  const bool is_local = freshness == Freshness::kLocal;
  most = std::min({most, kMostRead, kMostReadAtOnce});
  const std::string begin = after == UINT64_MAX ? log_key(after) : log_key(after + 1);
  std::string body = etcd::transaction(
      {}, {etcd::get(key("first"), is_local), etcd::range(begin, etcd::end_of(key("log/")), most, is_local)});
  transact(
      std::move(body), options_.attempt_ms * kReadAttempts,
      [after, done = std::move(done)](Result<etcd::TransactionAnswer> answer) {
        if (!answer) return done(Failure(answer.error()));
        if (answer->found.size() != 2) return done(damaged("half an answer"));
        const Result<Head> first = parse_head({}, answer->found[0]);
        if (!first) return done(Failure(first.error()));
        if (after < first->first - 1) {
          return done(fail(ErrorCode::kNotFound, ErrorSource::kClient,
                           "entries up to " + std::to_string(first->first - 1) + " have been compacted"));
        }
        done(parse_entries(answer->found[1], after));
      });
}

void EtcdStore::head(Freshness freshness, Done<Head> done) {
  const bool is_local = freshness == Freshness::kLocal;
  transact(etcd::transaction({}, {etcd::get(key("head"), is_local), etcd::get(key("first"), is_local)}),
           [done = std::move(done)](Result<etcd::TransactionAnswer> answer) {
             if (!answer) return done(Failure(answer.error()));
             if (answer->found.size() != 2) return done(damaged("half an answer"));
             done(parse_head(answer->found[0], answer->found[1]));
           });
}

void EtcdStore::watch(std::function<void()> changed) { client_.watch(key("head"), std::move(changed)); }

// Takes a lease from etcd first, and then puts it on the key that only one can have.
class EtcdStore::Acquisition {
 public:
  Acquisition(EtcdStore& store, std::string node, Done<Lease> done)
      : store_(store), node_(std::move(node)), done_(std::move(done)) {}

  static void begin(const std::shared_ptr<Acquisition>& self) {
    std::string body;
    const std::int64_t seconds = (self->store_.options_.lease_ms + 999) / 1000;
    wire::JsonWriter(body).begin_object().key("TTL").string(std::to_string(seconds)).end_object();
    self->store_.client_.ask("/v3/lease/grant", std::move(body), [self](Result<wire::Json> json) {
      if (!json) return self->done_(Failure(json.error()));
      const Result<std::uint64_t> id = etcd::parse_number(*json, "ID");
      if (!id) return self->done_(Failure(id.error()));
      self->lease_.id = *id;
      look(self);
    });
  }

 private:
  static constexpr int kMostTries = 16;

  static void look(const std::shared_ptr<Acquisition>& self) {
    self->store_.head(Freshness::kLatest, [self](Result<Head> head) {
      if (!head) return self->give_up(head.error());
      take(self, *head);
    });
  }
  static void take(const std::shared_ptr<Acquisition>& self, const Head& head) {
    EtcdStore& store = self->store_;
    self->lease_.epoch = head.epoch + 1;
    self->lease_.node = self->node_;
    std::string body = etcd::transaction({etcd::is_absent(store.key("lease")), store.head_is(head)},
                                         {etcd::put(store.key("lease"), self->value(), self->lease_.id),
                                          etcd::put(store.key("head"), head_value(head.seq, head.epoch + 1))},
                                         {etcd::get(store.key("lease"))});
    store.transact(std::move(body), [self](Result<etcd::TransactionAnswer> answer) {
      if (!answer) return self->give_up(answer.error());
      const bool is_ours = answer->succeeded || (!answer->found.empty() && !answer->found[0].empty() &&
                                                 answer->found[0][0].value == self->value());
      if (is_ours) return self->done_(self->lease_);
      if (answer->found.empty() || answer->found[0].empty()) {
        // Only the head has moved: somebody has appended meanwhile.
        if (++self->tries_ < kMostTries) return look(self);
        return self->give_up(
            {ErrorCode::kUnavailable, ErrorSource::kOperator, true, "the log moves too fast"});
      }
      self->give_up({ErrorCode::kRefused, ErrorSource::kOperator, false,
                     "the lease is held by " + answer->found[0][0].value});
    });
  }
  // With the lease's number, so that an attempt whose answer was lost is known again.
  std::string value() const { return node_ + " " + std::to_string(lease_.id); }
  void give_up(const Error& why) {
    store_.release(lease_, [](Result<void>) {});
    done_(Failure(why));
  }

  EtcdStore& store_;
  const std::string node_;
  const Done<Lease> done_;
  Lease lease_;
  int tries_ = 0;
};

void EtcdStore::acquire(std::string node, Done<Lease> done) {
  Acquisition::begin(std::make_shared<Acquisition>(*this, std::move(node), std::move(done)));
}

void EtcdStore::keep(const Lease& lease, Done<void> done) {
  std::string body;
  wire::JsonWriter(body).begin_object().key("ID").string(std::to_string(lease.id)).end_object();
  client_.ask("/v3/lease/keepalive", std::move(body), [done = std::move(done)](Result<wire::Json> json) {
    if (!json) return done(Failure(json.error()));
    const wire::Json* const result = json->find("result");
    const Result<std::uint64_t> ttl =
        result == nullptr ? Result<std::uint64_t>(0) : etcd::parse_number(*result, "TTL");
    if (ttl && *ttl > 0) return done({});
    done(fail(ErrorCode::kRefused, ErrorSource::kOperator, "the lease has ended"));
  });
}

void EtcdStore::release(const Lease& lease, Done<void> done) {
  std::string body;
  wire::JsonWriter(body).begin_object().key("ID").string(std::to_string(lease.id)).end_object();
  client_.ask("/v3/lease/revoke", std::move(body), [done = std::move(done)](Result<wire::Json> json) {
    // One that has ended already is as good.
    if (json || json.error().code == ErrorCode::kInvalid) return done({});
    done(Failure(json.error()));
  });
}

}  // namespace meridian::control
