#include "lib/wire/json_fields.h"

#include <algorithm>

namespace meridian::wire {

JsonFields::JsonFields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object_.is(Json::Kind::kObject)) wrong("", "is to be an object");
}

std::string JsonFields::below(std::string_view name) const {
  if (path_.empty()) return name.empty() ? "the text" : std::string(name);
  return name.empty() ? path_ : path_ + "." + std::string(name);
}

void JsonFields::wrong(std::string_view name, std::string_view sentence) {
  if (!problem_) problem_ = below(name) + " " + std::string(sentence);
}

const Json* JsonFields::of_kind(std::string_view name, Json::Kind kind) {
  known_.push_back(name);
  if (problem_) return nullptr;
  const Json* const value = object_.find(name);
  if (value == nullptr) {
    wrong(name, "is missing");
  } else if (!value->is(kind)) {
    wrong(name, "is to be " + std::string(name_of(kind)));
  }
  return problem_ ? nullptr : value;
}

std::string JsonFields::text(std::string_view name, std::size_t least_bytes, std::size_t most_bytes) {
  const Json* const value = of_kind(name, Json::Kind::kString);
  if (value == nullptr) return {};
  if (value->text().size() < least_bytes || value->text().size() > most_bytes) {
    wrong(name, "is to have " + std::to_string(least_bytes) + " to " + std::to_string(most_bytes) + " bytes");
    return {};
  }
  return value->text();
}

std::uint64_t JsonFields::number(std::string_view name, std::uint64_t most) {
  const Json* const value = of_kind(name, Json::Kind::kNumber);
  if (value == nullptr) return 0;
  const auto number = value->number(most);
  if (!number) wrong(name, "is to be a whole number from 0 to " + std::to_string(most));
  return number.value_or(0);
}

bool JsonFields::flag(std::string_view name) {
  const Json* const value = of_kind(name, Json::Kind::kBool);
  return value != nullptr && value->flag();
}

const Json* JsonFields::array(std::string_view name, std::size_t most) {
  const Json* const value = of_kind(name, Json::Kind::kArray);
  if (value != nullptr && value->items().size() > most) {
    wrong(name, "is to have at most " + std::to_string(most) + " members");
    return nullptr;
  }
  return value;
}

std::string JsonFields::text_or(std::string_view name, std::string otherwise, std::size_t most_bytes) {
  if (has(name)) return text(name, 0, most_bytes);
  known_.push_back(name);
  return otherwise;
}

std::uint64_t JsonFields::number_or(std::string_view name, std::uint64_t otherwise, std::uint64_t most) {
  if (has(name)) return number(name, most);
  known_.push_back(name);
  return otherwise;
}

bool JsonFields::flag_or(std::string_view name, bool otherwise) {
  if (has(name)) return flag(name);
  known_.push_back(name);
  return otherwise;
}

Result<void> JsonFields::finish() {
  for (const std::string& name : object_.names()) {
    const bool is_known = std::find(known_.begin(), known_.end(), name) != known_.end();
    if (!is_known && !allows_unknown_) wrong(name.size() > 64 ? name.substr(0, 64) : name, "is not known");
  }
  if (problem_) return fail(ErrorCode::kInvalid, ErrorSource::kClient, *problem_);
  return {};
}

}  // namespace meridian::wire
