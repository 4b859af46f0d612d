#include "lib/http/forwarding.h"

#include <algorithm>
#include <charconv>

#include "lib/http/http1.h"

namespace meridian::http {
namespace {

std::string_view version_text(Version version) {
  switch (version) {
    case Version::kHttp10:
      return "1.0";
    case Version::kHttp11:
      return "1.1";
    case Version::kHttp2:
      return "2";
  }
  return "1.1";
}

// A node of RFC 7239 section 6: an IPv6 address stands in brackets and quotes.
void append_node(std::string_view address, std::string& to) {
  const bool v6 = address.find(':') != std::string_view::npos;
  if (v6) to += "\"[";
  to += address;
  if (v6) to += "]\"";
}

// A value of RFC 7239 section 4: a token, or else a quoted-string.
void append_forwarded_value(std::string_view value, std::string& to) {
  if (is_token(value)) {
    to += value;
    return;
  }
  to += '"';
  for (char c : value) {
    if (c == '"' || c == '\\') to += '\\';
    to += c;
  }
  to += '"';
}

void append_joined(const FieldList& fields, FieldId id, std::string& to) {
  for (const Field& field : fields) {
    if (field.id != id || field.value.empty()) continue;
    if (!to.empty()) to += ", ";
    to += field.value;
  }
}

// Of the hops that a trusted proxy names, the addresses: its `host` and `proto` would be believed by an
// origin that takes the first, and no key holds them.
void append_trusted_hops(const FieldList& fields, std::string& to) {
  for (const Field& field : fields) {
    if (field.id != FieldId::kForwarded) continue;
    for_each_member(field.value, [&](std::string_view hop) {
      std::string kept;
      while (!hop.empty()) {
        const std::size_t end = std::min(hop.find(';'), hop.size());
        const std::string_view pair = trim(hop.substr(0, end));
        hop.remove_prefix(std::min(end + 1, hop.size()));
        const std::string_view name = pair.substr(0, pair.find('='));
        if (!equals_ignoring_case(name, "for") && !equals_ignoring_case(name, "by")) continue;
        if (!kept.empty()) kept += ';';
        kept += pair;
      }
      if (!kept.empty()) {
        if (!to.empty()) to += ", ";
        to += kept;
      }
      return true;
    });
  }
}

void append_forwarded(const RequestHead& request, bool trusted, const ForwardFacts& facts,
                      std::string& block) {
  std::string value;
  if (trusted) append_trusted_hops(request.fields, value);
  if (!value.empty()) value += ", ";
  value += "for=";
  append_node(facts.client_address, value);
  if (!facts.host.empty()) value += ";host=", append_forwarded_value(facts.host, value);
  value += ";proto=";
  value += facts.scheme;
  append_field(block, field_name(FieldId::kForwarded), value);
}

// The port that the client asked for: it is part of the key, as host and scheme are.
std::string_view port_of(const ForwardFacts& facts) {
  const std::size_t colon = facts.host.rfind(':');
  const bool named = colon != std::string_view::npos && facts.host.find(']', colon) == std::string_view::npos;
  if (named && colon + 1 < facts.host.size()) return facts.host.substr(colon + 1);
  return facts.scheme == "https" ? "443" : "80";
}

void append_x_forwarded(const RequestHead& request, bool trusted, const ForwardFacts& facts,
                        std::string& block) {
  std::string addresses;
  if (trusted) append_joined(request.fields, FieldId::kXForwardedFor, addresses);
  if (!addresses.empty()) addresses += ", ";
  addresses += facts.client_address;
  append_field(block, field_name(FieldId::kXForwardedFor), addresses);
  append_field(block, field_name(FieldId::kXForwardedProto), facts.scheme);
  if (!facts.host.empty()) append_field(block, field_name(FieldId::kXForwardedHost), facts.host);
  append_field(block, field_name(FieldId::kXForwardedPort), port_of(facts));
}

void append_cdn_loop(const FieldList& fields, std::string_view via_name, std::string& block) {
  std::string value;
  append_joined(fields, FieldId::kCdnLoop, value);
  if (!value.empty()) value += ", ";
  value += via_name;
  append_field(block, field_name(FieldId::kCdnLoop), value);
}

// Fields that are written anew further down, or by the wire layer.
bool is_rewritten(FieldId id, const ForwardPolicy& policy, const ForwardFacts& facts) {
  switch (id) {
    case FieldId::kHost:
    case FieldId::kContentLength:
    case FieldId::kExpect:
    case FieldId::kVia:
    case FieldId::kCdnLoop:
      return true;
    case FieldId::kForwarded:
      return policy.forwarded;
    case FieldId::kXForwardedFor:
    case FieldId::kXForwardedProto:
    case FieldId::kXForwardedHost:
    case FieldId::kXForwardedPort:
      return policy.x_forwarded;
    case FieldId::kXRequestId:
      return !facts.request_id.empty();
    default:
      return false;
  }
}

// Of the fields of is_untrusted_forwarding_field(), those that only say who the client is.
bool names_client(const Field& field) {
  if (field.id == FieldId::kXForwardedFor || field.id == FieldId::kXRealIp) return true;
  static constexpr std::string_view kNames[] = {
      "X-ProxyUser-Ip",   "X-Client-IP",      "X-Cluster-Client-IP",     "True-Client-IP",
      "CF-Connecting-IP", "Fastly-Client-IP", "X-Original-Forwarded-For"};
  return field.id == FieldId::kOther &&
         std::any_of(std::begin(kNames), std::end(kNames),
                     [&](std::string_view name) { return equals_ignoring_case(name, field.name); });
}

bool is_believed(const Field& field, const ForwardPolicy& policy) {
  return policy.trusted_client && (!policy.for_cache || names_client(field));
}

}  // namespace

bool is_untrusted_forwarding_field(const Field& field) {
  switch (field.id) {
    case FieldId::kForwarded:
    case FieldId::kXForwardedFor:
    case FieldId::kXForwardedHost:
    case FieldId::kXForwardedPort:
    case FieldId::kXForwardedProto:
    case FieldId::kXRealIp:
      return true;
    case FieldId::kOther:
      break;
    default:
      return false;
  }
  static constexpr std::string_view kNames[] = {"X-Forwarded",
                                                "X-Forwarded-Server",
                                                "X-Forwarded-Scheme",
                                                "X-Forwarded-Ssl",
                                                "X-Forwarded-By",
                                                "X-Forwarded-Prefix",
                                                "X-Forwarded-Path",
                                                "X-Forwarded-Uri",
                                                "X-Forwarded-Method",
                                                "X-Host",
                                                "X-HTTP-Host-Override",
                                                "X-Original-Host",
                                                "X-Original-URL",
                                                "X-Rewrite-URL",
                                                "X-HTTP-Method-Override",
                                                "X-HTTP-Method",
                                                "X-Method-Override",
                                                "X-Scheme",
                                                "X-URL-Scheme",
                                                "Front-End-Https",
                                                "X-ProxyUser-Ip",
                                                "X-Client-IP",
                                                "X-Cluster-Client-IP",
                                                "True-Client-IP",
                                                "CF-Connecting-IP",
                                                "Fastly-Client-IP",
                                                "X-Original-Forwarded-For",
                                                "X-Envoy-Original-Path"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [&](std::string_view name) { return equals_ignoring_case(name, field.name); });
}

void append_origin_request_fields(const RequestHead& request, const ForwardPolicy& policy,
                                  const ForwardFacts& facts, const FieldSet& without, std::string& block) {
  const MaxForwards hops = request.fields.has(FieldId::kMaxForwards) ? max_forwards(request) : MaxForwards();
  const bool counts_hops = hops.action == MaxForwards::Action::kForwardLess;
  const auto skip = [&](const Field& field) {
    if (field.id != FieldId::kOther && without.has(field.id)) return true;
    if (field.id == FieldId::kMaxForwards && counts_hops) return true;
    return is_rewritten(field.id, policy, facts) ||
           (is_untrusted_forwarding_field(field) && !is_believed(field, policy));
  };
  append_passing(request.fields, skip, block);
  if (counts_hops) append_field(block, field_name(FieldId::kMaxForwards), std::to_string(hops.next));
  append_via(request.fields, request.version, policy.via_name, block);
  if (policy.forwarded) append_forwarded(request, policy.trusted_client, facts, block);
  if (policy.x_forwarded) append_x_forwarded(request, policy.trusted_client, facts, block);
  append_cdn_loop(request.fields, policy.via_name, block);
  if (!facts.request_id.empty()) append_field(block, field_name(FieldId::kXRequestId), facts.request_id);
}

std::size_t cdn_loop_count(const FieldList& fields, std::string_view via_name) {
  std::size_t count = 0;
  if (!fields.has(FieldId::kCdnLoop)) return 0;
  for (const Field& field : fields) {
    if (field.id != FieldId::kCdnLoop) continue;
    for_each_member(field.value, [&](std::string_view member) {
      if (equals_ignoring_case(trim(member.substr(0, member.find(';'))), via_name)) ++count;
      return true;
    });
  }
  return count;
}

void append_client_response_fields(const ResponseHead& response, std::string_view via_name,
                                   std::string_view date, std::span<const std::string> strip,
                                   std::string& block) {
  const auto skip = [&](const Field& field) {
    return field.id == FieldId::kAge || field.id == FieldId::kMeridianCacheControl ||
           field.id == FieldId::kVia || field.id == FieldId::kContentLength || is_named(field, strip);
  };
  append_passing(response.fields, skip, block);
  if (!response.fields.has(FieldId::kDate)) append_field(block, field_name(FieldId::kDate), date);
  append_via(response.fields, response.version, via_name, block);
}

void append_via(const FieldList& fields, Version version, std::string_view via_name, std::string& block) {
  std::string value;
  append_joined(fields, FieldId::kVia, value);
  if (!value.empty()) value += ", ";
  value += version_text(version);
  value += ' ';
  value += via_name;
  append_field(block, field_name(FieldId::kVia), value);
}

std::string_view write_age(std::int64_t age_s, std::span<char, 32> out) {
  static constexpr std::string_view kName = "Age: ";
  std::copy(kName.begin(), kName.end(), out.begin());
  char* end =
      std::to_chars(out.data() + kName.size(), out.data() + out.size() - 2, age_s < 0 ? 0 : age_s).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return {out.data(), static_cast<std::size_t>(end - out.data())};
}

MaxForwards max_forwards(const RequestHead& request) {
  const bool counts = request.method == Method::kTrace || request.method == Method::kOptions;
  if (!counts || request.fields.count(FieldId::kMaxForwards) != 1) return {};
  const std::string_view text = request.fields.value(FieldId::kMaxForwards);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  if (value == 0) return {MaxForwards::Action::kAnswer, 0};
  return {MaxForwards::Action::kForwardLess, value - 1};
}

}  // namespace meridian::http
