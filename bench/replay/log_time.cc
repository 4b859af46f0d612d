#include "bench/replay/log_time.h"

#include <array>
#include <charconv>

namespace meridian::replay {
namespace {

// Reads a text from its front; once something did not fit, nothing fits any more.
class Scan {
 public:
  explicit Scan(std::string_view text) : rest_(text) {}
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }
  bool at(char c) const { return ok_ && !rest_.empty() && rest_.front() == c; }
  void expect(char c) {
    ok_ = at(c);
    if (ok_) rest_.remove_prefix(1);
  }
  // Exactly so many digits.
  std::int64_t digits(std::size_t count) {
    std::int64_t value = 0;
    ok_ = ok_ && rest_.size() >= count;
    for (std::size_t i = 0; ok_ && i < count; ++i) {
      ok_ = rest_[i] >= '0' && rest_[i] <= '9';
      value = value * 10 + (rest_[i] - '0');
    }
    if (ok_) rest_.remove_prefix(count);
    return value;
  }
  // A dot and digits, as milliseconds; further digits are left out.
  std::int64_t fraction_ms() {
    if (!at('.')) return 0;
    rest_.remove_prefix(1);
    std::int64_t ms = 0;
    std::int64_t unit = 100;
    ok_ = !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
    while (ok_ && !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      ms += unit * (rest_.front() - '0');
      unit /= 10;
      rest_.remove_prefix(1);
    }
    return ms;
  }
  std::string_view take(std::size_t count) {
    ok_ = ok_ && rest_.size() >= count;
    const std::string_view taken = ok_ ? rest_.substr(0, count) : std::string_view();
    if (ok_) rest_.remove_prefix(count);
    return taken;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// Days since 1970-01-01 in the Gregorian calendar, for years from 1970 on.
std::int64_t days_of(std::int64_t year, std::int64_t month, std::int64_t day) {
  if (month <= 2) --year, month += 12;
  return 365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day - 719469;
}

std::optional<std::int64_t> time_of(const Scan& scan, std::int64_t year, std::int64_t month, std::int64_t day,
                                    std::int64_t second_of_day) {
  if (!scan.done() || year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) return std::nullopt;
  return (days_of(year, month, day) * 86'400 + second_of_day) * 1000;
}

std::int64_t clock_time(Scan& scan) {
  const std::int64_t hour = scan.digits(2);
  scan.expect(':');
  const std::int64_t minute = scan.digits(2);
  scan.expect(':');
  return hour * 3600 + minute * 60 + scan.digits(2);
}

std::int64_t month_of(std::string_view name) {
  constexpr std::array<std::string_view, 12> kNames = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<std::int64_t>(i) + 1;
  }
  return 0;
}

}  // namespace

std::optional<std::int64_t> parse_json_time(std::string_view text) {
  Scan scan(text);
  const std::int64_t year = scan.digits(4);
  scan.expect('-');
  const std::int64_t month = scan.digits(2);
  scan.expect('-');
  const std::int64_t day = scan.digits(2);
  scan.expect('T');
  const std::int64_t second = clock_time(scan);
  const std::int64_t ms = scan.fraction_ms();
  scan.expect('Z');
  const auto time = time_of(scan, year, month, day, second);
  return time ? std::optional(*time + ms) : std::nullopt;
}

std::optional<std::int64_t> parse_combined_time(std::string_view text) {
  Scan scan(text);
  const std::int64_t day = scan.digits(2);
  scan.expect('/');
  const std::int64_t month = month_of(scan.take(3));
  scan.expect('/');
  const std::int64_t year = scan.digits(4);
  scan.expect(':');
  std::int64_t second = clock_time(scan);
  scan.expect(' ');
  const bool behind = scan.at('-');
  scan.expect(behind ? '-' : '+');
  const std::int64_t hours = scan.digits(2);
  const std::int64_t offset = hours * 3600 + scan.digits(2) * 60;
  second += behind ? offset : -offset;
  return time_of(scan, year, month, day, second);
}

std::optional<std::int64_t> parse_seconds(std::string_view text) {
  // Beyond this a time in milliseconds is no time.
  constexpr std::int64_t kMostSeconds = 1'000'000'000'000;
  const std::size_t dot = text.find('.');
  std::int64_t seconds = 0;
  const std::string_view whole = text.substr(0, dot);
  const auto end = std::from_chars(whole.data(), whole.data() + whole.size(), seconds);
  if (end.ec != std::errc() || end.ptr != whole.data() + whole.size()) return std::nullopt;
  if (seconds < 0 || seconds > kMostSeconds) return std::nullopt;
  if (dot == std::string_view::npos) return seconds * 1000;
  Scan scan(text.substr(dot));
  const std::int64_t ms = scan.fraction_ms();
  if (!scan.done()) return std::nullopt;
  return seconds * 1000 + ms;
}

}  // namespace meridian::replay
