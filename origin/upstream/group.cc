#include "origin/upstream/group_core.h"
#include "origin/upstream/running_fetch.h"

namespace meridian::upstream {
namespace {

// The handle that a worker holds; the fetches share the core behind it.
class WorkerGroup final : public Group {
 public:
  WorkerGroup(EventLoop& loop, Resolver& resolver, std::shared_ptr<SharedGroup> shared)
      : core_(std::make_shared<GroupCore>(loop, resolver, std::move(shared))) {}
  ~WorkerGroup() override { core_->close(); }
  WorkerGroup(const WorkerGroup&) = delete;
  WorkerGroup& operator=(const WorkerGroup&) = delete;

  std::unique_ptr<Fetch> start(const Request& request, FetchHandler& handler) override {
    return std::make_unique<RunningFetch>(core_, request, handler);
  }
  const GroupOptions& options() const override { return core_->options(); }

 private:
  const std::shared_ptr<GroupCore> core_;
};

}  // namespace

std::unique_ptr<Group> Group::create(EventLoop& loop, Resolver& resolver,
                                     std::shared_ptr<SharedGroup> shared) {
  return std::make_unique<WorkerGroup>(loop, resolver, std::move(shared));
}

}  // namespace meridian::upstream
