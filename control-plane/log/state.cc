#include "control-plane/log/state.h"

#include <algorithm>
#include <array>

#include "lib/base/hash.h"
#include "lib/wire/event.h"
#include "lib/wire/json_fields.h"
#include "lib/wire/purge.h"

namespace meridian::control {

// Every kind of entry that there is.
struct State::Kind {
  std::string_view name;
  bool is_for_edges;
  bool (State::*apply)(const Entry&);
};

const State::Kind* State::kind_of(std::string_view name) {
  static constexpr std::array<Kind, 4> kKinds = {{
      {"purge", true, &State::apply_purge},
      {"token", false, &State::apply_token},
      {"token-revoked", false, &State::apply_token_revoked},
      {"leader", false, &State::apply_leader},
  }};
  const auto* const found =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& kind) { return kind.name == name; });
  return found == kKinds.end() ? nullptr : found;
}

std::string_view name_of(NotApplied reason) {
  constexpr std::array<std::string_view, 5> kNames = {"duplicate", "gap", "old-epoch", "unknown-kind",
                                                      "broken"};
  return kNames[static_cast<std::size_t>(reason)];
}

State::State() : tokens_(std::make_shared<const Tokens>()) {}

bool State::is_for_edges(std::string_view kind) {
  const Kind* const known = kind_of(kind);
  return known != nullptr && known->is_for_edges;
}

std::uint64_t State::digest_of(std::string_view kind, std::string_view payload) {
  return wire::next_chain(0, 0, kind, payload);
}

const Token* State::token(std::string_view id) const {
  const auto found = tokens_->find(id);
  return found == tokens_->end() ? nullptr : &found->second;
}

bool State::has_admin() const {
  return std::any_of(tokens_->begin(), tokens_->end(),
                     [](const auto& token) { return token.second.role == Role::kAdmin; });
}

std::optional<NotApplied> State::apply(const Entry& entry) {
  if (entry.seq <= seq_) return NotApplied::kDuplicate;
  if (entry.prev != seq_) return NotApplied::kGap;
  if (entry.epoch < epoch_) return NotApplied::kOldEpoch;
  const Kind* const kind = kind_of(entry.kind);
  if (kind == nullptr) return NotApplied::kUnknownKind;
  if (!(this->*kind->apply)(entry)) return NotApplied::kBroken;
  seq_ = entry.seq;
  epoch_ = entry.epoch;
  if (!entry.key.empty()) keys_.add(entry.key, {entry.seq, digest_of(entry.kind, entry.payload)});
  if (kind->is_for_edges) {
    edge_seq_ = entry.seq;
    chain_ = wire::next_chain(chain_, entry.seq, entry.kind, entry.payload);
  }
  return std::nullopt;
}

bool State::apply_purge(const Entry& entry) {
  if (!wire::parse_purge(entry.payload)) return false;
  keep_purge(entry.seq, entry.payload);
  return true;
}

void State::keep_purge(std::uint64_t seq, std::string payload) {
  purge_bytes_ += payload.size();
  purges_.push_back(std::make_shared<const KeptPurge>(KeptPurge{seq, std::move(payload)}));
  while (purges_.size() > kMostPurges || purge_bytes_ > kMostPurgeBytes) {
    purge_floor_ = purges_.front()->seq;
    purge_bytes_ -= purges_.front()->payload.size();
    purges_.pop_front();
  }
}

bool State::apply_token(const Entry& entry) {
  const Result<wire::Json> json = wire::Json::parse(entry.payload);
  Result<Token> token = json ? parse_token(*json) : Failure(json.error());
  if (!token) return false;
  token->seq = entry.seq;
  auto tokens = std::make_shared<Tokens>(*tokens_);
  tokens->insert_or_assign(token->id, *token);
  tokens_ = std::move(tokens);
  return true;
}

bool State::apply_token_revoked(const Entry& entry) {
  const Result<wire::Json> json = wire::Json::parse(entry.payload);
  if (!json) return false;
  wire::JsonFields fields(*json, "");
  const std::string id = fields.text("id", 1, kMostNameBytes);
  if (!fields.finish()) return false;
  auto tokens = std::make_shared<Tokens>(*tokens_);
  tokens->erase(id);
  tokens_ = std::move(tokens);
  return true;
}

bool State::apply_leader(const Entry& entry) {
  const Result<wire::Json> json = wire::Json::parse(entry.payload);
  if (!json) return false;
  wire::JsonFields fields(*json, "");
  const std::string node = fields.text("node", 1, kMostNameBytes);
  if (!fields.finish()) return false;
  leader_ = node;
  return true;
}

}  // namespace meridian::control
