#pragma once

#include <string_view>
#include <vector>

// The rules of docs/architecture.md as data.
namespace meridian::tidy {

// A room and the rooms whose headers it may include, besides its own.
struct Room {
  std::string_view path;
  std::vector<std::string_view> may_include;
};
// The more exact path first: a file belongs to the first room that it is below.
inline const std::vector<Room> kRooms = {
    {"lib/base", {}},
    {"lib/stats", {"lib/base"}},
    {"lib/wire", {"lib/base"}},
    {"lib/net", {"lib/base"}},
    {"lib/http", {"lib/base", "lib/stats", "lib/wire", "lib/net"}},
    {"config", {"lib/base", "lib/stats", "lib/wire", "lib/net", "lib/http"}},
    {"origin/upstream", {"lib/base", "lib/stats", "lib/wire", "lib/net", "lib/http"}},
    {"origin/server", {"lib/base", "lib/stats", "lib/wire", "lib/net", "lib/http", "config"}},
    {"edge/tiers/ssd", {"lib/base", "lib/stats", "lib/net", "edge/tiers"}},
    {"edge/tiers/memcached", {"lib/base", "lib/stats", "lib/net", "edge/tiers"}},
    {"edge/tiers", {"lib/base", "lib/stats"}},
    {"edge",
     {"lib/base", "lib/stats", "lib/wire", "lib/net", "lib/http", "config", "origin/upstream", "edge/tiers",
      "edge/tiers/ssd", "edge/tiers/memcached"}},
    {"control-plane/log", {"lib/base", "lib/wire"}},
    {"control-plane/store", {"lib/base", "lib/wire", "lib/net", "lib/http", "control-plane/log"}},
    {"control-plane",
     {"lib/base", "lib/stats", "lib/wire", "lib/net", "lib/http", "config", "control-plane/log",
      "control-plane/store"}},
    {"docs/generate", {"lib/base", "lib/stats", "lib/net", "lib/http", "config"}},
};

// A header of somebody else's, by how its name begins, and the only places that may include it.
struct ThirdParty {
  std::string_view begins;
  std::vector<std::string_view> homes;
};
inline const std::vector<ThirdParty> kThirdParty = {
    {"tl/expected.hpp", {"lib/base/"}},
    {"prometheus/", {"lib/stats/"}},
    {"event2/", {"lib/net/", "bench/"}},
    {"openssl/",
     {"lib/net/", "lib/base/aead.", "lib/base/digest.", "tests/net/", "tests/upstream/", "tests/edge/",
      "bench/"}},
    {"yaml-cpp/", {"config/"}},
    {"llhttp.h", {"tests/fuzz/", "tests/http/", "bench/"}},
    {"xxhash.h", {"lib/base/"}},
    {"nlohmann/", {"edge/", "origin/server/", "tests/", "bench/"}},
    {"fmt/", {"edge/", "origin/server/"}},
    {"CLI/", {"edge/", "origin/server/", "control-plane/", "bench/"}},
    {"sqlite3.h", {"control-plane/store/sqlite_", "tests/control-plane/"}},
    {"libmemcached/", {"edge/tiers/memcached/", "bench/"}},
    {"gtest/", {"tests/"}},
    {"gmock/", {"tests/"}},
    {"benchmark/", {"bench/"}},
};

// Of the system: any of these beginnings, and headers of the standard library (which have neither dot nor
// slash).
inline const std::vector<std::string_view> kSystemFolders = {"sys/", "netinet/", "arpa/", "linux/", "net/"};
inline const std::vector<std::string_view> kSystemHeaders = {
    "unistd.h", "fcntl.h",     "dirent.h",    "signal.h", "poll.h",   "netdb.h",
    "malloc.h", "pthread.h",   "sched.h",     "stdlib.h", "string.h", "strings.h",
    "time.h",   "emmintrin.h", "immintrin.h", "errno.h",  "getopt.h", "ifaddrs.h"};

inline constexpr std::size_t kMostLines = 500;
inline constexpr std::size_t kMostColumns = 110;

}  // namespace meridian::tidy
