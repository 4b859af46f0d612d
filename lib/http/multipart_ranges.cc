#include "lib/http/range.h"

namespace meridian::http {

MultipartRanges::MultipartRanges(std::vector<ByteRange> ranges, std::uint64_t length,
                                 std::string_view content_type, std::string_view boundary)
    : ranges_(std::move(ranges)), length_(length), content_type_(content_type), boundary_(boundary) {}

std::string MultipartRanges::part_head(std::size_t i) const {
  char buffer[70];
  std::string head = i == 0 ? "--" : "\r\n--";
  head += boundary_;
  head += "\r\n";
  if (!content_type_.empty()) append_field(head, field_name(FieldId::kContentType), content_type_);
  append_field(head, field_name(FieldId::kContentRange), format_content_range(ranges_[i], length_, buffer));
  head += "\r\n";
  return head;
}

std::string MultipartRanges::closing() const { return "\r\n--" + boundary_ + "--\r\n"; }

std::uint64_t MultipartRanges::total_bytes() const {
  std::uint64_t total = closing().size();
  for (std::size_t i = 0; i < ranges_.size(); ++i) total += part_head(i).size() + ranges_[i].size();
  return total;
}

std::string MultipartRanges::media_type() const { return "multipart/byteranges; boundary=" + boundary_; }

}  // namespace meridian::http
