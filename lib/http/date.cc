#include "lib/http/date.h"

#include <algorithm>
#include <array>

namespace meridian::http {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::int64_t kDayS = 86400;
constexpr std::int64_t kFirstSecond = -62135596800;  // 0001-01-01
constexpr std::int64_t kLastSecond = 253402300799;   // 9999-12-31 23:59:59

struct Civil {
  int year = 0;
  int month = 0;  // 1 to 12
  int day = 0;
  int hour = 0, minute = 0, second = 0;
};

// Days since 1970-01-01 of a day of the proleptic Gregorian calendar: years are counted from March, so that
// the leap day comes last, and in eras of 400 years, which are all alike.
std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

Civil civil_from_days(std::int64_t days) {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t day_of_era = days - era * 146097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month = (5 * day_of_year + 2) / 153;
  Civil civil;
  civil.day = static_cast<int>(day_of_year - (153 * month + 2) / 5 + 1);
  civil.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
  civil.year = static_cast<int>(year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0));
  return civil;
}

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in_month(int year, int month) {
  static constexpr std::array<int, 12> kLengths = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month == 2 && is_leap(year)) return 29;
  return kLengths[static_cast<std::size_t>(month - 1)];
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// Takes a date apart from the left; after a failure every further step fails.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool ok() const { return ok_; }
  bool done() const { return ok_ && text_.empty(); }
  bool next_is(char c) const { return !text_.empty() && text_.front() == c; }

  bool starts_with(std::string_view word) const {
    return text_.size() >= word.size() && std::equal(word.begin(), word.end(), text_.begin(),
                                                     [](char a, char b) { return lower(a) == lower(b); });
  }
  void skip(std::string_view word) {
    if (!starts_with(word)) return fail();
    text_.remove_prefix(word.size());
  }
  int digits(std::size_t count) {
    int value = 0;
    if (text_.size() < count) return fail(), 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return fail(), 0;
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return value;
  }
  int month() {
    for (std::size_t i = 0; i < kMonths.size(); ++i) {
      if (!starts_with(kMonths[i])) continue;
      skip(kMonths[i]);
      return static_cast<int>(i) + 1;
    }
    return fail(), 1;
  }
  // A day name; `full` tells whether it was the long form.
  void day_name(bool& full) {
    for (std::string_view day : kDays) {
      if (!starts_with(day.substr(0, 3))) continue;
      full = starts_with(day);
      return skip(full ? day : day.substr(0, 3));
    }
    fail();
  }
  void time(Civil& to) {
    to.hour = digits(2), skip(":");
    to.minute = digits(2), skip(":");
    to.second = digits(2);
  }
  void zone() { skip("GMT"); }

 private:
  void fail() { ok_ = false; }
  std::string_view text_;
  bool ok_ = true;
};

// "Sun, 06 Nov 1994 08:49:37 GMT", behind the comma.
void read_imf(Reader& in, Civil& to) {
  in.skip(" "), to.day = in.digits(2);
  in.skip(" "), to.month = in.month();
  in.skip(" "), to.year = in.digits(4);
  in.skip(" "), in.time(to);
  in.skip(" "), in.zone();
}

// "Sunday, 06-Nov-94 08:49:37 GMT", behind the comma. The year has yet to get its century.
void read_rfc850(Reader& in, Civil& to) {
  in.skip(" "), to.day = in.digits(2);
  in.skip("-"), to.month = in.month();
  in.skip("-"), to.year = in.digits(2);
  in.skip(" "), in.time(to);
  in.skip(" "), in.zone();
}

// "Sun Nov  6 08:49:37 1994", behind the day name.
void read_asctime(Reader& in, Civil& to) {
  in.skip(" "), to.month = in.month(), in.skip(" ");
  if (in.next_is(' ')) {
    in.skip(" "), to.day = in.digits(1);
  } else {
    to.day = in.digits(2);
  }
  in.skip(" "), in.time(to);
  in.skip(" "), to.year = in.digits(4);
}

// RFC 9110 section 5.6.7: what would lie more than 50 years ahead is the latest past year with these digits.
int with_century(int two_digits, std::int64_t now_s) {
  const int this_year = civil_from_days(now_s / kDayS).year;
  const int year = this_year - this_year % 100 + two_digits;
  if (year > this_year + 50) return year - 100;
  return year <= this_year - 50 ? year + 100 : year;
}

// 60 is a leap second and counts as the second behind it.
bool in_range(const Civil& c) {
  return c.month >= 1 && c.year >= 1 && c.day >= 1 && c.day <= days_in_month(c.year, c.month) &&
         c.hour < 24 && c.minute < 60 && c.second <= 60;
}

constexpr std::uint32_t packed(char a, char b, char c) {
  return static_cast<std::uint32_t>(static_cast<unsigned char>(a)) << 16U |
         static_cast<std::uint32_t>(static_cast<unsigned char>(b)) << 8U | static_cast<unsigned char>(c);
}

// The first three letters of each name as one number, so that a name is found by comparing numbers.
template <std::size_t kCount>
constexpr std::array<std::uint32_t, kCount> packed_names(const std::array<std::string_view, kCount>& names) {
  std::array<std::uint32_t, kCount> all{};
  for (std::size_t i = 0; i < kCount; ++i) all[i] = packed(names[i][0], names[i][1], names[i][2]);
  return all;
}
constexpr auto kPackedDays = packed_names(kDays);
constexpr auto kPackedMonths = packed_names(kMonths);

// The index of a name's first three letters, case and all; the count of names when there is none.
template <std::size_t kCount>
std::size_t index_of(const char* letters, const std::array<std::uint32_t, kCount>& names) {
  const std::uint32_t wanted = packed(letters[0], letters[1], letters[2]);
  std::size_t index = 0;
  while (index < kCount && names[index] != wanted) ++index;
  return index;
}

// Nearly every date is an IMF-fixdate to the letter, with everything at its place. False: it is not one.
bool read_fixdate(std::string_view text, Civil& to) {
  if (text.size() != kHttpDateBytes || text[3] != ',' || text[4] != ' ' || text[7] != ' ' ||
      text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':' || text[25] != ' ' ||
      text.substr(26) != "GMT") {
    return false;
  }
  const char* const at_begin = text.data();
  unsigned wrong = 0;
  const auto two = [ at_begin, &wrong ](std::size_t at) __attribute__((always_inline)) {
    const unsigned tens = static_cast<unsigned char>(at_begin[at]) - unsigned{'0'};
    const unsigned ones = static_cast<unsigned char>(at_begin[at + 1]) - unsigned{'0'};
    wrong |= static_cast<unsigned>(tens > 9) | static_cast<unsigned>(ones > 9);
    return static_cast<int>(tens * 10 + ones);
  };
  to.year = two(12) * 100 + two(14);
  to.day = two(5);
  to.hour = two(17), to.minute = two(20), to.second = two(23);
  const std::size_t month = index_of(text.data() + 8, kPackedMonths);
  if (month == kMonths.size() || index_of(text.data(), kPackedDays) == kDays.size()) return false;
  to.month = static_cast<int>(month) + 1;
  return wrong == 0;
}

std::optional<std::int64_t> seconds_of(const Civil& civil) {
  if (!in_range(civil)) return std::nullopt;
  return days_from_civil(civil.year, civil.month, civil.day) * kDayS + civil.hour * 3600 + civil.minute * 60 +
         civil.second;
}

void put_digits(char* out, int value, std::size_t count) {
  for (std::size_t i = count; i-- > 0; value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now_s) {
  Civil civil;
  if (read_fixdate(text, civil)) return seconds_of(civil);
  civil = {};
  Reader in(text);
  bool full_name = false;
  in.day_name(full_name);
  if (!in.ok()) return std::nullopt;
  if (!in.next_is(',')) {
    if (full_name) return std::nullopt;
    read_asctime(in, civil);
  } else {
    in.skip(",");
    if (full_name) {
      read_rfc850(in, civil);
      civil.year = with_century(civil.year, now_s);
    } else {
      read_imf(in, civil);
    }
  }
  return in.done() ? seconds_of(civil) : std::nullopt;
}

void format_http_date(std::int64_t unix_s, char* out) {
  unix_s = std::clamp(unix_s, kFirstSecond, kLastSecond);
  std::int64_t days = unix_s / kDayS;
  int second_of_day = static_cast<int>(unix_s % kDayS);
  if (second_of_day < 0) second_of_day += static_cast<int>(kDayS), --days;
  const Civil civil = civil_from_days(days);
  const auto weekday = static_cast<std::size_t>((days % 7 + 11) % 7);  // day 0 was a Thursday
  std::copy_n("Sun, 06 Nov 1994 08:49:37 GMT", kHttpDateBytes, out);
  std::copy_n(kDays[weekday].data(), 3, out);
  put_digits(out + 5, civil.day, 2);
  std::copy_n(kMonths[static_cast<std::size_t>(civil.month - 1)].data(), 3, out + 8);
  put_digits(out + 12, civil.year, 4);
  put_digits(out + 17, second_of_day / 3600, 2);
  put_digits(out + 20, second_of_day / 60 % 60, 2);
  put_digits(out + 23, second_of_day % 60, 2);
}

}  // namespace meridian::http
