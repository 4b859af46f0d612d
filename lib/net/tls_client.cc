#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <list>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/base/mutex.h"
#include "lib/net/address.h"
#include "lib/net/openssl.h"
#include "lib/net/tls.h"

namespace meridian {
namespace {

// Where a connection keeps the name of its server, for the session that comes later.
int name_index() {
  static const int index = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void*, void* name, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<std::string*>(name); });
  return index;
}

// A session of TLS 1.3 is for one more connection (RFC 8446 appendix C.4), so that several are kept for a
// busy server.
constexpr std::size_t kSessionsOfName = 8;

// The latest sessions of each server name; the name that came first goes when there are too many.
class Sessions {
 public:
  explicit Sessions(std::size_t limit) : limit_(limit) {}

  void put(const std::string& name, SslSessionPtr session) {
    MutexLock lock(mutex_);
    const auto found = by_name_.find(name);
    std::vector<SslSessionPtr>& sessions = found != by_name_.end() ? found->second : add(name);
    if (sessions.size() == kSessionsOfName) sessions.erase(sessions.begin());
    sessions.push_back(std::move(session));
  }

  // The newest, or nullptr. Those of TLS 1.2 stay for others too.
  SslSessionPtr get(const std::string& name) {
    MutexLock lock(mutex_);
    const auto found = by_name_.find(name);
    if (found == by_name_.end() || found->second.empty()) return nullptr;
    SslSessionPtr& newest = found->second.back();
    if (SSL_SESSION_get_protocol_version(newest.get()) < TLS1_3_VERSION) {
      SSL_SESSION_up_ref(newest.get());
      return SslSessionPtr(newest.get());
    }
    SslSessionPtr taken = std::move(newest);
    found->second.pop_back();
    return taken;
  }

 private:
  std::vector<SslSessionPtr>& add(const std::string& name) REQUIRES(mutex_) {
    if (order_.size() == limit_) {
      by_name_.erase(order_.front());
      order_.pop_front();
    }
    order_.push_back(name);
    return by_name_[name];
  }

  const std::size_t limit_;
  Mutex mutex_;
  std::list<std::string> order_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, std::vector<SslSessionPtr>> by_name_ GUARDED_BY(mutex_);
};

class ClientContext final : public TlsClientContext {
 public:
  ClientContext() : context_(SSL_CTX_new(TLS_client_method())), sessions_(kSessions) {}

  Result<void> set_up(const TlsClientOptions& options) {
    if (context_ == nullptr) return tls_failure("cannot make a TLS context", ErrorSource::kEdge);
    SSL_CTX* context = context_.get();
    if (Result<void> set = set_common_options(context, "1.2"); !set) return set;
    if (Result<void> set = set_trust(options); !set) return set;
    if (!options.certificate_file.empty()) {
      Result<void> loaded = load_certificate(context, options.certificate_file, options.key_file);
      if (!loaded) return loaded;
    }
    const Result<std::vector<unsigned char>> alpn = alpn_wire_form(options.alpn);
    if (!alpn) return Failure(alpn.error());
    if (SSL_CTX_set_alpn_protos(context, alpn->data(), static_cast<unsigned int>(alpn->size())) != 0) {
      return tls_failure("cannot set the ALPN names", ErrorSource::kEdge);
    }
    SSL_CTX_set_app_data(context, this);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_session);
    return {};
  }

  SSL* new_connection(const std::string& server_name) override {
    SslPtr ssl(SSL_new(context_.get()));
    if (ssl == nullptr || !set_name(ssl.get(), server_name)) return nullptr;
    if (const SslSessionPtr session = sessions_.get(server_name)) SSL_set_session(ssl.get(), session.get());
    SSL_set_connect_state(ssl.get());
    return ssl.release();
  }

 private:
  Result<void> set_trust(const TlsClientOptions& options) {
    verify_ = options.verify;
    SSL_CTX_set_verify(context_.get(), verify_ ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    ERR_clear_error();
    if (!options.ca_file.empty()) {
      if (SSL_CTX_load_verify_file(context_.get(), options.ca_file.c_str()) != 1) {
        return tls_failure("cannot use the CA certificates in " + options.ca_file);
      }
    } else if (verify_ && SSL_CTX_set_default_verify_paths(context_.get()) != 1) {
      return tls_failure("cannot use the system's CA certificates");
    }
    ERR_clear_error();
    return {};
  }

  // What the certificate must be for, and SNI, which holds names only.
  bool set_name(SSL* ssl, const std::string& name) {
    SSL_set_ex_data(ssl, name_index(), new std::string(name));
    if (name.empty()) return !verify_;
    if (SocketAddress::from_ip(name, 0)) {
      return !verify_ || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, name.c_str()) == 1 &&
           (!verify_ || SSL_set1_host(ssl, name.c_str()) == 1);
  }

  // Returns 1 when the session was taken.
  static int on_session(SSL* ssl, SSL_SESSION* session) {
    auto* self = static_cast<ClientContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const auto* name = static_cast<const std::string*>(SSL_get_ex_data(ssl, name_index()));
    if (name == nullptr || SSL_SESSION_is_resumable(session) != 1) return 0;
    self->sessions_.put(*name, SslSessionPtr(session));
    return 1;
  }

  SslContextPtr context_;
  Sessions sessions_;
  bool verify_ = true;
};

}  // namespace

Result<std::shared_ptr<TlsClientContext>> TlsClientContext::create(const TlsClientOptions& options) {
  auto context = std::make_shared<ClientContext>();
  if (Result<void> set = context->set_up(options); !set) return Failure(std::move(set.error()));
  return context;
}

}  // namespace meridian
