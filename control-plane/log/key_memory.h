#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace meridian::control {

// What an idempotency key stands for.
struct KeyUse {
  std::uint64_t seq = 0;
  std::uint64_t digest = 0;  // of the command's kind and payload, so that another command is told apart
  bool operator==(const KeyUse&) const = default;
};

// The idempotency keys that were used last. They lie in maps that copies share: a young one, which a copy
// makes its own before it adds to it; a middle one, which each full young one is poured into; and old ones,
// of which the oldest goes whole. So two that were given the same keys in the same order remember the same
// ones. Copy only one that is not changed any more; see SharedList.
class KeyMemory {
 public:
  static constexpr std::size_t kYoung = 512;
  static constexpr std::size_t kOld = 32 * kYoung;
  // At least the newest 98,000 are remembered.
  static constexpr std::size_t kMostOld = 6;

  KeyMemory() = default;
  KeyMemory(const KeyMemory& other) : young_(other.young_), middle_(other.middle_), old_(other.old_) {}
  KeyMemory& operator=(const KeyMemory& other) { return *this = KeyMemory(other); }
  KeyMemory(KeyMemory&&) noexcept = default;
  KeyMemory& operator=(KeyMemory&&) noexcept = default;

  std::size_t size() const;
  std::optional<KeyUse> find(std::string_view key) const;
  // A key that is remembered already is not added again.
  void add(const std::string& key, KeyUse use);
  // All, oldest first.
  std::vector<std::pair<std::string, KeyUse>> all() const;

 private:
  using Map = std::unordered_map<std::string, KeyUse>;
  void pour();

  std::shared_ptr<Map> young_;
  std::shared_ptr<const Map> middle_;
  std::vector<std::shared_ptr<const Map>> old_;  // each has kOld
  bool owns_young_ = false;
};

}  // namespace meridian::control
