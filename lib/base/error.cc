#include "lib/base/error.h"

namespace meridian {

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kTooLarge:
      return "too-large";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kRefused:
      return "refused";
    case ErrorCode::kClosed:
      return "closed";
    case ErrorCode::kUnresolved:
      return "unresolved";
    case ErrorCode::kTls:
      return "tls";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kNotFound:
      return "not-found";
    case ErrorCode::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string_view name_of(ErrorSource source) {
  switch (source) {
    case ErrorSource::kClient:
      return "client";
    case ErrorSource::kEdge:
      return "edge";
    case ErrorSource::kOrigin:
      return "origin";
    case ErrorSource::kOperator:
      return "operator";
  }
  return "unknown";
}

}  // namespace meridian
