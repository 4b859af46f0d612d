#pragma once

#include <cstdint>
#include <string_view>

#include "lib/http/output_queue.h"
#include "lib/http/server.h"

namespace meridian::http {

// Frames one response as HTTP/1.1 (RFC 9112 sections 4, 6 and 7) into an output queue. Pure but for the
// queue; used again for each response of a connection.
class ResponseWriter {
 public:
  // `to`: what asked for the response; `keep_alive`: whether the client may send another request.
  void begin(Method method, Version version) {
    *this = ResponseWriter();
    to_head_ = method == Method::kHead;
    version_ = version;
  }
  // Returns whether the connection persists: false also where only its end can delimit the body.
  bool write_head(const ResponseStart& start, bool keep_alive, OutputQueue& out);
  void write_body(Slice bytes, OutputQueue& out);
  // False: the body is not as long as its announced length, so that only cutting the connection tells the
  // client.
  bool finish(std::string_view trailer_block, OutputQueue& out);

  bool started() const { return framing_ != Body::kNotStarted; }
  bool finished() const { return finished_; }
  // Everything that this response put into the queue.
  std::uint64_t bytes() const { return bytes_; }
  void add_bytes(std::uint64_t bytes) { bytes_ += bytes; }

 private:
  enum class Body : std::uint8_t { kNotStarted, kNone, kLength, kChunked, kUntilClose };
  Body choose_body(const ResponseStart& start) const;

  Body framing_ = Body::kNotStarted;
  Version version_ = Version::kHttp11;
  bool to_head_ = false;
  bool finished_ = false;
  bool overflown_ = false;  // more body than announced was offered
  std::uint64_t left_ = 0;
  std::uint64_t bytes_ = 0;
};

// "HTTP/1.1 200 OK\r\n". Servers send their own version whatever the request's was (RFC 9110 section 2.5).
void append_status_line(int status, std::string_view reason, OutputQueue& out);
// A 1xx head.
void append_informational(int status, std::string_view block, OutputQueue& out);

}  // namespace meridian::http
