// The limit for hits on SSD: the least that a process can do to answer a request with bytes of a disk. It
// reads, finds the end of the head, asks io_uring for a record at a random aligned place of one file, past
// the page cache, and hands a prebuilt head and what was read to writev. It parses, looks up, checks and
// decides nothing.
//
//   bare_uring --file FILE --size 65536
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/limit/bare_ring.h"
#include "bench/limit/loopback.h"

namespace meridian::bench {
namespace {

constexpr unsigned kEntries = 4096;
constexpr std::size_t kPage = 4096;

struct Connection {
  int fd = -1;
  HeadReader heads;
  std::size_t sent = 0;         // bytes of the response under way
  bool reads = false;           // the disk has its buffer
  bool answers = false;         // a response is under way
  bool gone = false;            // to be closed when the disk has let go
  bool waits_for_room = false;  // EPOLLOUT is on
  char* record = nullptr;
};

class Responder {
 public:
  Responder(const std::string& path, std::uint64_t file_bytes, std::size_t body_bytes, int listen_fd)
      : head_(cached_response_head(body_bytes, true)),
        body_bytes_(body_bytes),
        read_bytes_((body_bytes + kPage - 1) / kPage * kPage),
        records_(file_bytes / read_bytes_),
        ring_(path, kEntries),
        listen_fd_(listen_fd),
        epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {
    watch(epoll_fd_, EPOLL_CTL_ADD, ring_.descriptor(), EPOLLIN, &ring_);
  }

  [[noreturn]] void run() {
    serve_for_ever(
        epoll_fd_, listen_fd_, [this](int fd) { accept(fd); },
        [this](void* data, std::uint32_t events) { on_event(data, events); }, [this] { end_turn(); });
  }

 private:
  void accept(int fd) const {
    auto* connection = new Connection;
    connection->fd = fd;
    connection->record = static_cast<char*>(std::aligned_alloc(kPage, read_bytes_));
    watch(epoll_fd_, EPOLL_CTL_ADD, fd, EPOLLIN, connection);
  }

  void on_event(void* data, std::uint32_t events) {
    if (data != &ring_) return serve(static_cast<Connection*>(data), events);
    ring_.take_all(
        [this](std::uint64_t tag, int result) { on_read(reinterpret_cast<Connection*>(tag), result); });
  }

  void end_turn() {
    for (Connection* connection : ended_) release(connection);
    ended_.clear();
    ring_.submit();
  }

  void serve(Connection* connection, std::uint32_t events) {
    if (connection->gone) return;
    const bool alive = (events & EPOLLOUT) != 0 ? write_rest(*connection) : read_some(*connection);
    if (!alive) end(connection);
  }

  void on_read(Connection* connection, int result) {
    connection->reads = false;
    if (connection->gone || result != static_cast<int>(read_bytes_)) return end(connection);
    connection->answers = true;
    if (!write_rest(*connection)) end(connection);
  }

  // It is freed after this turn, as an event of it may follow, and not before the disk has let go.
  void end(Connection* connection) {
    if (!connection->gone) close(connection->fd);
    connection->gone = true;
    if (!connection->reads) ended_.push_back(connection);
  }

  static void release(Connection* connection) {
    std::free(connection->record);
    delete connection;
  }

  bool read_some(Connection& connection) {
    if (!connection.heads.read(connection.fd)) return false;
    ask_if_owed(connection);
    return true;
  }

  void ask_if_owed(Connection& connection) {
    if (connection.heads.owed == 0 || connection.reads || connection.answers) return;
    --connection.heads.owed;
    connection.reads = true;
    ring_.ask(random_() % records_ * read_bytes_, connection.record, static_cast<std::uint32_t>(read_bytes_),
              reinterpret_cast<std::uintptr_t>(&connection));
  }

  bool write_rest(Connection& connection) {
    const ssize_t wrote =
        write_behind(connection.fd, head_, {connection.record, body_bytes_}, connection.sent);
    if (wrote < 0 && errno != EAGAIN) return false;
    if (wrote > 0) connection.sent += static_cast<std::size_t>(wrote);
    const bool whole = connection.sent == head_.size() + body_bytes_;
    wait_for_room(epoll_fd_, connection, !whole);
    if (!whole) return true;
    connection.sent = 0;
    connection.answers = false;
    ask_if_owed(connection);
    return true;
  }

  const std::string head_;
  const std::size_t body_bytes_;
  const std::size_t read_bytes_;
  const std::uint64_t records_;
  BareRing ring_;
  const int listen_fd_;
  const int epoll_fd_;
  std::vector<Connection*> ended_;  // in this turn
  std::mt19937_64 random_{20220101};
};

}  // namespace
}  // namespace meridian::bench

int main(int argc, char** argv) {
  using namespace meridian::bench;
  const std::size_t body_bytes = option_number(argc, argv, "--size", 65536);
  const std::string path = option(argc, argv, "--file", "");
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) fail(path.c_str());
  Responder(path, static_cast<std::uint64_t>(file.st_size), body_bytes, listen_and_announce()).run();
}
