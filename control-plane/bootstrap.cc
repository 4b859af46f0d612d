#include "control-plane/bootstrap.h"

#include <cstdio>

#include "control-plane/secret_file.h"

namespace meridian::control {

Bootstrap::Bootstrap(ClusterLog& log, Leadership& leadership, std::string token_file)
    : log_(log), leadership_(leadership), token_file_(std::move(token_file)) {
  log_.add(*this);
}

Bootstrap::~Bootstrap() { log_.remove(*this); }

void Bootstrap::consider() {
  const bool is_due = leadership_.leads() && log_.state()->epoch() == leadership_.epoch() &&
                      !log_.state()->has_admin() && !running_;
  if (!is_due) return;
  const NewToken made = make_token("first-admin", Role::kAdmin, {});
  if (const auto written = write_secret(token_file_, made.text + "\n"); !written) {
    std::fprintf(stderr, "meridian-control: %s\n", written.error().context.c_str());
    return;
  }
  running_ = true;
  Command command;
  command.kind = "token";
  command.payload = serialize(made.token);
  command.author = log_.node();
  command.epoch = leadership_.epoch();
  log_.append(std::move(command), [this](const Result<Receipt>& receipt) {
    running_ = false;
    if (receipt) {
      std::fprintf(stderr, "meridian-control: the first administrator's token is in %s\n",
                   token_file_.c_str());
    } else {
      // It may have been appended all the same: the file stays, and the next leader finds out.
      std::fprintf(stderr, "meridian-control: no first administrator's token yet: %s\n",
                   receipt.error().context.c_str());
    }
  });
}

}  // namespace meridian::control
