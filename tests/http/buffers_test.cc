#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <string>

#include "lib/base/page_file.h"
#include "lib/http/input_buffer.h"
#include "lib/http/output_queue.h"

// The two buffers of a connection against the plainest model of each: a string. Each failure prints its seed.
namespace meridian::http {
namespace {

// Takes as much of each write as it is told to.
class MeteredStream final : public Stream {
 public:
  void set_handler(StreamHandler*) override {}
  void want(bool, bool) override {}
  IoResult read(char*, std::size_t) override { return {IoResult::Kind::kWouldBlock, 0, 0}; }
  IoResult write(const iovec* parts, int count) override {
    if (broken) return {IoResult::Kind::kError, 0, EPIPE};
    if (allowance == 0) return {IoResult::Kind::kWouldBlock, 0, 0};
    std::size_t taken = 0;
    for (int i = 0; i < count; ++i) {
      const std::size_t step = std::min(allowance, parts[i].iov_len);
      got.append(static_cast<const char*>(parts[i].iov_base), step);
      allowance -= step;
      taken += step;
    }
    return {IoResult::Kind::kOk, taken, 0};
  }
  bool sends_files() const override { return takes_files; }
  IoResult write_file(const iovec* parts, int count, const FilePlace& place, std::size_t size) override {
    IoResult result = count > 0 ? write(parts, count) : IoResult{IoResult::Kind::kOk, 0, 0};
    if (allowance == 0 || result.kind != IoResult::Kind::kOk) {
      return count > 0 ? result : IoResult{IoResult::Kind::kWouldBlock, 0, 0};
    }
    std::string bytes(std::min(allowance, size), '\0');
    EXPECT_EQ(::pread(place.fd, bytes.data(), bytes.size(), static_cast<off_t>(place.offset)),
              static_cast<ssize_t>(bytes.size()));
    got += bytes;
    allowance -= bytes.size();
    result.bytes += bytes.size();
    ++files;
    return result;
  }
  void shutdown_write() override {}
  void reset_on_close() override {}
  const TlsInfo* tls() const override { return nullptr; }
  const SocketAddress& peer() const override { return address_; }
  const SocketAddress& local() const override { return address_; }
  bool stale() const override { return false; }
  int fd() const override { return -1; }

  std::string got;
  std::size_t allowance = 0;
  bool broken = false;
  bool takes_files = false;
  int files = 0;

 private:
  SocketAddress address_;
};

std::string some_bytes(std::mt19937& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>('a' + random() % 26);
  return bytes;
}

// Text, memory and pages in any order, to streams that take files and to those that do not.
TEST(OutputQueue, SendsPagesAsFilesWhereTheStreamTakesThem) {
  const std::shared_ptr<PageFile> pages = PageFile::create();
  if (!pages) GTEST_SKIP() << "memfd_create() is refused here";
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    OutputQueue queue;
    MeteredStream stream;
    stream.takes_files = seed % 2 == 0;
    std::string all;
    for (int i = 0; i < 100; ++i) {
      const std::string text = some_bytes(random, random() % 300);
      const std::string body = some_bytes(random, random() % 60000);
      all += text + body;
      queue.append(text);
      if (i % 3 == 0) {
        queue.append(Slice::copy_of(body));
      } else {
        const Ref<PageRun> run = pages->reserve(body.size() + 1);
        queue.append(run->append(body));
      }
      stream.allowance = random() % 70000;
      const IoResult::Kind result = queue.flush(stream);
      ASSERT_EQ(result == IoResult::Kind::kOk, queue.empty());
      ASSERT_EQ(stream.got.size() + queue.size(), all.size());
    }
    stream.allowance = all.size();
    ASSERT_EQ(queue.flush(stream), IoResult::Kind::kOk);
    ASSERT_TRUE(stream.got == all);
    EXPECT_EQ(stream.files > 0, stream.takes_files);
  }
}

TEST(OutputQueue, KeepsOrderUnderAnyPartialWrites) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    OutputQueue queue;
    MeteredStream stream;
    std::string all;
    for (int i = 0; i < 600; ++i) {
      const std::string text = some_bytes(random, random() % 300);
      const std::string body = some_bytes(random, random() % 3 == 0 ? random() % 20000 : random() % 50);
      all += text + body;
      queue.append(text);
      queue.append(Slice::copy_of(body));
      stream.allowance = random() % 6000;
      const IoResult::Kind result = queue.flush(stream);
      ASSERT_EQ(result == IoResult::Kind::kOk, queue.empty());
      ASSERT_EQ(stream.got.size() + queue.size(), all.size());
    }
    if (seed % 2 == 0) {
      stream.got.append(queue.take_all().view());
    } else {
      stream.allowance = all.size();
      ASSERT_EQ(queue.flush(stream), IoResult::Kind::kOk);
    }
    ASSERT_TRUE(queue.empty());
    ASSERT_TRUE(stream.got == all);
  }
}

TEST(OutputQueue, AFailureIsTold) {
  OutputQueue queue;
  MeteredStream stream;
  stream.broken = true;
  EXPECT_EQ(queue.flush(stream), IoResult::Kind::kOk) << "nothing to write";
  queue.append("x");
  EXPECT_EQ(queue.flush(stream), IoResult::Kind::kError);
}

TEST(OutputQueue, LargeSlicesAreNotCopied) {
  OutputQueue queue;
  const Slice slice = Slice::copy_of(std::string(OutputQueue::kCopyBytes + 1, 'x'));
  EXPECT_TRUE(slice.owner->unique());
  queue.append(slice);
  EXPECT_FALSE(slice.owner->unique());
  MeteredStream stream;
  stream.allowance = slice.size;
  queue.flush(stream);
  EXPECT_TRUE(slice.owner->unique()) << "let go as soon as it is sent";
}

TEST(InputBuffer, HoldsWhatCameAndKeepsWhatIsPinned) {
  constexpr std::size_t kMax = 60'000;
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    InputBuffer buffer;
    std::string model;
    std::string pinned;
    const char* place = nullptr;
    for (int i = 0; i < 2000; ++i) {
      const std::size_t most = random() % 4 == 0 ? kMax : 4096;
      const std::span<char> room = buffer.room(most);
      ASSERT_EQ(room.empty(), model.size() >= most);
      const std::string bytes = some_bytes(random, std::min<std::size_t>(room.size(), random() % 5000));
      std::memcpy(room.data(), bytes.data(), bytes.size());
      buffer.commit(bytes.size());
      model += bytes;
      ASSERT_TRUE(buffer.unread() == model);
      const std::size_t used = model.empty() ? 0 : random() % (model.size() + 1);
      if (place == nullptr && used != 0) {
        pinned = model.substr(0, used);
        place = buffer.unread().data();
        buffer.consume_pinned(used);
      } else {
        buffer.consume(used);
      }
      model.erase(0, used);
      if (place != nullptr) {
        ASSERT_TRUE(std::string_view(place, pinned.size()) == pinned);
      }
      if (random() % 8 == 0) {
        buffer.unpin();
        place = nullptr;
        buffer.shrink();
      }
      ASSERT_TRUE(buffer.unread() == model);
    }
  }
}

}  // namespace
}  // namespace meridian::http
