#include "lib/net/record_source.h"

#include <algorithm>
#include <cstring>

namespace meridian {

void RecordSource::skip_empty() {
  while (part_ != end_ && offset_ == part_->iov_len) {
    ++part_;
    offset_ = 0;
  }
}

RecordSource::Record RecordSource::peek(std::size_t least) {
  if (part_ == end_) return {};
  const std::size_t here = part_->iov_len - offset_;
  const bool last = part_ + 1 == end_;
  if (here >= kRecordBytes || last) {
    const char* data = static_cast<const char*>(part_->iov_base) + offset_;
    return {data, std::min(here, kRecordBytes)};
  }
  return {scratch_, gather(least)};
}

// Of a large part only so much is copied that whole records remain of it, to be taken where they lie.
std::size_t RecordSource::gather(std::size_t least) {
  std::size_t size = 0;
  std::size_t offset = offset_;
  for (const iovec* part = part_; part != end_ && size < kRecordBytes; ++part, offset = 0) {
    const std::size_t room = kRecordBytes - size;
    std::size_t bytes = part->iov_len - offset;
    if (bytes > room) {
      const std::size_t odd = bytes % kRecordBytes;
      bytes = odd <= room && size + odd >= least ? odd : room;
    }
    if (bytes != 0) std::memcpy(scratch_ + size, static_cast<const char*>(part->iov_base) + offset, bytes);
    size += bytes;
    if (bytes < part->iov_len - offset) break;
  }
  return size;
}

void RecordSource::take(std::size_t bytes) {
  while (bytes != 0) {
    const std::size_t step = std::min(bytes, part_->iov_len - offset_);
    offset_ += step;
    bytes -= step;
    skip_empty();
  }
}

}  // namespace meridian
