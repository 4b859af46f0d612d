#pragma once

#include <string>
#include <string_view>

#include "edge/tiers/object.h"
#include "lib/http/message.h"

// The head of a response as it lies in the tiers: without the two lines that nearly every response has and
// that can be told from the metadata. That saves 56 bytes an object, a fifth of what a small one costs over
// its body. And with lines that only we read, which no client gets: our own targeted field (RFC 9213),
// without which a later 304 that does not repeat it would be judged by Cache-Control.
namespace meridian::edge {

// Takes the Date line out of `head` when it is the time of the response or a few seconds before, and the last
// line when it is our own Via, and notes both in the flags of `meta`. What is left stays in order.
// `own_lines` are kept behind it.
std::string pack_head(std::string_view head, std::string_view own_lines, std::string_view via_name,
                      ObjectMeta& meta);

// The whole head again: what pack_head took out stands where it does no harm, Date first and our Via last. A
// view of the object or of `buffer`.
std::string_view whole_head(const Object& object, std::string_view via_name, std::string& buffer);

// The lines that only we read: of a stored response, and of one that has come. Mostly none.
std::string_view own_lines(const Object& object);
void append_own_lines(const http::FieldList& response, std::string& to);

}  // namespace meridian::edge
