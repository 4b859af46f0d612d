#include "edge/tiers/memcached/lookup.h"

#include <utility>

#include "edge/tiers/memcached/line.h"

namespace meridian::memcached {

Lookup::Lookup(EventLoop& loop, Line& line, std::string_view key, Done done)
    : line_(line), key_(key), done_(std::move(done)), budget_(loop, [this] { run_out(); }) {}

Lookup::~Lookup() {
  if (question_ != nullptr) line_.leave(*question_, GetEnd::kCancelled);
}

void Lookup::begin(Question& question, std::int64_t budget_ms) {
  question_ = &question;
  budget_.arm(budget_ms);
}

void Lookup::run_out() {
  line_.leave(*question_, GetEnd::kLate);
  answer({});
}

void Lookup::answer(Ref<const Object> object) {
  question_ = nullptr;
  budget_.cancel();
  const Done done = std::move(done_);
  done(std::move(object));
}

}  // namespace meridian::memcached
