#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/allowed.h"
#include "config/choices.h"
#include "config/kinds.h"

// Text to value and back for each kind, with no YAML in it. parse() gives nothing when the text is not of the
// kind; expected() then says in words what would be.
namespace meridian::config {

std::optional<std::uint64_t> parse(Bytes, std::string_view text);
std::optional<std::int64_t> parse(Milliseconds, std::string_view text);
std::optional<std::uint32_t> parse(Seconds, std::string_view text);
std::optional<unsigned> parse(Count, std::string_view text);
std::optional<double> parse(Share, std::string_view text);
std::optional<bool> parse(Flag, std::string_view text);
std::optional<std::string> parse(Text, std::string_view text);
std::optional<std::string> parse(Token, std::string_view text);  // "" too; see Allowed::may_be_empty
std::optional<std::string> parse(FilePath, std::string_view text);
std::optional<SocketAddress> parse(Address, std::string_view text);
std::optional<std::string> parse(Url, std::string_view text);  // scheme and host come out in lower case

// One member of a list kind.
std::optional<HostPattern> parse_member(Hosts, std::string_view text);
std::optional<Cidr> parse_member(Networks, std::string_view text);
std::optional<std::string> parse_member(Tokens, std::string_view text);
std::optional<std::string> parse_member(Texts, std::string_view text);
std::optional<WeightedServer> parse_member(Servers, std::string_view text);
// `status` and `ttl` as the key and the value of one line.
std::optional<int> parse_status(std::string_view text);

std::string_view expected(Bytes);
std::string_view expected(Milliseconds);
std::string_view expected(Seconds);
std::string_view expected(Count);
std::string_view expected(Share);
std::string_view expected(Flag);
std::string_view expected(Text);
std::string_view expected(Token);
std::string_view expected(FilePath);
std::string_view expected(Address);
std::string_view expected(Url);
std::string_view expected(Hosts);
std::string_view expected(Networks);
std::string_view expected(Tokens);
std::string_view expected(Texts);
std::string_view expected(Servers);
std::string_view expected(StatusTtls);

std::string show(Bytes, std::uint64_t value);
std::string show(Milliseconds, std::int64_t value);
std::string show(Seconds, std::uint32_t value);
std::string show(Count, unsigned value);
std::string show(Share, double value);
std::string show(Flag, bool value);
std::string show(const HostPattern& host);
std::string show(const WeightedServer& server);  // without its weight

template <class E>
std::optional<E> parse(Choice<E>, std::string_view text) {
  const auto names = names_of(E{});
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == text) return static_cast<E>(i);
  }
  return std::nullopt;
}
template <class E>
std::string expected(Choice<E>) {
  std::string words;
  for (std::string_view name : names_of(E{})) {
    if (!words.empty()) words += " | ";
    words += name;
  }
  return words;
}
template <class E>
std::string show(Choice<E>, E value) {
  return std::string(names_of(E{})[static_cast<std::size_t>(value)]);
}

// A kind of number, as far as bounds are concerned.
template <class Kind>
concept Numeric = std::is_same_v<Kind, Bytes> || std::is_same_v<Kind, Milliseconds> ||
    std::is_same_v<Kind, Seconds> || std::is_same_v<Kind, Count> || std::is_same_v<Kind, Share>;

template <Numeric Kind>
bool within(Kind, typename Kind::Value value, const Allowed& allowed) {
  const double number = static_cast<double>(value);
  return !allowed.bounded || (number >= allowed.least && number <= allowed.most);
}
// "a size such as 256MiB, between 1MiB and 16TiB".
template <class Kind>
std::string expected_within(Kind kind, const Allowed& allowed) {
  std::string words(expected(kind));
  if constexpr (Numeric<Kind>) {
    using Value = typename Kind::Value;
    if (allowed.bounded) {
      words += ", between " + show(kind, static_cast<Value>(allowed.least)) + " and " +
               show(kind, static_cast<Value>(allowed.most));
    }
  }
  return words;
}

}  // namespace meridian::config
