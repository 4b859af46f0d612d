#include "control-plane/cli/login.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "control-plane/secret_file.h"
#include "lib/wire/json_fields.h"

namespace meridian::cli {
namespace {

constexpr std::size_t kMostBytes = 64 * 1024;

Failure wrong(const std::string& sentence) {
  return fail(ErrorCode::kInvalid, ErrorSource::kOperator, sentence);
}

}  // namespace

std::string login_file() {
  if (const char* named = std::getenv("MERIDIAN_LOGIN"); named != nullptr && *named != '\0') return named;
  const char* const home = std::getenv("HOME");
  return std::string(home == nullptr ? "." : home) + "/.config/meridian/login.json";
}

Result<Login> read_login(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    return wrong("no login yet: meridian login --server http://127.0.0.1:7400 --token-file FILE");
  if ((info.st_mode & 077U) != 0) return wrong(path + ": others may read it; chmod 600");
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  wire::JsonLimits limits;
  limits.bytes = kMostBytes;
  const Result<wire::Json> json = wire::Json::parse(text.str(), limits);
  if (!json) return wrong(path + ": " + json.error().context);
  wire::JsonFields fields(*json, path);
  Login login;
  login.server = fields.text("server", 1, 1024);
  login.token = fields.text("token", 1, 1024);
  login.ca_file = fields.text_or("ca", "", 4096);
  if (const auto finished = fields.finish(); !finished) return Failure(finished.error());
  return login;
}

Result<void> write_login(const std::string& path, const Login& login) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  std::string text;
  wire::JsonWriter writer(text);
  writer.begin_object().key("server").string(login.server).key("token").string(login.token);
  if (!login.ca_file.empty()) writer.key("ca").string(login.ca_file);
  writer.end_object();
  return control::write_secret(path, text + "\n");
}

Result<std::string> read_token(const std::string& path) {
  std::string line;
  bool is_read = false;
  if (path == "-") {
    is_read = static_cast<bool>(std::getline(std::cin, line));
  } else {
    std::ifstream file(path);
    is_read = static_cast<bool>(std::getline(file, line));
  }
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  if (!is_read || line.empty()) return wrong(path + ": no token in its first line");
  return line;
}

}  // namespace meridian::cli
