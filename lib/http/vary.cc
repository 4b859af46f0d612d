#include "lib/http/vary.h"

#include <algorithm>

#include "lib/http/http1.h"

namespace meridian::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

void append_lower(std::string_view text, std::string& to) {
  for (char c : text) to += lower(c);
}

// Fields with one value in which a comma is only a comma: white space around it may mean something.
bool is_single_valued(FieldId id) {
  switch (id) {
    case FieldId::kAuthorization:
    case FieldId::kCookie:
    case FieldId::kHost:
    case FieldId::kOrigin:
    case FieldId::kReferer:
    case FieldId::kUserAgent:
      return true;
    default:
      return false;
  }
}

bool is_quoted(std::string_view member) {
  return member.size() >= 2 && member.front() == '"' && member.find('"', 1) == member.size() - 1;
}

// RFC 9111 section 4.1 lets white space be changed where the field's syntax allows it. Of these fields we
// know that they are lists; one that we do not know is taken for a list when it looks like nothing else.
bool is_list(FieldId id, std::string_view line) {
  switch (id) {
    case FieldId::kAccept:
    case FieldId::kAcceptEncoding:
    case FieldId::kAcceptLanguage:
    case FieldId::kCacheControl:
    case FieldId::kConnection:
    case FieldId::kPragma:
    case FieldId::kVia:
      return true;
    default:
      break;
  }
  bool plain = !is_single_valued(id);
  for_each_member(line, [&](std::string_view member) {
    plain = plain && (is_token(member) || is_quoted(member));
    return plain;
  });
  return plain;
}

// Calls for each line of the field and says whether there was one; names that are not in the table are
// compared letter by letter.
template <class Fn>
bool for_each_line(const FieldList& fields, FieldId id, std::string_view name, const Fn& fn) {
  bool found = false;
  if (id != FieldId::kOther && !fields.has(id)) return false;
  for (const Field& field : fields) {
    if (field.id != id || (id == FieldId::kOther && !equals_ignoring_case(field.name, name))) continue;
    found = true;
    fn(field.value);
  }
  return found;
}

// A quality value of zero, however many digits it has (RFC 9110 section 12.4.2).
bool weighs_nothing(std::string_view parameters) {
  bool nothing = false;
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(';'), parameters.size());
    const std::string_view parameter = trim(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    if (parameter.size() < 3 || lower(parameter[0]) != 'q' || parameter[1] != '=') continue;
    nothing = parameter.find_first_not_of("0.", 2) == std::string_view::npos;
  }
  return nothing;
}

std::string_view member_name(std::string_view member) { return trim(member.substr(0, member.find(';'))); }
std::string_view member_parameters(std::string_view member) {
  const std::size_t semicolon = member.find(';');
  return semicolon == std::string_view::npos ? std::string_view() : member.substr(semicolon + 1);
}

// Which of the policy's encodings a request takes, as a set of bits by position; found in one pass.
class EncodingSet {
 public:
  explicit EncodingSet(const std::vector<std::string>& known) : known_(known) {}

  void add_line(std::string_view accept_encoding) {
    for_each_member(accept_encoding, [&](std::string_view member) {
      add(member_name(member), !weighs_nothing(member_parameters(member)));
      return true;
    });
  }

  void append_to(std::string& to) const {
    const std::size_t begin = to.size();
    for (std::size_t i = 0; i < known_.size() && i < kBits; ++i) {
      const std::uint64_t bit = std::uint64_t{1} << i;
      if ((accepted_ & bit) == 0 && !(star_ == Star::kTaken && (named_ & bit) == 0)) continue;
      if (to.size() > begin) to += ',';
      to += known_[i];
    }
    const bool plain = identity_named_ ? identity_taken_ : star_ != Star::kRefused;
    if (to.size() == begin)
      to += plain ? "identity" : "identity;q=0";
    else if (!plain)
      to += ",identity;q=0";
  }

 private:
  static constexpr std::size_t kBits = 64;
  enum class Star : std::uint8_t { kAbsent, kTaken, kRefused };

  void add(std::string_view coding, bool taken) {
    if (coding == "*") {
      star_ = taken ? Star::kTaken : Star::kRefused;
    } else if (equals_ignoring_case(coding, "identity")) {
      identity_named_ = true, identity_taken_ = taken;
    } else {
      if (equals_ignoring_case(coding, "x-gzip")) coding = "gzip";
      for (std::size_t i = 0; i < known_.size() && i < kBits; ++i) {
        if (!equals_ignoring_case(known_[i], coding)) continue;
        named_ |= std::uint64_t{1} << i;
        if (taken) accepted_ |= std::uint64_t{1} << i;
      }
    }
  }

  const std::vector<std::string>& known_;
  std::uint64_t named_ = 0, accepted_ = 0;
  Star star_ = Star::kAbsent;
  bool identity_named_ = false, identity_taken_ = false;
};

void append_member(std::string_view member, bool lower_case, std::size_t begin, std::string& to) {
  if (to.size() > begin) to += ',';
  if (!lower_case) {
    to += member;
    return;
  }
  for (char c : member) {
    if (c != ' ' && c != '\t') to += lower(c);
  }
}

// Thousandths; 1000 where there is no weight.
int weight_of(std::string_view member) {
  const std::size_t q = member.find(";q=");
  if (q == std::string_view::npos) return 1000;
  std::string_view text = member.substr(q + 3);
  int weight = 0;
  int scale = 1000;
  for (char c : text) {
    if (c == '.') continue;
    if (c < '0' || c > '9' || scale == 0) break;
    weight += (c - '0') * scale;
    scale /= 10;
  }
  return weight;
}

// Members of the same weight in the order of the alphabet; heavier ones first.
void sort_members(std::size_t begin, std::string& text) {
  std::vector<std::string> members;
  for_each_member(std::string_view(text).substr(begin), [&](std::string_view member) {
    members.emplace_back(member);
    return true;
  });
  std::sort(members.begin(), members.end(), [](const std::string& a, const std::string& b) {
    const int left = weight_of(a);
    const int right = weight_of(b);
    return left != right ? left > right : a < b;
  });
  text.resize(begin);
  for (const std::string& member : members) append_member(member, false, begin, text);
}

// False when the request has no such field.
bool append_value(const FieldList& request, FieldId id, std::string_view name, const VaryPolicy& policy,
                  std::string& key) {
  const std::size_t begin = key.size();
  if (id == FieldId::kAcceptEncoding && !policy.encodings.empty()) {
    EncodingSet encodings(policy.encodings);
    if (!for_each_line(request, id, name, [&](std::string_view line) { encodings.add_line(line); }))
      return false;
    encodings.append_to(key);
    return true;
  }
  const bool found = for_each_line(request, id, name, [&](std::string_view line) {
    if (!is_list(id, line)) return append_member(line, false, begin, key);
    for_each_member(line, [&](std::string_view member) {
      append_member(member, id == FieldId::kAcceptLanguage, begin, key);
      return true;
    });
  });
  if (id == FieldId::kAcceptLanguage && policy.sort_languages) sort_members(begin, key);
  return found;
}

}  // namespace

VaryKind parse_vary(const FieldList& response, const VaryPolicy& policy, std::string& names) {
  names.clear();
  if (!response.has(FieldId::kVary)) return VaryKind::kNone;
  std::vector<std::string> found;
  VaryKind kind = VaryKind::kNames;
  for (const Field& field : response) {
    if (field.id != FieldId::kVary) continue;
    for_each_member(field.value, [&](std::string_view name) {
      if (name == "*")
        kind = VaryKind::kStar;
      else if (!is_token(name) && kind != VaryKind::kStar)
        kind = VaryKind::kTooMany;
      append_lower(name, found.emplace_back());
      return true;
    });
  }
  if (kind != VaryKind::kNames) return kind;
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  if (found.size() > policy.names_max) return VaryKind::kTooMany;
  for (const std::string& name : found) append_member(name, false, 0, names);
  return found.empty() ? VaryKind::kNone : VaryKind::kNames;
}

void append_variant(std::string_view names, const FieldList& request, const VaryPolicy& policy,
                    std::string& key) {
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(','), names.size());
    const std::string_view name = names.substr(0, end);
    names.remove_prefix(std::min(end + 1, names.size()));
    const FieldId id = field_id(name);
    key += '\n';
    key += name;
    key += ':';
    if (!append_value(request, id, name, policy, key)) key.pop_back();
  }
}

void append_reduced_encoding(std::string_view accept_encoding, const VaryPolicy& policy, std::string& to) {
  EncodingSet encodings(policy.encodings);
  encodings.add_line(accept_encoding);
  encodings.append_to(to);
}

}  // namespace meridian::http
