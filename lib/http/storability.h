#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/freshness.h"
#include "lib/http/message.h"
#include "lib/http/stored.h"

// May a response be stored, how long does it live, and what must not be stored with it (RFC 9111 section 3).
namespace meridian::http {

enum class NotStored : std::uint8_t {
#define NOT_STORED(id, token, explanation) id,
#include "lib/http/not_stored.def"
#undef NOT_STORED
};
std::string_view token_of(NotStored reason);
std::string_view explanation_of(NotStored reason);

// Set-Cookie does not forbid storing (RFC 9111 section 7.3), yet a response made cacheable by accident would
// hand one visitor's session to all. So by default it is stored only when the origin itself states a
// lifetime, never by heuristics or by a lifetime of our policy.
enum class SetCookiePolicy : std::uint8_t {
  kExplicit,  // stored when the origin gives an explicit lifetime
  kPublic,    // stored only with public, s-maxage or a targeted field
  kNever,     // never stored
  kStrip,     // stored without its Set-Cookie
};

struct StorePolicy {
  FreshnessPolicy freshness;
  SetCookiePolicy set_cookie = SetCookiePolicy::kExplicit;
  bool honour_request_no_store = true;
  bool store_partial = true;  // a single-range 206 with a good Content-Range
  // A 400 may be the fault of one client's header; it is stored only with an explicit lifetime, and no longer
  // than this.
  std::int64_t bad_request_max_s = 60;
  // A request with a field value longer than this is suspect when an error answers it.
  std::size_t plain_value_bytes = 1024;
  std::size_t plain_header_bytes = 8192;
  std::size_t vary_names_max = 8;
};

struct StoreInput {
  const RequestHead& request;  // as the client sent it
  const ResponseHead& response;
  bool request_has_body = false;
  std::int64_t response_time_s = 0;    // wall clock
  std::int64_t response_delay_ms = 0;  // from sending the request to the response's head
  // `response` is a stored response as a 304 or a response to HEAD has updated it (RFC 9111
  // sections 4.3.4, 4.3.5): the request may be a HEAD, and a 206 may stand without a Range.
  bool is_update = false;
};

struct StoreDecision {
  NotStored reason = NotStored::kNone;
  bool store() const { return reason == NotStored::kNone; }
  StoredTimes times;
  bool partial = false;  // a 206
  LifetimeSource lifetime_source = LifetimeSource::kNone;
  // Names of fields that must not be stored: no-cache="x", private="x", a stripped Set-Cookie. Hop-by-hop
  // fields are not named here: see forwarding.h.
  std::vector<std::string> strip;
};

StoreDecision decide_store(const StoreInput& input, const StorePolicy& policy);

// An error that answers a request with an overlong or odd field, or with a method override, may be that
// field's fault, and the key does not hold it.
bool is_plain_request(const RequestHead& request, const StorePolicy& policy);

// Statuses whose meaning for caches we know (RFC 9110 section 15), for must-understand.
bool status_understood(int status);

}  // namespace meridian::http
