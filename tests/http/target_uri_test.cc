#include "lib/http/target_uri.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "lib/http/authority.h"
#include "tests/http/heads.h"

namespace meridian::http {
namespace {

std::string key_of(std::string_view scheme, std::string_view authority, std::string_view path,
                   const UriPolicy& policy = {}) {
  TargetKey key;
  const UriError error = make_key(scheme, authority, path, policy, key);
  return error == UriError::kNone ? key.text : std::string(token_of(error));
}
std::string path_key(std::string_view path, const UriPolicy& policy = {}) {
  TargetKey key;
  const UriError error = make_key("http", "h", path, policy, key);
  return error == UriError::kNone ? std::string(key.path()) : std::string(token_of(error));
}

struct AuthorityCase {
  std::string_view scheme, authority, key;
};

// RFC 9110 section 4.2.3 and RFC 3986 section 6.2.
TEST(TargetKey, Authority) {
  static constexpr AuthorityCase kCases[] = {
      {"http", "Example.TEST", "http://example.test/"},
      {"HTTP", "example.test:80", "http://example.test/"},
      {"https", "example.test:443", "https://example.test/"},
      {"https", "example.test:80", "https://example.test:80/"},
      {"http", "example.test:", "http://example.test/"},
      {"http", "example.test:0080", "http://example.test/"},
      {"http", "example.test.", "http://example.test/"},
      {"http", "example.test.:8080", "http://example.test:8080/"},
      {"http", "[2001:DB8::1]:8080", "http://[2001:db8::1]:8080/"},
      {"http", "[::1]", "http://[::1]/"},
      {"http", "127.0.0.1", "http://127.0.0.1/"},
      {"http", "a_b.test", "http://a_b.test/"},
      {"http", "", "http:///"},
      {"ftp", "h", "uri-scheme"},
      {"", "h", "uri-scheme"},
      {"http", "user@h", "uri-host"},
      {"http", "h:65536", "uri-host"},
      {"http", "h:8a", "uri-host"},
      {"http", "h:-1", "uri-host"},
      {"http", "h:80:80", "uri-host"},
      {"http", "h/x", "uri-host"},
      {"http", "h x", "uri-host"},
      {"http", "a..b", "uri-host"},
      {"http", "a..", "uri-host"},
      {"http", ".", "uri-host"},
      {"http", "..", "uri-host"},
      {"http", ":80", "uri-host"},
      {"http", "[::1", "uri-host"},
      {"http", "[]", "uri-host"},
      {"http", "[::g]", "uri-host"},
      {"http", "[::1]x", "uri-host"},
      {"http", "h\xc3\xa9", "uri-host"},
      {"http", "h%41", "uri-host"},
  };
  for (const AuthorityCase& c : kCases) EXPECT_EQ(key_of(c.scheme, c.authority, "/"), c.key) << c.authority;
  std::string host;
  EXPECT_TRUE(host_of("WWW.Example.test.:80", host));
  EXPECT_EQ(host, "www.example.test");
  EXPECT_FALSE(host_of("a b", host));
}

struct PathCase {
  std::string_view in, out;
};

// RFC 3986 sections 5.2.4 and 6.2.2.
TEST(TargetKey, Paths) {
  static constexpr PathCase kCases[] = {
      {"/", "/"},
      {"/a/b.html", "/a/b.html"},
      {"/a%7Eb", "/a~b"},
      {"/%61%41%30%2d%2E%5F%7e", "/aA0-._~"},
      {"/a%2fb", "/a%2Fb"},
      {"/a%2Fb", "/a%2Fb"},
      {"/a%20b", "/a%20b"},
      {"/caf%c3%a9", "/caf%C3%A9"},
      {"/caf\xc3\xa9", "/caf%C3%A9"},
      {"/a\"b<c>|\\^`{}", "/a%22b%3Cc%3E%7C%5C%5E%60%7B%7D"},
      {"/a[1]", "/a%5B1%5D"},
      {"/a//b", "/a//b"},
      {"//a", "//a"},
      {"/a;p=1/b", "/a;p=1/b"},
      {"/!$&'()*+,;=:@", "/!$&'()*+,;=:@"},
      {"/a/./b", "/a/b"},
      {"/a/../b", "/b"},
      {"/a/b/../../c", "/c"},
      {"/../../a", "/a"},
      {"/a/..", "/"},
      {"/a/b/..", "/a/"},
      {"/a/b/.", "/a/b/"},
      {"/.", "/"},
      {"/..", "/"},
      {"/./", "/"},
      {"/%2e%2e/a", "/a"},
      {"/a/%2E/b", "/a/b"},
      {"/a/.%2e/b", "/b"},
      {"/a/..%2fb", "/a/..%2Fb"},
      {"/a//../b", "/a/b"},
      {"/.a", "/.a"},
      {"/a/...", "/a/..."},
      {"/a/..b", "/a/..b"},
      {"/.well-known/x", "/.well-known/x"},
      {"/a%00", "uri-nul"},
      {"/a%", "uri-percent"},
      {"/a%4", "uri-percent"},
      {"/a%zz", "uri-percent"},
      {"/a%%41", "uri-percent"},
      {"/a b", "uri-control"},
      {"/a\x7f", "uri-control"},
      {"/a\n", "uri-control"},
      {"/a#b", "uri-fragment"},
      {"", "uri-not-a-path"},
      {"*", "uri-not-a-path"},
      {"a", "uri-not-a-path"},
      {"?a", "uri-not-a-path"},
  };
  for (const PathCase& c : kCases) EXPECT_EQ(path_key(c.in), c.out) << c.in;
  EXPECT_EQ(path_key(std::string_view("/a\0b", 4)), "uri-control");
}

TEST(TargetKey, Queries) {
  static constexpr PathCase kCases[] = {
      {"/a?b=c", "/a?b=c"},
      {"/a?", "/a?"},
      {"/a?b?c/d", "/a?b?c/d"},
      {"/a?%7e=%2f", "/a?~=%2F"},
      {"/a?b=%zz%7e&c=%7e", "/a?b=%zz%7e&c=~"},
      {"/a?&", "/a?&"},
      {"/a?100%", "/a?100%"},
      {"/a?b=%00", "/a?b=%00"},
      {"/a?b[]=\"", "/a?b%5B%5D=%22"},
      {"/a?b=../..", "/a?b=../.."},
      {"/a?b+c", "/a?b+c"},
      {"/a?b%20c", "/a?b%20c"},
      {"/x/../a?b", "/a?b"},
      {"/a?b c", "uri-control"},
      {"/a?%zz c", "uri-control"},
      {"/a?b#c", "uri-fragment"},
      {"/a?%zz#c", "uri-fragment"},
  };
  for (const PathCase& c : kCases) EXPECT_EQ(path_key(c.in), c.out) << c.in;
}

TEST(TargetKey, QueryPolicy) {
  UriPolicy sort;
  sort.sort_query = true;
  EXPECT_EQ(path_key("/a?b=2&a=1&b=1", sort), "/a?a=1&b=2&b=1");
  EXPECT_EQ(path_key("/a?", sort), "/a?");
  UriPolicy drop;
  drop.drop_parameters = {"utm_*", "fbclid", "*_x*y"};
  EXPECT_EQ(path_key("/a?utm_source=1&b=2&fbclid=3&utm_=4", drop), "/a?b=2");
  EXPECT_EQ(path_key("/a?%75tm_source=1", drop), "/a");
  EXPECT_EQ(path_key("/a?utm_source", drop), "/a");
  EXPECT_EQ(path_key("/a?utm=1&Fbclid=2&fbclidx=3", drop), "/a?utm=1&Fbclid=2&fbclidx=3");
  EXPECT_EQ(path_key("/a?q_xzy=1&q_x=2&_xy=3", drop), "/a?q_x=2");
  EXPECT_EQ(path_key("/a?b=%7e&utm_x=%zz", drop), "/a?b=~");
  EXPECT_EQ(path_key("/a?b=1&&c", drop), "/a?b=1&&c");
  UriPolicy none;
  none.drop_query = true;
  EXPECT_EQ(path_key("/a?b", none), "/a");
  EXPECT_EQ(path_key("/a?", none), "/a");
}

TEST(TargetKey, Parts) {
  TargetKey key;
  ASSERT_EQ(make_key("https", "H:444", "/p?q", {}, key), UriError::kNone);
  EXPECT_EQ(key.scheme(), "https");
  EXPECT_EQ(key.authority(), "h:444");
  EXPECT_EQ(key.path(), "/p?q");
  ASSERT_EQ(make_key(get({}, "/z"), {}, key), UriError::kNone);
  EXPECT_EQ(key.text, "http://example.test/z");
}

// A slow and plain second opinion on what a path means: decode what is unreserved, compare the rest encoded.
std::string meaning(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    bool encoded = false;
    if (c == '%' && i + 2 < path.size()) {
      c = static_cast<char>(std::stoi(std::string(path.substr(i + 1, 2)), nullptr, 16));
      encoded = true;
      i += 2;
    }
    const bool reserved = std::string_view("!$&'()*+,;=:@/?#[]%").find(c) != std::string_view::npos;
    out += encoded && reserved ? 'E' : 'c';
    out += c;
  }
  return out;
}

// Property: a key is its own normal form, and paths of different meaning never share one.
TEST(TargetKey, IdempotentAndInjective) {
  static constexpr std::string_view kPieces[] = {"a",     "b", "/", "//",  "%2F", "%2f", "%61",
                                                 "%41",   "A", "~", "%7e", ";",   "%3B", "%25",
                                                 "%252F", "?", "&", "=",   "%3F", "\"",  "%22"};
  std::mt19937 random(20251121);
  std::map<std::string, std::string> meaning_of_key;
  for (int round = 0; round < 200'000; ++round) {
    std::string path = "/x";
    for (auto n = random() % 6; n > 0; --n) path += kPieces[random() % std::size(kPieces)];
    const std::string key = path_key(path);
    ASSERT_EQ(path_key(key), key) << path;
    const auto [at, fresh] = meaning_of_key.emplace(key, meaning(path));
    ASSERT_TRUE(fresh || at->second == meaning(path)) << path << " -> " << key;
  }
}

struct ResolveCase {
  std::string_view reference, key;  // "": no http(s) URI
};

// RFC 3986 section 5.4, against http://a/b/c/d;p?q.
TEST(UriReference, Resolve) {
  static constexpr ResolveCase kCases[] = {
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g/"},
      {"//g?y", "http://g/?y"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q"},
      {"g#s", "http://a/b/c/g"},
      {";x", "http://a/b/c/;x"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../../../g", "http://a/g"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"http://a", "http://a/"},
      {"HTTPS://B:443/x", "https://b/x"},
      {"http:g", ""},
      {"mailto:x@y", ""},
      {"javascript:1", ""},
      {"1:2", "http://a/b/c/1:2"},
  };
  RequestHead base = get({}, "/b/c/d;p?q");
  base.authority = "a";
  for (const ResolveCase& c : kCases) {
    ResolvedUri uri;
    ASSERT_EQ(resolve(base, c.reference, uri), !c.key.empty()) << c.reference;
    const std::string key = c.key.empty() ? "" : key_of(uri.scheme, uri.authority, uri.path);
    EXPECT_EQ(key, c.key) << c.reference;
  }
}

}  // namespace
}  // namespace meridian::http
