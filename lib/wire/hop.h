#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What edges say to each other beside the request and the response themselves: two header fields, made and
// read by pure functions. Who may say them, and what follows from them, is docs/peers.md; both are taken off
// every message that does not come from an edge, and off every message that does not go to one.
namespace meridian::wire {

// As which kind of hop one edge asks another. A request that came in as one kind is passed on only as a later
// one, so that no configuration, however mistaken, can make a loop: there are at most three hops between the
// client's edge and the origin.
enum class HopRole : std::uint8_t {
  kNone,        // from a client
  kPeer,        // to the key's owner within the region
  kShield,      // to the shield region
  kShieldPeer,  // to the key's owner within the shield region
};
std::string_view name_of(HopRole role);
// Whether an edge that was asked as `came` may ask another one as `goes`.
constexpr bool may_follow(HopRole came, HopRole goes) { return goes > came; }

// Of a request.
struct HopAsk {
  static constexpr std::string_view kField = "Meridian-Hop";
  HopRole role = HopRole::kPeer;
  std::string edge = {};        // who asks
  std::string region = {};      // where it is; may be empty
  std::uint64_t least_seq = 0;  // what the edge that is asked must have applied, or ask further on
  std::string client = {};      // the client's address, as the first edge saw it; may be empty
  std::string scheme = {};      // "http" or "https": how it asked; may be empty
  std::string request_id = {};  // may be empty
  bool operator==(const HopAsk&) const = default;
};

// Of a response: what the edge that gave it knows, exactly, so that neither age nor freshness nor fill_seq is
// guessed anew. Ages are durations, as two edges' clocks may differ.
struct HopFill {
  static constexpr std::string_view kField = "Meridian-Fill";
  std::uint64_t fill_seq = 0;  // of the place that asked the origin, when it asked; never restamped
  std::uint32_t age_s = 0;     // current age (RFC 9111 section 4.2.3) when it was sent
  std::uint32_t lifetime_s = 0;
  std::uint32_t stale_revalidate_s = 0;
  std::uint32_t stale_error_s = 0;
  bool may_keep = false;  // whoever asked the origin found that it may be stored
  // The hash of the primary key that this answers: an answer to another question is none.
  std::uint64_t key_hash = 0;
  bool operator==(const HopFill&) const = default;
};

// Of a response that is no answer: why the edge that was asked would rather have another one asked. In the
// same field.
enum class HopRefusal : std::uint8_t {
  kBehind,    // it has not applied least_seq
  kLoop,      // the role does not allow what it would have to do
  kOverload,  // it has too much running
  kUnable,    // it cannot answer this: it does not know the site, or its rules refuse the request
};
std::string_view name_of(HopRefusal refusal);

// The field's value; nothing when a text in it cannot be said in a header field (control characters, too
// long).
std::optional<std::string> serialize(const HopAsk& ask);
std::string serialize(const HopFill& fill);
std::string serialize(HopRefusal refusal);
// Nothing when a value breaks the grammar, lacks what it must have, repeats a name, or is longer than
// kMostBytes. Names that are not known are passed over, so that a later version can say more.
std::optional<HopAsk> parse_hop_ask(std::string_view value);
std::optional<HopFill> parse_hop_fill(std::string_view value);
std::optional<HopRefusal> parse_hop_refusal(std::string_view value);
inline constexpr std::size_t kMostHopBytes = 1024;
inline constexpr std::size_t kMostHopText = 255;

}  // namespace meridian::wire
