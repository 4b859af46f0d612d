#pragma once

#include <tl/expected.hpp>

#include "lib/base/error.h"

namespace meridian {

// An expected failure. Mark every function that returns one [[nodiscard]].
template <class T>
using Result = tl::expected<T, Error>;

using Failure = tl::unexpected<Error>;

inline Failure fail(ErrorCode code, ErrorSource source, std::string context, bool retryable = false) {
  return Failure(Error{code, source, retryable, std::move(context)});
}

}  // namespace meridian
