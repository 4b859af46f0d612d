#include <benchmark/benchmark.h>

#include <string>

#include "lib/http/http1.h"

#if defined(MERIDIAN_HAS_LLHTTP)
#include <llhttp.h>
#endif

// What it costs to parse a request head: ours, and llhttp's with callbacks that note where things are, which
// is the least that a program would do with it.
namespace {

using namespace meridian::http;

constexpr std::string_view kSmall =
    "GET /objects/1k.bin HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: wrk/4.1.0\r\nAccept: */*\r\n\r\n";

constexpr std::string_view kBrowser =
    "GET /red/images/node-red.svg?v=3.1.0 HTTP/1.1\r\n"
    "Host: www.example.test\r\n"
    "Connection: keep-alive\r\n"
    "sec-ch-ua: \"Chromium\";v=\"120\", \"Not(A:Brand\";v=\"24\"\r\n"
    "sec-ch-ua-mobile: ?0\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
    "Safari/537.36\r\n"
    "sec-ch-ua-platform: \"Linux\"\r\n"
    "Accept: image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: no-cors\r\n"
    "Sec-Fetch-Dest: image\r\n"
    "Referer: https://www.example.test/red/\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\n"
    "Cookie: session=3f2a9c71d0b94f6e8a55; theme=dark\r\n"
    "If-None-Match: W/\"2f1-18c5a3b2e10\"\r\n\r\n";

void ours(benchmark::State& state, std::string_view bytes) {
  const HeadLimits limits;
  RequestHead head;
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    const ParseResult result = parse_request_head(bytes, limits, head);
    Framing framing;
    const ParseResult framed = request_framing(head, framing);
    benchmark::DoNotOptimize(result);
    benchmark::DoNotOptimize(framed);
    benchmark::ClobberMemory();
    if (result.state != ParseState::kDone) return state.SkipWithError("not taken");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes.size()));
}

void names(benchmark::State& state) {
  for (auto _ : state) {
    for (std::string_view name :
         {"Host", "user-agent", "Accept-Encoding", "If-None-Match", "Sec-Fetch-Site"}) {
      benchmark::DoNotOptimize(field_id(name));
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 5);
}

#if defined(MERIDIAN_HAS_LLHTTP)
struct Noted {
  const char* at[64];
  std::size_t size[64];
  std::size_t count = 0;
  bool done = false;
};

int note(llhttp_t* parser, const char* at, std::size_t size) {
  Noted& noted = *static_cast<Noted*>(parser->data);
  if (noted.count < 64) noted.at[noted.count] = at, noted.size[noted.count++] = size;
  return 0;
}
int note_done(llhttp_t* parser) {
  static_cast<Noted*>(parser->data)->done = true;
  return 0;
}

void llhttp(benchmark::State& state, std::string_view bytes) {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_url = note;
  settings.on_header_field = note;
  settings.on_header_value = note;
  settings.on_message_complete = note_done;
  Noted noted;
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.data = &noted;
  for (auto _ : state) {
    noted.count = 0;
    noted.done = false;
    llhttp_reset(&parser);
    benchmark::DoNotOptimize(llhttp_execute(&parser, bytes.data(), bytes.size()));
    benchmark::ClobberMemory();
    if (!noted.done) return state.SkipWithError("not taken");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK_CAPTURE(llhttp, small, kSmall);
BENCHMARK_CAPTURE(llhttp, browser, kBrowser);
#endif

BENCHMARK_CAPTURE(ours, small, kSmall);
BENCHMARK_CAPTURE(ours, browser, kBrowser);
BENCHMARK(names);

}  // namespace

BENCHMARK_MAIN();
