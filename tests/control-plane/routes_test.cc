#include "control-plane/routes.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "control-plane/problem.h"
#include "lib/wire/json.h"

namespace meridian::control {
namespace {

using wire::Json;

TEST(Routes, AreFoundByMethodAndPath) {
  EXPECT_EQ(find_route(http::Method::kPost, "/v1/purges").route->id, RouteId::kPurges);
  EXPECT_EQ(find_route(http::Method::kHead, "/v1/state").route->id, RouteId::kState);
  const RouteMatch revoke = find_route(http::Method::kDelete, "/v1/tokens/0123");
  EXPECT_EQ(revoke.route->id, RouteId::kRevokeToken);
  EXPECT_EQ(revoke.id, "0123");
  EXPECT_EQ(find_route(http::Method::kGet, "/v1/tokens").route->id, RouteId::kTokens);
  EXPECT_EQ(find_route(http::Method::kPost, "/v1/tokens").route->id, RouteId::kMakeToken);
  const RouteMatch wrong = find_route(http::Method::kPut, "/v1/tokens");
  EXPECT_EQ(wrong.route, nullptr);
  EXPECT_EQ(wrong.allowed, "GET, HEAD, POST");
  for (const std::string_view none :
       {"/", "", "*", "/v1", "/v1/purges/", "/v1/tokens/", "/v1/tokens/a/b", "/V1/state"})
    EXPECT_TRUE(find_route(http::Method::kGet, none).route == nullptr &&
                find_route(http::Method::kGet, none).allowed.empty())
        << none;
}

TEST(Routes, OnlyHealthAndMetricsAreOpen) {
  for (const Route& route : all_routes())
    EXPECT_EQ(route.role.has_value(), route.path.starts_with("/v1/")) << route.path;
}

TEST(Query, Values) {
  EXPECT_EQ(query_value("after=12&kind=a%2Fb&x", "kind").value, "a/b");
  EXPECT_EQ(query_value("after=12&x", "x").value, "");
  EXPECT_EQ(query_value("after=12", "afte").value, std::nullopt);
  EXPECT_EQ(query_value("", "a").value, std::nullopt);
  for (const std::string_view broken : {"a=1&a=2", "a=%", "a=%4", "a=%4g"})
    EXPECT_TRUE(query_value(broken, "a").is_broken) << broken;
}

TEST(Problem, IsJson) {
  const ApiAnswer answer = problem(401, "token", "a \"quoted\" thing");
  const auto json = Json::parse(answer.body);
  ASSERT_TRUE(json);
  EXPECT_EQ(json->find("type")->text(), "urn:meridian:problem:token");
  EXPECT_EQ(json->find("title")->text(), "Unauthorized");
  EXPECT_EQ(json->find("status")->number(), 401U);
  EXPECT_EQ(json->find("detail")->text(), "a \"quoted\" thing");
  EXPECT_EQ(answer.fields, "WWW-Authenticate: Bearer\r\n");
  EXPECT_EQ(answer.content_type, "application/problem+json");
}

// docs/openapi.json says what routes.def says: every route and no other, with its role and its summary.
TEST(OpenApi, IsTheRoutingTable) {
  std::ifstream file(std::string(MERIDIAN_SOURCE_DIR) + "/docs/openapi.json");
  std::stringstream text;
  text << file.rdbuf();
  const auto document = Json::parse(text.str());
  ASSERT_TRUE(document) << document.error().context;
  const Json* const paths = document->find("paths");
  ASSERT_NE(paths, nullptr);
  std::set<std::string> described;
  for (std::size_t i = 0; i < paths->names().size(); ++i) {
    for (const std::string& method : paths->items()[i].names())
      described.insert(method + " " + paths->names()[i]);
  }
  std::set<std::string> served;
  for (const Route& route : all_routes()) {
    const std::string method = route.method == http::Method::kPost     ? "post"
                               : route.method == http::Method::kDelete ? "delete"
                                                                       : "get";
    served.insert(method + " " + std::string(route.path));
    const Json* const path = paths->find(route.path);
    const Json* const operation = path == nullptr ? nullptr : path->find(method);
    ASSERT_NE(operation, nullptr) << route.path;
    EXPECT_EQ(operation->find("summary")->text(), route.summary);
    EXPECT_EQ(operation->find("x-role")->text(), route.role ? name_of(*route.role) : "open") << route.path;
    // Open is what says that it needs no token.
    EXPECT_EQ(operation->find("security") != nullptr, !route.role) << route.path;
    const Json* const responses = operation->find("responses");
    ASSERT_NE(responses, nullptr);
    if (route.role) {
      for (const std::string_view status : {"401", "403", "503"})
        EXPECT_NE(responses->find(status), nullptr) << route.path;
    }
  }
  EXPECT_EQ(described, served);
}

// Every reference within the document leads somewhere.
void each_reference(const Json& json, const std::function<void(const std::string&)>& see) {
  for (std::size_t i = 0; i < json.items().size(); ++i) {
    if (json.is(Json::Kind::kObject) && json.names()[i] == "$ref") see(json.items()[i].text());
    each_reference(json.items()[i], see);
  }
}
TEST(OpenApi, ReferencesAreThere) {
  std::ifstream file(std::string(MERIDIAN_SOURCE_DIR) + "/docs/openapi.json");
  std::stringstream text;
  text << file.rdbuf();
  const auto document = Json::parse(text.str());
  ASSERT_TRUE(document);
  const Json* const schemas = document->find("components")->find("schemas");
  std::size_t count = 0;
  each_reference(*document, [&](const std::string& reference) {
    const std::string begin = "#/components/schemas/";
    ASSERT_TRUE(reference.starts_with(begin)) << reference;
    EXPECT_NE(schemas->find(reference.substr(begin.size())), nullptr) << reference;
    ++count;
  });
  EXPECT_GT(count, 20U);
}

}  // namespace
}  // namespace meridian::control
