#pragma once

#include <string>

#include "edge/site_table.h"
#include "lib/base/error.h"
#include "lib/http/message.h"
#include "lib/stats/metrics.h"

namespace meridian::edge {

// An answer of the edge's own: what went wrong, on which side, and the id to ask about.
struct ErrorPage {
  std::string block;  // field lines
  std::string body;
};

// HTML for browsers, plain text for others. A site may bring its own page for a status: 502.html, or 5xx.html
// for a class, in which {status}, {reason}, {side}, {message} and {request_id} are filled in. `site` is
// nullptr before it is known.
ErrorPage make_error_page(int status, const Error& error, const std::string& request_id,
                          const http::FieldList& request, const Site* site);

// The value of Allow for a 405.
std::string allowed_methods(const Site* site);

stats::Side side_of(ErrorSource source);

}  // namespace meridian::edge
