#pragma once

#include <openssl/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/schedule.h"

namespace meridian::bench {

struct Tally {
  std::uint64_t requests = 0;  // whole responses with status 200
  std::uint64_t errors = 0;
  std::uint64_t body_bytes = 0;
  std::vector<std::uint32_t> latencies_us;  // from asking to the last byte
  std::uint64_t resumed = 0;                // TLS handshakes that took up an old session: there must be none
  bool over = false;                        // no new request is begun
};

// What all connections of a load have in common.
struct Load {
  std::uint16_t port = 0;
  int epoll_fd = -1;
  SSL_CTX* tls = nullptr;    // nullptr: plain
  bool close_after = false;  // a new connection, and over TLS a full handshake, for each request
  Schedule schedule;
  Tally tally;
};

// One connection of a closed loop: asks, reads the response whole, asks again. Lives on one epoll loop.
class Client {
 public:
  explicit Client(Load& load) : load_(load) {}
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Connects and asks for what is next. False when nothing is left to ask for.
  bool begin();
  // False when the client has come to its end.
  bool on_event();

 private:
  enum class Step : std::uint8_t { kAgain, kWait, kDone, kFailed };

  bool prepare();
  void disconnect();
  bool finish(bool good);
  Step advance();
  Step write_request();
  Step read_response();
  Step parse_head();
  Step wait_for(int ssl_result);
  void watch_for(std::uint32_t events);
  // As read and write, with TLS where there is; 0 is the end, -1 means wait, -2 failure.
  long receive(char* to, std::size_t size);
  long transmit(const char* from, std::size_t size);

  Load& load_;
  int fd_ = -1;
  SSL* ssl_ = nullptr;
  std::uint32_t watched_ = 0;
  std::string path_;
  std::string request_;
  std::chrono::steady_clock::time_point asked_;
  std::size_t written_ = 0;
  std::string head_;
  bool in_body_ = false;
  bool response_done_ = false;
  std::uint64_t body_left_ = 0;
  std::uint64_t body_bytes_ = 0;
};

}  // namespace meridian::bench
