#pragma once

#include "bench/replay/cache.h"

namespace meridian::replay {

// FIFO, LRU and SIEVE over one list.
std::unique_ptr<Cache> make_fifo(const Cache::Sizes& sizes, std::uint64_t capacity);
std::unique_ptr<Cache> make_lru(const Cache::Sizes& sizes, std::uint64_t capacity);
// Zhang et al., "SIEVE is simpler than LRU", NSDI 2024.
std::unique_ptr<Cache> make_sieve(const Cache::Sizes& sizes, std::uint64_t capacity);
// Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003; by bytes.
std::unique_ptr<Cache> make_arc(const Cache::Sizes& sizes, std::uint64_t capacity);
// Einziger et al., "TinyLFU: a highly efficient cache admission policy", ACM Transactions on Storage 2017: a
// window of 1 % before a segmented LRU, by bytes; a candidate has to beat each victim that makes room for it.
std::unique_ptr<Cache> make_w_tiny_lfu(const Cache::Sizes& sizes, std::uint64_t capacity);
// Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023, as the paper has it: two hits
// lead to the main queue, and the ghost queue is exact.
std::unique_ptr<Cache> make_s3_fifo(const Cache::Sizes& sizes, std::uint64_t capacity);

}  // namespace meridian::replay
