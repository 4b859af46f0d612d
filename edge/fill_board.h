#pragma once

#include <atomic>
#include <memory>
#include <unordered_map>
#include <vector>

#include "edge/fill.h"
#include "lib/net/event_loop.h"

namespace meridian::edge {

// Somebody who waits for a fill, on one worker.
class FillReader {
 public:
  // The verdict is out, or there is more to read, or it has ended.
  virtual void on_fill_progress() = 0;

 protected:
  ~FillReader() = default;
};

// Told on the worker that runs the fetch.
class FillProducer {
 public:
  // Readers have taken bytes, or left: look at the backlog and at the readers again.
  virtual void on_readers_changed() = 0;

 protected:
  ~FillProducer() = default;
};

// One worker's readers of all fills. A fill wakes each worker once for any number of readers and of news: by
// a direct call on the producer's own worker, by post() on others. Used on its own loop only, but for wake().
class FillBoard {
 public:
  explicit FillBoard(EventLoop& loop) : loop_(loop) {}
  FillBoard(const FillBoard&) = delete;
  FillBoard& operator=(const FillBoard&) = delete;

  // False when the fill cannot serve a new reader any more.
  [[nodiscard]] bool join(const std::shared_ptr<Fill>& fill, FillReader& reader, Fill::Cursor& cursor);
  void leave(Fill& fill, FillReader& reader, Fill::Cursor& cursor);
  std::size_t fills() const { return local_.size(); }

  // The producer's side, on the fill's owner.
  void produce(Fill& fill, FillProducer& producer) { fill.producer_ = &producer; }
  void stop_producing(Fill& fill) { fill.producer_ = nullptr; }
  // From any reader's loop.
  static void wake_producer(const std::shared_ptr<Fill>& fill, FillBoard& from);

  // From any thread; see Fill::notify().
  void wake(std::shared_ptr<Fill> fill, std::atomic<bool>& posted);
  void dispatch(const Fill& fill);
  EventLoop& loop() { return loop_; }

 private:
  struct Local {
    std::shared_ptr<Fill> fill;
    std::vector<FillReader*> readers;  // nullptr: left while a dispatch was running
    std::atomic<bool> posted{false};
    int dispatching = 0;
  };
  void call_producer(const Fill& fill);
  void settle(Local& local);

  EventLoop& loop_;
  std::unordered_map<const Fill*, Local> local_;
};

}  // namespace meridian::edge
