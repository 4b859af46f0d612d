#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "origin/upstream/upstream.h"

namespace meridian::upstream {

// A target that a request may go to now.
struct Candidate {
  std::size_t index = 0;
  unsigned weight = 1;
  unsigned running = 0;
  std::uint64_t seed = 0;
};

// Chooses one of several. Pure: `random` is a fresh random number, `hash` the request's. Any thread.
class BalancePolicy {
 public:
  virtual ~BalancePolicy() = default;
  // The position in `candidates`, which is not empty.
  virtual std::size_t pick(std::span<const Candidate> candidates, std::uint64_t hash,
                           std::uint64_t random) const = 0;
};

// Of two drawn at random by weight, the one with less to do for its weight (Mitzenmacher, "The power of two
// choices").
class LeastOfTwo final : public BalancePolicy {
 public:
  std::size_t pick(std::span<const Candidate> candidates, std::uint64_t hash,
                   std::uint64_t random) const override;
};

// Weighted rendezvous hashing: a target that leaves moves only its own keys (Thaler and Ravishankar; weights
// by the logarithmic method).
class Rendezvous final : public BalancePolicy {
 public:
  std::size_t pick(std::span<const Candidate> candidates, std::uint64_t hash,
                   std::uint64_t random) const override;
};

std::unique_ptr<BalancePolicy> make_balance(GroupOptions::Balance kind);

// A small generator for balancing and jitter; not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  // splitmix64 (Steele, Lea, Flood).
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

 private:
  std::uint64_t state_;
};

}  // namespace meridian::upstream
