#include "lib/http/cache_status.h"

#include <algorithm>
#include <charconv>

#include "lib/http/http1.h"

namespace meridian::http {
namespace {

// Appends to a fixed buffer, one parameter at a time: a parameter that does not fit leaves no trace.
class Writer {
 public:
  explicit Writer(std::span<char> out) : out_(out) {}

  std::string_view view() const { return {out_.data(), kept_}; }
  void text(std::string_view text) {
    if (text.size() > out_.size() - used_) {
      fits_ = false;
      return;
    }
    std::copy(text.begin(), text.end(), out_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ += text.size();
  }
  void number(std::int64_t value) {
    char digits[20];
    const char* end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    text({digits, static_cast<std::size_t>(end - digits)});
  }
  // An sf-string (RFC 8941 section 4.1.6), which holds only ASCII.
  void quoted(std::string_view value) {
    text("\"");
    for (const char& c : value) {
      if (c < 0x20 || c > 0x7e) fits_ = false;
      if (c == '"' || c == '\\') text("\\");
      text({&c, 1});
    }
    text("\"");
  }
  // Ends a parameter: keeps it, or takes it back.
  void commit() {
    if (fits_) kept_ = used_;
    used_ = kept_;
    fits_ = true;
  }

 private:
  std::span<char> out_;
  std::size_t used_ = 0;
  std::size_t kept_ = 0;
  bool fits_ = true;
};

bool is_sf_token(std::string_view text) {
  const auto is_alpha = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return is_token(text) && (is_alpha(text[0]) || text[0] == '*');
}

void write_detail(std::string_view detail, Writer& writer) {
  writer.text("; detail=");
  if (is_sf_token(detail))
    writer.text(detail);
  else
    writer.quoted(detail);
  writer.commit();
}

void write_forward(const CacheStatus& status, Writer& writer) {
  writer.text("; fwd=");
  writer.text(fwd_of(status.fwd));
  writer.commit();
  if (status.fwd_status != 0) {
    writer.text("; fwd-status=");
    writer.number(status.fwd_status);
    writer.commit();
  }
  if (status.stored) writer.text("; stored"), writer.commit();
  if (status.collapsed) writer.text("; collapsed"), writer.commit();
}

}  // namespace

std::string_view write_cache_status(const CacheStatus& status, std::string_view cache_name,
                                    std::span<char> out) {
  Writer writer(out);
  writer.text(cache_name);
  writer.commit();
  const bool forwarded = !status.hit && status.fwd != MissReason::kNone;
  if (status.hit) writer.text("; hit"), writer.commit();
  if (forwarded) write_forward(status, writer);
  if (status.ttl_s) {
    writer.text("; ttl=");
    writer.number(*status.ttl_s);
    writer.commit();
  }
  if (!status.key.empty()) {
    writer.text("; key=");
    writer.quoted(status.key);
    writer.commit();
  }
  std::string_view detail = status.detail;
  if (detail.empty() && forwarded && token_of(status.fwd) != fwd_of(status.fwd))
    detail = token_of(status.fwd);
  if (!detail.empty()) write_detail(detail, writer);
  return writer.view();
}

}  // namespace meridian::http
