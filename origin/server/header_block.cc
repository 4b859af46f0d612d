#include "origin/server/header_block.h"

#include <algorithm>

#include "lib/http/message.h"

namespace meridian::origin {

void HeaderBlock::remove(std::string_view name) {
  std::erase_if(fields_, [&](const auto& field) { return http::equals_ignoring_case(field.first, name); });
}

void HeaderBlock::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void HeaderBlock::add_member(std::string_view name, std::string_view member) {
  for (auto& field : fields_) {
    if (!http::equals_ignoring_case(field.first, name)) continue;
    if (!http::list_has(field.second, member)) field.second.append(", ").append(member);
    return;
  }
  add(name, member);
}

std::string_view HeaderBlock::value(std::string_view name) const {
  for (const auto& field : fields_) {
    if (http::equals_ignoring_case(field.first, name)) return field.second;
  }
  return {};
}

bool HeaderBlock::has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [&](const auto& field) { return http::equals_ignoring_case(field.first, name); });
}

std::string HeaderBlock::block() const {
  std::string block;
  for (const auto& field : fields_) http::append_field(block, field.first, field.second);
  return block;
}

}  // namespace meridian::origin
