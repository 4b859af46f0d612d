#pragma once

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

// Where a response of these two parts goes on behind its first `sent` bytes, in one call.
ssize_t write_behind(int fd, std::string_view head, std::string_view body, std::size_t sent);

// A response as an edge would give it from its cache: the same fields and about the same number of bytes.
std::string cached_response_head(std::size_t body_bytes, bool keep_alive);

}  // namespace meridian::bench
