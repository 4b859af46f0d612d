#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/wire/json.h"

// etcd's v3 API as its JSON gateway speaks it (etcd 3.4: bytes in base64, 64-bit numbers as strings, zeros
// left out): pure functions.
namespace meridian::control::etcd {

// What a transaction does, in order. Each returns one operation for `ops` below.
std::string put(std::string_view key, std::string_view value, std::uint64_t lease = 0);
std::string get(std::string_view key, bool is_local = false);
// Keys from `begin` up to and without `end`; at most `limit`, 0: all.
std::string range(std::string_view begin, std::string_view end, std::size_t limit, bool is_local = false);
std::string remove_range(std::string_view begin, std::string_view end);

// What a transaction depends on.
std::string value_is(std::string_view key, std::string_view value);
std::string is_absent(std::string_view key);
std::string is_present(std::string_view key);

// The body of POST /v3/kv/txn.
std::string transaction(const std::vector<std::string>& compare, const std::vector<std::string>& success,
                        const std::vector<std::string>& failure = {});

struct KeyValue {
  std::string key;
  std::string value;
};
struct TransactionAnswer {
  bool succeeded = false;
  // One for each operation of the branch that was taken; of a put or removal empty.
  std::vector<std::vector<KeyValue>> found;
};
[[nodiscard]] Result<TransactionAnswer> parse_transaction(const wire::Json& json);

// An int64 as the gateway writes it; 0 when it was left out.
[[nodiscard]] Result<std::uint64_t> parse_number(const wire::Json& json, std::string_view name);

// Behind the last key that begins with `prefix`.
std::string end_of(std::string prefix);
// A number so that keys sort as their numbers do.
std::string padded(std::uint64_t number);

}  // namespace meridian::control::etcd
