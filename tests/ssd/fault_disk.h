#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "edge/tiers/ssd/disk.h"
#include "edge/tiers/ssd/place.h"
#include "lib/base/clock.h"
#include "lib/base/mutex.h"

namespace meridian::test {

// A clock that a test moves while threads of the tier read it.
class SharedClock final : public Clock {
 public:
  std::int64_t mono_ms() const override { return now_ms_; }
  std::int64_t mono_ns() const override { return now_ms_ * 1'000'000; }
  std::int64_t wall_ms() const override { return now_ms_; }
  void advance_ms(std::int64_t ms) { now_ms_ += ms; }

 private:
  std::atomic<std::int64_t> now_ms_{1'700'000'000'000};
};

// Files in memory that write down all that happens to them, so that a test can make every state that a crash
// could have left; and that fail when told to. Any thread.
class FaultDisk final : public ssd::Disk {
 public:
  struct Event {
    bool sync = false;
    std::uint64_t offset = 0;
    std::string bytes;
  };
  struct Image {
    Mutex mutex;
    std::string bytes GUARDED_BY(mutex);
    std::vector<Event> events GUARDED_BY(mutex);
  };

  Result<std::unique_ptr<ssd::DiskFile>> open(const std::string& path, How how) override;
  int rename(const std::string& from, const std::string& to) override {
    files_[to] = files_.at(from);
    files_.erase(from);
    return 0;
  }

  Image& image(const std::string& path) {
    auto& image = files_[path];
    if (image == nullptr) image = std::make_shared<Image>();
    return *image;
  }
  std::string bytes(const std::string& path) {
    Image& of = image(path);
    MutexLock lock(of.mutex);
    return of.bytes;
  }
  void set_bytes(const std::string& path, std::string bytes) {
    Image& of = image(path);
    MutexLock lock(of.mutex);
    of.bytes = std::move(bytes);
  }
  std::vector<Event> events(const std::string& path) {
    Image& of = image(path);
    MutexLock lock(of.mutex);
    return of.events;
  }
  std::size_t event_count(const std::string& path) {
    Image& of = image(path);
    MutexLock lock(of.mutex);
    return of.events.size();
  }

  // What a failed sync may do: what was written since the last one that succeeded is not written down any
  // more.
  void forget_unsynced(const std::string& path) {
    Image& of = image(path);
    MutexLock lock(of.mutex);
    while (!of.events.empty() && !of.events.back().sync) of.events.pop_back();
  }

  bool record = false;  // events; set before opening
  // Errnos, 0 for none; asked at every call.
  std::atomic<int> fail_read{0}, fail_write{0}, fail_sync{0}, fail_open{0};
  std::atomic<bool> read_only{false};
  std::atomic<std::uint64_t> fail_read_at{0};  // reads of this byte fail
  // So many writes fail, and later ones do not.
  std::atomic<int> writes_to_fail{0};
  // The next write of just the page at this offset fails.
  std::atomic<std::uint64_t> fail_page_at{0};
  // The next read over the byte at this offset finds a bit of it flipped; the file stays as it is.
  std::atomic<std::uint64_t> flip_at{0};
  // The next read waits until hold_reads(false), others do not.
  void hold_next_read() {
    MutexLock lock(hold_mutex_);
    hold_next_ = true;
  }
  bool holds_one() {
    MutexLock lock(hold_mutex_);
    return held_one_;
  }
  // Reads wait while it is set.
  void hold_reads(bool hold) {
    MutexLock lock(hold_mutex_);
    hold_reads_ = hold;
    hold_next_ = false;
    held_one_ = held_one_ && hold;
    released_.notify_all();
  }
  void hold_writes(bool hold) {
    MutexLock lock(hold_mutex_);
    hold_writes_ = hold;
    released_.notify_all();
  }

 private:
  friend class FaultFile;
  void wait_to_read() {
    MutexLock lock(hold_mutex_);
    const bool is_the_one = std::exchange(hold_next_, false);
    held_one_ = held_one_ || is_the_one;
    while (hold_reads_ || (is_the_one && held_one_)) released_.wait(hold_mutex_);
  }
  void wait_to_write() {
    MutexLock lock(hold_mutex_);
    while (hold_writes_) released_.wait(hold_mutex_);
  }
  std::map<std::string, std::shared_ptr<Image>> files_;
  Mutex hold_mutex_;
  CondVar released_;
  bool hold_reads_ GUARDED_BY(hold_mutex_) = false;
  bool hold_writes_ GUARDED_BY(hold_mutex_) = false;
  bool hold_next_ GUARDED_BY(hold_mutex_) = false;
  bool held_one_ GUARDED_BY(hold_mutex_) = false;
};

class FaultFile final : public ssd::DiskFile {
 public:
  FaultFile(FaultDisk& disk, std::shared_ptr<FaultDisk::Image> image)
      : disk_(disk), image_(std::move(image)) {}

  ssd::ReadResult read(std::uint64_t offset, char* to, std::size_t bytes) const override {
    disk_.wait_to_read();
    if (const int error = disk_.fail_read) return {0, error};
    MutexLock lock(image_->mutex);
    if (offset >= image_->bytes.size()) return {};
    const std::uint64_t fail_at = disk_.fail_read_at;
    if (fail_at != 0 && fail_at >= offset && fail_at < offset + bytes) return {0, EIO};
    const std::size_t got = image_->bytes.copy(to, bytes, offset);
    const std::uint64_t flip_at = disk_.flip_at;
    if (flip_at >= offset && flip_at < offset + got && disk_.flip_at.exchange(0) != 0)
      to[flip_at - offset] ^= 1;
    return {got, 0};
  }
  int write(std::uint64_t offset, const char* from, std::size_t bytes) override {
    disk_.wait_to_write();
    if (const int error = disk_.fail_write) return error;
    if (bytes == ssd::kPage && offset != 0 && offset == disk_.fail_page_at) {
      disk_.fail_page_at = 0;
      return EIO;
    }
    if (disk_.writes_to_fail > 0 && disk_.writes_to_fail-- > 0) return EIO;
    MutexLock lock(image_->mutex);
    if (image_->bytes.size() < offset + bytes) image_->bytes.resize(offset + bytes);
    std::memcpy(image_->bytes.data() + offset, from, bytes);
    if (disk_.record) image_->events.push_back({false, offset, std::string(from, bytes)});
    return 0;
  }
  int sync() override {
    if (const int error = disk_.fail_sync) return error;
    MutexLock lock(image_->mutex);
    if (disk_.record) image_->events.push_back({true, 0, {}});
    return 0;
  }
  bool writable() const override { return !disk_.read_only; }

 private:
  FaultDisk& disk_;
  std::shared_ptr<FaultDisk::Image> image_;
};

inline Result<std::unique_ptr<ssd::DiskFile>> FaultDisk::open(const std::string& path, How how) {
  if (const int error = fail_open) {
    return fail(ErrorCode::kIo, ErrorSource::kEdge, std::string("cannot open: ") + std::strerror(error));
  }
  Image& of = image(path);
  {
    MutexLock lock(of.mutex);
    if (how.empty) of.bytes.clear();
    if (how.allocate_bytes != 0 && !read_only) of.bytes.resize(how.allocate_bytes);
  }
  return std::unique_ptr<ssd::DiskFile>(std::make_unique<FaultFile>(*this, files_.at(path)));
}

// What a crash before event `cut` may have left: all that was synced, and of the later writes any subset, in
// any order, each whole, or torn between sectors. `base` is what the synced part gives.
class CrashStates {
 public:
  CrashStates(std::string empty, std::vector<FaultDisk::Event> events)
      : image_(std::move(empty)), events_(std::move(events)) {}

  // Cuts must not decrease. What was surely synced, and nothing else.
  const std::string& synced_at(std::size_t cut) {
    std::size_t last_sync = 0;
    for (std::size_t i = 0; i < cut; ++i) {
      if (events_[i].sync) last_sync = i + 1;
    }
    for (; applied_ < last_sync; ++applied_) apply(image_, events_[applied_], 0, SIZE_MAX);
    return image_;
  }
  std::string state_at(std::size_t cut, std::mt19937_64& random) {
    synced_at(cut);
    std::string state = image_;
    std::vector<std::size_t> unsynced;
    for (std::size_t i = applied_; i < cut; ++i) {
      if (!events_[i].sync) unsynced.push_back(i);
    }
    std::shuffle(unsynced.begin(), unsynced.end(), random);
    for (const std::size_t i : unsynced) lose_some(state, events_[i], random);
    return state;
  }

 private:
  static constexpr std::size_t kSector = 512;
  static void apply(std::string& to, const FaultDisk::Event& event, std::size_t from, std::size_t bytes) {
    if (event.sync || from >= event.bytes.size()) return;
    bytes = std::min(bytes, event.bytes.size() - from);
    if (to.size() < event.offset + from + bytes) to.resize(event.offset + from + bytes);
    std::memcpy(to.data() + event.offset + from, event.bytes.data() + from, bytes);
  }
  static void lose_some(std::string& to, const FaultDisk::Event& event, std::mt19937_64& random) {
    const std::size_t sectors = event.bytes.size() / kSector;
    switch (random() % 4) {
      case 0:
        break;  // dropped
      case 1:
        apply(to, event, 0, SIZE_MAX);
        break;  // whole
      case 2:
        apply(to, event, 0, random() % (sectors + 1) * kSector);
        break;  // cut
      default:  // holes
        for (std::size_t i = 0; i < sectors; ++i) {
          if (random() % 8 != 0) apply(to, event, i * kSector, kSector);
        }
    }
  }

  std::string image_;
  std::size_t applied_ = 0;
  std::vector<FaultDisk::Event> events_;
};

}  // namespace meridian::test
