#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace meridian::origin {

// A content coding whose result may lie ready beside a file.
struct Coding {
  std::string_view name;       // as Content-Encoding says it
  std::string_view extension;  // of the file that holds it
};
// In the order in which we prefer them when the client does not mind.
inline constexpr std::array<Coding, 3> kCodings{{{"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}}};

// The codings that the client would rather have than the plain file, best first, by Accept-Encoding (RFC 9110
// section 12.5.3; `accept` is the combined value). A coding that is not named has the weight of "*"; without
// "*" it is not acceptable. "x-gzip" is gzip. The plain file is left out of account unless "identity" names
// it with a higher weight.
std::vector<Coding> acceptable_codings(std::string_view accept);

}  // namespace meridian::origin
