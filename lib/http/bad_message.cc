#include "lib/http/bad_message.h"

namespace meridian::http {
namespace {

struct Entry {
  std::string_view token;
  int status;
  std::string_view explanation;
};

constexpr Entry kEntries[] = {
#define BAD(id, token, status, explanation) {token, status, explanation},
#include "lib/http/bad_message.def"
#undef BAD
};

const Entry& entry(BadMessage reason) { return kEntries[static_cast<std::size_t>(reason)]; }

}  // namespace

std::string_view token_of(BadMessage reason) { return entry(reason).token; }
std::string_view explanation_of(BadMessage reason) { return entry(reason).explanation; }
int status_of(BadMessage reason) { return entry(reason).status; }

}  // namespace meridian::http
