#pragma once

#include <functional>
#include <string>

#include "edge/tiers/object.h"
#include "lib/net/connect.h"
#include "lib/net/event_loop.h"

namespace meridian::memcached {

class Line;
struct Question;

// One get that somebody waits for. Answers once, on its loop, within the budget counted from asking; the
// server may take longer, and its answer is dropped then. Owned by the asker: destroying it cancels.
class Lookup final : public Operation {
 public:
  using Done = std::function<void(Ref<const Object>)>;
  Lookup(EventLoop& loop, Line& line, std::string_view key, Done done);
  ~Lookup() override;

  const std::string& key() const { return key_; }
  // --- for the line ---
  void begin(Question& question, std::int64_t budget_ms);
  // The question no longer knows this lookup. May destroy it.
  void answer(Ref<const Object> object);
  // The line goes away; nobody will answer.
  void forget() {
    question_ = nullptr;
    budget_.cancel();
  }

 private:
  void run_out();

  Line& line_;
  const std::string key_;
  Done done_;
  Question* question_ = nullptr;  // while it waits
  Timer budget_;
};

}  // namespace meridian::memcached
