#include "lib/http/etag.h"

#include "lib/http/message.h"

namespace meridian::http {
namespace {

// etagc of RFC 9110 section 8.8.3: visible ASCII but the quote, and obs-text.
bool is_etag_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

// Takes one entity tag off the front of `text`.
std::optional<EntityTag> take_etag(std::string_view& text) {
  EntityTag tag;
  std::size_t i = 0;
  if (text.substr(0, 2) == "W/") tag.weak = true, i = 2;
  if (i >= text.size() || text[i] != '"') return std::nullopt;
  const std::size_t begin = ++i;
  while (i < text.size() && is_etag_char(text[i])) ++i;
  if (i >= text.size() || text[i] != '"') return std::nullopt;
  tag.opaque = text.substr(begin, i - begin);
  text.remove_prefix(i + 1);
  return tag;
}

void skip_ows(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

}  // namespace

std::optional<EntityTag> parse_etag(std::string_view text) {
  const std::optional<EntityTag> tag = take_etag(text);
  return tag && text.empty() ? tag : std::nullopt;
}

// Not by for_each_member(): in an entity tag a backslash is a character like any other.
bool etag_list_has(std::string_view list, std::string_view etag, EtagComparison comparison) {
  const std::optional<EntityTag> own = parse_etag(etag);
  while (!list.empty()) {
    skip_ows(list);
    std::string_view rest = list;
    std::optional<EntityTag> member = take_etag(rest);
    skip_ows(rest);
    if (member && (rest.empty() || rest.front() == ',')) {
      if (own &&
          (comparison == EtagComparison::kStrong ? strong_match(*own, *member) : weak_match(*own, *member))) {
        return true;
      }
      list = rest;
    } else {
      // Behind a tag with junk the member goes on to the next comma; without a tag, it begins at the front.
      const std::string_view junk = member ? rest : list;
      const std::string_view raw = junk.substr(0, junk.find(','));
      if (!own && !member && !etag.empty() && comparison == EtagComparison::kWeak && trim(raw) == etag)
        return true;
      list = junk.substr(raw.size());
    }
    if (!list.empty()) list.remove_prefix(1);
  }
  return false;
}

}  // namespace meridian::http
