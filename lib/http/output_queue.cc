#include "lib/http/output_queue.h"

#include <algorithm>
#include <utility>

namespace meridian::http {

void OutputQueue::append(std::string_view text) {
  if (text.empty()) return;
  text_.append(text);
  size_ += text.size();
  if (first_ < parts_.size() && parts_.back().slice.data == nullptr) {
    parts_.back().slice.size += text.size();
  } else {
    parts_.push_back({{{}, nullptr, text.size()}});
  }
}

void OutputQueue::append(Slice slice) {
  if (slice.size == 0) return;
  if (slice.size <= kCopyBytes && text_.size() < kTextCopyMax) return append(slice.view());
  size_ += slice.size;
  FilePlace file;
  if (slice.owner && slice.size >= kSendFileBytes) file = slice.owner->file_place(slice.data);
  parts_.push_back({std::move(slice), file});
}

int OutputQueue::fill(iovec* parts, std::size_t& bytes, bool with_files, const Part*& file) const {
  std::size_t text_at = text_sent_;
  int count = 0;
  bytes = 0;
  file = nullptr;
  for (std::size_t i = first_; i < parts_.size() && count < kVectorParts; ++i, ++count) {
    const Slice& slice = parts_[i].slice;
    if (with_files && parts_[i].file.fd >= 0) {
      file = &parts_[i];
      bytes += slice.size;
      break;
    }
    const char* data = slice.data;
    if (data == nullptr) {
      data = text_.data() + text_at;
      text_at += slice.size;
    }
    parts[count] = {const_cast<char*>(data), slice.size};
    bytes += slice.size;
  }
  return count;
}

IoResult::Kind OutputQueue::flush(Stream& stream) {
  while (size_ != 0) {
    iovec parts[kVectorParts];
    std::size_t offered = 0;
    const Part* file = nullptr;
    const int count = fill(parts, offered, stream.sends_files(), file);
    const IoResult result = file == nullptr ? stream.write(parts, count)
                                            : stream.write_file(parts, count, file->file, file->slice.size);
    if (result.kind != IoResult::Kind::kOk) {
      return result.kind == IoResult::Kind::kWouldBlock ? result.kind : IoResult::Kind::kError;
    }
    advance(result.bytes);
    if (result.bytes < offered) return IoResult::Kind::kWouldBlock;
  }
  return IoResult::Kind::kOk;
}

void OutputQueue::advance(std::size_t bytes) {
  size_ -= bytes;
  while (bytes != 0) {
    Slice& slice = parts_[first_].slice;
    const std::size_t step = std::min(bytes, slice.size);
    if (slice.data == nullptr) {
      text_sent_ += step;
    } else {
      slice.data += step;
      parts_[first_].file.offset += step;
    }
    slice.size -= step;
    bytes -= step;
    if (slice.size != 0) break;
    slice.owner.reset();
    ++first_;
  }
  compact();
}

// A long response that never drains must not make the memory of what was sent pile up.
void OutputQueue::compact() {
  if (size_ == 0) {
    parts_.clear();
    text_.clear();
    if (text_.capacity() > 2 * kTextCopyMax) text_.shrink_to_fit();
    first_ = text_sent_ = 0;
    return;
  }
  if (first_ >= kVectorParts) {
    parts_.erase(parts_.begin(), parts_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  if (text_sent_ >= kTextCopyMax) {
    text_.erase(0, text_sent_);
    text_sent_ = 0;
  }
}

Slice OutputQueue::take_all() {
  std::string all;
  all.reserve(size_);
  while (size_ != 0) {
    iovec parts[kVectorParts];
    std::size_t bytes = 0;
    const Part* file = nullptr;
    const int count = fill(parts, bytes, false, file);
    for (int i = 0; i < count; ++i) all.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
    advance(bytes);
  }
  return Slice::copy_of(all);
}

}  // namespace meridian::http
