#include "lib/http/request_body.h"

#include <algorithm>

namespace meridian::http {

void RequestBody::begin(const Framing& framing) {
  framing_ = framing;
  left_ = framing.length;
  seen_ = 0;
  done_ = !present();
  chunks_.reset();
}

RequestBody::Step RequestBody::next(std::string_view input) {
  if (done_) return {ParseState::kDone, 0, {}, {}};
  return has_length() ? next_of_length(input) : next_chunk(input);
}

RequestBody::Step RequestBody::next_of_length(std::string_view input) {
  const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  left_ -= take;
  done_ = left_ == 0;
  return {done_ ? ParseState::kDone : ParseState::kNeedMore, take, input.substr(0, take), {}};
}

RequestBody::Step RequestBody::next_chunk(std::string_view input) {
  const ChunkDecoder::Step step = chunks_.next(input);
  if (step.state == ParseState::kBad) return {ParseState::kBad, 0, {}, step.reason};
  seen_ += step.data.size();
  if (limit_bytes_ != 0 && seen_ > limit_bytes_) {
    constexpr BadMessage kReason = BadMessage::kBodyTooLarge;
    return {ParseState::kBad, 0, {}, token_of(kReason), status_of(kReason)};
  }
  done_ = step.state == ParseState::kDone;
  return {step.state, step.consumed, step.data, {}};
}

}  // namespace meridian::http
