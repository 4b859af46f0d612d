#include "config/control_tables.h"
#include "config/yaml_reader.h"

namespace meridian::config {
namespace {

bool is_loopback(const SocketAddress& address) {
  static const auto v4 = Cidr::parse("127.0.0.0/8");
  static const auto v6 = Cidr::parse("::1");
  return v4->contains(address) || v6->contains(address);
}

void check_etcd(const ControlEtcdConfig& etcd, Problems& problems) {
  for (std::size_t i = 0; i < etcd.endpoints.size(); ++i) {
    if (!parse(Url{}, etcd.endpoints[i])) {
      problems.wrong("etcd.endpoints[" + std::to_string(i) + "]", in_quotes(etcd.endpoints[i]),
                     expected(Url{}));
    }
  }
  if (etcd.certificate_file.empty() != etcd.key_file.empty())
    problems.add("etcd.certificate", "needs a key, and a key needs it");
  if (etcd.timeout_ms < etcd.attempt_timeout_ms)
    problems.add("etcd.timeout", "is to be at least etcd.attempt_timeout");
}

void check(const ControlConfig& config, Problems& problems) {
  if (!config.listen.valid()) {
    problems.wrong("listen", "nothing", expected(Address{}));
  } else if (!config.tls && !is_loopback(config.listen)) {
    problems.wrong("listen", in_quotes(config.listen.to_string()),
                   "an address of the loopback interface, or `tls` with a certificate");
  }
  if (config.data_folder.empty()) problems.wrong("data", "nothing", "a folder");
  if (config.etcd) check_etcd(*config.etcd, problems);
}

}  // namespace

Result<ControlConfig> load_control_text(std::string_view text, const std::string& name) {
  Problems problems(name);
  ReadState state{problems, folder_of(name)};
  ControlConfig config;
  read_document(text, state, config);
  if (!problems.empty()) return refused(problems);
  return config;
}

Result<ControlConfig> load_control(const std::string& path) {
  const auto text = read_file(path);
  return text ? load_control_text(*text, path) : Result<ControlConfig>(Failure(text.error()));
}

Result<void> check_control(const ControlConfig& config) {
  Problems problems("meridian-control");
  check(config, problems);
  if (!problems.empty()) return refused(problems);
  return {};
}

}  // namespace meridian::config
