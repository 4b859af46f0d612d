#include "lib/net/lifeline.h"

#include "lib/base/check.h"

namespace meridian {

Lifeline::~Lifeline() {
  if (scope_ != nullptr) scope_->line_ = nullptr;
}

Lifeline::Scope::Scope(Lifeline& line) : line_(&line) {
  DCHECK(line.scope_ == nullptr);
  line.scope_ = this;
}

Lifeline::Scope::~Scope() {
  if (line_ != nullptr) line_->scope_ = nullptr;
}

}  // namespace meridian
