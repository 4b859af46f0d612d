#include "bench/load/client.h"

#include <openssl/ssl.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "bench/limit/loopback.h"

namespace meridian::bench {
namespace {

constexpr long kWouldWait = -1;
constexpr long kBroken = -2;
constexpr std::size_t kLargestHead = 16384;

// One buffer for all connections: what is read is counted and forgotten.
std::array<char, 262144> scratch;

// The value of a field of a response head, or "". Names are compared without case (RFC 9110 section 5.1).
std::string_view field(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(head.size(), line.size() + 2));
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      std::string_view value = line.substr(name.size() + 1);
      value.remove_prefix(std::min(value.size(), value.find_first_not_of(' ')));
      return value;
    }
  }
  return {};
}

}  // namespace

Client::~Client() { disconnect(); }

void Client::disconnect() {
  if (ssl_ != nullptr) SSL_free(ssl_);
  ssl_ = nullptr;
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool Client::begin() {
  if (load_.tally.over || !load_.schedule.next(path_)) return false;
  return prepare();
}

bool Client::prepare() {
  request_ = "GET " + path_ + " HTTP/1.1\r\nHost: www.example.test\r\n";
  request_ += load_.close_after ? "Connection: close\r\n\r\n" : "\r\n";
  asked_ = std::chrono::steady_clock::now();
  written_ = 0;
  head_.clear();
  in_body_ = response_done_ = false;
  if (fd_ < 0) {
    fd_ = connect_later(load_.port);
    watched_ = EPOLLOUT;
    watch(load_.epoll_fd, EPOLL_CTL_ADD, fd_, watched_, this);
    if (load_.tls != nullptr) {
      ssl_ = SSL_new(load_.tls);
      SSL_set_fd(ssl_, fd_);
      SSL_set_tlsext_host_name(ssl_, "www.example.test");
      SSL_set_connect_state(ssl_);
    }
    return true;
  }
  return on_event();
}

bool Client::on_event() {
  Step step = advance();
  while (step == Step::kAgain) step = advance();
  if (step == Step::kWait) return true;
  return finish(step == Step::kDone);
}

bool Client::finish(bool good) {
  if (good) {
    ++load_.tally.requests;
    load_.tally.body_bytes += body_bytes_;
    const auto took = std::chrono::steady_clock::now() - asked_;
    load_.tally.latencies_us.push_back(
        static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    if (ssl_ != nullptr && SSL_session_reused(ssl_) == 1) ++load_.tally.resumed;
  } else {
    ++load_.tally.errors;
  }
  if (load_.close_after || !good) disconnect();
  return begin();
}

Client::Step Client::advance() { return written_ < request_.size() ? write_request() : read_response(); }

Client::Step Client::write_request() {
  const long wrote = transmit(request_.data() + written_, request_.size() - written_);
  if (wrote == kWouldWait) return Step::kWait;
  if (wrote <= 0) return Step::kFailed;
  written_ += static_cast<std::size_t>(wrote);
  if (written_ < request_.size()) return Step::kAgain;
  // The response cannot be here yet: reading at once would only cost a system call.
  watch_for(EPOLLIN);
  return Step::kWait;
}

Client::Step Client::read_response() {
  const long got = receive(scratch.data(), scratch.size());
  if (got == kWouldWait) return Step::kWait;
  // The server closes first where each response has its own connection, so ports are not used up on our side.
  if (got == 0 && response_done_) return Step::kDone;
  if (got <= 0 || response_done_) return Step::kFailed;
  const auto size = static_cast<std::uint64_t>(got);
  if (in_body_) {
    if (size > body_left_) return Step::kFailed;
    body_left_ -= size;
  } else {
    head_.append(scratch.data(), size);
    const Step step = parse_head();
    if (!in_body_) return step;
  }
  if (body_left_ > 0) return Step::kAgain;
  response_done_ = true;
  return load_.close_after ? Step::kAgain : Step::kDone;
}

Client::Step Client::parse_head() {
  const std::size_t end = head_.find("\r\n\r\n");
  if (end == std::string::npos) return head_.size() < kLargestHead ? Step::kAgain : Step::kFailed;
  const std::string_view head = std::string_view(head_).substr(0, end);
  const std::string_view length = field(head, "Content-Length");
  if (!head.starts_with("HTTP/1.1 200") || length.empty()) return Step::kFailed;
  body_bytes_ = std::strtoull(std::string(length).c_str(), nullptr, 10);
  const std::uint64_t here = head_.size() - end - 4;
  if (here > body_bytes_) return Step::kFailed;
  body_left_ = body_bytes_ - here;
  in_body_ = true;
  return Step::kAgain;
}

Client::Step Client::wait_for(int ssl_result) {
  const int why = ssl_ == nullptr ? SSL_ERROR_NONE : SSL_get_error(ssl_, ssl_result);
  if (why == SSL_ERROR_ZERO_RETURN) return Step::kDone;
  if (ssl_ != nullptr && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return Step::kFailed;
  const bool writing = ssl_ == nullptr ? written_ < request_.size() : why == SSL_ERROR_WANT_WRITE;
  watch_for(writing ? EPOLLOUT : EPOLLIN);
  return Step::kWait;
}

void Client::watch_for(std::uint32_t events) {
  if (events != watched_) watch(load_.epoll_fd, EPOLL_CTL_MOD, fd_, events, this);
  watched_ = events;
}

long Client::receive(char* to, std::size_t size) {
  if (ssl_ == nullptr) {
    const ssize_t got = recv(fd_, to, size, 0);
    if (got >= 0) return got;
    if (errno != EAGAIN) return kBroken;
    wait_for(0);
    return kWouldWait;
  }
  const int got = SSL_read(ssl_, to, static_cast<int>(size));
  if (got > 0) return got;
  switch (wait_for(got)) {
    case Step::kWait:
      return kWouldWait;
    case Step::kDone:
      return 0;
    default:
      return kBroken;
  }
}

long Client::transmit(const char* from, std::size_t size) {
  if (ssl_ == nullptr) {
    const ssize_t wrote = send(fd_, from, size, MSG_NOSIGNAL);
    if (wrote >= 0) return wrote;
    if (errno != EAGAIN && errno != ENOTCONN) return kBroken;
    wait_for(0);
    return kWouldWait;
  }
  const int wrote = SSL_write(ssl_, from, static_cast<int>(size));
  if (wrote > 0) return wrote;
  return wait_for(wrote) == Step::kWait ? kWouldWait : kBroken;
}

}  // namespace meridian::bench
