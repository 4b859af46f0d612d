#include "origin/server/answer.h"

#include <utility>

#include "lib/http/conditional.h"
#include "lib/http/date.h"
#include "lib/http/range.h"

namespace meridian::origin {
namespace {

using http::FieldId;

// More ranges than a reader of one document has use for are an attack (RFC 9110 section 17.15).
constexpr http::RangeLimits kRangeLimits{16};

HeaderBlock whole_headers(const Representation& representation) {
  HeaderBlock headers = representation.headers;
  if (!representation.content_type.empty()) headers.set("Content-Type", representation.content_type);
  if (!representation.etag.empty()) headers.set("ETag", representation.etag);
  if (!representation.last_modified.empty()) headers.set("Last-Modified", representation.last_modified);
  headers.set("Accept-Ranges", "bytes");
  return headers;
}

Answer not_modified(Representation representation) {
  Answer answer;
  answer.status = 304;
  // What describes a body that is not sent would only disturb what the client has stored (RFC 9110
  // section 15.4.5).
  answer.headers = std::move(representation.headers);
  for (const char* name : {"Content-Encoding", "Content-Language", "Content-Type"})
    answer.headers.remove(name);
  if (!representation.etag.empty())
    answer.headers.set("ETag", representation.etag);
  else if (!representation.last_modified.empty())
    answer.headers.set("Last-Modified", representation.last_modified);
  return answer;
}

Answer whole(Representation representation) {
  Answer answer;
  answer.headers = whole_headers(representation);
  answer.length = representation.content->size();
  std::vector<Segment> segments{{{}, 0, *answer.length}};
  answer.body = std::make_unique<SegmentBody>(std::move(representation.content), std::move(segments));
  return answer;
}

Answer single_range(Representation representation, const http::ByteRange& range) {
  Answer answer;
  answer.status = 206;
  answer.headers = whole_headers(representation);
  char text[70];
  answer.headers.set("Content-Range",
                     http::format_content_range(range, representation.content->size(), text));
  answer.length = range.size();
  std::vector<Segment> segments{{{}, range.first, range.size()}};
  answer.body = std::make_unique<SegmentBody>(std::move(representation.content), std::move(segments));
  return answer;
}

Answer several_ranges(Representation representation, std::vector<http::ByteRange> ranges,
                      std::string_view boundary) {
  const http::MultipartRanges parts(std::move(ranges), representation.content->size(),
                                    representation.content_type, boundary);
  Answer answer;
  answer.status = 206;
  answer.headers = whole_headers(representation);
  answer.headers.set("Content-Type", parts.media_type());
  answer.length = parts.total_bytes();
  std::vector<Segment> segments;
  for (std::size_t i = 0; i < parts.count(); ++i) {
    segments.push_back({parts.part_head(i), 0, 0});
    segments.push_back({{}, parts.range(i).first, parts.range(i).size()});
  }
  segments.push_back({parts.closing(), 0, 0});
  answer.body = std::make_unique<SegmentBody>(std::move(representation.content), std::move(segments));
  return answer;
}

Answer unsatisfiable(const Representation& representation) {
  Answer answer = text_answer(416, "None of the ranges asked for is within this resource.\n");
  char text[70];
  answer.headers.set("Content-Range", http::format_unsatisfied_range(representation.content->size(), text));
  return answer;
}

// If-Range with a date needs to know that Last-Modified is strong, which is judged by Date (RFC 9110
// section 8.8.2.2): now.
bool may_be_partial(const http::RequestHead& request, http::Validators validators, std::int64_t now_s) {
  const bool asked = request.method == http::Method::kGet && request.fields.count(FieldId::kRange) == 1;
  char date[http::kHttpDateBytes];
  http::format_http_date(now_s, date);
  validators.date = {date, sizeof date};
  return asked && http::if_range_holds(request.fields, validators, now_s);
}

Answer ranged(const http::RequestHead& request, Representation representation,
              const http::Validators& validators, std::int64_t now_s, std::string_view boundary) {
  if (!may_be_partial(request, validators, now_s)) return whole(std::move(representation));
  http::RangeAnswer range =
      http::answer_range(request.fields.value(FieldId::kRange), representation.content->size(), kRangeLimits);
  switch (range.kind) {
    case http::RangeAnswer::Kind::kWhole:
      return whole(std::move(representation));
    case http::RangeAnswer::Kind::kSingle:
      return single_range(std::move(representation), range.single);
    case http::RangeAnswer::Kind::kMultiple:
      return several_ranges(std::move(representation), std::move(range.ranges), boundary);
    case http::RangeAnswer::Kind::kUnsatisfiable:
      return unsatisfiable(representation);
  }
  return whole(std::move(representation));
}

}  // namespace

void send_head(http::Exchange& exchange, const Answer& answer) {
  const std::string block = answer.headers.block();
  const std::string_view blocks[] = {block};
  http::ResponseStart start;
  start.status = answer.status;
  start.blocks = blocks;
  start.has_length = answer.length.has_value();
  start.length = answer.length.value_or(0);
  exchange.send_head(start);
}

Answer text_answer(int status, std::string_view text) {
  Answer answer;
  answer.status = status;
  answer.headers.set("Content-Type", "text/plain; charset=utf-8");
  answer.headers.set("X-Content-Type-Options", "nosniff");
  answer.length = text.size();
  std::vector<Segment> segments{{std::string(text), 0, 0}};
  answer.body = std::make_unique<SegmentBody>(nullptr, std::move(segments));
  return answer;
}

Answer method_answer(http::Method method, std::string_view allowed) {
  const bool unknown = method == http::Method::kOther;
  Answer answer = unknown ? text_answer(501, "This server does not know the request's method.\n")
                          : text_answer(405, "This resource does not allow the request's method.\n");
  answer.headers.set("Allow", allowed);
  return answer;
}

Answer select_answer(const http::RequestHead& request, Representation representation, std::int64_t now_s,
                     std::string_view boundary) {
  // Copies: the representation moves on while its validators are still looked at.
  const std::string etag = representation.etag;
  const std::string last_modified = representation.last_modified;
  const http::Validators validators{etag, last_modified, {}, 200};
  switch (http::evaluate(request, validators, http::Evaluate::kOrigin, now_s, now_s)) {
    case http::Precondition::kNotModified:
      return not_modified(std::move(representation));
    case http::Precondition::kPreconditionFailed:
      return text_answer(412, "The resource does not meet the request's preconditions.\n");
    case http::Precondition::kProceed:
      break;
  }
  return ranged(request, std::move(representation), validators, now_s, boundary);
}

}  // namespace meridian::origin
