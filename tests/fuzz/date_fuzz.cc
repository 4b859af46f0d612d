#include "lib/base/check.h"
#include "lib/http/date.h"

// HTTP-date: what parses can be written and read back as the same second.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace http = meridian::http;
  constexpr std::int64_t kNow = 1'763'700'000;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::optional<std::int64_t> time = http::parse_http_date(text, kNow);
  if (!time) return 0;
  CHECK(size <= sizeof("Wednesday, 06-Nov-94 08:49:37 GMT"));
  char formatted[http::kHttpDateBytes];
  http::format_http_date(*time, formatted);
  // A leap second at the end of 9999 has no second of its own to be written as.
  const std::optional<std::int64_t> again = http::parse_http_date({formatted, http::kHttpDateBytes}, kNow);
  CHECK(again == *time || *time == 253402300800);
  return 0;
}
