#include <array>
#include <cstring>

#include "lib/http/message.h"

// Known field names by a perfect hash that is found when this file is compiled: of a name's length and three
// of its letters. A hit is then compared as a whole, without regard to case.
namespace meridian::http {
namespace {

constexpr std::string_view kNames[] = {
#define FIELD(id, name) name,
#include "lib/http/field_names.def"
#undef FIELD
};
constexpr std::size_t kCount = std::size(kNames);
constexpr std::size_t kShortest = 2;
constexpr std::size_t kLongest = 32;
constexpr unsigned kTableBits = 9;
static_assert(kCount < 128, "FieldSet has room for 128 fields");

constexpr std::uint32_t key_of(const char* name, std::size_t size) {
  const auto letter = [](char c) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(c) | 0x20U);
  };
  return static_cast<std::uint32_t>(size) | letter(name[0]) << 8U | letter(name[size - 1]) << 16U |
         letter(name[size - 2]) << 24U;
}

constexpr std::size_t slot_of(std::uint32_t key, std::uint32_t factor) {
  return (key * factor) >> (32U - kTableBits);
}

constexpr bool is_perfect(std::uint32_t factor) {
  std::array<bool, 1U << kTableBits> used{};
  for (std::string_view name : kNames) {
    bool& slot = used[slot_of(key_of(name.data(), name.size()), factor)];
    if (slot) return false;
    slot = true;
  }
  return true;
}

constexpr std::uint32_t find_factor() {
  std::uint32_t factor = 0x9e3779b1U;
  while (!is_perfect(factor)) factor += 0x3c6ef372U;  // an even step keeps it odd
  return factor;
}
constexpr std::uint32_t kFactor = find_factor();

constexpr auto kSlots = [] {
  std::array<std::uint8_t, 1U << kTableBits> slots{};
  for (auto& slot : slots) slot = static_cast<std::uint8_t>(kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    slots[slot_of(key_of(kNames[i].data(), kNames[i].size()), kFactor)] = static_cast<std::uint8_t>(i);
  }
  return slots;
}();

// A name equals a known one if (name | fold) == lower in every byte: fold is 0x20 for letters, and 0 for all
// else, which must be the same.
struct Folded {
  char lower[kLongest] = {};
  char fold[kLongest] = {};
  std::size_t size = 0;
};

constexpr auto kFolded = [] {
  std::array<Folded, kCount + 1> table{};
  for (std::size_t i = 0; i < kCount; ++i) {
    table[i].size = kNames[i].size();
    for (std::size_t j = 0; j < kNames[i].size(); ++j) {
      const char c = kNames[i][j];
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      table[i].lower[j] = letter ? static_cast<char>(c | 0x20) : c;
      table[i].fold[j] = letter ? 0x20 : 0;
    }
  }
  return table;
}();

static_assert([] {
  for (std::string_view name : kNames) {
    if (name.size() < kShortest || name.size() > kLongest) return false;
  }
  return true;
}());

template <class Word>
bool same_at(const char* name, const Folded& known, std::size_t at) {
  Word a = 0;
  Word lower = 0;
  Word fold = 0;
  std::memcpy(&a, name + at, sizeof a);
  std::memcpy(&lower, known.lower + at, sizeof lower);
  std::memcpy(&fold, known.fold + at, sizeof fold);
  return static_cast<Word>(a | fold) == lower;
}

// Compares in words that overlap at the end, so that no byte outside of the name is read.
template <class Word>
bool same_in_words(const char* name, const Folded& known) {
  std::size_t at = 0;
  for (; at + sizeof(Word) < known.size; at += sizeof(Word)) {
    if (!same_at<Word>(name, known, at)) return false;
  }
  return same_at<Word>(name, known, known.size - sizeof(Word));
}

bool same(const char* name, const Folded& known) {
  if (known.size >= 8) return same_in_words<std::uint64_t>(name, known);
  if (known.size >= 4) return same_in_words<std::uint32_t>(name, known);
  return same_in_words<std::uint16_t>(name, known);
}

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.size() < kShortest) return FieldId::kOther;
  const std::size_t index = kSlots[slot_of(key_of(name.data(), name.size()), kFactor)];
  const Folded& known = kFolded[index];
  if (known.size != name.size() || !same(name.data(), known)) return FieldId::kOther;
  return static_cast<FieldId>(index);
}

std::string_view field_name(FieldId id) {
  return id == FieldId::kOther ? std::string_view() : kNames[static_cast<std::size_t>(id)];
}

}  // namespace meridian::http
