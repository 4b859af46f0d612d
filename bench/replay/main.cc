// meridian-replay: how well the edge's caches would have done, beside others, on what was really asked for or
// on made-up streams. docs/replay.md tells how to use it.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <optional>
#include <thread>

#include "bench/replay/generators.h"
#include "bench/replay/report.h"
#include "bench/replay/trace_reader.h"

namespace meridian::replay {
namespace {

struct Wishes {
  std::vector<std::string> files;
  std::vector<std::string> mixes;
  std::vector<std::string> sizes;
  std::vector<std::string> policies;
  std::vector<std::string> admissions;
  std::string ram = "1%";
  std::string ssd;
  std::string write_budget;
  std::vector<double> promotion_windows;
  std::string json_file;
  std::string svg_file;
  std::string bars_file = "bench/bars.json";
  std::uint64_t seed = 1;
  std::uint32_t objects = 200'000;
  std::size_t requests = 4'000'000;
  std::uint32_t ttl_s = 0;
  double warm_up_share = 0.2;
  double max_object_share = 0.1;
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
  bool quick = false;
  bool check = false;
};

// 1%, 64MiB, 10GB, 4096
std::optional<CacheSize> size_of(std::string_view text) {
  struct Unit {
    std::string_view name;
    double bytes;
  };
  constexpr Unit kUnits[] = {
      {"KiB", 1024}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TiB", 1099511627776.0},
      {"KB", 1e3},   {"MB", 1e6},        {"GB", 1e9},           {"TB", 1e12},
      {"", 1}};
  double number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc() || number <= 0) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end.ptr - text.data()));
  if (unit == "%") return number <= 100 ? std::optional<CacheSize>({number / 100, 0}) : std::nullopt;
  for (const Unit& each : kUnits) {
    if (each.name == unit && number * each.bytes < 1e18 && number * each.bytes >= 1) {
      return CacheSize{0, static_cast<std::uint64_t>(number * each.bytes)};
    }
  }
  return std::nullopt;
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "meridian-replay: %s\n", why.c_str());
  std::exit(2);
}

CacheSize must_size(const std::string& text) {
  const auto size = size_of(text);
  if (!size) give_up("a size is like 1%, 64MiB or 10GB, not: " + text);
  return *size;
}

std::vector<AdmissionKind> admissions_of(const std::vector<std::string>& names) {
  std::vector<AdmissionKind> kinds;
  for (const AdmissionKind kind : {AdmissionKind::kAll, AdmissionKind::kSecondHit, AdmissionKind::kFrequency,
                                   AdmissionKind::kSizeAware}) {
    const std::string name(make_admission_policy(kind, 1)->name());
    if (names.empty() || std::find(names.begin(), names.end(), name) != names.end()) kinds.push_back(kind);
  }
  return kinds;
}

Trace read_files(const Wishes& wishes) {
  constexpr std::uint64_t kMostTold = 20;
  std::uint64_t told = 0;
  TraceReader reader(wishes.ttl_s, [&](const std::string& problem) {
    if (++told <= kMostTold) std::fprintf(stderr, "%s\n", problem.c_str());
  });
  for (const std::string& file : wishes.files) {
    if (auto read = reader.read_file(file); !read) give_up(read.error().context);
  }
  Trace trace = reader.finish(wishes.files.size() == 1 ? wishes.files.front() : "trace");
  if (trace.requests.empty()) give_up("there is no request in it");
  std::fprintf(stderr, "%zu requests for %zu objects; %llu lines passed over, %llu bad\n",
               trace.requests.size(), trace.object_bytes.size(),
               static_cast<unsigned long long>(reader.skipped_lines()),
               static_cast<unsigned long long>(reader.bad_lines()));
  return trace;
}

void write_file(const std::string& path, const std::string& text) {
  if (path.empty()) return;
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) give_up("cannot write " + path);
}

class Program {
 public:
  explicit Program(Wishes wishes) : wishes_(std::move(wishes)) {
    if (wishes_.quick) wishes_.objects = 50'000, wishes_.requests = 1'000'000;
    settings_.policies = wishes_.policies;
    settings_.warm_up_share = ssd_settings_.warm_up_share = wishes_.warm_up_share;
    settings_.max_object_share = ssd_settings_.max_object_share = wishes_.max_object_share;
    settings_.jobs = ssd_settings_.jobs = wishes_.jobs;
    std::vector<std::string> sizes = wishes_.sizes;
    if (sizes.empty()) sizes = {"0.1%", "1%", "10%"};
    if (wishes_.sizes.empty() && !wishes_.svg_file.empty()) {
      sizes = {"0.1%", "0.3%", "1%", "3%", "10%", "30%"};
    }
    for (const std::string& size : sizes) settings_.sizes.push_back(must_size(size));
    ssd_settings_.ram = must_size(wishes_.ram);
    if (!wishes_.ssd.empty()) ssd_settings_.ssd = must_size(wishes_.ssd);
    ssd_settings_.admissions = admissions_of(wishes_.admissions);
    if (!wishes_.promotion_windows.empty()) ssd_settings_.promotion_windows = wishes_.promotion_windows;
    if (!wishes_.write_budget.empty()) {
      ssd_settings_.write_budget = must_size(wishes_.write_budget).bytes;
      if (ssd_settings_.write_budget == 0) give_up("a write budget is in bytes a day");
    }
  }

  int run() {
    if (wishes_.files.empty()) {
      run_mixes();
    } else {
      play(read_files(wishes_), !wishes_.ssd.empty());
    }
    if (!results_.ssd_rows.empty()) std::printf("\n%s", table_of(results_.ssd_rows).c_str());
    write_file(wishes_.json_file, json_of(results_));
    write_file(wishes_.svg_file, svg_of(results_.rows));
    return wishes_.check ? check() : 0;
  }

 private:
  void run_mixes() {
    std::printf("seed %llu, %u popular objects, %zu requests\n",
                static_cast<unsigned long long>(wishes_.seed), wishes_.objects, wishes_.requests);
    // Without a word about SSD, one tenth of the working set and the budgets that tell policies apart.
    const bool own_ssd = wishes_.ssd.empty() && wishes_.mixes.empty();
    if (own_ssd) ssd_settings_.ssd = {0.1, 0}, ssd_settings_.budget_share = 0.1;
    for (const Mix& mix : mixes()) {
      const auto& names = wishes_.mixes;
      if (!names.empty() && std::find(names.begin(), names.end(), mix.name) == names.end()) continue;
      play(generate(mix, wishes_.objects, wishes_.requests, wishes_.seed), own_ssd || !wishes_.ssd.empty());
    }
    if (results_.rows.empty()) give_up("there is no such mix");
  }
  void play(const Trace& trace, bool with_ssd) {
    const std::vector<Row> rows = compare(trace, settings_);
    std::string table = table_of(rows);
    // Head lines once, for the first trace.
    if (!results_.rows.empty()) table.erase(0, table.find('\n', table.find('\n') + 1) + 1);
    std::printf("%s", table.c_str());
    std::fflush(stdout);
    results_.rows.insert(results_.rows.end(), rows.begin(), rows.end());
    if (!with_ssd) return;
    const std::vector<SsdRow> ssd_rows = compare_admission(trace, ssd_settings_);
    results_.ssd_rows.insert(results_.ssd_rows.end(), ssd_rows.begin(), ssd_rows.end());
  }
  int check() const {
    const auto bars = read_bars(wishes_.bars_file);
    if (!bars) give_up(bars.error().context);
    const std::vector<std::string> missed = misses(results_.rows, *bars);
    for (const std::string& each : missed) std::printf("missed: %s\n", each.c_str());
    std::printf("%zu of %zu rows miss a bar\n", missed.size(), results_.rows.size());
    return missed.empty() ? 0 : 1;
  }

  Wishes wishes_;
  Settings settings_;
  SsdSettings ssd_settings_;
  Results results_;
};

int run(int argc, char** argv) {
  Wishes wishes;
  CLI::App app("Replays requests through the edge's caches, and through others beside them.",
               "meridian-replay");
  app.add_option("files", wishes.files,
                 "access logs (JSON or combined) or lines `time key size [ttl]`; - is stdin; "
                 "none: made-up streams");
  app.add_option("--mix", wishes.mixes, "of the made-up streams, only these");
  app.add_option("--seed", wishes.seed, "of the made-up streams")->capture_default_str();
  app.add_option("--objects", wishes.objects, "popular objects of the made-up streams")
      ->capture_default_str()
      ->check(CLI::Range(100U, 50'000'000U));
  app.add_option("--requests", wishes.requests, "of each made-up stream")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{1000}, std::size_t{4'000'000'000U}));
  app.add_flag("--quick", wishes.quick, "50,000 objects and a million requests");
  app.add_option("--sizes", wishes.sizes,
                 "caches to try: 1% of the working set, or 64MiB (default 0.1%,1%,10%)")
      ->delimiter(',');
  app.add_option("--policies", wishes.policies, "only these columns")->delimiter(',');
  app.add_option("--max-object-share", wishes.max_object_share,
                 "the largest object kept, as a share of the cache")
      ->capture_default_str()
      ->check(CLI::Range(0.0001, 1.0));
  app.add_option("--ttl", wishes.ttl_s, "lifetime in seconds of objects that say none; 0: for ever");
  app.add_option("--warm-up", wishes.warm_up_share, "share of the requests that is not counted")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.9));
  app.add_option("--ssd", wishes.ssd, "also try RAM and an SSD of this size, with each admission policy");
  app.add_option("--ram", wishes.ram, "size of RAM before the SSD")->capture_default_str();
  app.add_option("--admission", wishes.admissions, "only these: all, second-hit, frequency, size-aware")
      ->delimiter(',')
      ->check(CLI::IsMember({"all", "second-hit", "frequency", "size-aware"}));
  app.add_option("--write-budget", wishes.write_budget, "bytes a day that may be written to SSD, like 500GB");
  app.add_option("--promotion", wishes.promotion_windows,
                 "what SSD serves again within this share of RAM's bytes goes to RAM (default 0.25)")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 1e6));
  app.add_option("--jobs", wishes.jobs, "threads")->capture_default_str()->check(CLI::Range(1U, 1024U));
  app.add_option("--json", wishes.json_file, "write the results here");
  app.add_option("--svg", wishes.svg_file, "draw the miss ratio by size of the cache here");
  app.add_flag("--check", wishes.check, "compare with the bars, and exit 1 when one is missed");
  app.add_option("--bars", wishes.bars_file, "the file of bars")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  for (const std::string& policy : wishes.policies) {
    const auto known = [&](const Contender& contender) { return contender.name == policy; };
    if (std::none_of(contenders().begin(), contenders().end(), known))
      give_up("there is no policy " + policy);
  }
  return Program(std::move(wishes)).run();
}

}  // namespace
}  // namespace meridian::replay

int main(int argc, char** argv) { return meridian::replay::run(argc, argv); }
