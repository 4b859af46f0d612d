#include "origin/server/coding.h"

#include <algorithm>
#include <optional>

#include "lib/http/message.h"

namespace meridian::origin {
namespace {

// A weight in thousandths (RFC 9110 section 12.4.2); nothing when it is malformed.
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int thousandths = (text[0] - '0') * 1000;
  int place = 100;
  for (std::size_t i = 2; i < text.size(); ++i, place /= 10) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    thousandths += (text[i] - '0') * place;
  }
  return thousandths <= 1000 ? std::optional(thousandths) : std::nullopt;
}

struct Weighted {
  std::string_view coding;
  int weight = 1000;
};

// One member of the list; nothing when it is malformed and so says nothing.
std::optional<Weighted> parse_member(std::string_view member) {
  const std::size_t semicolon = member.find(';');
  Weighted parsed{http::trim(member.substr(0, semicolon)), 1000};
  if (semicolon == std::string_view::npos) return parsed;
  const std::string_view parameter = http::trim(member.substr(semicolon + 1));
  if (parameter.size() < 2 || !http::equals_ignoring_case(parameter.substr(0, 2), "q=")) return std::nullopt;
  const std::optional<int> weight = parse_weight(parameter.substr(2));
  if (!weight) return std::nullopt;
  parsed.weight = *weight;
  return parsed;
}

struct Weights {
  std::array<std::optional<int>, kCodings.size()> codings;
  std::optional<int> identity;
  std::optional<int> any;

  void take(const Weighted& member) {
    if (member.coding == "*") any = member.weight;
    if (http::equals_ignoring_case(member.coding, "identity")) identity = member.weight;
    for (std::size_t i = 0; i < kCodings.size(); ++i) {
      const bool old_name = kCodings[i].name == "gzip" && http::equals_ignoring_case(member.coding, "x-gzip");
      if (old_name || http::equals_ignoring_case(member.coding, kCodings[i].name)) codings[i] = member.weight;
    }
  }
  int of_coding(std::size_t i) const { return codings[i].value_or(any.value_or(0)); }
  // Named or not, the plain file loses only to codings that weigh at least as much.
  int of_identity() const { return identity.value_or(any.has_value() && *any == 0 ? 0 : 1); }
};

}  // namespace

std::vector<Coding> acceptable_codings(std::string_view accept) {
  Weights weights;
  http::for_each_member(accept, [&](std::string_view member) {
    if (const std::optional<Weighted> parsed = parse_member(member)) weights.take(*parsed);
    return true;
  });
  struct Choice {
    std::size_t index;
    int weight;
  };
  std::vector<Choice> choices;
  for (std::size_t i = 0; i < kCodings.size(); ++i) {
    const int weight = weights.of_coding(i);
    if (weight > 0 && weight >= weights.of_identity()) choices.push_back({i, weight});
  }
  std::stable_sort(choices.begin(), choices.end(),
                   [](const Choice& a, const Choice& b) { return a.weight > b.weight; });
  std::vector<Coding> codings;
  codings.reserve(choices.size());
  for (const Choice& choice : choices) codings.push_back(kCodings[choice.index]);
  return codings;
}

}  // namespace meridian::origin
