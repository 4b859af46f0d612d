#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace meridian::wire {

// One member of CDN-Loop (RFC 8586 section 2): `cdn-id *( OWS ";" OWS parameter )`.
struct CdnInfo {
  std::string_view id;          // a host with or without port, or a pseudonym
  std::string_view parameters;  // as ParameterReader takes them; checked
};

// Takes members off the front of a CDN-Loop field (for several lines their values joined by ", "). Strict, so
// that a comma within quotes hides no member and makes none.
class CdnLoopReader {
 public:
  explicit CdnLoopReader(std::string_view field) : rest_(field) {}
  // Nothing at the end, or when it is broken.
  std::optional<CdnInfo> next();
  bool is_broken() const { return is_broken_; }

 private:
  std::string_view rest_;
  bool is_broken_ = false;
};

// How often `id` has had the request already, without regard to case. A field that breaks the grammar is
// nobody's word: nothing, and such a request is best refused.
std::optional<std::size_t> count_in_cdn_loop(std::string_view field, std::string_view id);
// The field with one more member at its end.
std::string with_cdn_info(std::string_view field, std::string_view id);

}  // namespace meridian::wire
