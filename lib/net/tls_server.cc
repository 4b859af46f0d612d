#include <openssl/err.h>

#include <utility>

#include "lib/base/mutex.h"
#include "lib/net/openssl.h"
#include "lib/net/ticket_keys.h"
#include "lib/net/tls.h"

namespace meridian {
namespace {

constexpr unsigned char kSessionContext[] = "meridian";

// Our order of preference decides; with no name in common the handshake ends (RFC 7301 section 3.2), so that
// bytes of one protocol never reach a server of another.
int choose_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                unsigned int offered_size, void* self) {
  const auto& ours = *static_cast<const std::vector<unsigned char>*>(self);
  const int found = SSL_select_next_proto(const_cast<unsigned char**>(chosen), chosen_size, ours.data(),
                                          static_cast<unsigned int>(ours.size()), offered, offered_size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Every name is answered with the one certificate; saying so makes OpenSSL keep the name in the session.
int accept_server_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

class ServerContext final : public TlsServerContext {
 public:
  ServerContext(const TlsServerOptions& options, std::vector<unsigned char> alpn, const Clock& clock)
      : options_(options), alpn_(std::move(alpn)), keys_(clock, kTicketKeyLifeMs) {}

  Result<void> reload() override {
    SslContextPtr fresh(SSL_CTX_new(TLS_server_method()));
    if (fresh == nullptr) return tls_failure("cannot make a TLS context", ErrorSource::kEdge);
    if (Result<void> set = set_up(fresh.get()); !set) return set;
    MutexLock lock(mutex_);
    context_.swap(fresh);
    return {};
  }

  SSL* new_connection() override {
    const SslContextPtr context = current();
    SSL* ssl = SSL_new(context.get());
    if (ssl != nullptr) SSL_set_accept_state(ssl);
    return ssl;
  }

 private:
  Result<void> set_up(SSL_CTX* context) {
    if (Result<void> set = set_common_options(context, options_.min_version); !set) return set;
    if (Result<void> loaded = load_certificate(context, options_.certificate_file, options_.key_file);
        !loaded) {
      return loaded;
    }
    if (Result<void> set = ask_for_certificate(context); !set) return set;
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
    SSL_CTX_set_tlsext_servername_callback(context, accept_server_name);
    if (!alpn_.empty())
      SSL_CTX_set_alpn_select_cb(context, choose_alpn, const_cast<std::vector<unsigned char>*>(&alpn_));
    keys_.install(context);
    return {};
  }

  // A session that is resumed has its client's certificate in the ticket; tickets of other listeners cannot
  // be opened here, as each context has keys of its own.
  Result<void> ask_for_certificate(SSL_CTX* context) {
    if (options_.client_ca_file.empty()) return {};
    ERR_clear_error();
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(options_.client_ca_file.c_str());
    if (names == nullptr || SSL_CTX_load_verify_file(context, options_.client_ca_file.c_str()) != 1) {
      sk_X509_NAME_pop_free(names, X509_NAME_free);
      return tls_failure("cannot use the CA certificates in " + options_.client_ca_file);
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return {};
  }

  SslContextPtr current() {
    MutexLock lock(mutex_);
    SSL_CTX_up_ref(context_.get());
    return SslContextPtr(context_.get());
  }

  const TlsServerOptions options_;
  const std::vector<unsigned char> alpn_;
  TicketKeys keys_;
  Mutex mutex_;
  SslContextPtr context_ GUARDED_BY(mutex_);
};

}  // namespace

Result<std::shared_ptr<TlsServerContext>> TlsServerContext::create(const TlsServerOptions& options,
                                                                   const Clock& clock) {
  Result<std::vector<unsigned char>> alpn = alpn_wire_form(options.alpn);
  if (!alpn) return Failure(std::move(alpn.error()));
  auto context = std::make_shared<ServerContext>(options, std::move(*alpn), clock);
  if (Result<void> loaded = context->reload(); !loaded) return Failure(std::move(loaded.error()));
  return context;
}

}  // namespace meridian
