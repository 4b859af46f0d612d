#include "origin/server/media_types.h"

#include <algorithm>
#include <array>
#include <string>

namespace meridian::origin {
namespace {

constexpr std::string_view kUnknown = "application/octet-stream";
constexpr std::size_t kLongestExtension = 16;

struct MediaType {
  std::string_view extension;
  std::string_view type;
};

constexpr auto sorted_table() {
  std::array table{
#define MEDIA_TYPE(extension, type) MediaType{extension, type},
#include "origin/server/media_types.def"
#undef MEDIA_TYPE
  };
  std::sort(table.begin(), table.end(),
            [](const MediaType& a, const MediaType& b) { return a.extension < b.extension; });
  return table;
}

constexpr auto kTable = sorted_table();

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string_view media_type_of(std::string_view file_name) {
  const std::size_t dot = file_name.rfind('.');
  if (dot == std::string_view::npos || file_name.size() - dot - 1 > kLongestExtension) return kUnknown;
  std::string extension(file_name.substr(dot + 1));
  for (char& c : extension) c = lower(c);
  const auto* found =
      std::lower_bound(kTable.begin(), kTable.end(), std::string_view(extension),
                       [](const MediaType& a, std::string_view b) { return a.extension < b; });
  return found != kTable.end() && found->extension == extension ? found->type : kUnknown;
}

}  // namespace meridian::origin
