#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/wire/json.h"

namespace meridian::control {

// What a token lets its holder do; each role may do all that the ones before it may.
enum class Role : std::uint8_t {
  kViewer,    // look at everything
  kPurger,    // and purge, perhaps only some sites
  kOperator,  // and change what is running
  kAdmin,     // and make tokens
};
std::string_view name_of(Role role);

// A token as the log has it: its text is known to its holder alone.
struct Token {
  std::string id;    // 16 hex digits: the part of the text that is no secret
  std::string name;  // of whoever holds it, for the audit
  Role role = Role::kViewer;
  std::vector<std::string> sites;  // of a purger: the only ones; empty: all
  std::string digest;              // SHA-256 of the whole text, in hex
  std::uint64_t seq = 0;           // of the entry that made it
  bool operator==(const Token&) const = default;
};

inline constexpr std::size_t kMostTokens = 10'000;
inline constexpr std::size_t kMostTokenSites = 64;

// A new token: what its holder gets, and what is kept of it. The text is "mer_", the id and 48 random hex
// digits (192 bits), so that a plain digest keeps it safe.
struct NewToken {
  std::string text;
  Token token;
};
NewToken make_token(std::string name, Role role, std::vector<std::string> sites);

// The id in a token's text; "" when it does not look like one.
std::string_view token_id(std::string_view text);
// In a time that does not depend on how much of the text is right.
bool is_text_of(const Token& token, std::string_view text);

// The payload of an entry of kind "token". Its seq is the entry's.
std::string serialize(const Token& token);
[[nodiscard]] Result<Token> parse_token(const wire::Json& json);
[[nodiscard]] Result<Role> parse_role(std::string_view text);
// Printable, for the audit: no control characters, not empty, not too long.
bool is_token_name(std::string_view name);

}  // namespace meridian::control
