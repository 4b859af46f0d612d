#include "lib/wire/hop.h"

#include <algorithm>
#include <array>
#include <limits>

#include "lib/wire/parameters.h"

namespace meridian::wire {
namespace {

constexpr std::array<std::string_view, 4> kRoles = {"none", "peer", "shield", "shield-peer"};
constexpr std::array<std::string_view, 4> kRefusals = {"behind", "loop", "overload", "unable"};
constexpr std::uint64_t kMost32 = std::numeric_limits<std::uint32_t>::max();

// The parameters of one of the two fields, each with its name at most once. `take` says whether it took the
// value.
template <class Take>
bool each_parameter(std::string_view value, const Take& take) {
  if (value.size() > kMostHopBytes) return false;
  ParameterReader reader(value);
  std::array<std::string_view, 16> seen;
  std::size_t count = 0;
  while (reader.next()) {
    if (count == seen.size() ||
        std::find(seen.begin(), seen.begin() + count, reader.name()) != seen.begin() + count) {
      return false;
    }
    seen[count++] = reader.name();
    if (!take(reader.name(), reader.value())) return false;
  }
  return !reader.is_broken();
}

template <class Number>
bool take_number(std::string_view text, Number& to, std::uint64_t most) {
  const auto number = parse_number(text, most);
  if (number) to = static_cast<Number>(*number);
  return number.has_value();
}

bool take_text(std::string_view text, std::string& to) {
  to = text;
  return text.size() <= kMostHopText;
}

bool take_role(std::string_view text, HopRole& to) {
  const auto found = std::find(kRoles.begin() + 1, kRoles.end(), text);
  if (found == kRoles.end()) return false;
  to = static_cast<HopRole>(found - kRoles.begin());
  return true;
}

}  // namespace

std::string_view name_of(HopRole role) { return kRoles[static_cast<std::size_t>(role)]; }

std::string_view name_of(HopRefusal refusal) { return kRefusals[static_cast<std::size_t>(refusal)]; }

std::optional<std::string> serialize(const HopAsk& ask) {
  std::string value;
  bool is_well = is_token(ask.edge) && ask.role != HopRole::kNone;
  const auto text = [&](std::string_view name, std::string_view what) {
    is_well = is_well && what.size() <= kMostHopText && (what.empty() || append_parameter(name, what, value));
  };
  append_parameter("role", name_of(ask.role), value);
  text("edge", ask.edge);
  text("region", ask.region);
  append_parameter("least-seq", std::to_string(ask.least_seq), value);
  text("client", ask.client);
  text("scheme", ask.scheme);
  text("id", ask.request_id);
  return is_well && value.size() <= kMostHopBytes ? std::optional(value) : std::nullopt;
}

std::string serialize(const HopFill& fill) {
  std::string value;
  append_parameter("seq", std::to_string(fill.fill_seq), value);
  append_parameter("age", std::to_string(fill.age_s), value);
  append_parameter("lifetime", std::to_string(fill.lifetime_s), value);
  append_parameter("swr", std::to_string(fill.stale_revalidate_s), value);
  append_parameter("sie", std::to_string(fill.stale_error_s), value);
  append_parameter("keep", fill.may_keep ? "yes" : "no", value);
  append_parameter("key", std::to_string(fill.key_hash), value);
  return value;
}

std::string serialize(HopRefusal refusal) {
  std::string value;
  append_parameter("refused", name_of(refusal), value);
  return value;
}

std::optional<HopAsk> parse_hop_ask(std::string_view value) {
  HopAsk ask{.role = HopRole::kNone};
  const bool is_well = each_parameter(value, [&](std::string_view name, std::string_view text) {
    if (name == "role") return take_role(text, ask.role);
    if (name == "edge") return is_token(text) && take_text(text, ask.edge);
    if (name == "region") return take_text(text, ask.region);
    if (name == "least-seq") return take_number(text, ask.least_seq, UINT64_MAX);
    if (name == "client") return take_text(text, ask.client);
    if (name == "scheme") return (text == "http" || text == "https") && take_text(text, ask.scheme);
    if (name == "id") return take_text(text, ask.request_id);
    return true;
  });
  if (!is_well || ask.role == HopRole::kNone || ask.edge.empty()) return std::nullopt;
  return ask;
}

std::optional<HopFill> parse_hop_fill(std::string_view value) {
  HopFill fill;
  bool has_seq = false, has_age = false, has_lifetime = false, has_key = false;
  const bool is_well = each_parameter(value, [&](std::string_view name, std::string_view text) {
    if (name == "seq") return has_seq = take_number(text, fill.fill_seq, UINT64_MAX);
    if (name == "age") return has_age = take_number(text, fill.age_s, kMost32);
    if (name == "lifetime") return has_lifetime = take_number(text, fill.lifetime_s, kMost32);
    if (name == "swr") return take_number(text, fill.stale_revalidate_s, kMost32);
    if (name == "sie") return take_number(text, fill.stale_error_s, kMost32);
    if (name == "keep") return fill.may_keep = text == "yes", text == "yes" || text == "no";
    if (name == "key") return has_key = take_number(text, fill.key_hash, UINT64_MAX);
    return true;
  });
  if (!is_well || !has_seq || !has_age || !has_lifetime || !has_key) return std::nullopt;
  return fill;
}

std::optional<HopRefusal> parse_hop_refusal(std::string_view value) {
  std::optional<HopRefusal> refusal;
  const bool is_well = each_parameter(value, [&](std::string_view name, std::string_view text) {
    if (name != "refused") return true;
    const auto found = std::find(kRefusals.begin(), kRefusals.end(), text);
    if (found == kRefusals.end()) return false;
    refusal = static_cast<HopRefusal>(found - kRefusals.begin());
    return true;
  });
  return is_well ? refusal : std::nullopt;
}

}  // namespace meridian::wire
