#pragma once

#include <memory>
#include <string>

#include "control-plane/log/store.h"
#include "control-plane/store/etcd_client.h"
#include "control-plane/store/etcd_text.h"

namespace meridian::control {

// The log in etcd, for a control plane of several nodes. Below the prefix:
//
//   head            "SEQ EPOCH": every append and every change of the leader compares it and writes it
//   log/SEQ         one entry as a line
//   first           the first seq that log/ still has, when it is not 1
//   base            which pieces make the base: "SEQ ID COUNT SHA-256"
//   base/ID/N       its pieces, as a value in etcd has a bound
//   lease           the leader's node, bound to an etcd lease; it goes when that ends
//
// An append is one transaction. When its answer is lost and it is asked again, what it finds tells it that
// the first attempt was the one that won.
class EtcdStore final : public Store {
 public:
  EtcdStore(EventLoop& loop, Resolver& resolver, const EtcdOptions& options);

  void append(const Head& after, std::vector<Entry> entries, std::function<void(Appended)> done) override;
  void read(std::uint64_t after, std::size_t most, Freshness freshness,
            Done<std::vector<Entry>> done) override;
  void head(Freshness freshness, Done<Head> done) override;
  void watch(std::function<void()> changed) override;
  void compact(Base base, Done<void> done) override;
  void load_base(Freshness freshness, Done<std::optional<Base>> done) override;
  void restore(std::optional<Base> base, std::uint64_t epoch, Done<Head> done) override;
  void acquire(std::string node, Done<Lease> done) override;
  void keep(const Lease& lease, Done<void> done) override;
  void release(const Lease& lease, Done<void> done) override;
  std::int64_t lease_ms() const override { return options_.lease_ms; }
  std::string description() const override;

 private:
  // The transaction's answer, or why there is none.
  using OnAnswer = std::function<void(Result<etcd::TransactionAnswer>)>;
  void transact(std::string body, OnAnswer done) {
    transact(std::move(body), options_.attempt_ms, std::move(done));
  }
  void transact(std::string body, std::int64_t attempt_ms, OnAnswer done);

  std::string key(std::string_view name) const { return options_.prefix + std::string(name); }
  std::string log_key(std::uint64_t seq) const { return key("log/") + etcd::padded(seq); }
  std::string head_is(const Head& head) const;
  static std::string head_value(std::uint64_t seq, std::uint64_t epoch);

  class BaseWriting;
  class BaseReading;
  class Acquisition;

  const EtcdOptions options_;
  EtcdClient client_;
};

}  // namespace meridian::control
