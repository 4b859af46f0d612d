#include <algorithm>
#include <bit>
#include <thread>
#include <utility>

#include "edge/tiers/admission_policies.h"
#include "edge/tiers/ssd/recovery.h"
#include "edge/tiers/ssd/ssd_tier.h"

// Opening the tier: the file, its shape, what is in it.
namespace meridian {
namespace {

using ssd::kPage;

constexpr std::uint64_t kLeastSegment = 1 << 20;
constexpr std::uint64_t kMostSegment = 256 << 20;
constexpr std::uint64_t kUsualSegments = 4096;
constexpr std::uint64_t kFewestSegments = 8;
constexpr std::uint64_t kUsualLeastSegment = 16 << 20;
// A batch holds any record, and the first page of a segment.
constexpr std::uint64_t kBatchRoom = 112 << 10;
constexpr std::uint64_t kLeastBatch = 1 << 20;
constexpr std::uint64_t kMostBytesPerTable = 4 << 20;
constexpr unsigned kFewestTableBits = 4;
constexpr unsigned kMostTableBits = 14;

Failure invalid(const std::string& what) { return fail(ErrorCode::kInvalid, ErrorSource::kOperator, what); }

std::uint64_t segment_bytes_for(const SsdOptions& options) {
  if (options.segment_bytes != 0) return options.segment_bytes;
  const std::uint64_t usual = std::bit_ceil(options.size_bytes / kUsualSegments);
  const std::uint64_t most =
      std::bit_floor(std::max(options.size_bytes / (2 * kFewestSegments), kLeastSegment));
  return std::min(std::clamp(usual, kUsualLeastSegment, kMostSegment), most);
}

Result<ssd::Geometry> shape_of(const SsdOptions& options) {
  ssd::Geometry shape;
  shape.segment_bytes = segment_bytes_for(options);
  shape.chunk_bytes = options.chunk_bytes;
  if (shape.segment_bytes % kPage != 0 || shape.segment_bytes < kLeastSegment ||
      shape.segment_bytes > kMostSegment) {
    return invalid("a segment is between 1MiB and 256MiB, in whole pages");
  }
  if (shape.chunk_bytes % kPage != 0 || shape.chunk_bytes < kPage || shape.chunk_bytes > kLeastBatch) {
    return invalid("a chunk is between 4KiB and 1MiB, in whole pages");
  }
  const std::uint64_t count = options.size_bytes < ssd::Geometry::kFirstSegment
                                  ? 0
                                  : (options.size_bytes - ssd::Geometry::kFirstSegment) / shape.segment_bytes;
  if (count < kFewestSegments) return invalid("the SSD tier needs room for 8 segments, 9MiB at least");
  if (options.size_bytes > ssd::Place::kMostBytes) return invalid("the SSD tier is at most 16TiB");
  shape.segment_count = static_cast<std::uint32_t>(count);
  return shape;
}

std::optional<ssd::Geometry> read_shape(const ssd::DiskFile& file) {
  const Ref<ssd::AlignedBuffer> page = ssd::AlignedBuffer::allocate(kPage);
  for (const std::uint64_t copy : {std::uint64_t{0}, kPage}) {
    const ssd::ReadResult read = file.read(copy, page->data(), kPage);
    if (read.error != 0 || read.bytes != kPage) continue;
    if (const auto shape = ssd::read_geometry({page->data(), kPage})) return shape;
  }
  return std::nullopt;
}

int write_shape(ssd::DiskFile& file, const ssd::Geometry& shape) {
  const Ref<ssd::AlignedBuffer> page = ssd::AlignedBuffer::allocate(kPage);
  ssd::write_geometry(shape, page->data());
  for (const std::uint64_t copy : {std::uint64_t{0}, kPage}) {
    // One at a time: a crash leaves at least one of them whole.
    if (const int error = file.write(copy, page->data(), kPage)) return error;
    if (const int error = file.sync()) return error;
  }
  return 0;
}

// Keeps the identity of a file of the same shape (more or fewer segments are the same shape), so that what is
// in it stays valid.
Result<ssd::Geometry> settle_shape(ssd::DiskFile& file, ssd::Geometry wanted, bool start_empty) {
  const auto found = start_empty ? std::nullopt : read_shape(file);
  const bool same =
      found && found->segment_bytes == wanted.segment_bytes && found->chunk_bytes == wanted.chunk_bytes;
  wanted.identity = same ? found->identity : random_u64();
  if (same && (found->segment_count == wanted.segment_count || !file.writable())) {
    if (!file.writable()) wanted.segment_count = std::min(wanted.segment_count, found->segment_count);
    return wanted;
  }
  if (!file.writable()) {
    return fail(ErrorCode::kUnavailable, ErrorSource::kEdge, "the disk is read-only, and holds no cache");
  }
  if (write_shape(file, wanted) != 0) {
    return fail(ErrorCode::kIo, ErrorSource::kEdge, "cannot write to the cache file");
  }
  return wanted;
}

// Its seed is the file's identity, random and kept secret by the file: two keys that share an entry do so
// after a restart too, so that who removes one of them does not bring back the other.
std::unique_ptr<ssd::Index> make_index(const ssd::Geometry& geometry) {
  const std::uint64_t tables = geometry.file_bytes() / kMostBytesPerTable;
  const auto bits = static_cast<unsigned>(std::bit_width(tables));
  return std::make_unique<ssd::Index>(std::clamp(bits, kFewestTableBits, kMostTableBits), geometry.identity);
}

unsigned recovery_threads(const SsdOptions& options) {
  if (options.recovery_threads != 0) return options.recovery_threads;
  return std::clamp(2 * std::thread::hardware_concurrency(), 2U, 16U);
}

}  // namespace

Result<std::unique_ptr<SsdTier>> SsdTier::open(SsdOptions options) {
  Result<ssd::Geometry> wanted = shape_of(options);
  if (!wanted) return Failure(std::move(wanted.error()));
  ssd::Keyring keyring;
  if (!options.key_file.empty()) {
    Result<ssd::Keyring> loaded = ssd::Keyring::load(options.key_file);
    if (!loaded) return Failure(std::move(loaded.error()));
    keyring = std::move(*loaded);
  }
  ssd::Disk& disk = options.disk != nullptr ? *options.disk : ssd::system_disk();
  auto file = disk.open(options.path + "/meridian.cache",
                        {.allocate_bytes = wanted->file_bytes(), .direct = true, .alone = true});
  if (!file) return Failure(std::move(file.error()));
  Result<ssd::Geometry> geometry = settle_shape(**file, *wanted, options.start_empty);
  if (!geometry) return Failure(std::move(geometry.error()));
  SsdOpenProgress* const progress = std::exchange(options.progress, nullptr);
  if (progress != nullptr) progress->is_recovering.store(true, std::memory_order_relaxed);
  const auto is_stopped = [progress] {
    return progress != nullptr && progress->stop.load(std::memory_order_relaxed);
  };
  auto index = make_index(*geometry);
  ssd::Recovered recovered =
      ssd::recover(**file, *geometry, keyring, *index, recovery_threads(options), is_stopped);
  if (is_stopped()) return fail(ErrorCode::kCancelled, ErrorSource::kEdge, "not waited for any more");
  return std::unique_ptr<SsdTier>(new SsdTier(std::move(options), std::move(*file), *geometry,
                                              std::move(keyring), std::move(index), std::move(recovered)));
}

SsdTier::SsdTier(SsdOptions options, std::unique_ptr<ssd::DiskFile> file, const ssd::Geometry& geometry,
                 ssd::Keyring keyring, std::unique_ptr<ssd::Index> index, ssd::Recovered recovered)
    : options_(std::move(options)),
      clock_(options_.clock != nullptr ? *options_.clock : system_clock()),
      file_(std::move(file)),
      geometry_(geometry),
      keyring_(std::move(keyring)),
      max_object_bytes_(
          static_cast<std::uint64_t>(static_cast<double>(options_.size_bytes) * options_.max_object_share)),
      read_buffers_(ssd::BufferPool::create(options_.read_buffer_bytes, options_.read_buffer_bytes / 4)),
      health_(clock_),
      index_(std::move(index)),
      admission_(options_.admission ? std::move(options_.admission) : std::make_unique<AdmitAll>(),
                 options_.write_budget_bytes, clock_.mono_ms()) {
  if (!options_.reinsertion) options_.reinsertion = std::make_unique<ssd::KeepWhatIsUsed>();
  segments_ = std::make_unique<ssd::Segments>(geometry_, recovered);
  shared_ =
      std::make_unique<ssd::Shared>(*file_, geometry_, keyring_, *index_, *segments_, counters_, health_);
  counters_.segments_distrusted = recovered.distrusted;
  next_fill_id_ = recovered.next_generation << 32U;
  if (!file_->writable()) {
    health_.forbid_writes("the file system is read-only");
    recovered.without_end.clear();
    recovered.to_blank.clear();
  }
  ssd::Log::Limits limits;
  limits.batch_bytes = std::max(kLeastBatch, geometry_.chunk_bytes + kBatchRoom);
  if (geometry_.segment_bytes < 4 * kLeastBatch) limits.batch_bytes = geometry_.chunk_bytes + kBatchRoom;
  limits.buffer_bytes = std::max(options_.buffer_bytes, 4 * limits.batch_bytes);
  limits.write_after_ms = options_.write_after_ms;
  limits.free_segments = std::max<std::size_t>(3, geometry_.segment_count / 256);
  log_ = std::make_unique<ssd::Log>(*shared_, limits, std::move(recovered));
  cleaner_ = std::make_unique<ssd::Cleaner>(
      *shared_, *log_,
      ssd::Cleaner::Options{.policy = *options_.reinsertion,
                            .is_dead = options_.is_dead,
                            .scarcity = [this] { return scarcity(); },
                            .charge = [this](std::uint64_t bytes) { charge(bytes); }});
  // Also where io_uring is wanted: the kernel may refuse it to a single worker.
  read_pool_ = std::make_unique<ssd::ReadPool>(*file_, std::max(1U, options_.read_threads));
}

SsdTier::~SsdTier() {
  cleaner_.reset();
  log_.reset();
}

}  // namespace meridian
