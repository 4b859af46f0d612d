#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "lib/http/storability.h"

// Parameters that take one of a few words: the enumeration and, beside it, the words in the same order.
namespace meridian::config {

enum class Balance : std::uint8_t { kLeastOfTwo, kConsistentHash };
constexpr auto names_of(Balance) {
  return std::array<std::string_view, 2>{"least-of-two", "consistent-hash"};
}

enum class HostHeader : std::uint8_t { kClient, kOrigin };
constexpr auto names_of(HostHeader) { return std::array<std::string_view, 2>{"client", "origin"}; }

constexpr auto names_of(http::SetCookiePolicy) {
  return std::array<std::string_view, 4>{"explicit", "public", "never", "strip"};
}

enum class QueryPolicy : std::uint8_t { kKeep, kSort, kDrop };
constexpr auto names_of(QueryPolicy) { return std::array<std::string_view, 3>{"keep", "sort", "drop"}; }

enum class CacheStatusMode : std::uint8_t { kOff, kOn, kKey };
constexpr auto names_of(CacheStatusMode) { return std::array<std::string_view, 3>{"off", "on", "key"}; }

enum class LogFormat : std::uint8_t { kJson, kCombined };
constexpr auto names_of(LogFormat) { return std::array<std::string_view, 2>{"json", "combined"}; }

// The values are those of AdmissionKind and SsdIo in edge/tiers, which this room may not know.
enum class SsdAdmission : std::uint8_t { kAll, kSecondHit, kFrequency, kSizeAware };
constexpr auto names_of(SsdAdmission) {
  return std::array<std::string_view, 4>{"all", "second-hit", "frequency", "size-aware"};
}
enum class SsdIoKind : std::uint8_t { kAuto, kUring, kThreads };
constexpr auto names_of(SsdIoKind) { return std::array<std::string_view, 3>{"auto", "uring", "threads"}; }

enum class TlsVersion : std::uint8_t { k12, k13 };
constexpr auto names_of(TlsVersion) { return std::array<std::string_view, 2>{"1.2", "1.3"}; }

// meridian-origin: what a fault does to the connection, and where; and which symbolic links are followed.
enum class FaultCut : std::uint8_t { kNone, kTruncate, kReset, kHang };
constexpr auto names_of(FaultCut) {
  return std::array<std::string_view, 4>{"none", "truncate", "reset", "hang"};
}

enum class FaultPoint : std::uint8_t { kHead, kBody };
constexpr auto names_of(FaultPoint) { return std::array<std::string_view, 2>{"head", "body"}; }

enum class Symlinks : std::uint8_t { kNever, kInside, kAll };
constexpr auto names_of(Symlinks) { return std::array<std::string_view, 3>{"never", "inside", "all"}; }

}  // namespace meridian::config
