#include "docs/generate/pages.h"

namespace meridian::docs {
namespace {

void append_head(std::string_view title, std::string_view text, std::string_view columns, std::string& page) {
  page.append("\n## ").append(title).append("\n\n").append(text).append("\n\n").append(columns).append("\n");
}

void append_row(std::initializer_list<std::string_view> cells, std::string& page) {
  page += "|";
  for (std::string_view cell : cells) page.append(" ").append(cell).append(" |");
  page += "\n";
}

std::string code(std::string_view text) { return text.empty() ? "" : "`" + std::string(text) + "`"; }

}  // namespace

std::string reasons_page() {
  std::string page =
      "# Reasons\n\n"
      "<!-- Made by meridian-docs from lib/http/*.def. Edit those, then run meridian-docs --write. -->\n\n"
      "The same words everywhere: in Cache-Status, in the access log and as label values of metrics.\n";
  append_head("Why a request was not answered from the cache alone",
              "`detail` of Cache-Status and `reason` of `meridian_edge_misses_total`; `fwd` is the coarser "
              "value that "
              "RFC 9211 section 2.2 names.",
              "| reason | fwd | what it means |\n| --- | --- | --- |", page);
#define MISS(id, token, fwd, explanation) append_row({code(token), code(fwd), explanation}, page);
#include "lib/http/miss_reason.def"
#undef MISS
  append_head("Why a response was not stored", "`reason` of `meridian_edge_not_stored_total`.",
              "| reason | what it means |\n| --- | --- |", page);
#define NOT_STORED(id, token, explanation) append_row({code(token), explanation}, page);
#include "lib/http/not_stored.def"
#undef NOT_STORED
  append_head("Why a message was refused",
              "`reason` of `meridian_edge_bad_requests_total`. The parser refuses what is ambiguous; nothing "
              "of such a "
              "message is forwarded.",
              "| reason | status | what it means |\n| --- | --- | --- |", page);
#define BAD(id, token, status, explanation) append_row({code(token), #status, explanation}, page);
#include "lib/http/bad_message.def"
#undef BAD
  return page;
}

}  // namespace meridian::docs
