#include "lib/http/forwarding.h"

#include <algorithm>
#include <charconv>

#include "lib/http/chars.h"
#include "lib/http/field_writer.h"
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
void write_node(std::string_view address, FieldWriter& to) {
  const bool v6 = address.find(':') != std::string_view::npos;
  if (v6) to.text("\"[");
  to.text(address);
  if (v6) to.text("]\"");
}

// A value of RFC 7239 section 4: a token, or else a quoted-string.
void write_forwarded_value(std::string_view value, FieldWriter& to) {
  if (is_token(value)) return to.text(value);
  to.text("\"");
  for (const char& c : value) {
    if (c == '"' || c == '\\') to.text("\\");
    to.text(std::string_view(&c, 1));
  }
  to.text("\"");
}

// The values that the list has under this name, in front of one more that follows.
void write_earlier(const FieldList& fields, FieldId id, FieldWriter& to) {
  if (!fields.has(id)) return;
  for (const Field& field : fields) {
    if (field.id != id || field.value.empty()) continue;
    to.text(field.value);
    to.text(", ");
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

void write_forwarded(const RequestHead& request, bool trusted, const ForwardFacts& facts, FieldWriter& to) {
  to.begin(FieldId::kForwarded);
  if (trusted && request.fields.has(FieldId::kForwarded)) {
    std::string hops;
    append_trusted_hops(request.fields, hops);
    to.text(hops);
    if (!hops.empty()) to.text(", ");
  }
  to.text("for=");
  write_node(facts.client_address, to);
  if (!facts.host.empty()) to.text(";host="), write_forwarded_value(facts.host, to);
  to.text(";proto=");
  to.text(facts.scheme);
  to.end();
}

// The port that the client asked for: it is part of the key, as host and scheme are.
std::string_view port_of(const ForwardFacts& facts) {
  const std::size_t colon = facts.host.rfind(':');
  const bool named = colon != std::string_view::npos && facts.host.find(']', colon) == std::string_view::npos;
  if (named && colon + 1 < facts.host.size()) return facts.host.substr(colon + 1);
  return facts.scheme == "https" ? "443" : "80";
}

void write_x_forwarded(const RequestHead& request, bool trusted, const ForwardFacts& facts, FieldWriter& to) {
  to.begin(FieldId::kXForwardedFor);
  if (trusted) write_earlier(request.fields, FieldId::kXForwardedFor, to);
  to.text(facts.client_address);
  to.end();
  to.field(field_name(FieldId::kXForwardedProto), facts.scheme);
  if (!facts.host.empty()) to.field(field_name(FieldId::kXForwardedHost), facts.host);
  to.field(field_name(FieldId::kXForwardedPort), port_of(facts));
}

void write_cdn_loop(const FieldList& fields, std::string_view via_name, FieldWriter& to) {
  to.begin(FieldId::kCdnLoop);
  write_earlier(fields, FieldId::kCdnLoop, to);
  to.text(via_name);
  to.end();
}

void write_via(const FieldList& fields, Version version, std::string_view via_name, FieldWriter& to) {
  to.begin(FieldId::kVia);
  write_earlier(fields, FieldId::kVia, to);
  to.text(version_text(version));
  to.text(" ");
  to.text(via_name);
  to.end();
}

// Known fields that do not pass as they came: written anew further down, by the wire layer, or unwanted.
FieldSet not_passing(const ForwardPolicy& policy, const ForwardFacts& facts, const FieldSet& without) {
  // What edges say among themselves is nobody else's business: it is written anew for each edge.
  constexpr FieldSet kRewritten = {FieldId::kHost, FieldId::kContentLength, FieldId::kExpect,
                                   FieldId::kVia,  FieldId::kMeridianFill,  FieldId::kMeridianHop};
  constexpr FieldSet kXForwarded = {FieldId::kXForwardedFor, FieldId::kXForwardedProto,
                                    FieldId::kXForwardedHost, FieldId::kXForwardedPort};
  FieldSet set = without;
  set.add(kRewritten);
  if (policy.cdn_loop) set.add(FieldId::kCdnLoop);
  if (policy.forwarded) set.add(FieldId::kForwarded);
  if (policy.x_forwarded) set.add(kXForwarded);
  if (!facts.request_id.empty()) set.add(FieldId::kXRequestId);
  return set;
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
  // Most other fields are none of them by their first letter.
  const char first = field.name.empty() ? '\0' : to_lower(field.name[0]);
  if (first != 'x' && first != 'f' && first != 't' && first != 'c') return false;
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
  FieldSet stays = not_passing(policy, facts, without);
  if (counts_hops) stays.add(FieldId::kMaxForwards);
  const auto skip = [&](const Field& field) {
    return (field.id != FieldId::kOther && stays.has(field.id)) ||
           (is_untrusted_forwarding_field(field) && !is_believed(field, policy));
  };
  constexpr std::size_t kAdded = 320;
  FieldWriter to(block, bytes_of_lines(request.fields) + kAdded);
  write_passing(request.fields, skip, to);
  if (counts_hops) to.field(field_name(FieldId::kMaxForwards), std::to_string(hops.next));
  write_via(request.fields, request.version, policy.via_name, to);
  if (policy.forwarded) write_forwarded(request, policy.trusted_client, facts, to);
  if (policy.x_forwarded) write_x_forwarded(request, policy.trusted_client, facts, to);
  if (policy.cdn_loop) write_cdn_loop(request.fields, policy.via_name, to);
  if (!facts.request_id.empty()) to.field(field_name(FieldId::kXRequestId), facts.request_id);
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
  constexpr FieldSet kOurs = {FieldId::kAge,          FieldId::kMeridianCacheControl, FieldId::kVia,
                              FieldId::kMeridianFill, FieldId::kContentLength,        FieldId::kMeridianHop};
  const auto skip = [&](const Field& field) { return kOurs.has(field.id) || is_named(field, strip); };
  constexpr std::size_t kAdded = 96;
  FieldWriter to(block, bytes_of_lines(response.fields) + kAdded);
  write_passing(response.fields, skip, to);
  if (!response.fields.has(FieldId::kDate)) to.field(field_name(FieldId::kDate), date);
  write_via(response.fields, response.version, via_name, to);
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
