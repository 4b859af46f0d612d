#include "docs/generate/pages.h"

namespace meridian::docs {

std::vector<Page> all_pages() {
  return {{"docs/reference/configuration.md", configuration_page()},
          {"docs/reference/origin.md", origin_page()},
          {"docs/reference/control.md", control_page()},
          {"docs/reference/metrics.md", metrics_page()},
          {"docs/reference/reasons.md", reasons_page()},
          {"config/examples/full.yaml", full_example()}};
}

std::string wrapped(std::string_view text, std::string_view indent, std::size_t width) {
  std::string out(indent);
  std::size_t column = indent.size();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (column > indent.size() && column + 1 + end > width) {
      out.append("\n").append(indent);
      column = indent.size();
    } else if (column > indent.size()) {
      out += ' ';
      ++column;
    }
    out.append(text.substr(0, end));
    column += end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + "\n";
}

}  // namespace meridian::docs
