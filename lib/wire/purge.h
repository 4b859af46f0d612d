#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/wire/json.h"

// Purges: what an operator says, what the log holds, and what edges are told; pure functions. A purge is
// known by its seq alone, which is that of its log entry: all its targets take effect at once.
namespace meridian::wire {

enum class PurgeScope : std::uint8_t { kUrl, kPrefix, kTag, kSite, kAll };
enum class PurgeMode : std::uint8_t {
  kHard,  // what matches is gone
  kSoft,  // what matches is stale: served while it is revalidated, as far as the site's policy lets
};
std::string_view name_of(PurgeScope scope);
std::string_view name_of(PurgeMode mode);

// What is to go. As JSON {"url": U}, {"prefix": U}, {"tag": T}, {"site": S} or {"all": true}; beside the
// first three, "site" says that only objects of that site are meant.
struct PurgeTarget {
  PurgeScope scope = PurgeScope::kUrl;
  // kUrl: "http(s)://host[:port]/path[?query]" in the normal form of http::make_key(); all its variants are
  //   meant, and no other query. A site that drops or sorts parameters does so to this one too before it
  //   compares: that is for the edge, which knows the sites.
  // kPrefix: the same, and it may end anywhere behind the host's "/": every key that begins with these bytes.
  // kTag: as in Surrogate-Key and Cache-Tag, with its case. kSite: the site's name. kAll: empty.
  std::string value;
  std::string site;  // of kUrl, kPrefix and kTag; empty: any
  bool operator==(const PurgeTarget&) const = default;
};

struct Purge {
  PurgeMode mode = PurgeMode::kHard;
  std::vector<PurgeTarget> targets;
  bool operator==(const Purge&) const = default;
};

inline constexpr std::size_t kMostPurgeUrlBytes = 8192;
inline constexpr std::size_t kMostPurgeTagBytes = 1024;
inline constexpr std::size_t kMostSiteBytes = 255;
// Of one purge as JSON: an edge writes it to its journal whole before it acknowledges it.
inline constexpr std::size_t kMostPurgeBytes = 48 * 1024;
// What an operator may ask for in one request; it becomes as many purges as its bytes need.
inline constexpr std::size_t kMostPurgeTargets = 10'000;

// {"mode": "hard", "targets": [...]}
std::string serialize(const Purge& purge);
// Strict: a name that is not known, or a value that is out of bounds or not of its form, is refused with a
// sentence that names it. Whoever cannot read a purge that has been logged must not skip it, but take it for
// one of everything.
[[nodiscard]] Result<Purge> parse_purge(const Json& json);
[[nodiscard]] Result<Purge> parse_purge(std::string_view text);
// One target alone; `path` is how errors call it.
[[nodiscard]] Result<PurgeTarget> parse_purge_target(const Json& json, const std::string& path);
void write(const PurgeTarget& target, JsonWriter& to);

// Whether a tag can be purged; one that cannot is nobody's: visible ASCII without a comma.
bool is_purge_tag(std::string_view tag);

// An object as purges see it.
struct PurgeSubject {
  std::string_view key;  // "scheme://host[:port]/path[?query]"
  std::string_view site;
  std::span<const std::string_view> tags;
};
// What a purge means, without its mode. The index that an edge judges by must give the same answers.
bool matches(const PurgeTarget& target, const PurgeSubject& subject);
bool matches(const Purge& purge, const PurgeSubject& subject);

// Splits targets, in their order, into purges that each serialise to at most kMostPurgeBytes.
std::vector<Purge> split_purge(PurgeMode mode, std::vector<PurgeTarget> targets);

}  // namespace meridian::wire
