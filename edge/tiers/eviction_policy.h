#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace meridian {

// Names one object among those that a policy orders; small numbers, used again after they have been erased.
using EntryId = std::uint32_t;

// Which object goes when room is needed. Knows ids, hashes and sizes only, so that a replay runs the same
// code as the tier. A hit does not reach it: whoever holds the entries counts hits, saturating at
// kMaxFrequency, and the policy reads the counts when it looks for a victim. Not thread-safe: its owner
// serialises all calls.
class EvictionPolicy {
 public:
  static constexpr unsigned kMaxFrequency = 2;
  static constexpr EntryId kMaxEntries = 0x7FFFFFFEU;

  // What the owner of the entries answers while insert() or evict() runs.
  class Entries {
   public:
    virtual std::uint64_t bytes(EntryId id) = 0;
    virtual std::uint64_t hash(EntryId id) = 0;
    virtual unsigned frequency(EntryId id) = 0;
    virtual void set_frequency(EntryId id, unsigned frequency) = 0;

   protected:
    ~Entries() = default;
  };

  struct Victim {
    EntryId id = 0;
    // It was asked for again: since it was inserted, or so soon after it had left that it was remembered.
    bool reused = false;
  };

  virtual ~EvictionPolicy() = default;
  // What the objects may take together; a share of it may decide between queues.
  virtual void set_capacity(std::uint64_t bytes) = 0;
  // A new object, not asked for since.
  virtual void insert(EntryId id, Entries& entries) = 0;
  // An object left for other reasons than room.
  virtual void erase(EntryId id, std::uint64_t bytes) = 0;
  // The object behind an id was replaced by one of another size; its place in the order stays.
  virtual void resize(EntryId id, std::uint64_t old_bytes, std::uint64_t new_bytes) = 0;
  // Picks the next object to go and forgets its id; none when it holds none.
  virtual std::optional<Victim> evict(Entries& entries) = 0;
  // Memory of the policy's own.
  virtual std::size_t footprint_bytes() const = 0;
};

}  // namespace meridian
