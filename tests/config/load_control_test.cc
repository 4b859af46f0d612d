#include <gtest/gtest.h>

#include "config/control_config.h"

namespace meridian::config {
namespace {

std::string problem(std::string_view text) {
  const auto config = load_control_text(text, "/etc/meridian/control.yaml");
  if (!config) return config.error().context;
  const auto checked = check_control(*config);
  return checked ? "" : checked.error().context;
}

TEST(LoadControl, Minimal) {
  const auto config =
      load_control_text("{listen: '127.0.0.1:7400', data: data}", "/etc/meridian/control.yaml");
  ASSERT_TRUE(config) << config.error().context;
  EXPECT_TRUE(check_control(*config));
  EXPECT_EQ(config->data_folder, "/etc/meridian/data");
  EXPECT_FALSE(config->etcd);
  EXPECT_EQ(config->command_timeout_ms, 8000);
}

TEST(LoadControl, Etcd) {
  const auto config = load_control_text(
      "{listen: '[::1]:0', data: /d, etcd: {endpoints: ['https://a:2379', 'http://b:2379'], ca: ca.pem, "
      "lease: 2s}}",
      "/etc/meridian/control.yaml");
  ASSERT_TRUE(config) << config.error().context;
  EXPECT_TRUE(check_control(*config));
  EXPECT_EQ(config->etcd->ca_file, "/etc/meridian/ca.pem");
  EXPECT_EQ(config->etcd->endpoints.size(), 2U);
  EXPECT_EQ(config->etcd->lease_ms, 2000);
  EXPECT_EQ(config->etcd->prefix, "/meridian/");
}

TEST(LoadControl, MistakesAreNamed) {
  EXPECT_NE(problem("{data: /d}").find("listen"), std::string::npos);
  EXPECT_NE(problem("{listen: '127.0.0.1:1'}").find("data"), std::string::npos);
  EXPECT_NE(problem("{listen: '10.0.0.1:1', data: /d}").find("loopback"), std::string::npos);
  EXPECT_EQ(problem("{listen: '10.0.0.1:1', data: /d, tls: {certificate: c, key: k}}"), "");
  EXPECT_NE(problem("{listen: '127.0.0.1:1', data: /d, tls: {certificate: c}}").find("tls.key"),
            std::string::npos);
  const std::string etcd = "{listen: '127.0.0.1:1', data: /d, etcd: ";
  EXPECT_NE(problem(etcd + "{}}").find("etcd.endpoints"), std::string::npos);
  EXPECT_NE(problem(etcd + "{endpoints: [b]}}").find("etcd.endpoints[0]"), std::string::npos);
  EXPECT_NE(problem(etcd + "{endpoints: ['http://b:1'], key: k}}").find("etcd.certificate"),
            std::string::npos);
  EXPECT_NE(
      problem(etcd + "{endpoints: ['http://b:1'], attempt_timeout: 2s, timeout: 1s}}").find("etcd.timeout"),
      std::string::npos);
  EXPECT_NE(problem("{listen: '127.0.0.1:1', data: /d, colour: red}").find("colour"), std::string::npos);
}

}  // namespace
}  // namespace meridian::config
