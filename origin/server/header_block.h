#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::origin {

// The fields of a response while it is being put together. Names are compared without case.
class HeaderBlock {
 public:
  void add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }
  void remove(std::string_view name);
  // Replaces every field of this name by one.
  void set(std::string_view name, std::string_view value);
  // Adds to a list-valued field, unless the member is there.
  void add_member(std::string_view name, std::string_view member);
  std::string_view value(std::string_view name) const;
  bool has(std::string_view name) const;
  bool empty() const { return fields_.empty(); }
  // As append_field() writes it.
  std::string block() const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace meridian::origin
