#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/wire/json.h"

namespace meridian::wire {

// Takes the members of one object by name and says what is wrong with them: missing, of another kind, beyond
// its bound, or not known. The first mistake is kept; after it every member reads as absent. Lives for one
// reading, as does the object.
class JsonFields {
 public:
  // `path` is how errors call the object: "targets[3]"; "" is the whole text.
  JsonFields(const Json& object, std::string path);

  bool has(std::string_view name) const { return object_.find(name) != nullptr; }
  // What must be there; "" and 0 after a mistake.
  std::string text(std::string_view name, std::size_t least_bytes, std::size_t most_bytes);
  std::uint64_t number(std::string_view name, std::uint64_t most = UINT64_MAX);
  bool flag(std::string_view name);
  const Json* object(std::string_view name) { return of_kind(name, Json::Kind::kObject); }
  const Json* array(std::string_view name, std::size_t most);
  // What may be absent.
  std::string text_or(std::string_view name, std::string otherwise, std::size_t most_bytes);
  std::uint64_t number_or(std::string_view name, std::uint64_t otherwise, std::uint64_t most = UINT64_MAX);
  bool flag_or(std::string_view name, bool otherwise);

  // A mistake that the caller has found.
  void wrong(std::string_view name, std::string_view sentence);
  bool ok() const { return !problem_; }
  // The mistake, if there was one; a member that nobody asked for is one too.
  [[nodiscard]] Result<void> finish();
  // Lets members be that nobody asks for: what a later version says more.
  void allow_unknown() { allows_unknown_ = true; }

 private:
  const Json* of_kind(std::string_view name, Json::Kind kind);
  std::string below(std::string_view name) const;

  const Json& object_;
  std::string path_;
  std::vector<std::string_view> known_;
  std::optional<std::string> problem_;
  bool allows_unknown_ = false;
};

}  // namespace meridian::wire
