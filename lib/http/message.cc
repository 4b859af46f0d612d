#include "lib/http/message.h"

#include <algorithm>

#include "lib/http/chars.h"

namespace meridian::http {
namespace {

struct KnownMethod {
  std::string_view name;
  Method method;
};
constexpr KnownMethod kMethods[] = {
    {"GET", Method::kGet},         {"HEAD", Method::kHead},     {"POST", Method::kPost},
    {"PUT", Method::kPut},         {"DELETE", Method::kDelete}, {"CONNECT", Method::kConnect},
    {"OPTIONS", Method::kOptions}, {"TRACE", Method::kTrace},   {"PATCH", Method::kPatch},
    {"PURGE", Method::kPurge},
};

template <class Same>
std::string_view joined(const FieldList& fields, const Field* first, std::string& scratch, Same same) {
  if (first == nullptr) return {};
  bool several = false;
  for (const Field& field : fields) {
    if (&field == first || !same(field)) continue;
    if (!several) scratch.assign(first->value);
    several = true;
    scratch.append(", ").append(field.value);
  }
  return several ? std::string_view(scratch) : first->value;
}

// Copies what views show into one string and points them there. Known names need no copy: they are static.
class Keeper {
 public:
  explicit Keeper(std::string& to) : to_(to) {}
  void keep(std::string_view& view) {
    const std::size_t offset = to_.size();
    to_.append(view);
    view = std::string_view(to_.data() + offset, view.size());
  }
  void keep(FieldList& fields) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      Field& field = fields.at(i);
      if (field.id != FieldId::kOther && field.name == field_name(field.id))
        field.name = field_name(field.id);
      else
        keep(field.name);
      keep(field.value);
    }
  }

 private:
  std::string& to_;
};

std::size_t bytes_of(const FieldList& fields) {
  std::size_t total = 0;
  for (const Field& field : fields) total += field.name.size() + field.value.size();
  return total;
}

}  // namespace

void FieldList::remove(FieldId id) {
  if (!has(id) || id == FieldId::kOther) return;
  keep_if([id](const Field& field) { return field.id != id; });
}

void FieldList::remove(std::string_view name) {
  const FieldId id = field_id(name);
  if (id != FieldId::kOther) return remove(id);
  keep_if([name](const Field& field) {
    return field.id != FieldId::kOther || !equals_ignoring_case(field.name, name);
  });
}

const Field* FieldList::find(FieldId id) const {
  if (!has(id)) return nullptr;
  for (const Field& field : fields_) {
    if (field.id == id) return &field;
  }
  return nullptr;
}

const Field* FieldList::find(std::string_view name) const {
  const FieldId id = field_id(name);
  if (id != FieldId::kOther) return find(id);
  if (!has(FieldId::kOther)) return nullptr;
  for (const Field& field : fields_) {
    if (field.id == FieldId::kOther && equals_ignoring_case(field.name, name)) return &field;
  }
  return nullptr;
}

std::size_t FieldList::count(FieldId id) const {
  if (!has(id)) return 0;
  return static_cast<std::size_t>(
      std::count_if(fields_.begin(), fields_.end(), [id](const Field& field) { return field.id == id; }));
}

std::string_view FieldList::combined(FieldId id, std::string& scratch) const {
  return joined(*this, find(id), scratch, [id](const Field& field) { return field.id == id; });
}

std::string_view FieldList::combined(std::string_view name, std::string& scratch) const {
  const FieldId id = field_id(name);
  if (id != FieldId::kOther) return combined(id, scratch);
  return joined(*this, find(name), scratch, [name](const Field& field) {
    return field.id == FieldId::kOther && equals_ignoring_case(field.name, name);
  });
}

Method method_of(std::string_view name) {
  for (const KnownMethod& known : kMethods) {
    if (known.name == name) return known.method;
  }
  return Method::kOther;
}

bool is_safe(Method method) {
  return method == Method::kGet || method == Method::kHead || method == Method::kOptions ||
         method == Method::kTrace;
}

bool is_idempotent(Method method) {
  return is_safe(method) || method == Method::kPut || method == Method::kDelete;
}

// The string is reserved in one go, as views into it must not move while it grows.
OwnedRequest::OwnedRequest(const RequestHead& head) : head_(head) {
  bytes_.reserve(head.method_name.size() + head.scheme.size() + head.authority.size() + head.path.size() +
                 bytes_of(head.fields));
  Keeper keeper(bytes_);
  keeper.keep(head_.method_name);
  keeper.keep(head_.scheme);
  keeper.keep(head_.authority);
  keeper.keep(head_.path);
  keeper.keep(head_.fields);
}

OwnedResponse::OwnedResponse(const ResponseHead& head) : head_(head) {
  bytes_.reserve(head.reason.size() + bytes_of(head.fields));
  Keeper keeper(bytes_);
  keeper.keep(head_.reason);
  keeper.keep(head_.fields);
}

void append_field(std::string& block, std::string_view name, std::string_view value) {
  const std::size_t at = block.size();
  block.resize(at + name.size() + value.size() + 4);
  char* to = std::copy_n(name.data(), name.size(), block.data() + at);
  *to++ = ':', *to++ = ' ';
  to = std::copy_n(value.data(), value.size(), to);
  *to++ = '\r', *to = '\n';
}

std::string_view version_name(Version version) {
  switch (version) {
    case Version::kHttp10:
      return "HTTP/1.0";
    case Version::kHttp11:
      return "HTTP/1.1";
    case Version::kHttp2:
      return "HTTP/2";
  }
  return "";
}

void parse_block(std::string_view block, FieldList& to) {
  while (!block.empty()) {
    const std::size_t colon = block.find(':');
    if (colon == std::string_view::npos) return;
    const std::size_t end = std::min(block.find('\r', colon), block.size());
    to.add(block.substr(0, colon), trim(block.substr(colon + 1, end - colon - 1)));
    block.remove_prefix(std::min(end + 2, block.size()));
  }
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool list_has(std::string_view list, std::string_view token) {
  bool found = false;
  for_each_member(list, [&](std::string_view member) {
    found = equals_ignoring_case(member, token);
    return !found;
  });
  return found;
}

}  // namespace meridian::http
