#include "control-plane/store/etcd_text.h"

#include "lib/base/digest.h"
#include "lib/wire/parameters.h"

namespace meridian::control::etcd {
namespace {

using wire::Json;
using wire::JsonWriter;

std::string in_object(std::string_view name, const std::string& object) {
  std::string text;
  JsonWriter(text).begin_object().key(name).raw(object).end_object();
  return text;
}

std::string range_request(std::string_view begin, std::string_view end, std::size_t limit, bool is_local) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_object().key("key").string(base64(begin));
  if (!end.empty()) writer.key("range_end").string(base64(end));
  if (limit > 0) writer.key("limit").string(std::to_string(limit));
  if (is_local) writer.key("serializable").flag(true);
  writer.end_object();
  return text;
}

std::string compare(std::string_view key, std::string_view target, std::string_view result,
                    std::string_view name, std::string_view value) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_object().key("key").string(base64(key)).key("target").string(target);
  writer.key("result").string(result).key(name).string(value).end_object();
  return text;
}

void write_list(JsonWriter& writer, std::string_view name, const std::vector<std::string>& items) {
  if (items.empty()) return;
  writer.key(name).begin_array();
  for (const std::string& item : items) writer.raw(item);
  writer.end_array();
}

Failure broken(std::string what) {
  return fail(ErrorCode::kUnavailable, ErrorSource::kOperator, "etcd gave an answer without sense: " + what);
}

Result<KeyValue> parse_key_value(const Json& json) {
  const auto bytes = [&json](std::string_view name) -> std::optional<std::string> {
    const Json* const text = json.find(name);
    return text == nullptr ? std::string() : from_base64(text->text());
  };
  auto key = bytes("key");
  auto value = bytes("value");
  if (!key || !value) return broken("no base64");
  return KeyValue{*std::move(key), *std::move(value)};
}

}  // namespace

std::string put(std::string_view key, std::string_view value, std::uint64_t lease) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_object().key("key").string(base64(key)).key("value").string(base64(value));
  if (lease != 0) writer.key("lease").string(std::to_string(lease));
  writer.end_object();
  return in_object("request_put", text);
}

std::string get(std::string_view key, bool is_local) {
  return in_object("request_range", range_request(key, {}, 0, is_local));
}

std::string range(std::string_view begin, std::string_view end, std::size_t limit, bool is_local) {
  return in_object("request_range", range_request(begin, end, limit, is_local));
}

std::string remove_range(std::string_view begin, std::string_view end) {
  return in_object("request_delete_range", range_request(begin, end, 0, false));
}

std::string value_is(std::string_view key, std::string_view value) {
  return compare(key, "VALUE", "EQUAL", "value", base64(value));
}

std::string is_absent(std::string_view key) {
  return compare(key, "CREATE", "EQUAL", "create_revision", "0");
}

std::string is_present(std::string_view key) {
  return compare(key, "CREATE", "GREATER", "create_revision", "0");
}

std::string transaction(const std::vector<std::string>& compare, const std::vector<std::string>& success,
                        const std::vector<std::string>& failure) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_object();
  write_list(writer, "compare", compare);
  write_list(writer, "success", success);
  write_list(writer, "failure", failure);
  writer.end_object();
  return text;
}

Result<TransactionAnswer> parse_transaction(const Json& json) {
  TransactionAnswer answer;
  const Json* const succeeded = json.find("succeeded");
  answer.succeeded = succeeded != nullptr && succeeded->flag();
  const Json* const responses = json.find("responses");
  if (responses == nullptr) return answer;
  for (const Json& response : responses->items()) {
    std::vector<KeyValue>& found = answer.found.emplace_back();
    const Json* const range = response.find("response_range");
    const Json* const kvs = range == nullptr ? nullptr : range->find("kvs");
    if (kvs == nullptr) continue;
    for (const Json& kv : kvs->items()) {
      Result<KeyValue> key_value = parse_key_value(kv);
      if (!key_value) return Failure(key_value.error());
      found.push_back(*std::move(key_value));
    }
  }
  return answer;
}

Result<std::uint64_t> parse_number(const Json& json, std::string_view name) {
  const Json* const value = json.find(name);
  if (value == nullptr) return std::uint64_t{0};
  const auto number = wire::parse_number(value->text());
  if (!number) return broken(std::string(name) + " is no number");
  return *number;
}

std::string end_of(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

std::string padded(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(20 - digits.size(), '0') + digits;
}

}  // namespace meridian::control::etcd
