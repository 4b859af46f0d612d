#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/edge_config.h"

// Any text is either taken or refused with at least one sentence, each beginning with the file's name; what
// is taken keeps what the tables promise.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = config::load_edge_text(text, "fuzz.yaml");
  if (!config) {
    if (config.error().context.rfind("fuzz.yaml:", 0) != 0) std::abort();
    return 0;
  }
  if (config->listen.empty() || config->sites.empty() || config->workers > 1024) std::abort();
  if (config->cache.ram_bytes < config::kMiB) std::abort();
  for (const config::SiteConfig& site : config->sites) {
    if (site.name.empty() || site.hosts.empty() || site.origins.empty()) std::abort();
    for (const config::OriginConfig& origin : site.origins) {
      if (origin.url.rfind("http", 0) != 0) std::abort();
    }
  }
  return 0;
}
