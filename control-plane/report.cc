#include "control-plane/program.h"

// The numbers of a node, as its parts have counted them.
namespace meridian::control {

void Program::report(stats::Scrape& scrape) const {
  using stats::Sourced;
  const auto set = [&scrape](Sourced metric, std::uint64_t value) {
    scrape.set(metric, static_cast<double>(value));
  };
  const State& state = *log_->state();
  set(Sourced::kControlSeq, state.seq());
  set(Sourced::kControlEpoch, state.epoch());
  set(Sourced::kControlFirst, log_->head().first);
  set(Sourced::kControlCurrent, log_->is_current() ? 1 : 0);
  set(Sourced::kControlPurgesKept, state.purges().size());
  set(Sourced::kControlPurgeFloor, state.purge_floor());
  set(Sourced::kControlTokens, state.tokens().size());
  set(Sourced::kControlKeys, state.keys().size());
  const ClusterLog::Counts& log = log_->counts();
  set(Sourced::kControlAppends, log.appends);
  set(Sourced::kControlEntries, log.entries);
  set(Sourced::kControlConflicts, log.conflicts);
  set(Sourced::kControlUnavailable, log.unavailable);
  set(Sourced::kControlFull, log.full);
  set(Sourced::kControlExpired, log.expired);
  set(Sourced::kControlResets, log.resets);
  set(Sourced::kControlWaiting, log_->waiting());
  set(Sourced::kControlLeads, leadership_->leads() ? 1 : 0);
  set(Sourced::kControlTerms, leadership_->terms());
  set(Sourced::kControlCompactions, leadership_->compactions());
  const EdgeStreams::Counts& streams = streams_->counts();
  set(Sourced::kControlStreams, streams_->followers());
  set(Sourced::kControlEvents, streams.events);
  set(Sourced::kControlEventsSent, streams.sent);
  set(Sourced::kControlSnapshots, streams.snapshots);
  set(Sourced::kControlLagged, streams.lagged);
  set(Sourced::kControlConnections, server_->connections());
  set(Sourced::kControlConnectionsRefused, server_->refused_connections());
  set(Sourced::kControlBadRequests, server_->bad_requests());
  constexpr std::string_view kClasses[] = {"aborted", "1xx", "2xx", "3xx", "4xx", "5xx"};
  for (std::size_t i = 0; i < api_->answers().size(); ++i)
    scrape.set(Sourced::kControlAnswers, static_cast<double>(api_->answers()[i]), {kClasses[i]});
}

}  // namespace meridian::control
