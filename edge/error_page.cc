#include "edge/error_page.h"

#include <array>
#include <string_view>
#include <utility>

namespace meridian::edge {
namespace {

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{status} {reason}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:12vh auto;padding:0 1.5rem;color:#223}
h1{font-size:1.4rem;margin-bottom:.2rem}p{margin:.4rem 0}small{color:#667}b{font-weight:600}</style></head>
<body><h1>{status} {reason}</h1><p>{message}.</p><p>It failed on the side of the <b>{side}</b>.</p>
<p><small>Request id {request_id}</small></p></body></html>
)";

constexpr std::string_view kText = "{status} {reason}\n{message} (side: {side}, request id: {request_id})\n";

// Text from a request or an origin may stand in a message: nothing of it may become markup.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out.append("&lt;");
        break;
      case '>':
        out.append("&gt;");
        break;
      case '&':
        out.append("&amp;");
        break;
      case '"':
        out.append("&quot;");
        break;
      case '\'':
        out.append("&#39;");
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

using Values = std::array<std::pair<std::string_view, std::string>, 5>;

std::string filled(std::string_view page, const Values& values) {
  std::string out;
  while (!page.empty()) {
    const std::size_t open = page.find('{');
    out.append(page.substr(0, open));
    if (open == std::string_view::npos) break;
    page.remove_prefix(open);
    bool known = false;
    for (const auto& [name, value] : values) {
      if (!page.starts_with(name)) continue;
      out.append(value);
      page.remove_prefix(name.size());
      known = true;
      break;
    }
    if (!known) {
      out.push_back('{');
      page.remove_prefix(1);
    }
  }
  return out;
}

// What a client is told. Addresses and other particulars of an origin are for the log alone.
std::string message_of(const Error& error) {
  if (error.source != ErrorSource::kOrigin) return error.context;
  switch (error.code) {
    case ErrorCode::kTimeout:
      return "the origin did not answer in time";
    case ErrorCode::kRefused:
      return "the origin refused the connection";
    case ErrorCode::kClosed:
      return "the origin closed the connection before it had answered";
    case ErrorCode::kUnresolved:
      return "the name of the origin has no address";
    case ErrorCode::kTls:
      return "no TLS connection to the origin could be made";
    case ErrorCode::kInvalid:
      return "the answer of the origin broke the rules of HTTP";
    case ErrorCode::kTooLarge:
      return "the header of the origin's answer is too large";
    case ErrorCode::kUnavailable:
      return "no origin is available now";
    default:
      return "the origin failed";
  }
}

// Sentences begin with a capital.
std::string sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - ('a' - 'A'));
  return text;
}

}  // namespace

ErrorPage make_error_page(int status, const Error& error, const std::string& request_id,
                          const http::FieldList& request, const Site* site) {
  std::string accept;
  const bool html = http::list_has(request.combined(http::FieldId::kAccept, accept), "text/html") ||
                    request.value(http::FieldId::kAccept).find("text/html") != std::string_view::npos;
  const std::string message = sentence(message_of(error));
  const Values values = {{{"{status}", std::to_string(status)},
                          {"{reason}", std::string(http::reason_phrase(status))},
                          {"{side}", std::string(name_of(error.source))},
                          {"{message}", html ? escaped(message) : message},
                          {"{request_id}", request_id}}};
  std::string_view page = html ? kPage : kText;
  if (html && site != nullptr) {
    const auto own = site->error_pages.find(status);
    const auto any = site->error_pages.find(status / 100);
    if (own != site->error_pages.end())
      page = own->second;
    else if (any != site->error_pages.end())
      page = any->second;
  }
  ErrorPage made;
  if (site == nullptr || site->config.error_pages.enabled) made.body = filled(page, values);
  http::append_field(made.block, "Content-Type",
                     html ? "text/html; charset=utf-8" : "text/plain; charset=utf-8");
  http::append_field(made.block, "Cache-Control", "no-store");
  http::append_field(made.block, "X-Request-ID", request_id);
  if (status == 503) http::append_field(made.block, "Retry-After", "5");
  return made;
}

std::string allowed_methods(const Site* site) {
  if (site == nullptr || site->config.methods.empty()) return "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
  std::string list;
  for (const std::string& method : site->config.methods) {
    if (!list.empty()) list.append(", ");
    list.append(method);
  }
  return list;
}

stats::Side side_of(ErrorSource source) {
  switch (source) {
    case ErrorSource::kClient:
      return stats::Side::kClient;
    case ErrorSource::kOrigin:
      return stats::Side::kOrigin;
    case ErrorSource::kEdge:
    case ErrorSource::kOperator:
      break;
  }
  return stats::Side::kEdge;
}

}  // namespace meridian::edge
