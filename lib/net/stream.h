#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/net/address.h"

namespace meridian {

struct IoResult {
  enum class Kind : std::uint8_t { kOk, kWouldBlock, kEof, kError };
  Kind kind = Kind::kOk;
  std::size_t bytes = 0;
  int error = 0;  // errno; for TLS failures EPROTO
};

// Told when a stream is ready. A handler may destroy its stream inside the call.
class StreamHandler {
 public:
  virtual void on_readable() = 0;
  virtual void on_writable() = 0;

 protected:
  ~StreamHandler() = default;
};

struct TlsInfo {
  std::string_view version;  // "TLSv1.3"
  std::string_view cipher;
  std::string_view alpn;         // "" when none was agreed
  std::string_view server_name;  // SNI, lower case; "" when none
  bool resumed = false;
  bool client_verified =
      false;  // of a server: the client showed a certificate of TlsServerOptions::client_ca_file
};

// A non-blocking byte stream on one loop: TCP, TLS over TCP, or a pair in memory for tests. Readiness is
// level-triggered; read and write move what they can now and never wait. A TLS handshake happens inside,
// before the first on_readable or on_writable; its failure shows as kError. Destroying a stream closes it.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual void set_handler(StreamHandler* handler) = 0;
  virtual void want(bool readable, bool writable) = 0;
  // Fewer bytes than asked for: there are no more now, so another read only costs a system call.
  virtual IoResult read(char* to, std::size_t size) = 0;
  // Fewer bytes than offered: no more are taken now. What was not taken must be what the next write begins
  // with (TLS may have encrypted it already).
  virtual IoResult write(const iovec* parts, int count) = 0;
  // Whether write_file() works.
  virtual bool sends_files() const { return false; }
  // Writes the parts and behind them `size` bytes of a file, which are not copied. Their pages must never be
  // written again.
  virtual IoResult write_file(const iovec* parts, int count, const FilePlace& place, std::size_t size);
  // After what was written: FIN, or close_notify and FIN.
  virtual void shutdown_write() = 0;
  // On destruction send RST instead of FIN: the peer must not take what it has for whole.
  virtual void reset_on_close() = 0;
  // Nullptr for plain TCP; views live as long as the stream.
  virtual const TlsInfo* tls() const = 0;
  virtual const SocketAddress& peer() const = 0;
  virtual const SocketAddress& local() const = 0;
  // True when a peer that is idle has sent something or gone: a pooled connection that is no longer fit.
  virtual bool stale() const = 0;
  virtual int fd() const = 0;  // -1 in memory
  // The last kError in words where errno says too little: a TLS failure. Empty otherwise.
  virtual std::string_view failure() const { return {}; }
};

}  // namespace meridian
