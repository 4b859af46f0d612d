#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

// HTTP-date (RFC 9110 section 5.6.7). Times are seconds since the Unix epoch.
namespace meridian::http {

inline constexpr std::size_t kHttpDateBytes = 29;

// IMF-fixdate, RFC 850 and asctime forms. Letters match in any case, as RFC 9111 section 4.2 asks of caches;
// everything else is strict: any deviation (two-digit year in an IMF-fixdate, missing comma, one-digit hour,
// a zone other than GMT, which that section calls invalid, 30 February) is invalid. The day name must be a
// day name but need not fit the date, as it says nothing that the date does not. `now_s` is for the century
// of an RFC 850 year: more than 50 years ahead means the past.
std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now_s);

// Writes exactly kHttpDateBytes bytes of IMF-fixdate, with no terminator. Times outside of the years 1 to
// 9999 are clamped.
void format_http_date(std::int64_t unix_s, char* out);

// The formatted current second, made anew only when the second changes. One for each worker.
class DateCache {
 public:
  std::string_view at(std::int64_t now_s) {
    if (now_s != second_) {
      format_http_date(now_s, text_);
      second_ = now_s;
    }
    return {text_, kHttpDateBytes};
  }

 private:
  std::int64_t second_ = INT64_MIN;  // no second that comes
  char text_[kHttpDateBytes] = {};
};

}  // namespace meridian::http
