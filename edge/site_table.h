#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/edge_config.h"
#include "edge/peer_table.h"
#include "lib/base/result.h"
#include "origin/upstream/upstream.h"

namespace meridian::edge {

// A site as the request path needs it: the operator's words, and what was made of them once.
struct Site {
  config::SiteConfig config;
  std::uint32_t id = 0;  // stable over reloads: a hash of the name
  std::shared_ptr<upstream::SharedGroup> origins;
  upstream::GroupOptions origin_options;
  std::map<int, std::string> error_pages;  // the site's own, by status; for a whole class by its first digit
};

// All sites and which host belongs to which. Immutable: a reload makes a new one and swaps it in whole.
class SiteTable {
 public:
  // Origins whose options did not change keep their state (breakers, counts) from `previous`, which may be
  // nullptr.
  [[nodiscard]] static Result<std::shared_ptr<const SiteTable>> make(const config::EdgeConfig& config,
                                                                     const SiteTable* previous);
  // The index of the site for this host (without port, any case): the exact name, else the longest wildcard,
  // else "*". kNone when no site has it.
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t find(std::string_view host) const;
  const Site& at(std::size_t index) const { return *sites_[index]; }
  std::size_t size() const { return sites_.size(); }
  const config::EdgeConfig& config() const { return config_; }
  // The other edges; nullptr: there are none.
  const std::shared_ptr<const PeerTable>& peers() const { return peers_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Names = std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>>;

  config::EdgeConfig config_;
  std::shared_ptr<const PeerTable> peers_;
  std::vector<std::unique_ptr<Site>> sites_;
  Names exact_;
  Names wildcard_;  // what follows "*."
  std::size_t any_ = kNone;
};

}  // namespace meridian::edge
