#pragma once

#include <string>
#include <string_view>
#include <vector>

// The files of this repository that are made from tables. Pure functions: text out, nothing read or written.
namespace meridian::docs {

struct Page {
  std::string_view path;  // from the root of the repository
  std::string text;
};

std::vector<Page> all_pages();

std::string configuration_page();  // config/params/*.def
std::string origin_page();         // those of meridian-origin
std::string control_page();        // those of meridian-control
std::string full_example();        // the same as a commented edge.yaml with every key
std::string metrics_page();        // lib/stats/metrics.def and labels.def
std::string reasons_page();        // lib/http/not_stored.def, miss_reason.def and the parser's reasons

// `text` in lines of at most `width`, each beginning with `indent`.
std::string wrapped(std::string_view text, std::string_view indent, std::size_t width = 110);

}  // namespace meridian::docs
