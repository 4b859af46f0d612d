#include "lib/http/date.h"
#include "origin/server/static_files.h"

namespace meridian::origin {
namespace {

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string row(const ListingEntry& entry) {
  const std::string slash = entry.directory ? "/" : "";
  char date[http::kHttpDateBytes];
  http::format_http_date(entry.mtime_s, date);
  // "./" keeps a name with a colon in it from being read as a scheme.
  return "<tr><td><a href=\"./" + escape_html(percent_encode_segment(entry.name)) + slash + "\">" +
         escape_html(entry.name) + slash + "</a></td><td class=\"n\">" +
         (entry.directory ? std::string() : std::to_string(entry.size)) + "</td><td>" +
         std::string(date, sizeof date) + "</td></tr>\n";
}

constexpr std::string_view kStyle =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{padding:.25rem .75rem;text-align:left;"
    "border-bottom:1px solid #ddd}.n{text-align:right;font-variant-numeric:tabular-nums}";

}  // namespace

std::string listing_page(std::string_view path, const std::vector<ListingEntry>& entries, bool cut_off) {
  const std::string title = escape_html(path);
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>" +
      title + "</title><style>" + std::string(kStyle) + "</style></head><body>\n<h1>" + title +
      "</h1>\n<table><tr><th>Name</th><th class=\"n\">Bytes</th><th>Modified</th></tr>\n";
  if (path != "/") page += "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n";
  for (const ListingEntry& entry : entries) page += row(entry);
  page += "</table>\n";
  if (cut_off) page += "<p>There are more entries than are shown.</p>\n";
  return page + "</body></html>\n";
}

}  // namespace meridian::origin
