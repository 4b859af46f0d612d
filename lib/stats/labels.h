#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

// The label sets of labels.def as enumerations.
namespace meridian::stats {

#define V(id, text) id,
#define LABELS(type, label, values) enum class type : std::uint8_t { values };
#define REGISTERED_LABELS(type, label, most) enum class type : std::uint8_t {};
#include "lib/stats/labels.def"
#undef V
#undef LABELS
#undef REGISTERED_LABELS

// Which set; for tables.
enum class LabelSet : std::uint8_t {
#define LABELS(type, label, values) k##type,
#define REGISTERED_LABELS(type, label, most) k##type,
#include "lib/stats/labels.def"
#undef LABELS
#undef REGISTERED_LABELS
  kCount,
};

template <class L>
struct LabelTraits;
#define V(id, text) +1
#define LABELS(type, label, values)                     \
  template <>                                           \
  struct LabelTraits<type> {                            \
    static constexpr LabelSet kSet = LabelSet::k##type; \
    static constexpr std::size_t kCount = 0 values;     \
  };
#define REGISTERED_LABELS(type, label, most)            \
  template <>                                           \
  struct LabelTraits<type> {                            \
    static constexpr LabelSet kSet = LabelSet::k##type; \
    static constexpr std::size_t kCount = most;         \
  };
#include "lib/stats/labels.def"
#undef V
#undef LABELS
#undef REGISTERED_LABELS

// A status code's class; 0 (no answer was made) is kAborted.
constexpr StatusClass status_class(int status) {
  if (status < 100 || status > 599) return StatusClass::kAborted;
  return static_cast<StatusClass>(status / 100 - 1);
}

}  // namespace meridian::stats
