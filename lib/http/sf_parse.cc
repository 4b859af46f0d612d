#include "lib/http/sf.h"

// The parsing algorithms of RFC 8941 section 4.2, each function named after its subsection.
namespace meridian::http::sf {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alpha(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
bool is_key_char(char c) {
  return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
}
bool is_token_char(char c) {
  return is_alpha(c) || is_digit(c) ||
         std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos;
}

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (is_lower(c)) return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

// Section 4.2.7: missing padding and non-zero pad bits pass, as that section advises; anything else must be
// base64.
bool decode_base64(std::string_view text, std::string& out) {
  std::size_t symbols = text.size();
  while (symbols > 0 && text[symbols - 1] == '=') --symbols;
  const std::size_t padding = text.size() - symbols;
  if (padding > 2 || symbols % 4 == 1 || (padding > 0 && text.size() % 4 != 0)) return false;
  unsigned bits = 0;
  unsigned held = 0;
  for (char c : text.substr(0, symbols)) {
    const int value = base64_value(c);
    if (value < 0) return false;
    bits = (bits << 6U | static_cast<unsigned>(value)) & 0xFFFFU;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<char>(bits >> held & 0xFFU));
    }
  }
  return true;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { skip_spaces(); }

  bool at_end() const { return pos_ == text_.size(); }
  bool at_end_after_spaces() {
    skip_spaces();
    return at_end();
  }

  bool item(Item& to) { return bare_item(to.value) && parameters(to.parameters); }

  // Section 4.2.1.
  bool list(List& to) {
    while (!at_end()) {
      if (to.size() == kMaxMembers || !member(to.emplace_back())) return false;
      if (!next_member()) return false;
    }
    return true;
  }

  // Section 4.2.2.
  bool dictionary(Dictionary& to) {
    while (!at_end()) {
      std::string key;
      Member value;
      if (!parse_key(key)) return false;
      if (take('=')) {
        if (!member(value)) return false;
      } else if (!parameters(value.parameters)) {
        return false;
      }
      if (!put(to, std::move(key), std::move(value)) || !next_member()) return false;
    }
    return true;
  }

 private:
  char peek() const { return at_end() ? '\0' : text_[pos_]; }
  bool take(char c) {
    if (at_end() || text_[pos_] != c) return false;
    ++pos_;
    return true;
  }
  void skip_spaces() {
    while (peek() == ' ') ++pos_;
  }
  void skip_ows() {
    while (peek() == ' ' || peek() == '\t') ++pos_;
  }

  // Between members: the end, or a comma with another member behind it.
  bool next_member() {
    skip_ows();
    if (at_end()) return true;
    if (!take(',')) return false;
    skip_ows();
    return !at_end();
  }

  static bool put(Dictionary& to, std::string key, Member value) {
    for (Entry& entry : to) {
      if (entry.key != key) continue;
      entry.member = std::move(value);
      return true;
    }
    if (to.size() == kMaxMembers) return false;
    to.push_back({std::move(key), std::move(value)});
    return true;
  }

  bool member(Member& to) {
    if (peek() == '(') return inner_list(to);
    return bare_item(to.value) && parameters(to.parameters);
  }

  // Section 4.2.1.2.
  bool inner_list(Member& to) {
    to.is_inner_list = true;
    ++pos_;
    while (!at_end()) {
      skip_spaces();
      if (take(')')) return parameters(to.parameters);
      if (to.items.size() == kMaxInnerItems || !item(to.items.emplace_back())) return false;
      if (peek() != ' ' && peek() != ')') return false;
    }
    return false;
  }

  // Section 4.2.3.2.
  bool parameters(Parameters& to) {
    while (take(';')) {
      skip_spaces();
      Parameter parameter;
      if (!parse_key(parameter.key)) return false;
      if (take('=') && !bare_item(parameter.value)) return false;
      bool replaced = false;
      for (Parameter& earlier : to) {
        if (earlier.key != parameter.key) continue;
        earlier.value = std::move(parameter.value);
        replaced = true;
        break;
      }
      if (replaced) continue;
      if (to.size() == kMaxParameters) return false;
      to.push_back(std::move(parameter));
    }
    return true;
  }

  // Section 4.2.3.3.
  bool parse_key(std::string& to) {
    if (!is_lower(peek()) && peek() != '*') return false;
    const std::size_t begin = pos_;
    while (!at_end() && is_key_char(text_[pos_])) ++pos_;
    to.assign(text_.substr(begin, pos_ - begin));
    return true;
  }

  // Section 4.2.3.1.
  bool bare_item(BareItem& to) {
    const char c = peek();
    if (c == '-' || is_digit(c)) return number(to);
    if (c == '"') return string(to);
    if (c == ':') return bytes(to);
    if (c == '?') return boolean(to);
    if (c == '*' || is_alpha(c)) return token(to);
    return false;
  }

  // Section 4.2.4: up to 15 digits, or up to 12 with one to three behind a point.
  bool number(BareItem& to) {
    const bool negative = take('-');
    const std::size_t begin = pos_;
    std::int64_t value = 0;
    while (is_digit(peek())) {
      if (pos_ - begin == 15) return false;
      value = value * 10 + (text_[pos_++] - '0');
    }
    const std::size_t digits = pos_ - begin;
    if (digits == 0) return false;
    const std::int64_t sign = negative ? -1 : 1;
    if (!take('.')) {
      to = BareItem::integer(sign * value);
      return true;
    }
    if (digits > 12) return false;
    std::size_t fraction = 0;
    while (is_digit(peek())) {
      if (++fraction > 3) return false;
      value = value * 10 + (text_[pos_++] - '0');
    }
    if (fraction == 0) return false;
    for (; fraction < 3; ++fraction) value *= 10;
    to = BareItem::decimal_thousandths(sign * value);
    return true;
  }

  // Section 4.2.5.
  bool string(BareItem& to) {
    ++pos_;
    std::string value;
    while (!at_end()) {
      char c = text_[pos_++];
      if (c == '"') {
        to = BareItem::string(std::move(value));
        return true;
      }
      if (c == '\\') {
        if (peek() != '"' && peek() != '\\') return false;
        c = text_[pos_++];
      } else if (c < 0x20 || c > 0x7e) {
        return false;
      }
      value.push_back(c);
    }
    return false;
  }

  // Section 4.2.6.
  bool token(BareItem& to) {
    const std::size_t begin = pos_++;
    while (!at_end() && is_token_char(text_[pos_])) ++pos_;
    to = BareItem::token(std::string(text_.substr(begin, pos_ - begin)));
    return true;
  }

  bool bytes(BareItem& to) {
    const std::size_t end = text_.find(':', pos_ + 1);
    if (end == std::string_view::npos) return false;
    std::string value;
    if (!decode_base64(text_.substr(pos_ + 1, end - pos_ - 1), value)) return false;
    pos_ = end + 1;
    to = BareItem::bytes(std::move(value));
    return true;
  }

  // Section 4.2.8.
  bool boolean(BareItem& to) {
    ++pos_;
    if (peek() != '0' && peek() != '1') return false;
    to = BareItem::boolean(text_[pos_++] == '1');
    return true;
  }

  std::string_view text_;
  std::size_t pos_ = 0;
};

}  // namespace

const BareItem* find(const Parameters& parameters, std::string_view key) {
  for (const Parameter& parameter : parameters) {
    if (parameter.key == key) return &parameter.value;
  }
  return nullptr;
}

const Member* find(const Dictionary& dictionary, std::string_view key) {
  for (const Entry& entry : dictionary) {
    if (entry.key == key) return &entry.member;
  }
  return nullptr;
}

std::optional<Item> parse_item(std::string_view text) {
  Parser parser(text);
  Item item;
  if (!parser.item(item) || !parser.at_end_after_spaces()) return std::nullopt;
  return item;
}

std::optional<List> parse_list(std::string_view text) {
  Parser parser(text);
  List list;
  if (!parser.list(list) || !parser.at_end_after_spaces()) return std::nullopt;
  return list;
}

std::optional<Dictionary> parse_dictionary(std::string_view text) {
  Parser parser(text);
  Dictionary dictionary;
  if (!parser.dictionary(dictionary) || !parser.at_end_after_spaces()) return std::nullopt;
  return dictionary;
}

}  // namespace meridian::http::sf
