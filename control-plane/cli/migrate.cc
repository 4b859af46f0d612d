#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>

#include "control-plane/cli/commands.h"
#include "control-plane/store/etcd_store.h"
#include "control-plane/store/sqlite_store.h"

// Moves a log from one store to another: base and entries as they are, and an epoch behind which no old
// leader can write.
namespace meridian::cli {
namespace {

using control::Appended;
using control::AppendEnd;
using control::Base;
using control::Entry;
using control::Freshness;
using control::Head;
using control::Store;

Failure wrong(std::string sentence) {
  return fail(ErrorCode::kInvalid, ErrorSource::kOperator, std::move(sentence));
}

// One loop, and what is asked of stores on it, one thing after the other.
class Mover {
 public:
  // `ca_file`: for https, whom to trust; empty: the system's.
  Mover(std::unique_ptr<EventLoop> loop, std::string ca_file)
      : loop_(std::move(loop)), resolver_(Resolver::create(*loop_, {})), ca_file_(std::move(ca_file)) {}

  Result<std::unique_ptr<Store>> open(const std::string& place) {
    if (place.starts_with("sqlite:")) return open_sqlite(place.substr(7));
    if (place.starts_with("etcd:")) return open_etcd(place.substr(5));
    return wrong("'" + place + "' is neither sqlite:FILE nor etcd:http://host:2379,...");
  }

  Result<std::uint64_t> move(Store& from, Store& to) {
    const auto head = wait<Result<Head>>([&](auto done) { from.head(Freshness::kLatest, done); });
    if (!head) return Failure(head.error());
    auto base =
        wait<Result<std::optional<Base>>>([&](auto done) { from.load_base(Freshness::kLatest, done); });
    if (!base) return Failure(base.error());
    auto at = wait<Result<Head>>([&](auto done) { to.restore(*base, head->epoch, done); });
    if (!at) return Failure(at.error());
    while (at->seq < head->seq) {
      const auto copied = copy_some(from, to, *at);
      if (!copied) return Failure(copied.error());
      *at = *copied;
    }
    return at->seq;
  }

 private:
  Result<std::unique_ptr<Store>> open_sqlite(const std::string& path) {
    auto file = control::SqliteFile::open(path);
    if (!file) return Failure(file.error());
    return std::unique_ptr<Store>(std::make_unique<control::SqliteStore>(*loop_, *std::move(file), path));
  }
  // "http://a:2379,http://b:2379/prefix/"
  Result<std::unique_ptr<Store>> open_etcd(std::string_view text) {
    control::EtcdOptions options;
    while (!text.empty()) {
      std::string_view url = text.substr(0, text.find(','));
      text.remove_prefix(std::min(url.size() + 1, text.size()));
      const std::size_t slash = url.find('/', std::min(url.find("//") + 2, url.size()));
      if (slash != std::string_view::npos && slash + 1 < url.size()) {
        if (!text.empty()) return wrong("the prefix stands behind the last server");
        options.prefix = url.substr(slash);
        url = url.substr(0, slash);
      }
      auto tls = trust(url);
      if (!tls) return Failure(tls.error());
      Result<http::ClientServer> server = http::parse_server(url, *std::move(tls));
      if (!server) return Failure(server.error());
      options.endpoints.push_back(*std::move(server));
    }
    if (options.endpoints.empty()) return wrong("no server is named behind etcd:");
    return std::unique_ptr<Store>(std::make_unique<control::EtcdStore>(*loop_, *resolver_, options));
  }

  // Of one server; nullptr for http.
  Result<std::shared_ptr<TlsClientContext>> trust(std::string_view url) const {
    if (!url.starts_with("https://")) return std::shared_ptr<TlsClientContext>();
    TlsClientOptions options;
    options.ca_file = ca_file_;
    return TlsClientContext::create(options);
  }

  Result<Head> copy_some(Store& from, Store& to, const Head& at) {
    auto entries = wait<Result<std::vector<Entry>>>(
        [&](auto done) { from.read(at.seq, Store::kMostAppend, Freshness::kLatest, done); });
    if (!entries) return Failure(entries.error());
    // What goes into one append has a bound in bytes, too.
    std::size_t bytes = 0;
    std::size_t count = 0;
    while (count < entries->size() && (count == 0 || bytes < Store::kMostAppendBytes / 2))
      bytes += (*entries)[count++].payload.size() + 512;
    entries->resize(count);
    if (entries->empty()) return wrong("entry " + std::to_string(at.seq + 1) + " is missing");
    const auto appended = wait<Appended>([&](auto done) { to.append(at, *entries, done); });
    if (appended.end == AppendEnd::kAppended) return appended.head;
    if (appended.end == AppendEnd::kUnavailable)
      return fail(ErrorCode::kUnavailable, ErrorSource::kOperator, appended.why);
    return wrong("somebody else writes to the new store");
  }

  template <class T>
  T wait(const std::function<void(std::function<void(T)>)>& ask) {
    std::optional<T> answer;
    ask([&](T given) {
      answer.emplace(std::move(given));
      loop_->stop();
    });
    while (!answer) loop_->run();
    return *std::move(answer);
  }

  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Resolver> resolver_;
  const std::string ca_file_;
};

}  // namespace

Result<void> migrate_store(const Options& options) {
  Result<std::unique_ptr<EventLoop>> loop = EventLoop::create();
  if (!loop) return Failure(loop.error());
  Mover mover(*std::move(loop), options.ca_file);
  auto from = mover.open(options.from);
  if (!from) return Failure(from.error());
  auto to = mover.open(options.to);
  if (!to) return Failure(to.error());
  const Result<std::uint64_t> last = mover.move(**from, **to);
  if (!last) return Failure(last.error());
  std::printf("the log is in %s, up to entry %llu\n", (*to)->description().c_str(),
              static_cast<unsigned long long>(*last));
  return {};
}

}  // namespace meridian::cli
