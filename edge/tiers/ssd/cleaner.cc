#include "edge/tiers/ssd/cleaner.h"

#include <algorithm>

#include "edge/tiers/ssd/recovery.h"

namespace meridian::ssd {
namespace {

// At most this share of a segment is written again, so that giving it up always makes room.
constexpr double kMostShare = 0.5;
// Up to this share one use is enough.
constexpr double kFirstShare = 0.25;
// For how many batches one record waits when writers keep the log full.
constexpr int kMostWaits = 4;
// From this scarcity on the budget is left to new objects.
constexpr double kTooScarce = 0.9;

}  // namespace

bool KeepWhatIsUsed::keep(unsigned uses, std::uint64_t, double share, double scarcity) {
  if (uses == 0 || share >= kMostShare || scarcity >= kTooScarce) return false;
  const double pressure = std::max(scarcity, share);
  return uses >= (pressure < kFirstShare ? 1U : pressure < kMostShare ? 2U : 3U);
}

Cleaner::Cleaner(const Shared& shared, Log& log, Options options)
    : shared_(shared),
      log_(log),
      options_(std::move(options)),
      pool_(BufferPool::create(PageClass::kMostPages * kPage, PageClass::kMostPages * kPage)),
      thread_([this] { run(); }) {}

Cleaner::~Cleaner() {
  log_.stop_cleaning();
  thread_.join();
}

void Cleaner::run() {
  while (const auto chore = log_.wait_for_chore()) {
    if (chore->is_given_up) {
      drop(chore->segment);
    } else {
      make_ready(chore->segment);
    }
  }
}

void Cleaner::make_ready(std::uint32_t segment) {
  const Geometry& geometry = shared_.geometry;
  const std::uint64_t begin = geometry.offset_of(segment);
  auto end = read_segment_end(shared_.file, segment, geometry, shared_.keyring);
  std::uint64_t kept_bytes = 0;
  if (end && end->foot.generation == shared_.segments.generation(segment)) {
    for (const TocEntry& entry : end->entries) {
      if (entry.kind() == RecordKind::kTombstone) continue;
      const auto place = shared_.index.find(entry.index_hash);
      if (!place || place->offset() != begin + entry.offset()) continue;
      const double share = static_cast<double>(kept_bytes) / static_cast<double>(geometry.segment_bytes);
      if (options_.policy.keep(place->frequency(), entry.bytes(), share, options_.scarcity()) &&
          reinsert(*place, entry.index_hash)) {
        kept_bytes += entry.bytes();
      }
    }
    options_.charge(kept_bytes);
    entries_[segment] = std::move(end->entries);
  }
  log_.give_up(segment, kept_bytes > 0);
}

void Cleaner::drop(std::uint32_t segment) {
  const std::uint64_t begin = shared_.geometry.offset_of(segment);
  if (const auto entries = entries_.extract(segment)) {
    for (const TocEntry& entry : entries.mapped()) {
      const bool is_object = entry.kind() == RecordKind::kObject || entry.kind() == RecordKind::kHead;
      if (shared_.index.erase_at(entry.index_hash, begin + entry.offset()) && is_object) {
        count(shared_.counters.evictions);
      }
    }
  } else {
    count(shared_.counters.segments_swept);
    count(shared_.counters.evictions,
          shared_.index.erase_between(begin, begin + shared_.geometry.segment_bytes));
  }
  log_.give_free(segment);
  count(shared_.counters.segments_cleaned);
}

bool Cleaner::reinsert(const Place& place, std::uint64_t hash) {
  const std::uint64_t page = place.offset() / kPage * kPage;
  const Ref<AlignedBuffer> buffer = pool_->take(place.read_bytes());
  const ReadResult read = shared_.file.read(page, buffer->data(), place.read_bytes());
  shared_.health.read_ended(read.error);
  const std::uint64_t skip = place.offset() - page;
  if (read.error != 0 || read.bytes <= skip) return false;
  count(shared_.counters.read_bytes, read.bytes);
  const auto view =
      open_record(buffer->data() + skip, read.bytes - skip, shared_.spot_of(place.offset()), shared_.keyring);
  if (!view || index_hash_of(view->header) != hash) {
    count(shared_.counters.bad_records);
    return false;
  }
  if (view->header.has_meta() && options_.is_dead && options_.is_dead(view->key, view->meta)) {
    count(shared_.counters.dead_records);
    return false;
  }
  return write_again(*view, place.offset());
}

bool Cleaner::write_again(const RecordView& view, std::uint64_t from) {
  RecordSource source;
  source.header = view.header;
  source.header.key_id = shared_.keyring.current();
  source.meta = &view.meta;
  source.key = view.key;
  source.head = view.head;
  const Slice body = Slice::of_static(view.body);
  source.body = {&body, 1};
  Log::Put put = log_.reinsert(source, from);
  for (int i = 0; i < kMostWaits && put == Log::Put::kFull && log_.wait_for_batch(); ++i) {
    put = log_.reinsert(source, from);
  }
  if (put != Log::Put::kDone) return false;
  count(shared_.counters.reinserted);
  count(shared_.counters.reinserted_bytes, source.header.total_bytes());
  return true;
}

}  // namespace meridian::ssd
