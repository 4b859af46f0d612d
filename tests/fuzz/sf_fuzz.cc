#include "lib/base/check.h"
#include "lib/http/sf.h"

// Structured fields: whatever parses has a canonical form that means the same.
namespace {

template <class T, class Parse>
void check(std::string_view text, const Parse& parse) {
  const std::optional<T> value = parse(text);
  if (!value) return;
  const std::optional<std::string> canonical = meridian::http::sf::serialize(*value);
  CHECK(canonical.has_value());
  const std::optional<T> again = parse(*canonical);
  CHECK(again.has_value() && *again == *value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace sf = meridian::http::sf;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check<sf::Item>(text, sf::parse_item);
  check<sf::List>(text, sf::parse_list);
  check<sf::Dictionary>(text, sf::parse_dictionary);
  return 0;
}
