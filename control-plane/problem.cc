#include "control-plane/problem.h"

#include "lib/http/message.h"
#include "lib/wire/json.h"

namespace meridian::control {

ApiAnswer problem(int status, std::string_view code, std::string_view detail) {
  ApiAnswer answer;
  answer.status = status;
  answer.content_type = "application/problem+json";
  wire::JsonWriter writer(answer.body);
  writer.begin_object().key("type").string("urn:meridian:problem:" + std::string(code));
  writer.key("title").string(http::reason_phrase(status)).key("status").integer(status);
  writer.key("detail").string(detail).end_object();
  answer.body += '\n';
  if (status == 401) http::append_field(answer.fields, "WWW-Authenticate", "Bearer");
  if (status == 503) http::append_field(answer.fields, "Retry-After", "1");
  return answer;
}

ApiAnswer problem_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid:
      return problem(422, "invalid", error.context);
    case ErrorCode::kTooLarge:
      return problem(413, "too-large", error.context);
    case ErrorCode::kNotFound:
      return problem(404, "not-found", error.context);
    case ErrorCode::kRefused:
      return problem(503, "overloaded", error.context);
    default:
      return problem(503, "store-unavailable", error.context);
  }
}

}  // namespace meridian::control
