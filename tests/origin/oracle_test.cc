#include "origin/server/oracle.h"

#include <gtest/gtest.h>

#include <string>

namespace meridian::origin {
namespace {

std::string bytes(std::uint64_t key, std::uint64_t offset, std::size_t size) {
  std::string filled(size, '\0');
  oracle_fill(key, offset, filled.data(), size);
  return filled;
}

TEST(Oracle, IsTheSameWhateverTheCuts) {
  const std::uint64_t key = oracle_key({"/_bytes/100", 1, 2});
  const std::string whole = bytes(key, 0, 100);
  for (std::size_t first = 0; first < 20; ++first) {
    for (std::size_t size = 0; size < 30; ++size) {
      EXPECT_EQ(bytes(key, first, size), whole.substr(first, size)) << first << " " << size;
    }
  }
}

TEST(Oracle, DiffersByNameSeedAndVersion) {
  const std::string one = bytes(oracle_key({"/_bytes/64", 0, 0}), 0, 64);
  EXPECT_NE(one, bytes(oracle_key({"/_bytes/65", 0, 0}), 0, 64));
  EXPECT_NE(one, bytes(oracle_key({"/_bytes/64", 1, 0}), 0, 64));
  EXPECT_NE(one, bytes(oracle_key({"/_bytes/64", 0, 1}), 0, 64));
  EXPECT_NE(bytes(oracle_key({"x", 1, 0}), 0, 64), bytes(oracle_key({"x", 0, 1}), 0, 64));
}

// The same values are in tests/scenario/oracle.py: whoever changes the function changes both.
TEST(Oracle, IsTheFunctionThatIsDocumented) {
  EXPECT_EQ(fnv1a64(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(fnv1a64("a"), 0xaf63dc4c8601ec8cULL);
  // splitmix64's first output for state 0 is a published value.
  EXPECT_EQ(bytes(0, 0, 8), std::string("\xaf\xcd\x1d\x7b\x39\xa8\x20\xe2", 8));
}

TEST(Oracle, NoticesOneWrongBit) {
  const std::uint64_t key = oracle_key({"/_bytes/9000", 0, 0});
  std::string body = bytes(key, 3, 9000);
  EXPECT_TRUE(oracle_matches(key, 3, body));
  body[8999] = static_cast<char>(body[8999] ^ 1);
  EXPECT_FALSE(oracle_matches(key, 3, body));
}

}  // namespace
}  // namespace meridian::origin
