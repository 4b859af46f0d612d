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

// Writes the pieces of a base one by one, and then, in one transaction, the manifest that names them and
// whatever goes with it.
class EtcdStore::BaseWriting {
 public:
  // What the base takes the place of: an older one of the same log, or nothing in an empty one.
  struct Place {
    std::vector<std::string> compare;
    std::vector<std::string> changes;
  };
  // `done` is told whether the place was still as `place` says.
  BaseWriting(EtcdStore& store, Base base, Place place, Done<bool> done)
      : store_(store), base_(std::move(base)), place_(std::move(place)), done_(std::move(done)) {
    manifest_ = {base_.seq, etcd::padded(base_.seq) + "-" + std::to_string(random_u64()),
                 (base_.state.size() + kPieceBytes - 1) / kPieceBytes, sha256_hex(base_.state)};
  }

  static void begin(const std::shared_ptr<BaseWriting>& self) {
    if (self->manifest_.pieces > kMostPieces)
      return self->done_(
          fail(ErrorCode::kTooLarge, ErrorSource::kOperator, "the state is too large for etcd"));
    put_piece(self, 0);
  }
  // Everything else that lies where bases lie.
  std::vector<std::string> remove_others() const {
    const std::string own = store_.key("base/") + manifest_.id + "/";
    return {etcd::remove_range(store_.key("base/"), own),
            etcd::remove_range(etcd::end_of(own), etcd::end_of(store_.key("base/")))};
  }

 private:
  std::string piece_key(std::size_t i) const {
    return store_.key("base/") + manifest_.id + "/" + etcd::padded(i);
  }
  static void put_piece(const std::shared_ptr<BaseWriting>& self, std::size_t i) {
    if (i == self->manifest_.pieces) return put_manifest(self);
    const std::string piece = self->base_.state.substr(i * kPieceBytes, kPieceBytes);
    self->store_.transact(etcd::transaction({}, {etcd::put(self->piece_key(i), piece)}), kLongAttemptMs,
                          [self, i](Result<etcd::TransactionAnswer> answer) {
                            if (!answer) return self->done_(Failure(answer.error()));
                            put_piece(self, i + 1);
                          });
  }
  // Only while every piece is there: somebody else may have taken them for remains.
  static void put_manifest(const std::shared_ptr<BaseWriting>& self) {
    EtcdStore& store = self->store_;
    std::vector<std::string> compare = self->place_.compare;
    for (std::size_t i = 0; i < self->manifest_.pieces; ++i)
      compare.push_back(etcd::is_present(self->piece_key(i)));
    std::vector<std::string> changes = self->place_.changes;
    changes.push_back(etcd::put(store.key("base"), serialize(self->manifest_)));
    changes.push_back(etcd::put(store.key("first"), std::to_string(self->base_.seq + 1)));
    // When the answer to an attempt that has won was lost, the next one finds our manifest.
    store.transact(etcd::transaction(compare, changes, {etcd::get(store.key("base"))}),
                   [self](Result<etcd::TransactionAnswer> answer) {
                     if (!answer) return self->done_(Failure(answer.error()));
                     const bool is_ours = !answer->succeeded && !answer->found.empty() &&
                                          !answer->found[0].empty() &&
                                          answer->found[0][0].value == serialize(self->manifest_);
                     self->done_(answer->succeeded || is_ours);
                   });
  }

  EtcdStore& store_;
  const Base base_;
  const Place place_;
  const Done<bool> done_;
  Manifest manifest_;
};

void EtcdStore::compact(Base base, Done<void> done) {
  head(Freshness::kLatest, [this, base = std::move(base), done = std::move(done)](Result<Head> head) mutable {
    if (!head) return done(Failure(head.error()));
    if (base.seq < head->first || base.seq > head->seq) return done({});
    BaseWriting::Place place;
    place.compare.push_back(head->first == 1 ? etcd::is_absent(key("first"))
                                             : etcd::value_is(key("first"), std::to_string(head->first)));
    const std::uint64_t seq = base.seq;
    // Told through a pointer of its own: the writing cannot hold itself.
    auto removal = std::make_shared<std::vector<std::string>>();
    const auto writing = std::make_shared<BaseWriting>(
        *this, std::move(base), std::move(place), [this, seq, removal, done](Result<bool> written) {
          if (!written) return done(Failure(written.error()));
          // Somebody else's base is as good: it is not older.
          if (!*written) return done({});
          removal->push_back(etcd::remove_range(log_key(0), log_key(seq + 1)));
          // What stays because of a failure is never read, and goes with the next base.
          transact(etcd::transaction({}, *removal), kLongAttemptMs,
                   [done](const Result<etcd::TransactionAnswer>&) { done({}); });
        });
    *removal = writing->remove_others();
    BaseWriting::begin(writing);
  });
}

void EtcdStore::restore(std::optional<Base> base, std::uint64_t epoch, Done<Head> done) {
  const Head to = base ? Head{base->seq, epoch, base->seq + 1} : Head{0, epoch, 1};
  const auto finish = [to, done](Result<bool> written) {
    if (!written) return done(Failure(written.error()));
    if (!*written)
      return done(fail(ErrorCode::kRefused, ErrorSource::kOperator, "the log in etcd is not empty"));
    done(to);
  };
  BaseWriting::Place place;
  place.compare = {etcd::is_absent(key("head")), etcd::is_absent(key("first"))};
  place.changes = {etcd::put(key("head"), head_value(to.seq, to.epoch))};
  if (base) return BaseWriting::begin(std::make_shared<BaseWriting>(*this, *std::move(base), place, finish));
  transact(etcd::transaction(place.compare, place.changes, {etcd::get(key("head"))}),
           [finish](Result<etcd::TransactionAnswer> answer) {
             if (!answer) return finish(Failure(answer.error()));
             finish(answer->succeeded);
           });
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
