#include <algorithm>
#include <sstream>

#include "control-plane/store/etcd_store.h"
#include "lib/base/aead.h"
#include "lib/base/digest.h"
#include "lib/wire/parameters.h"

// The base in etcd: in pieces, named by a manifest that takes effect in one transaction.
namespace meridian::control {
namespace {

// In base64 well below etcd's bound of 1.5 MiB for a request.
constexpr std::size_t kPieceBytes = 512 * 1024;
// Each piece is one comparison of the transaction, of which etcd takes 128 by default.
constexpr std::size_t kMostPieces = 100;
// Such a request moves half a megabyte, or removes a hundred thousand keys.
constexpr std::int64_t kLongAttemptMs = 5000;

struct Manifest {
  std::uint64_t seq = 0;
  std::string id;
  std::size_t pieces = 0;
  std::string digest;
};

std::string serialize(const Manifest& manifest) {
  return std::to_string(manifest.seq) + " " + manifest.id + " " + std::to_string(manifest.pieces) + " " +
         manifest.digest;
}

std::optional<Manifest> parse_manifest(const std::string& text) {
  std::istringstream words(text);
  Manifest manifest;
  const bool is_whole =
      static_cast<bool>(words >> manifest.seq >> manifest.id >> manifest.pieces >> manifest.digest);
  if (!is_whole || manifest.pieces > kMostPieces) return std::nullopt;
  return manifest;
}

}  // namespace

// Writes the pieces one by one, then the manifest, then removes what it replaces.
class EtcdStore::Compaction {
 public:
  Compaction(EtcdStore& store, Base base, Done<void> done)
      : store_(store), base_(std::move(base)), done_(std::move(done)) {
    manifest_ = {base_.seq, etcd::padded(base_.seq) + "-" + std::to_string(random_u64()),
                 (base_.state.size() + kPieceBytes - 1) / kPieceBytes, sha256_hex(base_.state)};
  }

  static void begin(const std::shared_ptr<Compaction>& self) {
    if (self->manifest_.pieces > kMostPieces)
      return self->done_(
          fail(ErrorCode::kTooLarge, ErrorSource::kOperator, "the state is too large for etcd"));
    self->store_.head(Freshness::kLatest, [self](Result<Head> head) {
      if (!head) return self->done_(Failure(head.error()));
      self->head_ = *head;
      if (self->base_.seq < head->first || self->base_.seq > head->seq) return self->done_({});
      put_piece(self, 0);
    });
  }

 private:
  std::string piece_key(std::size_t i) const {
    return store_.key("base/") + manifest_.id + "/" + etcd::padded(i);
  }
  static void put_piece(const std::shared_ptr<Compaction>& self, std::size_t i) {
    if (i == self->manifest_.pieces) return put_manifest(self);
    const std::string piece = self->base_.state.substr(i * kPieceBytes, kPieceBytes);
    self->store_.transact(etcd::transaction({}, {etcd::put(self->piece_key(i), piece)}), kLongAttemptMs,
                          [self, i](Result<etcd::TransactionAnswer> answer) {
                            if (!answer) return self->done_(Failure(answer.error()));
                            put_piece(self, i + 1);
                          });
  }
  // Only when nobody else has compacted since, and has taken our pieces for remains.
  static void put_manifest(const std::shared_ptr<Compaction>& self) {
    EtcdStore& store = self->store_;
    std::vector<std::string> compare;
    compare.push_back(self->head_.first == 1
                          ? etcd::is_absent(store.key("first"))
                          : etcd::value_is(store.key("first"), std::to_string(self->head_.first)));
    for (std::size_t i = 0; i < self->manifest_.pieces; ++i)
      compare.push_back(etcd::is_present(self->piece_key(i)));
    std::string body =
        etcd::transaction(compare, {etcd::put(store.key("base"), serialize(self->manifest_)),
                                    etcd::put(store.key("first"), std::to_string(self->base_.seq + 1))});
    store.transact(std::move(body), [self](Result<etcd::TransactionAnswer> answer) {
      if (!answer) return self->done_(Failure(answer.error()));
      // Somebody else's base is as good: it is not older.
      if (!answer->succeeded) return self->done_({});
      remove_replaced(self);
    });
  }
  static void remove_replaced(const std::shared_ptr<Compaction>& self) {
    EtcdStore& store = self->store_;
    const std::string own = store.key("base/") + self->manifest_.id + "/";
    std::string body =
        etcd::transaction({}, {etcd::remove_range(store.log_key(0), store.log_key(self->base_.seq + 1)),
                               etcd::remove_range(store.key("base/"), own),
                               etcd::remove_range(etcd::end_of(own), etcd::end_of(store.key("base/")))});
    // What stays because of a failure is never read, and goes with the next base.
    store.transact(std::move(body), kLongAttemptMs,
                   [self](const Result<etcd::TransactionAnswer>&) { self->done_({}); });
  }

  EtcdStore& store_;
  const Base base_;
  const Done<void> done_;
  Manifest manifest_;
  Head head_;
};

void EtcdStore::compact(Base base, Done<void> done) {
  Compaction::begin(std::make_shared<Compaction>(*this, std::move(base), std::move(done)));
}

// Reads the manifest, then its pieces; when these have gone meanwhile, there is a newer manifest.
class EtcdStore::BaseReading {
 public:
  BaseReading(EtcdStore& store, bool is_local, Done<std::optional<Base>> done)
      : store_(store), is_local_(is_local), done_(std::move(done)) {}

  static void begin(const std::shared_ptr<BaseReading>& self) {
    self->store_.transact(etcd::transaction({}, {etcd::get(self->store_.key("base"), self->is_local_)}),
                          [self](Result<etcd::TransactionAnswer> answer) {
                            if (!answer) return self->done_(Failure(answer.error()));
                            if (answer->found.size() != 1 || answer->found[0].empty())
                              return self->done_(std::optional<Base>());
                            const auto manifest = parse_manifest(answer->found[0][0].value);
                            if (!manifest) return self->fail_with("its base is not described");
                            self->manifest_ = *manifest;
                            self->state_.clear();
                            get_piece(self, 0);
                          });
  }

 private:
  static constexpr int kMostTries = 4;

  static void get_piece(const std::shared_ptr<BaseReading>& self, std::size_t i) {
    if (i == self->manifest_.pieces) return self->finish();
    const std::string piece = self->store_.key("base/") + self->manifest_.id + "/" + etcd::padded(i);
    self->store_.transact(etcd::transaction({}, {etcd::get(piece, self->is_local_)}), kLongAttemptMs,
                          [self, i](Result<etcd::TransactionAnswer> answer) {
                            if (!answer) return self->done_(Failure(answer.error()));
                            if (answer->found.size() != 1 || answer->found[0].empty()) {
                              if (++self->tries_ < kMostTries) return begin(self);
                              return self->fail_with("a piece of its base is missing");
                            }
                            self->state_ += answer->found[0][0].value;
                            get_piece(self, i + 1);
                          });
  }
  void finish() {
    if (sha256_hex(state_) != manifest_.digest) return fail_with("its base is not what was written");
    done_(std::optional<Base>(Base{manifest_.seq, std::move(state_)}));
  }
  void fail_with(std::string_view what) {
    done_(fail(ErrorCode::kInvalid, ErrorSource::kOperator,
               "the log in etcd is damaged: " + std::string(what)));
  }

  EtcdStore& store_;
  const bool is_local_;
  const Done<std::optional<Base>> done_;
  Manifest manifest_;
  std::string state_;
  int tries_ = 0;
};

void EtcdStore::load_base(Freshness freshness, Done<std::optional<Base>> done) {
  BaseReading::begin(std::make_shared<BaseReading>(*this, freshness == Freshness::kLocal, std::move(done)));
}

}  // namespace meridian::control
