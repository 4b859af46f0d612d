#include "control-plane/log/key_memory.h"

#include <algorithm>
#include <tuple>

namespace meridian::control {

std::size_t KeyMemory::size() const {
  return (young_ ? young_->size() : 0) + (middle_ ? middle_->size() : 0) + old_.size() * kOld;
}

std::optional<KeyUse> KeyMemory::find(std::string_view key) const {
  const std::string name(key);
  const auto look = [&name](const Map* map) -> const KeyUse* {
    if (map == nullptr) return nullptr;
    const auto found = map->find(name);
    return found == map->end() ? nullptr : &found->second;
  };
  const KeyUse* found = look(young_.get());
  if (found == nullptr) found = look(middle_.get());
  for (auto map = old_.rbegin(); found == nullptr && map != old_.rend(); ++map) found = look(map->get());
  return found == nullptr ? std::nullopt : std::optional(*found);
}

void KeyMemory::add(const std::string& key, KeyUse use) {
  if (find(key)) return;
  if (young_ == nullptr || !owns_young_) {
    young_ = young_ == nullptr ? std::make_shared<Map>() : std::make_shared<Map>(*young_);
    owns_young_ = true;
  }
  young_->emplace(key, use);
  if (young_->size() == kYoung) pour();
}

void KeyMemory::pour() {
  auto middle = middle_ == nullptr ? std::make_shared<Map>() : std::make_shared<Map>(*middle_);
  middle->insert(young_->begin(), young_->end());
  young_.reset();
  middle_ = std::move(middle);
  if (middle_->size() < kOld) return;
  old_.push_back(std::move(middle_));
  middle_.reset();
  if (old_.size() > kMostOld) old_.erase(old_.begin());
}

std::vector<std::pair<std::string, KeyUse>> KeyMemory::all() const {
  std::vector<std::pair<std::string, KeyUse>> keys;
  keys.reserve(size());
  for (const auto& map : old_) keys.insert(keys.end(), map->begin(), map->end());
  if (middle_) keys.insert(keys.end(), middle_->begin(), middle_->end());
  if (young_) keys.insert(keys.end(), young_->begin(), young_->end());
  std::sort(keys.begin(), keys.end(),
            [](const auto& a, const auto& b) { return a.second.seq < b.second.seq; });
  return keys;
}

}  // namespace meridian::control
