#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace meridian {

// What went wrong, in terms that decide what to do next. Shown under these names in logs and metrics.
enum class ErrorCode : unsigned char {
  kInvalid,      // input that breaks its grammar or a rule
  kTooLarge,     // a named limit was reached
  kTimeout,      // a deadline passed
  kRefused,      // the other side said no (connection refused, breaker open, queue full)
  kClosed,       // the other side went away in the middle
  kUnresolved,   // a name has no address
  kTls,          // handshake or certificate
  kIo,           // a system call failed
  kUnavailable,  // nothing can serve this now
  kNotFound,
  kCancelled,
};

// Which side failed: an error page names it, and a retry depends on it.
enum class ErrorSource : unsigned char { kClient, kEdge, kOrigin, kOperator };

std::string_view name_of(ErrorCode code);
std::string_view name_of(ErrorSource source);

struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  ErrorSource source = ErrorSource::kEdge;
  bool retryable = false;
  std::string context;  // one sentence for a person: what was being done, and to what
};

}  // namespace meridian
