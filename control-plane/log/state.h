#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "control-plane/log/entry.h"
#include "control-plane/log/key_memory.h"
#include "control-plane/log/shared_list.h"
#include "control-plane/log/tokens.h"
#include "lib/base/result.h"

namespace meridian::control {

// Why an entry does not follow.
enum class NotApplied : std::uint8_t {
  kDuplicate,    // it is in the state already; nothing changes, and nothing is wrong
  kGap,          // entries before it are missing
  kOldEpoch,     // its writer's leader was none any more
  kUnknownKind,  // it comes from a later version
  kBroken,       // its payload is not what its kind says
};
std::string_view name_of(NotApplied reason);

// A purge that edges may still have to learn of.
struct KeptPurge {
  std::uint64_t seq = 0;
  std::string payload;  // wire::Purge as JSON
  bool operator==(const KeptPurge&) const = default;
};

// Everything that the log says, up to `seq`: a pure fold, so that every node that has read the same entries
// has the same state. A value; a copy shares what is large, so one is made for each batch of entries and then
// published as shared_ptr<const State> for any thread to read.
//
// Its bounds are constants and not parameters: two nodes that forget differently would disagree.
class State {
 public:
  // Purges that are kept for edges that come later, and what they may take. The oldest go first; an edge that
  // has not applied one of those has to revalidate whatever it has from before (purge_floor()).
  static constexpr std::size_t kMostPurges = 50'000;
  static constexpr std::size_t kMostPurgeBytes = 16 * 1024 * 1024;

  std::uint64_t seq() const { return seq_; }
  std::uint64_t epoch() const { return epoch_; }
  // The node that took the lease of this epoch; it may be gone since.
  const std::string& leader() const { return leader_; }

  const std::map<std::string, Token, std::less<>>& tokens() const { return *tokens_; }
  // Nullptr: no such token, or it was revoked.
  const Token* token(std::string_view id) const;
  bool has_admin() const;

  // What edges follow: the entries that they are told of, and the sum of those (wire::next_chain).
  std::uint64_t edge_seq() const { return edge_seq_; }
  std::uint64_t chain() const { return chain_; }
  const SharedList<std::shared_ptr<const KeptPurge>>& purges() const { return purges_; }
  // Every purge with a larger seq is in purges().
  std::uint64_t purge_floor() const { return purge_floor_; }

  const KeyMemory& keys() const { return keys_; }

  // Makes it the state behind one more entry; on a reason it is unchanged. kDuplicate is no failure.
  [[nodiscard]] std::optional<NotApplied> apply(const Entry& entry);
  // What the entry of that kind and payload is remembered by.
  static std::uint64_t digest_of(std::string_view kind, std::string_view payload);
  // Whether edges are told of entries of this kind.
  static bool is_for_edges(std::string_view kind);

  // Whole, for the store's base.
  std::string to_text() const;
  [[nodiscard]] static Result<State> parse(std::string_view text);
  // For an API's answer: no digests of tokens, and of the long lists only how long they are.
  std::string summary() const;
  // For an edge: {"purges":{"floor":F,"kept":[{"seq":N,"purge":{...}},...]}}.
  std::string for_edges() const;

  State();

 private:
  using Tokens = std::map<std::string, Token, std::less<>>;
  // By kind; false: the payload is broken.
  struct Kind;
  static const Kind* kind_of(std::string_view name);
  bool apply_purge(const Entry& entry);
  bool apply_token(const Entry& entry);
  bool apply_token_revoked(const Entry& entry);
  bool apply_leader(const Entry& entry);
  void keep_purge(std::uint64_t seq, std::string payload);

  std::uint64_t seq_ = 0;
  std::uint64_t epoch_ = 0;
  std::uint64_t edge_seq_ = 0;
  std::uint64_t chain_ = 0;
  std::uint64_t purge_floor_ = 0;
  std::size_t purge_bytes_ = 0;
  std::string leader_;
  std::shared_ptr<const Tokens> tokens_;
  SharedList<std::shared_ptr<const KeptPurge>> purges_;
  KeyMemory keys_;
};

}  // namespace meridian::control
