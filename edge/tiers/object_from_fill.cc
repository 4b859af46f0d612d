#include <algorithm>
#include <cstring>
#include <vector>

#include "edge/tiers/object.h"

// How a body that was read from an origin becomes what is stored. A block is kept when the body fills most of
// it; otherwise a stored object would pin memory that holds nothing of it (framing, the next response, unused
// room).

namespace meridian {
namespace {

// Of a kept block at most one part in this many may hold something else.
constexpr std::size_t kWasteShare = 8;
// What is copied together goes into blocks of at most this size, so that no single allocation has to be huge.
constexpr std::size_t kCopyBlock = 256 * 1024;

// Slices shorter than this on average cost too much in the list: a body in tiny chunks is better copied
// together.
constexpr std::size_t kMinSlice = 1024;

bool worth_keeping(const RefCounted* owner, std::size_t used, std::size_t slices) {
  if (owner == nullptr) return true;
  if (used / slices < kMinSlice) return false;
  const std::size_t footprint = owner->footprint_bytes();
  return used >= footprint - footprint / kWasteShare;
}

class BodyPacker {
 public:
  explicit BodyPacker(std::span<const Slice> body) {
    while (!body.empty()) body = body.subspan(take_run(body));
    copy_pending();
  }
  std::vector<Slice> packed;

 private:
  // One run of slices of the same owner. Returns how many slices it has.
  std::size_t take_run(std::span<const Slice> body) {
    const RefCounted* owner = body[0].owner.get();
    std::size_t count = 0;
    std::size_t used = 0;
    for (; count < body.size() && body[count].owner.get() == owner; ++count) used += body[count].size;
    if (used == 0) return count;
    if (worth_keeping(owner, used, count)) {
      copy_pending();
      for (const Slice& slice : body.first(count)) keep(slice);
    } else {
      for (const Slice& slice : body.first(count)) pend(slice.view());
    }
    return count;
  }

  void keep(const Slice& slice) {
    if (slice.size == 0) return;
    const bool adjoins = !packed.empty() && packed.back().owner.get() == slice.owner.get() &&
                         packed.back().data + packed.back().size == slice.data;
    if (adjoins) {
      packed.back().size += slice.size;
    } else {
      packed.push_back(slice);
    }
  }

  void pend(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t part = std::min(bytes.size(), kCopyBlock - pending_bytes_);
      pending_.push_back(bytes.substr(0, part));
      pending_bytes_ += part;
      bytes.remove_prefix(part);
      if (pending_bytes_ == kCopyBlock) copy_pending();
    }
  }

  void copy_pending() {
    if (pending_.empty()) return;
    Ref<Block> block = Block::allocate(pending_bytes_);
    char* to = block->data();
    for (const std::string_view bytes : pending_) {
      std::memcpy(to, bytes.data(), bytes.size());
      to += bytes.size();
    }
    const char* data = block->data();
    packed.push_back({std::move(block), data, pending_bytes_});
    pending_.clear();
    pending_bytes_ = 0;
  }

  std::vector<std::string_view> pending_;  // neighbours in the body that will share one new block
  std::size_t pending_bytes_ = 0;
};

}  // namespace

Ref<Object> Object::from_fill(std::string_view key, const ObjectMeta& meta, std::string_view head,
                              std::span<const Slice> body) {
  std::uint64_t size = 0;
  for (const Slice& slice : body) size += slice.size;
  if (size <= kInlineBody) return make(key, meta, head, body);
  return make_large(key, meta, head, BodyPacker(body).packed);
}

}  // namespace meridian
