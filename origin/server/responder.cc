#include "origin/server/responder.h"

#include <array>
#include <charconv>
#include <span>
#include <utility>

namespace meridian::origin {
namespace {

using config::FaultCut;
using http::FieldId;
using http::Method;
using stats::OriginFault;

constexpr std::string_view kAllowed = "GET, HEAD, OPTIONS";
constexpr std::array kFaultKinds{OriginFault::kDelay,     OriginFault::kRate,     OriginFault::kStatus,
                                 OriginFault::kErrorRate, OriginFault::kTruncate, OriginFault::kReset,
                                 OriginFault::kHang,      OriginFault::kFlap};

Answer options_answer() {
  Answer answer;
  answer.status = 204;
  answer.headers.set("Allow", kAllowed);
  return answer;
}

Answer path_answer(PathFault fault) {
  if (fault == PathFault::kNoSuch) return text_answer(404, "There is nothing here.\n");
  if (fault == PathFault::kEscape) return text_answer(400, "The path climbs above the root.\n");
  return text_answer(400, "The path is not percent-encoded rightly.\n");
}

bool reads(Method method) { return method == Method::kGet || method == Method::kHead; }

}  // namespace

Responder::Responder(http::Exchange& exchange, Services& services, Ended ended)
    : exchange_(exchange), services_(services), ended_(std::move(ended)), timer_(services.loop, [this] {
        if (waiting_answer_)
          send(*std::exchange(waiting_answer_, std::nullopt));
        else
          after_delay();
      }) {}

void Responder::start() {
  exchange_.set_handler(this);
  const http::RequestHead& request = exchange_.request();
  if (request.path == "*")
    return send(request.method == Method::kOptions ? options_answer() : path_answer(PathFault::kMalformed));
  const PathFault fault = decode_target(request.path, target_);
  if (fault != PathFault::kNone) return send(path_answer(fault));

  plan_ = plan_faults(services_.faults.faults(), request.method_name, path_for_rules(),
                      services_.loop.now_ms(), services_.dice);
  count_faults();
  if (plan_.head_delay_ms > 0)
    timer_.arm(plan_.head_delay_ms);
  else
    after_delay();
}

void Responder::after_delay() {
  const bool cut_now = plan_.cut != FaultCut::kNone && !plan_.cut_in_body;
  if (cut_now && plan_.cut == FaultCut::kHang && !std::exchange(hung_, true)) {
    // Nothing more is done until the client leaves, or the hang has lasted long enough.
    return timer_.arm(kLongestHangMs);
  }
  if (cut_now) return exchange_.abort();
  if (plan_.status != 0)
    return send(text_answer(plan_.status, "A fault that is set for this path answered.\n"));
  route();
}

void Responder::route() {
  const http::RequestHead& request = exchange_.request();
  if (services_.shared.config.generated && is_generated(request.path)) {
    if (request.method == Method::kOptions && !reads_body(request.path)) return send(options_answer());
    // An echo reports the body, so it comes first.
    if (reads_body(request.path) && exchange_.has_request_body()) return exchange_.read_body();
    return answer_from_generator();
  }
  if (request.method == Method::kOptions) return send(options_answer());
  if (!reads(request.method)) return send(method_answer(request.method, kAllowed));
  if (services_.shared.files == nullptr || (target_.hidden && !services_.shared.config.hidden)) {
    return send(path_answer(PathFault::kNoSuch));
  }
  answer_from_files();
}

void Responder::answer_from_generator() {
  const std::string peer = exchange_.peer().to_string();
  const std::string boundary = make_boundary();
  reply(answer_generated({exchange_.request(), peer, body_, services_.loop,
                          services_.shared.content_version.load(std::memory_order_relaxed), boundary}));
}

void Responder::answer_from_files() {
  const http::RequestHead& request = exchange_.request();
  std::string scratch;
  FileQuery query{target_.relative, target_.wants_directory, path_for_rules(),
                  acceptable_codings(request.fields.combined(FieldId::kAcceptEncoding, scratch)),
                  request.method == Method::kGet};
  auto work = [files = services_.shared.files, query = std::move(query)] { return files->find(query); };
  auto done = [this](Result<Found> found) { on_found(std::move(found)); };
  if (!run_on_pool(services_.shared.pool, services_.loop, alive_, std::move(work), std::move(done))) {
    send(file_error_answer({ErrorCode::kUnavailable, ErrorSource::kOrigin, false, "the file queue is full"}));
  }
}

void Responder::on_found(Result<Found> found) {
  if (closed_) return;
  send(found ? answer_found(*std::move(found)) : file_error_answer(found.error()));
}

Answer Responder::answer_found(Found found) {
  const std::string path = path_for_rules();
  if (std::holds_alternative<FoundDirectory>(found)) {
    Answer answer = text_answer(301, "The folder's address ends in a slash.\n");
    std::string location = encode_path(target_, true);
    if (!target_.query.empty()) location.append("?").append(target_.query);
    answer.headers.set("Location", location);
    services_.shared.rules.apply(path, answer.headers);
    return answer;
  }
  Representation representation;
  if (auto* file = std::get_if<FoundFile>(&found)) {
    representation = represent(std::move(*file), services_.loop, services_.shared.pool);
  } else {
    representation.content_type = "text/html; charset=utf-8";
    representation.headers.set("Cache-Control", "no-cache");
    representation.content = std::make_unique<MemoryContent>(std::get<FoundListing>(found).html);
  }
  services_.shared.rules.apply(path, representation.headers);
  return select_answer(exchange_.request(), std::move(representation), services_.loop.wall_ms() / 1000,
                       make_boundary());
}

void Responder::reply(Answer answer) {
  const std::int64_t delay_ms = answer.delay_ms;
  if (delay_ms == 0) return send(std::move(answer));
  waiting_answer_ = std::move(answer);
  timer_.arm(delay_ms);
}

void Responder::send(Answer answer) {
  status_ = answer.status;
  for (const std::string& hint : answer.early_hints) exchange_.send_informational(103, hint);
  if (closed_) return;
  if (!answer.headers.has("Date"))
    answer.headers.set("Date", services_.date.at(services_.loop.wall_ms() / 1000));
  answer.headers.set("Server", "meridian-origin");
  send_head(exchange_, answer);
  if (closed_) return;
  if (!answer.body || exchange_.request().method == Method::kHead) return exchange_.finish();
  pump_.emplace(exchange_, std::move(answer.body), std::move(answer.trailer_block), plan_);
  pump_->run();
}

void Responder::on_request_body(std::string_view bytes, bool last, const http::FieldList&) {
  body_.add(bytes);
  if (last)
    answer_from_generator();
  else
    exchange_.read_body();
}

void Responder::on_drained() {
  if (pump_) pump_->run();
}

void Responder::on_closed(bool completed) {
  closed_ = true;
  alive_.reset();
  timer_.cancel();
  if (pump_) pump_->stop();
  const int status = completed ? status_ : 0;
  services_.sheet.add(stats::kServerRequests, stats::status_class(status));
  services_.sheet.add_n(stats::kServerBytesOut, exchange_.bytes_sent());
  if (services_.shared.log != nullptr) log(status);
  ended_(*this);
}

std::string Responder::path_for_rules() const {
  std::string path = "/" + target_.relative;
  if (target_.wants_directory && path.size() > 1) path += '/';
  return path;
}

std::string Responder::make_boundary() {
  std::string boundary = "meridian";
  char digits[16];
  for (int i = 0; i < 2; ++i) {
    boundary.append(digits, std::to_chars(digits, digits + sizeof digits, services_.dice.next(), 16).ptr);
  }
  return boundary;
}

void Responder::count_faults() {
  for (const OriginFault kind : kFaultKinds) {
    if (plan_.has(kind)) services_.sheet.add(stats::kServerFaults, kind);
  }
}

void Responder::log(int status) {
  const http::RequestHead& request = exchange_.request();
  services_.shared.log->write(
      combined_line({exchange_.peer().ip(), services_.loop.wall_ms(), request.method_name, request.path,
                     http::version_name(request.version), status, exchange_.bytes_sent(),
                     request.fields.value(FieldId::kReferer), request.fields.value(FieldId::kUserAgent)}));
}

}  // namespace meridian::origin
