#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "lib/base/mutex.h"

namespace meridian::edge {

// What was invalidated here lately, and when. It answers for copies that a removal may have missed: one that
// was on its way from RAM to a cold tier, or one in memcached, where a removal can fail or be overtaken.
// Thread-safe; one lock, held for a lookup, and none before the first removal. Remembers the last kMost keys;
// of what it had to forget it knows the time, and then says yes to everything that is as old.
class RecentRemovals {
 public:
  // `hash` is of the primary key.
  void note(std::uint64_t hash, std::int64_t now_s);
  // Whether a response that came at that time was invalidated since, exactly or (`with_forgotten`) perhaps.
  bool covers(std::uint64_t hash, std::int64_t response_time_s, bool with_forgotten) const;

  // When it was, if it is remembered.
  std::optional<std::int64_t> time_of(std::uint64_t hash) const;

  static constexpr std::size_t kMost = 65536;

 private:
  struct Entry {
    std::uint64_t hash;
    std::int64_t time_s;
  };
  std::atomic<bool> has_any_{false};
  mutable Mutex mutex_;
  std::unordered_map<std::uint64_t, std::int64_t> times_ GUARDED_BY(mutex_);
  std::deque<Entry> order_ GUARDED_BY(mutex_);
  std::int64_t forgotten_s_ GUARDED_BY(mutex_) = INT64_MIN;
};

// The hash of the primary key that a key of the store belongs to: itself, that of its variants, of its parts.
std::uint64_t primary_hash_of(std::string_view key);

}  // namespace meridian::edge
