#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control-plane/log/entry.h"
#include "lib/base/result.h"

namespace meridian::control {

// Where the log stands in its store. Entries from `first` to `seq` are there, none when first is seq + 1.
struct Head {
  std::uint64_t seq = 0;
  std::uint64_t epoch = 0;
  std::uint64_t first = 1;
  bool operator==(const Head&) const = default;
};

// What an append found.
enum class AppendEnd : std::uint8_t {
  kAppended,     // every entry is in the log, and survives whatever the store survives
  kConflict,     // somebody else has appended: `head` is not where it was thought to be; nothing was changed
  kFenced,       // another leader has taken over: the epoch is not what it was thought to be; nothing changed
  kUnavailable,  // the store gave no answer in time, or failed: the entries may be there or not; read on
};
std::string_view name_of(AppendEnd end);

struct Appended {
  AppendEnd end = AppendEnd::kUnavailable;
  Head head;        // after it; of kConflict and kFenced as it was found; nothing for kUnavailable
  std::string why;  // of kUnavailable, a sentence
};

// The state up to and with `seq`, in place of the entries that led to it.
struct Base {
  std::uint64_t seq = 0;
  std::string state;
  bool operator==(const Base&) const = default;
};

// Whoever holds it leads. Its epoch is larger than that of any lease before.
struct Lease {
  std::uint64_t epoch = 0;
  std::uint64_t id = 0;  // the store's own
  std::string node;
};

// How fresh a read is to be.
enum class Freshness : std::uint8_t {
  kLatest,  // sees every append that was acknowledged before; needs a quorum
  kLocal,   // may be behind; answers while any server does
};

// The log's home. Appends are conditional, so any number of nodes may share one: of two that append behind
// the same entry, one wins and the other learns of it. Everything that is acknowledged is durable.
//
// On one event loop: `done` is called there, once, never inside the call, and not any more once the store is
// destroyed. Nothing blocks the loop. What fails because the store cannot be reached or gives no answer in
// time is ErrorCode::kUnavailable or kTimeout.
class Store {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;

  virtual ~Store() = default;

  // Appends behind `after`, while the epoch is `after.epoch`: all entries or none. Their seqs follow
  // after.seq one by one. At most kMostAppend, together at most kMostAppendBytes.
  virtual void append(const Head& after, std::vector<Entry> entries, std::function<void(Appended)> done) = 0;
  static constexpr std::size_t kMostAppend = 64;
  static constexpr std::size_t kMostAppendBytes = 512 * 1024;

  // Entries behind `after` in order, at most `most` and never more than kMostRead; fewer, when there are no
  // more or they are large; none: there are none. kNotFound: some of them have been compacted.
  virtual void read(std::uint64_t after, std::size_t most, Freshness freshness,
                    Done<std::vector<Entry>> done) = 0;
  static constexpr std::size_t kMostRead = 256;

  virtual void head(Freshness freshness, Done<Head> done) = 0;

  // Calls whenever the log may have grown or the epoch changed, by whomever, until the next watch(). May call
  // without a cause; after a gap in the connection to the store it does.
  virtual void watch(std::function<void()> changed) = 0;

  // Puts `base` in place of all entries up to its seq, and keeps the others. A base that is behind the one
  // that is there changes nothing.
  virtual void compact(Base base, Done<void> done) = 0;
  // Nothing: the log begins at its first entry.
  virtual void load_base(Freshness freshness, Done<std::optional<Base>> done) = 0;

  // Makes an empty log go on where another one ended: behind `base`, or from the start when there is none,
  // and with an epoch that is not smaller than that of any entry which will follow. kRefused: it is not
  // empty.
  virtual void restore(std::optional<Base> base, std::uint64_t epoch, Done<Head> done) = 0;

  // Takes the lease for `node`, if nobody holds it: kRefused otherwise. The epoch goes up in the same step.
  virtual void acquire(std::string node, Done<Lease> done) = 0;
  // Holds it for another lease_ms(). kRefused: it is lost.
  virtual void keep(const Lease& lease, Done<void> done) = 0;
  virtual void release(const Lease& lease, Done<void> done) = 0;
  // How long a lease lives without keep().
  virtual std::int64_t lease_ms() const = 0;

  // One line for logs and /readyz: which store, where.
  virtual std::string description() const = 0;
};

}  // namespace meridian::control
