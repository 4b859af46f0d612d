#include "origin/upstream/outgoing.h"

#include <algorithm>
#include <charconv>

namespace meridian::upstream {
namespace {

constexpr http::FieldSet kOurs{http::FieldId::kHost, http::FieldId::kContentLength,
                               http::FieldId::kTransferEncoding, http::FieldId::kConnection,
                               http::FieldId::kExpect};

// "1a2b\r\n" into `out`.
std::string_view chunk_head(std::size_t bytes, std::array<char, 20>& out) {
  char* end = std::to_chars(out.data(), out.data() + 16, bytes, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return {out.data(), static_cast<std::size_t>(end - out.data())};
}

// A POST or the like without a body says so (RFC 9110 section 8.6).
bool anticipates_body(http::Method method) {
  return method == http::Method::kPost || method == http::Method::kPut || method == http::Method::kPatch;
}

void append_length(std::string& to, std::uint64_t length) {
  std::array<char, 20> digits;
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), length).ptr;
  to.append("Content-Length: ")
      .append(digits.data(), static_cast<std::size_t>(end - digits.data()))
      .append("\r\n");
}

}  // namespace

Outgoing::Outgoing(const Request& request, std::string head_memory)
    : head_(std::move(head_memory)),
      own_host_(request.authority.empty()),
      asterisk_(request.head->path == "*"),
      body_left_(request.has_body ? request.body_length : std::nullopt),
      chunked_(request.has_body && !request.body_length),
      finished_(!request.has_body) {
  write_head(request);
}

void Outgoing::write_head(const Request& request) {
  const http::RequestHead& from = *request.head;
  head_.clear();
  head_.append(from.method_name).push_back(' ');
  base_at_ = head_.size();
  head_.append(from.path).append(" HTTP/1.1\r\nHost: ");
  host_at_ = head_.size();
  host_size_ = request.authority.size();
  head_.append(request.authority).append("\r\n");
  for (const http::Field& field : from.fields) {
    if (!kOurs.has(field.id)) http::append_field(head_, field.name, field.value);
  }
  head_.append(request.block);
  if (chunked_) {
    head_.append("Transfer-Encoding: chunked\r\n");
  } else if (request.has_body || anticipates_body(from.method)) {
    append_length(head_, body_left_.value_or(0));
  }
  if (request.upgrade) head_.append("Connection: upgrade\r\n");
  head_.append("\r\n");
}

void Outgoing::address_to(const OriginUrl& url) {
  // Back to front, so that the first offset stays right.
  if (own_host_ && head_.compare(host_at_, host_size_, url.authority) != 0) {
    head_.replace(host_at_, host_size_, url.authority);
    host_size_ = url.authority.size();
  }
  if (asterisk_ || head_.compare(base_at_, base_size_, url.base_path) == 0) return;
  head_.replace(base_at_, base_size_, url.base_path);
  host_at_ = host_at_ + url.base_path.size() - base_size_;
  base_size_ = url.base_path.size();
}

Outgoing::Accepted Outgoing::add_body(std::string_view bytes, Stream* stream) {
  if (bytes.empty()) return Accepted::kYes;
  if (finished_) return Accepted::kTooMuch;
  if (body_left_) {
    if (bytes.size() > *body_left_) return Accepted::kTooMuch;
    *body_left_ -= bytes.size();
  }
  if (broken_) return Accepted::kYes;
  std::array<char, 20> size_line;
  const std::string_view before = chunked_ ? chunk_head(bytes.size(), size_line) : std::string_view();
  const std::string_view after = chunked_ ? "\r\n" : "";
  if (stream != nullptr && queue_.size() + bytes.size() > kQueueBytes) {
    dropped_ = true;
    drop_sent();
    if (head_sent_ == head_.size() && queue_.empty()) {
      write_through({before, bytes, after}, *stream);
      return Accepted::kYes;
    }
  }
  queue_.append(before).append(bytes).append(after);
  return Accepted::kYes;
}

// Queues only what the stream does not take at once.
void Outgoing::write_through(const std::array<std::string_view, 3>& pieces, Stream& stream) {
  std::array<iovec, 3> parts;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    parts[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
  }
  const IoResult result = chunked_ ? stream.write(parts.data(), 3) : stream.write(&parts[1], 1);
  if (result.kind == IoResult::Kind::kError || result.kind == IoResult::Kind::kEof) {
    broken_ = true;
    error_ = result.error;
    return;
  }
  std::size_t taken = result.kind == IoResult::Kind::kOk ? result.bytes : 0;
  for (const std::string_view piece : pieces) {
    const std::size_t of_piece = std::min(taken, piece.size());
    taken -= of_piece;
    queue_.append(piece.substr(of_piece));
  }
}

void Outgoing::drop_sent() {
  if (queue_sent_ == queue_.size()) {
    queue_.clear();
    queue_sent_ = 0;
  } else if (queue_sent_ >= kQueueBytes) {
    queue_.erase(0, queue_sent_);
    queue_sent_ = 0;
  }
}

bool Outgoing::finish(std::string_view trailer_block) {
  if (finished_) return true;
  if (body_left_ && *body_left_ != 0) return false;
  finished_ = true;
  if (chunked_ && !broken_) queue_.append("0\r\n").append(trailer_block).append("\r\n");
  return true;
}

Outgoing::Progress Outgoing::progress() const {
  if (broken_) return Progress::kFailed;
  if (head_sent_ < head_.size() || queue_sent_ < queue_.size()) return Progress::kBlocked;
  return finished_ ? Progress::kAllSent : Progress::kWaitsForBody;
}

Outgoing::Progress Outgoing::flush(Stream& stream) {
  while (progress() == Progress::kBlocked) {
    iovec parts[2];
    int count = 0;
    if (head_sent_ < head_.size()) parts[count++] = {head_.data() + head_sent_, head_.size() - head_sent_};
    if (queue_sent_ < queue_.size())
      parts[count++] = {queue_.data() + queue_sent_, queue_.size() - queue_sent_};
    const IoResult result = stream.write(parts, count);
    if (result.kind == IoResult::Kind::kWouldBlock) break;
    if (result.kind != IoResult::Kind::kOk) {
      broken_ = true;
      error_ = result.error;
      break;
    }
    const std::size_t of_head = std::min(result.bytes, head_.size() - head_sent_);
    head_sent_ += of_head;
    queue_sent_ += result.bytes - of_head;
  }
  if (dropped_) drop_sent();
  return progress();
}

}  // namespace meridian::upstream
