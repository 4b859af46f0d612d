#include <map>
#include <set>

#include "config/tables.h"
#include "config/values.h"
#include "docs/generate/pages.h"

namespace meridian::docs {
namespace {

using namespace meridian::config;

// What the example says where there is no default.
const std::map<std::string_view, std::string_view> kSamples = {
    {"listen.address", "127.0.0.1:8080"},
    {"listen.trusted_proxies", "[10.0.0.0/8, \"2001:db8::/32\"]"},
    {"listen.tls.certificate", "cert.pem"},
    {"listen.tls.key", "key.pem"},
    {"cache.ssd.path", "/var/lib/meridian/cache"},
    {"cache.ssd.size", "100GiB"},
    {"admin.address", "127.0.0.1:9180"},
    {"admin.token_file", "admin.token"},
    {"cache.memcached.servers", "[\"127.0.0.1:11211\", \"10.0.0.2:11211/2\"]"},
    {"region", "eu-west"},
    {"peers.self", "edge-1"},
    {"peers.members.name", "edge-1"},
    {"peers.members.address", "127.0.1.1:8080"},
    {"peers.tls.certificate", "edge-1.pem"},
    {"peers.tls.key", "edge-1.key"},
    {"peers.tls.ca", "edges-ca.pem"},
    {"peers.trusted", "[127.0.1.0/24]"},
    {"regions.name", "us-east"},
    {"regions.edges.name", "edge-7"},
    {"regions.edges.address", "127.0.2.1:8080"},
    {"sites.shield", "us-east"},
    {"access_log.path", "/var/log/meridian/access.log"},
    {"resolver.nameserver", "127.0.0.53:53"},
    {"sites.name", "www"},
    {"sites.hosts", "[\"www.example.test\", \"*.example.test\", \"*\"]"},
    {"sites.origins.url", "http://127.0.0.1:3000"},
    {"sites.upstream.tls.ca", "origin-ca.pem"},
    {"sites.upstream.tls.certificate", "client.pem"},
    {"sites.upstream.tls.key", "client.key"},
    {"sites.upstream.tls.server_name", "app.internal"},
    {"sites.methods", "[GET, HEAD, POST]"},
    {"sites.cache.default_ttl", "{ 404: 10s, 301: 1h }"},
    {"sites.cache.query_drop", "[\"utm_*\", gclid, fbclid]"},
    {"sites.cache.key_headers", "[X-Device]"},
    {"sites.forwarding.trusted_proxies", "[192.0.2.10]"},
    {"sites.error_pages.directory", "error-pages"},
};

// Shown though they could be left out: a mapping needs one key that is there, and a member of a list a first
// one.
const std::set<std::string, std::less<>> kShown = {"admin.address", "sites.name"};

template <class Kind>
std::string yaml_of(Kind kind, const typename Kind::Value& value) {
  if constexpr (requires { show(kind, value); }) {
    const std::string text = show(kind, value);
    // Bare, these two would be numbers of another version to a reader of YAML.
    return std::is_same_v<Kind, Choice<TlsVersion>> ? "\"" + text + "\"" : text;
  } else if constexpr (std::is_same_v<typename Kind::Value, std::string>) {
    return value;
  } else {
    return "";
  }
}

// Writes every key with its documentation as a comment. A key without default is commented out unless it is
// required.
class ExampleVisitor {
 public:
  ExampleVisitor(std::string path, std::string indent, std::string& text)
      : path_(std::move(path)), indent_(std::move(indent)), text_(text) {}

  template <class Kind>
  void param(std::string_view key, const typename Kind::Value& value, Kind kind, const Allowed& allowed,
             std::string_view doc) {
    comment(doc);
    std::string shown = yaml_of(kind, value);
    const bool set = !shown.empty() || allowed.required || kShown.contains(below(key));
    if (shown.empty()) shown = sample(key);
    line(std::string(set ? "" : "# ") + std::string(key) + ": " + shown);
  }
  template <class Struct>
  void block(std::string_view key, Struct& to, std::string_view doc) {
    comment(doc);
    line(std::string(key) + ":");
    ExampleVisitor inner(below(key), indent_ + "  ", text_);
    visit(inner, to);
  }
  // The whole block is commented out.
  template <class Struct>
  void optional_block(std::string_view key, std::optional<Struct>&, std::string_view doc) {
    Struct defaults;
    comment(doc);
    line("# " + std::string(key) + ":");
    ExampleVisitor inner(below(key), indent_ + "#   ", text_);
    visit(inner, defaults);
  }
  template <class Struct>
  void blocks(std::string_view key, std::vector<Struct>&, std::size_t least, std::size_t,
              std::string_view doc) {
    Struct defaults;
    comment(doc);
    // A list that may be empty is commented out as a whole.
    const std::string before = indent_ + (least == 0 ? "# " : "");
    text_ += before + std::string(key) + ":\n";
    std::string members;
    ExampleVisitor inner(below(key), before + "    ", members);
    visit(inner, defaults);
    // The dash goes before the first key, which stands behind its comment.
    std::size_t at = 0;
    while (members.compare(at + before.size() + 4, 1, "#") == 0) at = members.find('\n', at) + 1;
    members[at + before.size() + 2] = '-';
    text_ += members;
  }

 private:
  std::string below(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  }
  std::string sample(std::string_view key) const {
    const auto found = kSamples.find(below(key));
    return std::string(found == kSamples.end() ? "\"\"" : found->second);
  }
  void comment(std::string_view doc) { text_ += wrapped(doc, indent_ + "# ", 100); }
  void line(const std::string& text) { text_ += indent_ + text + "\n"; }

  std::string path_;
  std::string indent_;
  std::string& text_;
};

}  // namespace

std::string full_example() {
  std::string text =
      "# Every key of meridian-edge's configuration with its default; keys that have none are commented "
      "out.\n"
      "# Made by meridian-docs from config/params/*.def. You need few of these: see minimal.yaml.\n";
  EdgeConfig defaults;
  ExampleVisitor visitor("", "", text);
  visit(visitor, defaults);
  return text;
}

}  // namespace meridian::docs
