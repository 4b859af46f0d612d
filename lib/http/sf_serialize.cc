#include <cstdlib>

#include "lib/http/sf.h"

// The serialisation algorithms of RFC 8941 section 4.1.
namespace meridian::http::sf {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alpha(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

bool put_key(std::string_view key, std::string& to) {
  if (key.empty() || !(is_lower(key[0]) || key[0] == '*')) return false;
  for (char c : key) {
    if (!is_lower(c) && !is_digit(c) && c != '_' && c != '-' && c != '.' && c != '*') return false;
  }
  to += key;
  return true;
}

bool put_decimal(std::int64_t thousandths, std::string& to) {
  if (std::abs(thousandths) > kMaxInteger) return false;
  if (thousandths < 0) to += '-';
  const std::int64_t magnitude = std::abs(thousandths);
  to += std::to_string(magnitude / 1000);
  std::string fraction = std::to_string(1000 + magnitude % 1000).substr(1);
  while (fraction.size() > 1 && fraction.back() == '0') fraction.pop_back();
  to += '.';
  to += fraction;
  return true;
}

bool put_string(std::string_view text, std::string& to) {
  to += '"';
  for (char c : text) {
    if (c < 0x20 || c > 0x7e) return false;
    if (c == '"' || c == '\\') to += '\\';
    to += c;
  }
  to += '"';
  return true;
}

bool put_token(std::string_view text, std::string& to) {
  if (text.empty() || !(is_alpha(text[0]) || text[0] == '*')) return false;
  for (char c : text) {
    if (!is_alpha(c) && !is_digit(c) &&
        std::string_view("!#$%&'*+-.^_`|~:/").find(c) == std::string_view::npos) {
      return false;
    }
  }
  to += text;
  return true;
}

bool put_bytes(std::string_view bytes, std::string& to) {
  static constexpr char kSymbols[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  to += ':';
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const auto byte = [&](std::size_t k) {
      return k < left ? static_cast<unsigned>(static_cast<unsigned char>(bytes[i + k])) : 0U;
    };
    const unsigned group = byte(0) << 16U | byte(1) << 8U | byte(2);
    to += kSymbols[group >> 18U & 63U];
    to += kSymbols[group >> 12U & 63U];
    to += left > 1 ? kSymbols[group >> 6U & 63U] : '=';
    to += left > 2 ? kSymbols[group & 63U] : '=';
  }
  to += ':';
  return true;
}

bool put(const BareItem& value, std::string& to) {
  switch (value.type()) {
    case BareItem::Type::kInteger:
      if (std::abs(value.number()) > kMaxInteger) return false;
      to += std::to_string(value.number());
      return true;
    case BareItem::Type::kDecimal:
      return put_decimal(value.number(), to);
    case BareItem::Type::kString:
      return put_string(value.text(), to);
    case BareItem::Type::kToken:
      return put_token(value.text(), to);
    case BareItem::Type::kBytes:
      return put_bytes(value.text(), to);
    case BareItem::Type::kBoolean:
      to += value.number() != 0 ? "?1" : "?0";
      return true;
  }
  return false;
}

bool put(const Parameters& parameters, std::string& to) {
  for (const Parameter& parameter : parameters) {
    to += ';';
    if (!put_key(parameter.key, to)) return false;
    if (parameter.value.is_true()) continue;
    to += '=';
    if (!put(parameter.value, to)) return false;
  }
  return true;
}

bool put(const Item& item, std::string& to) { return put(item.value, to) && put(item.parameters, to); }

bool put(const Member& member, std::string& to) {
  if (!member.is_inner_list) return put(member.value, to) && put(member.parameters, to);
  to += '(';
  for (std::size_t i = 0; i < member.items.size(); ++i) {
    if (i > 0) to += ' ';
    if (!put(member.items[i], to)) return false;
  }
  to += ')';
  return put(member.parameters, to);
}

bool put(const List& list, std::string& to) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0) to += ", ";
    if (!put(list[i], to)) return false;
  }
  return true;
}

bool put(const Dictionary& dictionary, std::string& to) {
  for (std::size_t i = 0; i < dictionary.size(); ++i) {
    if (i > 0) to += ", ";
    const Member& member = dictionary[i].member;
    if (!put_key(dictionary[i].key, to)) return false;
    if (!member.is_inner_list && member.value.is_true()) {
      if (!put(member.parameters, to)) return false;
      continue;
    }
    to += '=';
    if (!put(member, to)) return false;
  }
  return true;
}

template <class T>
std::optional<std::string> text_of(const T& value) {
  std::string text;
  if (!put(value, text)) return std::nullopt;
  return text;
}

}  // namespace

std::optional<std::string> serialize(const BareItem& value) { return text_of(value); }
std::optional<std::string> serialize(const Item& item) { return text_of(item); }
std::optional<std::string> serialize(const List& list) { return text_of(list); }
std::optional<std::string> serialize(const Dictionary& dictionary) { return text_of(dictionary); }

}  // namespace meridian::http::sf
