#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// Classes of characters (RFC 9110 section 5.6.2, RFC 5234) and the scans that the parsers live on. Every scan
// returns the first byte that ends it, or `end`.
namespace meridian::http {

inline constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> table{};
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

inline bool is_token_char(char c) { return kTokenChars[static_cast<unsigned char>(c)]; }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_blank(char c) { return c == ' ' || c == '\t'; }
inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
// Visible ASCII.
inline bool is_visible(char c) { return c > 0x20 && c < 0x7f; }
// What may stand in a field value: visible characters, obs-text, space and tab.
inline bool is_value_char(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u >= 0x20 && u != 0x7f) || u == '\t';
}

inline const char* skip_token(const char* p, const char* end) {
  while (p != end && is_token_char(*p)) ++p;
  return p;
}

inline const char* skip_blanks(const char* p, const char* end) {
  while (p != end && is_blank(*p)) ++p;
  return p;
}

#if defined(__SSE2__)
namespace detail {
inline __m128i load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline std::ptrdiff_t first_bit(int mask) { return __builtin_ctz(static_cast<unsigned>(mask)); }
}  // namespace detail
#endif

// The first byte that cannot stand in a field value: the CR at its end, or a fault.
inline const char* skip_value(const char* p, const char* end) {
#if defined(__SSE2__)
  const __m128i low = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; end - p >= 16; p += 16) {
    const __m128i v = detail::load(p);
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, low), v);
    const __m128i stop =
        _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(v, tab), control), _mm_cmpeq_epi8(v, del));
    const int mask = _mm_movemask_epi8(stop);
    if (mask != 0) return p + detail::first_bit(mask);
  }
#endif
  while (p != end && is_value_char(*p)) ++p;
  return p;
}

// The first byte that cannot stand in a request target: anything but visible ASCII, and the fragment's '#'.
inline const char* skip_target(const char* p, const char* end) {
#if defined(__SSE2__)
  const __m128i space = _mm_set1_epi8(0x20);
  const __m128i del = _mm_set1_epi8(0x7f);
  const __m128i hash = _mm_set1_epi8('#');
  for (; end - p >= 16; p += 16) {
    const __m128i v = detail::load(p);
    // Signed: bytes from 0x80 on are below the space, too.
    const __m128i visible = _mm_cmpgt_epi8(v, space);
    const __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(v, del), _mm_cmpeq_epi8(v, hash));
    const int mask = _mm_movemask_epi8(_mm_andnot_si128(odd, visible)) ^ 0xffff;
    if (mask != 0) return p + detail::first_bit(mask);
  }
#endif
  while (p != end && is_visible(*p) && *p != '#') ++p;
  return p;
}

inline const char* find_colon(const char* p, const char* end) {
#if defined(__SSE2__)
  const __m128i colon = _mm_set1_epi8(':');
  for (; end - p >= 16; p += 16) {
    const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(detail::load(p), colon));
    if (mask != 0) return p + detail::first_bit(mask);
  }
#endif
  while (p != end && *p != ':') ++p;
  return p;
}

inline std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace meridian::http
