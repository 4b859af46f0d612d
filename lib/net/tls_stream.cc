#include "lib/net/tls_stream.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/base/check.h"
#include "lib/net/record_source.h"
#include "lib/net/tls.h"

namespace meridian {

static_assert(EventLoop::kScratchBytes >= RecordSource::kRecordBytes);

TlsStream::TlsStream(EventLoop& loop, int fd, const SocketAddress& peer, SslPtr ssl,
                     std::shared_ptr<const void> context)
    : context_(std::move(context)),
      socket_(fd, peer),
      ssl_(std::move(ssl)),
      loop_(loop),
      watch_(loop, fd, *this),
      again_(loop, [this] { notify(want_read_ && at_hand(), want_write_ && phase_ == Phase::kFailed); }) {
  if (SSL_set_fd(ssl_.get(), fd) != 1) fail_with(ENOMEM, take_openssl_words());
  watch_what_is_needed();
}

// Ends with close_notify, so that the peer can tell an end from a cut (RFC 8446 section 6.1); one attempt,
// since nobody waits any more. Not after a failure, before the end of a handshake, or in the middle of a
// record: those are cuts.
TlsStream::~TlsStream() {
  if (phase_ == Phase::kOpen && !write_ended_ && !socket_.will_reset() && record_bytes_ == 0) {
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
}

void TlsStream::want(bool readable, bool writable) {
  want_read_ = readable;
  want_write_ = writable;
  watch_what_is_needed();
  if (!lifeline_.in_scope() && ((want_read_ && at_hand()) || (want_write_ && phase_ == Phase::kFailed)))
    again_.schedule();
}

bool TlsStream::at_hand() const {
  if (phase_ == Phase::kHandshake) return false;
  return phase_ == Phase::kFailed || ended_ || (!starved_ && SSL_has_pending(ssl_.get()) == 1);
}

void TlsStream::watch_what_is_needed() {
  if (phase_ == Phase::kFailed) return watch_.want(false, false);
  if (phase_ == Phase::kHandshake) return watch_.want(!read_needs_writable_, read_needs_writable_);
  const bool reading = want_read_ && !ended_;
  const bool writing = want_write_ || ending_;
  watch_.want((reading && !read_needs_writable_) || (writing && write_needs_readable_),
              (writing && !write_needs_readable_) || (reading && read_needs_writable_));
}

void TlsStream::on_fd(bool readable, bool writable) {
  if (readable) starved_ = false;
  if (phase_ == Phase::kHandshake) return shake_hands();
  if (ending_ && writable) end_writing();
  notify(want_read_ && (read_needs_writable_ ? writable : readable),
         want_write_ && (write_needs_readable_ ? readable : writable));
}

void TlsStream::notify(bool readable, bool writable) {
  if (handler_ == nullptr || !(readable || writable)) return;
  {
    const Lifeline::Scope scope(lifeline_);
    if (readable) handler_->on_readable();
    if (scope.alive() && writable && want_write_ && handler_ != nullptr) handler_->on_writable();
    if (!scope.alive()) return;
  }
  want(want_read_, want_write_);
}

void TlsStream::shake_hands() {
  ERR_clear_error();
  read_needs_writable_ = false;
  errno = 0;
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    phase_ = Phase::kOpen;
    if (handshakes_ != nullptr)
      ++(SSL_session_reused(ssl_.get()) == 1 ? handshakes_->resumed : handshakes_->full);
  } else {
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        break;
      case SSL_ERROR_WANT_WRITE:
        read_needs_writable_ = true;
        break;
      default:
        shortfall(result, false);
    }
  }
  watch_what_is_needed();
  if (phase_ == Phase::kHandshake) return;
  // The request may have come along with the end of the handshake; a failure goes to whoever waits for
  // anything.
  notify(want_read_ && at_hand(), want_write_);
}

IoResult TlsStream::shortfall(int result, bool writing) {
  const int system_error = errno;
  const int cause = SSL_get_error(ssl_.get(), result);
  if (cause == SSL_ERROR_WANT_READ) {
    starved_ = true;
    write_needs_readable_ = writing;
    return {IoResult::Kind::kWouldBlock, 0, 0};
  }
  if (cause == SSL_ERROR_WANT_WRITE) {
    read_needs_writable_ = !writing;
    return {IoResult::Kind::kWouldBlock, 0, 0};
  }
  if (cause == SSL_ERROR_ZERO_RETURN && !writing) {
    ended_ = true;
    return {IoResult::Kind::kEof, 0, 0};
  }
  if (cause == SSL_ERROR_SYSCALL && ERR_peek_error() == 0 && system_error != 0) {
    fail_with(system_error, std::strerror(system_error));
  } else if (const long verdict = SSL_get_verify_result(ssl_.get());
             phase_ == Phase::kHandshake && verdict != X509_V_OK &&
             SSL_get_verify_mode(ssl_.get()) != SSL_VERIFY_NONE) {
    fail_with(EPROTO, take_openssl_words() + ": " + X509_verify_cert_error_string(verdict));
  } else {
    fail_with(EPROTO, take_openssl_words());
  }
  return {IoResult::Kind::kError, 0, error_};
}

void TlsStream::fail_with(int error, std::string words) {
  ERR_clear_error();
  if (phase_ == Phase::kHandshake && handshakes_ != nullptr) ++handshakes_->failed;
  phase_ = Phase::kFailed;
  error_ = error;
  failure_ = std::move(words);
  watch_what_is_needed();
}

// One call of SSL_read gives one record at most, so it is asked again as long as OpenSSL has something in its
// hands; with nothing there, another call would only learn from the kernel that there is nothing.
IoResult TlsStream::read(char* to, std::size_t size) {
  if (phase_ == Phase::kFailed) return {IoResult::Kind::kError, 0, error_};
  if (phase_ == Phase::kHandshake) return {IoResult::Kind::kWouldBlock, 0, 0};
  if (ended_) return {IoResult::Kind::kEof, 0, 0};
  if (ERR_peek_error() != 0) ERR_clear_error();
  read_needs_writable_ = false;
  std::size_t total = 0;
  IoResult stopped;
  while (total < size) {
    std::size_t got = 0;
    errno = 0;
    const int result = SSL_read_ex(ssl_.get(), to + total, size - total, &got);
    if (result != 1) {
      stopped = shortfall(result, false);
      break;
    }
    total += got;
    if (SSL_has_pending(ssl_.get()) == 0) break;
  }
  watch_what_is_needed();
  if (!lifeline_.in_scope() && want_read_ && at_hand()) again_.schedule();
  if (total == 0 && size != 0) return stopped;
  return {IoResult::Kind::kOk, total, 0};
}

IoResult TlsStream::write(const iovec* parts, int count) {
  if (phase_ == Phase::kFailed) return {IoResult::Kind::kError, 0, error_};
  if (phase_ == Phase::kHandshake) return {IoResult::Kind::kWouldBlock, 0, 0};
  if (ending_ || write_ended_) return {IoResult::Kind::kError, 0, EPIPE};
  if (ERR_peek_error() != 0) ERR_clear_error();
  write_needs_readable_ = false;
  RecordSource source(parts, count, loop_.scratch());
  std::size_t total = 0;
  for (;;) {
    const RecordSource::Record record = source.peek(record_bytes_);
    if (record.size == 0) break;
    std::size_t sent = 0;
    errno = 0;
    const int result = SSL_write_ex(ssl_.get(), record.data, record.size, &sent);
    if (result != 1) {
      const IoResult stopped = shortfall(result, true);
      if (stopped.kind == IoResult::Kind::kWouldBlock) record_bytes_ = std::max(record_bytes_, record.size);
      watch_what_is_needed();
      if (total == 0) return stopped;
      break;
    }
    record_bytes_ = 0;
    source.take(sent);
    total += sent;
  }
  return {IoResult::Kind::kOk, total, 0};
}

void TlsStream::shutdown_write() {
  if (phase_ != Phase::kOpen || write_ended_) return;
  ending_ = true;
  end_writing();
}

void TlsStream::end_writing() {
  ERR_clear_error();
  const int result = SSL_shutdown(ssl_.get());
  if (result < 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_WRITE) return watch_what_is_needed();
  ERR_clear_error();
  ending_ = false;
  write_ended_ = true;
  socket_.shutdown_write();
  watch_what_is_needed();
}

// A TLS 1.3 server may send session tickets at any time: bytes on the socket are not yet bytes for us.
bool TlsStream::stale() const {
  if (phase_ != Phase::kOpen || ended_ || SSL_pending(ssl_.get()) > 0) return true;
  if (SSL_has_pending(ssl_.get()) == 0 && !socket_.readable()) return false;
  char byte = 0;
  const int result = SSL_peek(ssl_.get(), &byte, 1);
  const bool idle = result <= 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
  ERR_clear_error();
  return !idle;
}

const TlsInfo* TlsStream::tls() const {
  if (phase_ == Phase::kOpen && info_.version.empty()) read_info();
  return &info_;
}

void TlsStream::read_info() const {
  const SSL* ssl = ssl_.get();
  info_.version = SSL_get_version(ssl);
  info_.cipher = SSL_get_cipher_name(ssl);
  info_.resumed = SSL_session_reused(ssl) == 1;
  info_.client_verified = SSL_is_server(ssl) == 1 && (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0 &&
                          SSL_get0_peer_certificate(ssl) != nullptr &&
                          SSL_get_verify_result(ssl) == X509_V_OK;
  const unsigned char* alpn = nullptr;
  unsigned int alpn_size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  if (alpn != nullptr) info_.alpn = {reinterpret_cast<const char*>(alpn), alpn_size};
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) server_name_ = name;
  for (char& c : server_name_) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  info_.server_name = server_name_;
}

std::unique_ptr<Stream> make_tls_server_stream(EventLoop& loop, int fd, const SocketAddress& peer,
                                               const std::shared_ptr<TlsServerContext>& context) {
  SslPtr ssl(context->new_connection());
  if (ssl == nullptr) {
    ERR_clear_error();
    ::close(fd);
    return nullptr;
  }
  auto stream = std::make_unique<TlsStream>(loop, fd, peer, std::move(ssl), context);
  stream->count_into(context->handshakes());
  return stream;
}

}  // namespace meridian
