#include "lib/net/hosts_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>

namespace meridian {
namespace {

constexpr std::int64_t kLookEveryMs = 1000;

std::string_view next_word(std::string_view& line) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t start = std::min(line.find_first_not_of(kBlank), line.size());
  const std::size_t end = std::min(line.find_first_of(kBlank, start), line.size());
  const std::string_view word = line.substr(start, end - start);
  line.remove_prefix(end);
  return word;
}

}  // namespace

std::string lower_case(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

void HostsFile::refresh(std::int64_t now_ms) {
  if (now_ms < next_look_ms_) return;
  next_look_ms_ = now_ms + kLookEveryMs;
  const Stamp now = stamp();
  if (now == stamp_) return;
  stamp_ = now;
  read();
}

HostsFile::Stamp HostsFile::stamp() const {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return {};
  return {std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec, info.st_ino,
          info.st_size};
}

void HostsFile::read() {
  names_.clear();
  std::ifstream file(path_);
  for (std::string line; std::getline(file, line);)
    add_line(std::string_view(line).substr(0, line.find('#')));
  for (auto& [name, addresses] : names_) {
    std::stable_partition(addresses.begin(), addresses.end(),
                          [](const SocketAddress& address) { return address.family() == AF_INET; });
  }
}

void HostsFile::add_line(std::string_view line) {
  const Result<SocketAddress> address = SocketAddress::from_ip(next_word(line), 0);
  if (!address) return;
  for (std::string_view name = next_word(line); !name.empty(); name = next_word(line)) {
    auto& addresses = names_[lower_case(name)];
    if (std::find(addresses.begin(), addresses.end(), *address) == addresses.end())
      addresses.push_back(*address);
  }
}

const std::vector<SocketAddress>* HostsFile::find(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

}  // namespace meridian
