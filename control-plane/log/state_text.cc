#include "control-plane/log/state.h"
#include "lib/wire/event.h"
#include "lib/wire/json_fields.h"
#include "lib/wire/purge.h"

// A state as JSON: whole for the store, and the parts of it that others may see.
namespace meridian::control {
namespace {

constexpr std::uint64_t kFormat = 1;
constexpr std::size_t kMostKeysRead = KeyMemory::kOld * (KeyMemory::kMostOld + 1);

wire::JsonLimits state_limits() {
  wire::JsonLimits limits;
  limits.bytes = 256 * 1024 * 1024;
  limits.values = 8'000'000;
  return limits;
}

void write_sites(const Token& token, wire::JsonWriter& to) {
  to.key("sites").begin_array();
  for (const std::string& site : token.sites) to.string(site);
  to.end_array();
}

// An array of rows, each an array of so many values.
const wire::Json* rows(wire::JsonFields& fields, std::string_view name, std::size_t most,
                       std::size_t columns) {
  const wire::Json* const array = fields.array(name, most);
  if (array == nullptr) return nullptr;
  for (const wire::Json& row : array->items()) {
    if (row.is(wire::Json::Kind::kArray) && row.items().size() == columns) continue;
    fields.wrong(name, "has a row that is none");
    return nullptr;
  }
  return array;
}

}  // namespace

std::string State::to_text() const {
  std::string text;
  wire::JsonWriter writer(text);
  writer.begin_object().key("format").number(kFormat).key("seq").number(seq_).key("epoch").number(epoch_);
  writer.key("leader").string(leader_).key("edge_seq").number(edge_seq_);
  writer.key("chain").string(wire::chain_text(chain_)).key("purge_floor").number(purge_floor_);
  writer.key("tokens").begin_array();
  for (const auto& [id, token] : *tokens_)
    writer.begin_array().number(token.seq).raw(serialize(token)).end_array();
  writer.end_array().key("purges").begin_array();
  for (std::size_t i = 0; i < purges_.size(); ++i)
    writer.begin_array().number(purges_[i]->seq).raw(purges_[i]->payload).end_array();
  writer.end_array().key("keys").begin_array();
  for (const auto& [key, use] : keys_.all())
    writer.begin_array().string(key).number(use.seq).string(wire::chain_text(use.digest)).end_array();
  writer.end_array().end_object();
  return text;
}

Result<State> State::parse(std::string_view text) {
  const Result<wire::Json> json = wire::Json::parse(text, state_limits());
  if (!json) return Failure(json.error());
  wire::JsonFields fields(*json, "");
  if (fields.number("format") != kFormat) fields.wrong("format", "is of another version");
  State state;
  state.seq_ = fields.number("seq");
  state.epoch_ = fields.number("epoch");
  state.leader_ = fields.text("leader", 0, kMostNameBytes);
  state.edge_seq_ = fields.number("edge_seq");
  state.purge_floor_ = fields.number("purge_floor");
  const Result<std::uint64_t> chain = wire::parse_chain(fields.text("chain", 16, 16));
  if (chain) state.chain_ = *chain;
  auto tokens = std::make_shared<Tokens>();
  if (const wire::Json* const all = rows(fields, "tokens", kMostTokens, 2)) {
    for (const wire::Json& row : all->items()) {
      Result<Token> token = parse_token(row.items()[1]);
      if (!token) return Failure(token.error());
      token->seq = row.items()[0].number().value_or(0);
      tokens->emplace(token->id, *token);
    }
  }
  state.tokens_ = std::move(tokens);
  if (const wire::Json* const all = rows(fields, "purges", kMostPurges, 2)) {
    for (const wire::Json& row : all->items()) {
      if (const auto purge = wire::parse_purge(row.items()[1]); !purge) return Failure(purge.error());
      state.keep_purge(row.items()[0].number().value_or(0), row.items()[1].to_text());
    }
  }
  if (const wire::Json* const all = rows(fields, "keys", kMostKeysRead, 3)) {
    for (const wire::Json& row : all->items()) {
      const Result<std::uint64_t> digest = wire::parse_chain(row.items()[2].text());
      state.keys_.add(row.items()[0].text(), {row.items()[1].number().value_or(0), digest.value_or(0)});
    }
  }
  if (const auto finished = fields.finish(); !finished) return Failure(finished.error());
  return state;
}

std::string State::summary() const {
  std::string text;
  wire::JsonWriter writer(text);
  writer.begin_object().key("seq").number(seq_).key("epoch").number(epoch_);
  writer.key("leader").string(leader_).key("edge_seq").number(edge_seq_);
  writer.key("chain").string(wire::chain_text(chain_));
  writer.key("purges").begin_object().key("kept").number(purges_.size());
  writer.key("floor").number(purge_floor_).end_object();
  writer.key("idempotency_keys").number(keys_.size()).key("tokens").begin_array();
  for (const auto& [id, token] : *tokens_) {
    writer.begin_object().key("id").string(id).key("name").string(token.name);
    writer.key("role").string(name_of(token.role));
    write_sites(token, writer);
    writer.key("seq").number(token.seq).end_object();
  }
  writer.end_array().end_object();
  return text;
}

std::string State::for_edges() const {
  std::string text;
  wire::JsonWriter writer(text);
  writer.begin_object().key("purges").begin_object().key("floor").number(purge_floor_);
  writer.key("kept").begin_array();
  for (std::size_t i = 0; i < purges_.size(); ++i) {
    writer.begin_object().key("seq").number(purges_[i]->seq).key("purge").raw(purges_[i]->payload);
    writer.end_object();
  }
  writer.end_array().end_object().end_object();
  return text;
}

}  // namespace meridian::control
