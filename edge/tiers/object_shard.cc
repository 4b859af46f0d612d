#include "edge/tiers/object_shard.h"

#include <bit>
#include <utility>

#include "edge/tiers/eviction_policy.h"
#include "lib/base/check.h"

namespace meridian {

Ref<const Object> ObjectShard::find(std::uint64_t hash, std::string_view key) {
  MutexLock lock(mutex_);
  const Link link = find_link(print_of(hash), key);
  if (link == 0) {
    ++lookups_.misses;
    return {};
  }
  ++lookups_.hits;
  Node& node = nodes_[link - 1];
  // Popular objects stay at the top: their line is not written again.
  if ((node.print_and_frequency & kFrequencyMask) < EvictionPolicy::kMaxFrequency) {
    ++node.print_and_frequency;
  }
  return Ref<const Object>::share(node.object);
}

ObjectShard::Lookups ObjectShard::lookups() const {
  MutexLock lock(mutex_);
  return lookups_;
}

ObjectShard::Link ObjectShard::find_link(std::uint32_t print, std::string_view key) const {
  if (bucket_count_ == 0) return 0;
  Link link = buckets_[bucket_of(print)];
  while (link != 0) {
    const Node& node = nodes_[link - 1];
    if (node.print() == print && node.object->key() == key) return link;
    link = node.next;
  }
  return 0;
}

std::optional<ObjectShard::NodeId> ObjectShard::locate(std::uint64_t hash, std::string_view key) const {
  MutexLock lock(mutex_);
  const Link link = find_link(print_of(hash), key);
  if (link == 0) return std::nullopt;
  return link - 1;
}

ObjectShard::Inserted ObjectShard::insert(std::uint64_t hash, Ref<const Object> object) {
  MutexLock lock(mutex_);
  const std::size_t before = footprint();
  if (object_count_ == bucket_count_) add_bucket();
  const NodeId id = free_node();
  const std::uint32_t print = print_of(hash);
  Link& head = buckets_[bucket_of(print)];
  nodes_[id] = {object.release(), head, print << kFrequencyBits};
  head = id + 1;
  ++object_count_;
  return {id, footprint() - before};
}

ObjectShard::NodeId ObjectShard::free_node() {
  if (free_ != 0) {
    const NodeId id = free_ - 1;
    free_ = nodes_[id].next;
    return id;
  }
  nodes_.reach(fresh_node_);
  return fresh_node_++;
}

void ObjectShard::add_bucket() {
  const std::size_t fresh = bucket_count_++;
  buckets_.reach(fresh);
  if (bucket_count_ == 2 * round_) round_ *= 2;
  if (fresh == 0) return;
  // The new bucket takes over what its twin of the last round held for it.
  Link* from = &buckets_[fresh & (std::bit_floor(fresh) - 1)];
  Link* to = &buckets_[fresh];
  while (*from != 0) {
    Node& node = nodes_[*from - 1];
    if (bucket_of(node.print()) != fresh) {
      from = &node.next;
      continue;
    }
    *to = std::exchange(*from, std::exchange(node.next, 0));
    to = &node.next;
  }
}

Ref<const Object> ObjectShard::exchange(NodeId node, Ref<const Object> object) {
  MutexLock lock(mutex_);
  return Ref<const Object>::adopt(std::exchange(nodes_[node].object, object.release()));
}

Ref<const Object> ObjectShard::take(NodeId id) {
  MutexLock lock(mutex_);
  Node& node = nodes_[id];
  Link* link = &buckets_[bucket_of(node.print())];
  while (*link != id + 1) {
    CHECK(*link != 0);
    link = &nodes_[*link - 1].next;
  }
  *link = std::exchange(node.next, free_);
  free_ = id + 1;
  --object_count_;
  return Ref<const Object>::adopt(std::exchange(node.object, nullptr));
}

const Object& ObjectShard::object(NodeId node) const {
  MutexLock lock(mutex_);
  return *nodes_[node].object;
}

unsigned ObjectShard::frequency(NodeId node) const {
  MutexLock lock(mutex_);
  return nodes_[node].print_and_frequency & kFrequencyMask;
}

void ObjectShard::set_frequency(NodeId node, unsigned frequency) {
  MutexLock lock(mutex_);
  std::uint32_t& word = nodes_[node].print_and_frequency;
  word = (word & ~kFrequencyMask) | (frequency & kFrequencyMask);
}

std::size_t ObjectShard::footprint_bytes() const {
  MutexLock lock(mutex_);
  return footprint();
}

void ObjectShard::clear() {
  MutexLock lock(mutex_);
  for (NodeId id = 0; id < fresh_node_; ++id) {
    if (nodes_[id].object != nullptr) nodes_[id].object->unref();
  }
  buckets_ = {};
  nodes_ = {};
  bucket_count_ = object_count_ = 0;
  round_ = 1;
  fresh_node_ = 0;
  free_ = 0;
}

}  // namespace meridian
