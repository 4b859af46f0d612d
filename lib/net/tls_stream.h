#pragma once

#include <memory>
#include <string>

#include "lib/net/event_loop.h"
#include "lib/net/lifeline.h"
#include "lib/net/openssl.h"
#include "lib/net/tcp_stream.h"
#include "lib/net/tls.h"

namespace meridian {

// TLS on a TCP socket, either side; OpenSSL reads and writes the socket itself. On its loop's thread; owned
// by whoever serves the connection, who may destroy it in a callback.
//
// OpenSSL holds bytes of its own (a record that is not wholly read, or read ahead), of which the descriptor
// says nothing: the stream then calls its handler again by itself, so that readiness is level-triggered as
// for TCP.
class TlsStream final : public Stream, private FdHandler {
 public:
  // Takes `fd` and `ssl`, whose side is set; `context` is what `ssl` came from.
  TlsStream(EventLoop& loop, int fd, const SocketAddress& peer, SslPtr ssl,
            std::shared_ptr<const void> context);
  ~TlsStream() override;

  // Counts how the handshake ends; `handshakes` belongs to the context.
  void count_into(TlsServerContext::Handshakes& handshakes) { handshakes_ = &handshakes; }
  // Begins the handshake now instead of when the peer has spoken: for the client's side.
  void start() { shake_hands(); }
  bool handshaken() const { return phase_ == Phase::kOpen; }

  void set_handler(StreamHandler* handler) override { handler_ = handler; }
  void want(bool readable, bool writable) override;
  IoResult read(char* to, std::size_t size) override;
  IoResult write(const iovec* parts, int count) override;
  void shutdown_write() override;
  void reset_on_close() override { socket_.reset_on_close(); }
  const TlsInfo* tls() const override;
  const SocketAddress& peer() const override { return socket_.peer(); }
  const SocketAddress& local() const override { return socket_.local(); }
  bool stale() const override;
  int fd() const override { return socket_.fd(); }
  std::string_view failure() const override { return failure_; }

 private:
  enum class Phase : std::uint8_t { kHandshake, kOpen, kFailed };
  // What OpenSSL made of a call that moved nothing.
  IoResult shortfall(int result, bool writing);
  void fail_with(int error, std::string words);
  void on_fd(bool readable, bool writable) override;
  void shake_hands();
  void notify(bool readable, bool writable);
  void watch_what_is_needed();
  void end_writing();
  bool at_hand() const;
  void read_info() const;

  const std::shared_ptr<const void> context_;
  TlsServerContext::Handshakes* handshakes_ = nullptr;
  TcpSocket socket_;
  SslPtr ssl_;
  EventLoop& loop_;
  FdWatch watch_;
  Soon again_;
  StreamHandler* handler_ = nullptr;
  Lifeline lifeline_;
  Phase phase_ = Phase::kHandshake;
  bool want_read_ = false;
  bool want_write_ = false;
  bool read_needs_writable_ = false;  // OpenSSL must write before it can read on, and the other way round
  bool write_needs_readable_ = false;
  bool starved_ = false;      // what OpenSSL holds is less than a record
  bool ended_ = false;        // close_notify came
  bool ending_ = false;       // our close_notify is to be sent, then FIN
  bool write_ended_ = false;  // it was
  int error_ = 0;
  std::size_t record_bytes_ = 0;  // of a record that is encrypted and not wholly sent; 0: there is none
  std::string failure_;
  mutable TlsInfo info_;
  mutable std::string server_name_;
};

// The server's end of a connection that has just been accepted. Nullptr, with the descriptor closed, without
// memory.
class TlsServerContext;
std::unique_ptr<Stream> make_tls_server_stream(EventLoop& loop, int fd, const SocketAddress& peer,
                                               const std::shared_ptr<TlsServerContext>& context);

}  // namespace meridian
