#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/http/http1.h"
#include "lib/http/message.h"
#include "lib/net/connect.h"
#include "lib/net/event_loop.h"

// How a program talks to the servers behind it: pools, balancing, retries within a budget, breakers, caps.
// Knows HTTP, knows nothing of caches.
namespace meridian::upstream {

struct TargetOptions {
  std::string url;  // http://host[:port] or https://..., perhaps with a base path
  unsigned weight = 1;
  bool backup = false;  // used only when no other target of the group can be
  http::HeadLimits limits = {};
};

struct GroupOptions {
  std::string name;  // for metrics and errors
  std::vector<TargetOptions> targets = {};
  enum class Balance : std::uint8_t { kLeastOfTwo, kConsistentHash } balance = Balance::kLeastOfTwo;
  std::int64_t connect_timeout_ms = 3000;
  std::int64_t first_byte_timeout_ms = 30'000;
  std::int64_t between_bytes_timeout_ms = 30'000;
  std::int64_t total_timeout_ms = 0;   // 0: none
  unsigned retries = 2;                // per request
  double retry_budget = 0.2;           // retries as a share of requests, over ten seconds, at least three
  std::int64_t retry_backoff_ms = 25;  // doubled each time, with full jitter
  unsigned connections = 256;          // concurrent requests to each target, in all workers together
  unsigned queue = 1024;               // waiting for one of those; beyond: refused
  std::int64_t queue_timeout_ms = 5000;
  unsigned idle_connections = 64;  // kept per worker and target
  std::int64_t idle_timeout_ms = 60'000;
  unsigned breaker_failures = 5;        // in a row: opens
  std::int64_t breaker_span_ms = 1000;  // if the first of them is at least so long ago
  std::int64_t breaker_open_ms = 5000;  // then half-open: one trial
  double eject_error_rate = 0.5;        // passive ejection over ten seconds, with at least 20 requests
  std::int64_t eject_ms = 10'000;
  bool server_errors_count = false;  // 5xx answers count as failures for ejection (never for the breaker)
  TlsClientOptions tls = {};
  std::string tls_server_name = {};  // empty: the url's host
  SocketAddress source = {};         // to connect from; not valid: whatever the kernel chooses
  unsigned interim_responses = 32;   // 1xx that one answer may have before it
};

// What all workers share of a group: counts of running requests, breakers, ejection, retry budget. Atomics
// inside.
class SharedGroup;
[[nodiscard]] Result<std::shared_ptr<SharedGroup>> make_shared_group(const GroupOptions& options);

struct Request {
  // Method, path and fields to send as they are; copied before return. Host, Connection, Expect and framing
  // are ours: such fields are left out.
  const http::RequestHead* head = nullptr;
  // Further field lines (see http::append_field), sent as they are; copied before return.
  std::string_view block;
  std::string_view authority;  // Host to send; empty: the target's own
  bool has_body = false;
  std::optional<std::uint64_t> body_length;  // none with has_body: chunked
  bool upgrade = false;                      // send Connection: upgrade and accept a 101
  std::uint64_t hash = 0;                    // for consistent hashing
};

// Timing and place of one fetch, for logs and traces.
struct FetchInfo {
  std::string_view target;  // the url of the target that answered
  unsigned attempts = 0;
  bool reused = false;
  std::int64_t connect_ms = 0;
  std::int64_t first_byte_ms = 0;
};

// Told how a fetch goes, on the loop that started it, never inside start(). After on_done(), on_error() or
// on_upgraded() nothing more comes. A handler may drop its Fetch inside any call.
class FetchHandler {
 public:
  // A 1xx other than 100 and 101.
  virtual void on_informational(const http::ResponseHead& head) = 0;
  // Views are valid for the call only. `length`: of the body, if it was announced. `no_body`: nothing will
  // follow but on_done().
  virtual void on_head(const http::ResponseHead& head, std::optional<std::uint64_t> length, bool no_body) = 0;
  virtual void on_body(Slice bytes) = 0;
  virtual void on_done(const http::FieldList& trailers) = 0;
  // After on_head() it means that the message broke off or broke its framing: what came must not be stored.
  // By code and source: kUnavailable: every breaker is open; kRefused of kEdge: no slot (queue full, or
  // waited too long); kRefused of kOrigin: the connection was refused; kTimeout: a deadline passed;
  // kUnresolved; kTls; kClosed: the origin broke off; kInvalid of kOrigin: it broke HTTP; kInvalid of
  // kClient: the request's body was not as long as announced.
  virtual void on_error(const Error& error) = 0;
  virtual void on_request_writable() = 0;
  // After a 101 to a request with `upgrade`; `early` is what came behind the head.
  virtual void on_upgraded(const http::ResponseHead& head, std::unique_ptr<Stream> stream, Slice early) = 0;

 protected:
  ~FetchHandler() = default;
};

// A running request; dropping it cancels.
class Fetch {
 public:
  virtual ~Fetch() = default;
  // The request's body, when it has one. `writable()` false: wait for on_request_writable() (bounded queue
  // inside). A request whose body has begun to flow is retried only if all of it is still held.
  virtual void send_body(std::string_view bytes) = 0;
  virtual void finish_body(std::string_view trailer_block = {}) = 0;
  virtual bool writable() const = 0;
  // Back-pressure on the response: between pause() and resume() no on_body() comes and the socket is not
  // read; on_done() may come where nothing is left to be read. Slices of one response lie in blocks of 64 KiB
  // that live as long as any slice of them: keep few small ones for long.
  virtual void pause() = 0;
  virtual void resume() = 0;
  virtual const FetchInfo& info() const = 0;
};

// One worker's view of a group: its pools of idle connections. On one loop. It may be dropped while fetches
// run, as when a new configuration replaces it: its idle connections close at once, and the fetches go on to
// their end and close theirs. The loop and the resolver outlive both. To change what workers share of a group
// (options, breakers), make a new SharedGroup; the old one lives as long as a group or a fetch holds it.
class Group {
 public:
  [[nodiscard]] static std::unique_ptr<Group> create(EventLoop& loop, Resolver& resolver,
                                                     std::shared_ptr<SharedGroup> shared);
  virtual ~Group() = default;
  // The handler must outlive the fetch or drop it.
  [[nodiscard]] virtual std::unique_ptr<Fetch> start(const Request& request, FetchHandler& handler) = 0;
  virtual const GroupOptions& options() const = 0;
};

// For who continues a response that broke off: whether the group's budget has room for one more attempt now.
bool take_retry(SharedGroup& shared, std::int64_t now_ms);

// For /metrics and the admin API.
struct TargetState {
  std::string url;
  unsigned running = 0;
  unsigned waiting = 0;
  enum class Breaker : std::uint8_t { kClosed, kOpen, kHalfOpen } breaker = Breaker::kClosed;
  bool ejected = false;
  std::uint64_t requests = 0, failures = 0, retries = 0, refused = 0, connects = 0, reuses = 0;
};
// `now_ms`: monotonic, by the clock of the workers' loops.
std::vector<TargetState> snapshot(const SharedGroup& shared, std::int64_t now_ms = system_clock().mono_ms());

}  // namespace meridian::upstream
