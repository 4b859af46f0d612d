#pragma once

#include <cstring>
#include <string>

#include "lib/base/result.h"

namespace meridian {

// A failed system call as an error: "<what>: <the system's words>".
inline Failure io_failure(std::string what, int error, ErrorCode code = ErrorCode::kIo,
                          ErrorSource source = ErrorSource::kEdge, bool retryable = false) {
  return fail(code, source, std::move(what) + ": " + std::strerror(error), retryable);
}

}  // namespace meridian
