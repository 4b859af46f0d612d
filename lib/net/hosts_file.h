#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/net/address.h"

namespace meridian {

// The names of a hosts(5) file. On one loop's thread.
class HostsFile {
 public:
  explicit HostsFile(std::string path) : path_(std::move(path)) {}

  // Reads the file again if it has changed; looks at most once a second. A file that is not there has no
  // names.
  void refresh(std::int64_t now_ms);
  // Lower-case name; nullptr: not in the file. Port 0; IPv4 before IPv6.
  const std::vector<SocketAddress>* find(const std::string& name) const;

 private:
  struct Stamp {
    std::int64_t changed_ns = 0;
    std::uint64_t inode = 0;
    std::int64_t size = -1;
    bool operator==(const Stamp&) const = default;
  };
  Stamp stamp() const;
  void read();
  void add_line(std::string_view line);

  const std::string path_;
  Stamp stamp_;
  std::int64_t next_look_ms_ = 0;
  std::unordered_map<std::string, std::vector<SocketAddress>> names_;
};

// ASCII only, as DNS compares (RFC 4343).
std::string lower_case(std::string_view name);

}  // namespace meridian
