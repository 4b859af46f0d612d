#include "lib/base/check.h"
#include "lib/http/conditional.h"

// Input: a list of entity tags, a line feed, and the stored entity tag.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace http = meridian::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line_end = text.find('\n');
  const std::string_view list = text.substr(0, line_end);
  const std::string_view etag = line_end == std::string_view::npos ? "\"a\"" : text.substr(line_end + 1);
  const bool strong = http::etag_list_has(list, etag, http::EtagComparison::kStrong);
  const bool weak = http::etag_list_has(list, etag, http::EtagComparison::kWeak);
  CHECK(weak || !strong);
  if (http::parse_etag(etag)) {
    CHECK(http::etag_list_has(etag, etag, http::EtagComparison::kWeak));
  } else {
    CHECK(!strong);
  }
  http::RequestHead request;
  for (const auto id : {http::FieldId::kIfNoneMatch, http::FieldId::kIfMatch, http::FieldId::kIfModifiedSince,
                        http::FieldId::kIfRange}) {
    request.fields.add(id, list);
  }
  const http::Validators validators{etag, list, etag, 200};
  (void)http::evaluate(request, validators, http::Evaluate::kOrigin, 0, 0);
  (void)http::if_range_holds(request.fields, validators, 0);
  return 0;
}
