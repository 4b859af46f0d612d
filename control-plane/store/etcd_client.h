#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/result.h"
#include "lib/http/client.h"
#include "lib/wire/json.h"

namespace meridian::control {

struct EtcdOptions {
  std::vector<http::ClientServer> endpoints;  // at least one
  std::string prefix = "/meridian/";          // of all keys
  // An attempt at one server may take so long; then another server is asked. Short, as a request that waits
  // at a server whose leader has died waits for nothing.
  std::int64_t attempt_ms = 300;
  // All attempts together. Longer than an election of etcd takes (its default election timeout is 1 s).
  std::int64_t budget_ms = 4000;
  std::int64_t lease_ms = 5000;
};

// Asks a cluster of etcd servers by their JSON gateway: each question goes to the server that answered last,
// and when that one fails, or gives no answer in time, to the next, until the budget is used up. A question
// may so be answered twice; whoever asks makes sure that this changes nothing.
//
// On one loop. Destroying it drops all questions.
class EtcdClient {
 public:
  EtcdClient(EventLoop& loop, Resolver& resolver, const EtcdOptions& options);
  ~EtcdClient();

  using Done = std::function<void(Result<wire::Json>)>;
  // POST `path`; never calls inside. kTimeout or kUnavailable when no server has given an answer.
  void ask(std::string path, std::string body, Done done);
  // With another limit for each attempt: for what takes a server longer.
  void ask(std::string path, std::string body, std::int64_t attempt_ms, Done done);

  // Calls when anything below `key` may have changed, and after each gap in what it has heard. Once;
  // reconnects by itself.
  void watch(std::string key, std::function<void()> changed);

 private:
  class Question;
  class Watch;

  // The server to ask now, and word that it did not answer.
  http::Client& current(std::size_t& index);
  void failed(std::size_t index);
  void finish(Question& question, Result<wire::Json> answer);

  EventLoop& loop_;
  const EtcdOptions options_;
  std::vector<std::unique_ptr<http::Client>> clients_;
  std::size_t preferred_ = 0;
  std::unordered_map<Question*, std::unique_ptr<Question>> questions_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace meridian::control
