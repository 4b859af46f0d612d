#include "config/origin_server_config.h"
#include "lib/base/check.h"

// Files and fault lists of the reference origin: whatever is in them, there is a configuration or a sentence.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = meridian::config::load_origin_server_text(text, "f.yaml");
  CHECK(config.has_value() || !config.error().context.empty());
  const auto faults = meridian::config::load_faults_text(text, "faults");
  CHECK(faults.has_value() || !faults.error().context.empty());
  if (faults) {
    for (const auto& fault : faults->faults) CHECK(!fault.name.empty() && fault.probability <= 1);
  }
  return 0;
}
