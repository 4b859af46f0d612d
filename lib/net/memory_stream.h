#pragma once

#include <memory>
#include <utility>

#include "lib/net/event_loop.h"
#include "lib/net/stream.h"

namespace meridian {

// Two ends of a stream in memory, on one loop, for tests: what one writes the other reads. `window_bytes` is
// how much one end may write before the other reads, so that back-pressure can be tested.
std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> memory_stream_pair(
    EventLoop& loop, std::size_t window_bytes = 65536);

}  // namespace meridian
