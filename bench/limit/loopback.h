#pragma once

#include <sys/epoll.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// What the bench's own small programs share: sockets on loopback and a command line of `--name value` pairs.
// They use nothing of lib/, because they are what the edge is measured against.
namespace meridian::bench {

// The value that follows `--name`, or `otherwise`. A flag that no one asks for is not noticed.
std::string option(int argc, char** argv, std::string_view name, std::string_view otherwise);
std::uint64_t option_number(int argc, char** argv, std::string_view name, std::uint64_t otherwise);

// A non-blocking listening socket on 127.0.0.1 and a port that the kernel chooses, which is printed as "port
// N". Ends the process when that fails, as all of these do.
int listen_and_announce();
// A connected, non-blocking socket; it waits for the connection.
int connect_blocking(std::uint16_t port);
// A socket whose connection is on its way.
int connect_later(std::uint16_t port);
// Accepts one connection, non-blocking and without Nagle's delay; -1 when none is waiting.
int accept_one(int listen_fd);
void watch(int epoll_fd, int op, int fd, std::uint32_t events, void* data);
[[noreturn]] void fail(const char* what);

// Reads from a kept-alive client, and counts the heads that are whole.
struct HeadReader {
  std::size_t filled = 0;  // bytes of a head that is not whole yet
  std::size_t owed = 0;    // heads that nobody has answered
  std::array<char, 8192> buffer;

  // False when the client has gone.
  bool read(int fd);
};

// Gives each event to `on_event`, and a listener's connections to `on_client`, without end; the listener is
// watched with no data. `end_turn` runs behind the events of one wait.
template <class OnClient, class OnEvent, class EndTurn>
[[noreturn]] void serve_for_ever(int epoll_fd, int listen_fd, OnClient on_client, OnEvent on_event,
                                 EndTurn end_turn) {
  watch(epoll_fd, EPOLL_CTL_ADD, listen_fd, EPOLLIN, nullptr);
  std::array<epoll_event, 256> events;
  for (;;) {
    const int ready = epoll_wait(epoll_fd, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr != nullptr) {
        on_event(event.data.ptr, event.events);
        continue;
      }
      for (int fd = accept_one(listen_fd); fd >= 0; fd = accept_one(listen_fd)) on_client(fd);
    }
    end_turn();
  }
}

// Watches a connection for room to write, or for what it says.
template <class Connection>
void wait_for_room(int epoll_fd, Connection& connection, bool wait) {
  if (connection.waits_for_room == wait) return;
  connection.waits_for_room = wait;
  watch(epoll_fd, EPOLL_CTL_MOD, connection.fd, wait ? EPOLLOUT : EPOLLIN, &connection);
}

// Where a response of these two parts goes on behind its first `sent` bytes, in one call.
ssize_t write_behind(int fd, std::string_view head, std::string_view body, std::size_t sent);

// A response as an edge would give it from its cache: the same fields and about the same number of bytes.
std::string cached_response_head(std::size_t body_bytes, bool keep_alive);

}  // namespace meridian::bench
