#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>

#include "lib/http/message.h"

// Heads for tests, from literals.
namespace meridian::http {

using Lines = std::initializer_list<std::pair<std::string_view, std::string_view>>;

inline FieldList fields(Lines lines) {
  FieldList list;
  for (const auto& [name, value] : lines) list.add(name, value);
  return list;
}

inline RequestHead get(Lines lines = {}, std::string_view path = "/a") {
  RequestHead request;
  request.method_name = "GET";
  request.scheme = "http";
  request.authority = "example.test";
  request.path = path;
  request.fields = fields(lines);
  return request;
}

inline RequestHead request(std::string_view method, Lines lines = {}, std::string_view path = "/a") {
  RequestHead head = get(lines, path);
  head.method_name = method;
  head.method = method_of(method);
  return head;
}

inline ResponseHead response(int status, Lines lines = {}) {
  ResponseHead head;
  head.status = status;
  head.fields = fields(lines);
  return head;
}

}  // namespace meridian::http
