#include <nlohmann/json.hpp>

#include "lib/base/check.h"
#include "lib/wire/json.h"

// Our JSON reader beside another one: what ours takes, the other takes too and understands alike; and it is
// written so that it reads the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using meridian::wire::Json;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const meridian::Result<Json> json = Json::parse(text);
  if (!json) return 0;
  const std::string written = json->to_text();
  const meridian::Result<Json> again = Json::parse(written);
  CHECK(again && again->to_text() == written);
  const auto other = nlohmann::json::parse(text, nullptr, false);
  // A number beyond the range of a double is refused there, and is text here.
  if (other.is_discarded()) {
    CHECK(text.find_first_of("eE0123456789") != std::string_view::npos);
    return 0;
  }
  CHECK(other == nlohmann::json::parse(written, nullptr, false));
  return 0;
}
