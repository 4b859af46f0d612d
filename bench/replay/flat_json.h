#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace meridian::replay {

// The members of one JSON object (RFC 8259) whose values are strings, numbers, true, false or null, which is
// all that the edge's log has. Reads front to back and keeps nothing.
class FlatJson {
 public:
  explicit FlatJson(std::string_view text) : rest_(text) {}
  struct Member {
    std::string name;
    std::string value;  // of a string: as it means; else as it is written
    bool is_string = false;
  };
  // The next member. Nothing: the object has ended, or broken() says that it is none.
  std::optional<Member> next();
  bool broken() const { return state_ == State::kBroken; }

 private:
  enum class State : unsigned char { kBegin, kMembers, kEnd, kBroken };
  std::nullopt_t fail();
  void skip_blanks();
  bool take(char c);
  bool take_string(std::string& to);
  bool take_escape(std::string& to);
  bool take_hex(unsigned& code);
  bool take_plain(std::string& to);

  std::string_view rest_;
  State state_ = State::kBegin;
};

}  // namespace meridian::replay
