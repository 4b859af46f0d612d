#pragma once

#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "edge/tiers/memcached/placement.h"
#include "tests/net/harness.h"

namespace meridian::test {

// Speaks for a memcached on the test's own loop and says what the test wants. Left alone it keeps what it is
// given, as a real one would.
class FakeServer {
 public:
  explicit FakeServer(EventLoop& loop)
      : socket_(ListenSocket::open(SocketAddress::parse("127.0.0.1:0").value()).value()),
        listener_(loop, socket_, nullptr, [this](std::unique_ptr<Stream> stream) {
          std::erase_if(peers_, [](const auto& peer) { return peer->ended() || peer->failed(); });
          peers_.push_back(std::make_unique<Client>(*this, std::move(stream)));
        }) {}

  memcached::ServerAddress address() const { return {.host = "127.0.0.1", .port = socket_.address().port()}; }

  // Answers a request's line; without it a real server's answers.
  std::function<std::string(const std::string& line)> answer;
  // Answers wait until release() while it is set.
  bool hold = false;
  // Sends up to `bytes` of what waits.
  void release(std::size_t bytes = std::string::npos) {
    for (const auto& peer : peers_) {
      if (peer->held.empty() || peer->ended()) continue;
      const std::size_t now = std::min(bytes, peer->held.size());
      peer->send(std::string_view(peer->held).substr(0, now));
      peer->held.erase(0, now);
    }
  }
  void close_all() { peers_.clear(); }
  const std::vector<std::string>& requests() const { return requests_; }
  std::size_t connections() const { return peers_.size(); }
  // What it keeps, by the name on the wire.
  std::map<std::string, std::string> values;

 private:
  class Client final : public Peer {
   public:
    Client(FakeServer& server, std::unique_ptr<Stream> stream) : Peer(std::move(stream)), server_(server) {}
    void on_readable() override {
      Peer::on_readable();
      for (std::size_t end; (end = received().find("\r\n", taken_)) != std::string::npos;) {
        const std::string line = received().substr(taken_, end - taken_);
        std::istringstream words(line);
        std::string verb, key, flags, expiry;
        std::size_t size = 0;
        words >> verb >> key >> flags >> expiry >> size;
        if (verb == "set" && received().size() < end + 2 + size + 2) return;
        const std::string value = verb == "set" ? received().substr(end + 2, size) : "";
        taken_ = end + 2 + (verb == "set" ? size + 2 : 0);
        server_.requests_.push_back(line);
        held += server_.answer ? server_.answer(line) : server_.usual_answer(verb, key, value);
      }
      if (!server_.hold) server_.release();
    }
    std::string held;

   private:
    FakeServer& server_;
    std::size_t taken_ = 0;
  };

  std::string usual_answer(const std::string& verb, const std::string& key, const std::string& value) {
    if (verb == "set") return values[key] = value, "STORED\r\n";
    if (verb == "delete") return values.erase(key) != 0 ? "DELETED\r\n" : "NOT_FOUND\r\n";
    if (verb == "stats") return "STAT curr_items " + std::to_string(values.size()) + "\r\nEND\r\n";
    const auto found = values.find(key);
    return found == values.end() ? "END\r\n" : value_reply(key, found->second);
  }

 public:
  static std::string value_reply(const std::string& key, const std::string& value) {
    return "VALUE " + key + " 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\nEND\r\n";
  }

 private:
  std::vector<std::string> requests_;
  std::vector<std::unique_ptr<Client>> peers_;
  ListenSocket socket_;
  Listener listener_;
};

}  // namespace meridian::test
