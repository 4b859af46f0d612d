#include "edge/tiers/ssd/index.h"

#include "edge/tiers/ssd/index_table.h"

namespace meridian::ssd {

Index::Index(unsigned table_bits, std::uint64_t seed)
    : seed_(seed), table_bits_(table_bits), tables_(std::make_unique<Table[]>(1ULL << table_bits)) {}

Index::~Index() = default;

Index::Spot Index::spot_of(std::uint64_t hash) const {
  // Keys come from clients, and their hash is no secret. The seed keeps chosen keys from meeting in one
  // table.
  const auto product = static_cast<unsigned __int128>(hash ^ seed_) * 0x9E3779B97F4A7C15ULL;
  const std::uint64_t spread =
      static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  return {tables_[spread >> 32U & ((1ULL << table_bits_) - 1)], static_cast<std::uint32_t>(spread)};
}

void Index::count(Place::Kind kind, std::uint64_t by) {
  (kind == Place::Kind::kChunk ? chunks_ : objects_).fetch_add(by, std::memory_order_relaxed);
}

std::optional<Place> Index::find(std::uint64_t hash) const {
  const Spot spot = spot_of(hash);
  MutexLock lock(spot.table.mutex());
  return spot.table.find(spot.tag);
}

std::optional<Place> Index::use(std::uint64_t hash) {
  const Spot spot = spot_of(hash);
  MutexLock lock(spot.table.mutex());
  const std::optional<Place> place = spot.table.find(spot.tag);
  if (place && place->frequency() < Place::kMostFrequency) spot.table.set(spot.tag, place->used_once_more());
  return place;
}

bool Index::put(std::uint64_t hash, Place place) {
  const Spot spot = spot_of(hash);
  MutexLock lock(spot.table.mutex());
  const std::optional<Place> old = spot.table.find(spot.tag);
  if (old) {
    spot.table.set(spot.tag, place);
    count(old->kind(), ~std::uint64_t{0});
  } else {
    spot.table.insert(spot.tag, place);
  }
  count(place.kind(), 1);
  return old.has_value();
}

void Index::put_newer(std::uint64_t hash, Place place, const std::function<bool(Place, Place)>& is_newer) {
  const Spot spot = spot_of(hash);
  MutexLock lock(spot.table.mutex());
  const std::optional<Place> old = spot.table.find(spot.tag);
  if (!old) {
    spot.table.insert(spot.tag, place);
  } else if (is_newer(place, *old)) {
    spot.table.set(spot.tag, place);
    count(old->kind(), ~std::uint64_t{0});
  } else {
    return;
  }
  count(place.kind(), 1);
}

std::optional<Place> Index::erase(std::uint64_t hash) {
  const Spot spot = spot_of(hash);
  MutexLock lock(spot.table.mutex());
  const std::optional<Place> old = spot.table.find(spot.tag);
  if (!old) return std::nullopt;
  spot.table.erase(spot.tag);
  count(old->kind(), ~std::uint64_t{0});
  return old;
}

bool Index::erase_at(std::uint64_t hash, std::uint64_t offset) {
  const Spot spot = spot_of(hash);
  MutexLock lock(spot.table.mutex());
  const std::optional<Place> old = spot.table.find(spot.tag);
  if (!old || old->offset() != offset) return false;
  spot.table.erase(spot.tag);
  count(old->kind(), ~std::uint64_t{0});
  return true;
}

bool Index::move(std::uint64_t hash, std::uint64_t offset, Place to) {
  const Spot spot = spot_of(hash);
  MutexLock lock(spot.table.mutex());
  const std::optional<Place> old = spot.table.find(spot.tag);
  if (!old || old->offset() != offset) return false;
  spot.table.set(spot.tag, to);
  return true;
}

std::uint64_t Index::erase_between(std::uint64_t first, std::uint64_t last) {
  std::uint64_t objects = 0;
  for (std::uint64_t i = 0; i < 1ULL << table_bits_; ++i) {
    MutexLock lock(tables_[i].mutex());
    tables_[i].sweep([&](Place place) {
      if (place.offset() < first || place.offset() >= last) return false;
      count(place.kind(), ~std::uint64_t{0});
      objects += place.kind() == Place::Kind::kChunk ? 0U : 1U;
      return true;
    });
  }
  return objects;
}

std::size_t Index::footprint_bytes() const {
  std::size_t bytes = (sizeof(Table) << table_bits_) + sizeof *this;
  for (std::uint64_t i = 0; i < 1ULL << table_bits_; ++i) {
    MutexLock lock(tables_[i].mutex());
    bytes += tables_[i].footprint_bytes();
  }
  return bytes;
}

}  // namespace meridian::ssd
