#include "lib/base/check.h"
#include "lib/http/cache_control.h"
#include "lib/http/http1.h"

// Cache directives in both syntaxes: seconds stay in range, and field names are names.
namespace {

using meridian::http::CacheControl;

void check_seconds(const std::optional<std::int64_t>& seconds) {
  CHECK(!seconds || (*seconds >= 0 && *seconds <= meridian::http::kMaxDeltaSeconds));
}

void check_directives(const CacheControl& control) {
  for (const auto& seconds : {control.max_age_s, control.s_maxage_s, control.stale_while_revalidate_s,
                              control.stale_if_error_s, control.max_stale_s, control.min_fresh_s}) {
    check_seconds(seconds);
  }
  for (const auto& names : {control.no_cache_fields, control.private_fields}) {
    for (const std::string& name : names) CHECK(meridian::http::is_token(name));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CacheControl control;
  meridian::http::parse_cache_control(text, control);
  check_directives(control);
  if (const auto targeted = meridian::http::parse_targeted(text)) check_directives(*targeted);
  return 0;
}
