#pragma once

#include <string>
#include <vector>

#include "lib/wire/json.h"

namespace meridian::cli {

// Rows of text as columns, each as wide as its widest cell; the first row is the head. What is no printable
// text (a name may hold anything) is shown as '?', so that nothing can drive the terminal.
std::string table(const std::vector<std::vector<std::string>>& rows);

// What an entry of the log looks like in one.
std::vector<std::string> entry_row(const wire::Json& entry);
std::vector<std::string> entry_head();
// The same for somebody who follows: one line, in columns of fixed width where that can be.
std::string entry_line(const wire::Json& entry);

// The state, for a person.
std::string state_text(const wire::Json& state);

// "2026-11-21 18:40:07" in UTC.
std::string time_text(std::int64_t ms);

}  // namespace meridian::cli
