#pragma once

#include <string>

namespace meridian::config {

// What a parameter may be, beyond its kind. Made by the functions below, in the tables.
struct Allowed {
  bool required = false;     // the key must be there
  bool may_be_empty = true;  // for kinds of text
  bool bounded = false;
  double least = 0;
  double most = 0;
};

constexpr Allowed any() { return {}; }
constexpr Allowed required() { return {.required = true, .may_be_empty = false}; }
constexpr Allowed not_empty() { return {.may_be_empty = false}; }
template <class A, class B>
constexpr Allowed between(A least, B most) {
  return {.bounded = true, .least = static_cast<double>(least), .most = static_cast<double>(most)};
}

}  // namespace meridian::config
