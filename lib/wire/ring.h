#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meridian::wire {

struct RingMember {
  std::string name;
  unsigned weight = 1;  // 1 to 1000
};

// Who owns a key, and who is next. Weighted rendezvous hashing (Thaler and Ravishankar, IEEE/ACM ToN 1998;
// weights by -w / ln(u): Schindelhauer and Schomaker, SPAA 2005): each member has a score for each key, and
// the highest owns it. A member that comes takes its share from all others, one that goes leaves its keys to
// all others, and no other key moves. The same list gives the same answers in every process, on every machine
// and in every version, in whatever order the list stands: all arithmetic is on integers. Immutable; any
// thread; a lookup allocates nothing and takes some 7 ns for each member.
class Ring {
 public:
  using Index = std::uint16_t;
  static constexpr std::size_t kMostMembers = 1000;

  explicit Ring(std::span<const RingMember> members);

  std::size_t size() const { return members_.size(); }
  const std::string& name(Index member) const { return names_[member]; }

  // Of a key, for the functions below: not the hash that tiers use, so that what an edge owns is spread
  // evenly in them.
  static std::uint64_t hash_of(std::string_view key);

  // The one that owns it. The ring is not empty.
  Index owner(std::uint64_t hash) const;
  // The first ones to ask, best first, as many as `choices` has room for and there are. They lie in
  // `choices`.
  std::span<const Index> order(std::uint64_t hash, std::span<Index> choices) const;

  // How much a member may have running when all of them have `total`: its share of one more, times `bound`
  // (consistent hashing with bounded loads: Mirrokni, Thorup and Zadimoghaddam, SODA 2018). At least one.
  std::uint64_t load_limit(Index member, std::uint64_t total, double bound) const;
  // The first of `choices` that is below its limit; the first of all when none is. `running` is by member.
  Index pick(std::span<const Index> choices, std::span<const std::uint32_t> running, double bound) const;

 private:
  struct Member {
    std::uint64_t seed;
    std::uint32_t weight;
  };
  // What a member bids for a key; `distance` / weight decides, the smaller the better.
  struct Bid {
    std::uint64_t distance;
    std::uint64_t seed;
    std::uint32_t weight;
    Index member;
    bool beats(const Bid& other) const;
  };
  Bid bid_of(Index member, std::uint64_t hash) const;

  std::vector<Member> members_;
  std::vector<std::string> names_;
  std::uint64_t total_weight_ = 0;
};

}  // namespace meridian::wire
