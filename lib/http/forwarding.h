#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lib/http/hop_by_hop.h"
#include "lib/http/message.h"

// What an intermediary takes off a message and puts on it (RFC 9110 sections 7.6.2 and 7.6.3, RFC 7239, RFC
// 8586).
namespace meridian::http {

// --- to the origin

struct ForwardPolicy {
  std::string_view via_name = "meridian";  // pseudonym in Via and CDN-Loop: a token
  bool forwarded = true;                   // adds Forwarded (RFC 7239)
  bool x_forwarded = true;                 // adds X-Forwarded-For, -Proto, -Host, -Port
  // The client is on the list of trusted proxies: the addresses that it names, in X-Forwarded-For, Forwarded,
  // X-Real-IP and their like, are kept and added to. Otherwise all of that family is dropped: what a client
  // can set and the key does not hold must not reach the origin.
  bool trusted_client = false;
  // The answer may go to others. A trusted proxy hands on whatever its own clients say, so that of its word
  // too only what does not change the resource is believed. Host, scheme and port are always those of the
  // key.
  bool for_cache = true;
  // Between edges of one CDN it passes unchanged; who asks the origin adds the name.
  bool cdn_loop = true;
};

struct ForwardFacts {
  std::string_view client_address;  // without port; IPv6 without brackets
  std::string_view scheme;          // how the client reached us: "http" or "https"
  std::string_view host;            // the Host it asked for, perhaps with a port
  std::string_view request_id;      // "": none is added
};

// Fields that are dropped on the way to the origin unless the client is trusted: X-Forwarded-*, X-Real-IP,
// Forwarded, X-Original-URL, X-Rewrite-URL, X-HTTP-Method-Override and their like.
bool is_untrusted_forwarding_field(const Field& field);

// Appends all fields of the request that go to the origin: end-to-end ones without `without`, then Via, the
// forwarding family, CDN-Loop and X-Request-ID. Host, Content-Length and Transfer-Encoding are the wire
// layer's and left out, as is Expect.
void append_origin_request_fields(const RequestHead& request, const ForwardPolicy& policy,
                                  const ForwardFacts& facts, const FieldSet& without, std::string& block);

// How often this CDN stands in the request's CDN-Loop (RFC 8586): more than once or twice is a loop.
std::size_t cdn_loop_count(const FieldList& fields, std::string_view via_name);

// --- to the client

// Appends the origin's fields for the client and the store: end-to-end, without Age, our own targeted field
// and the names in `strip`; with Date if it lacks one (RFC 9110 section 6.6.1) and with our Via.
void append_client_response_fields(const ResponseHead& response, std::string_view via_name,
                                   std::string_view date, std::span<const std::string> strip,
                                   std::string& block);

// "Age: 123\r\n" into `out`; returns what was written.
std::string_view write_age(std::int64_t age_s, std::span<char, 32> out);

// Max-Forwards for TRACE and OPTIONS (RFC 9110 section 7.6.2).
struct MaxForwards {
  enum class Action : std::uint8_t { kForward, kForwardLess, kAnswer } action = Action::kForward;
  std::uint64_t next = 0;  // the value to send, for kForwardLess
};
MaxForwards max_forwards(const RequestHead& request);

}  // namespace meridian::http
