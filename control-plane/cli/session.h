#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "control-plane/cli/login.h"
#include "lib/http/client.h"
#include "lib/wire/json.h"

namespace meridian::cli {

// Asks a control plane, one thing after the other, and waits for each answer. For the command line, which has
// nothing else to do meanwhile.
class Session {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Session>> open(const Login& login);

  // The answer's JSON; a problem of the API comes as an error that says what it says.
  [[nodiscard]] Result<wire::Json> ask(const std::string& method, const std::string& target,
                                       std::string body = "", const std::string& idempotency_key = "");
  // Each line as it comes, until the server ends it or `line` says no.
  [[nodiscard]] Result<void> lines(const std::string& target,
                                   const std::function<bool(std::string_view)>& line);

 private:
  Session(std::unique_ptr<EventLoop> loop, std::unique_ptr<Resolver> resolver, http::ClientServer server,
          std::string token);
  http::ClientRequest request(const std::string& method, const std::string& target) const;

  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Resolver> resolver_;
  http::Client client_;
  const std::string token_;
};

}  // namespace meridian::cli
