#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "edge/body_plan.h"
#include "edge/client_trust.h"
#include "edge/fill_board.h"
#include "edge/site_table.h"
#include "edge/slice_plan.h"
#include "edge/store.h"
#include "edge/stored_object.h"
#include "lib/http/range.h"
#include "lib/http/reuse.h"
#include "lib/http/server.h"
#include "lib/http/target_uri.h"
#include "lib/net/event_loop.h"
#include "lib/stats/metrics.h"
#include "lib/wire/hop.h"

namespace meridian::edge {

class OriginFetch;
class Recall;
struct FetchPlan;
class Worker;
struct SiteView;

// The steps of a request, in walking order. A step decides and names the next one; kWait ends the walk until
// an event enters it again by name (on_fill_progress, on_drained, on_request_body).
enum class Step : std::uint8_t {
  kSite,     // which site has this host
  kAccess,   // may this method and body be served here; does it bypass the cache
  kKey,      // the normalised key
  kLookup,   // what is stored
  kRecall,   // a cold tier may have it
  kJudge,    // may it be used
  kDeliver,  // answer from the stored object
  kSlices,   // only slices of its body are held: is the first that is wanted there
  kAsk,      // join a running fetch or start one
  kStream,   // answer from a fetch
  kTunnel,   // join two streams after a 101
  kRefuse,   // answer with an error page
  kWait,
  kCount,
};

// The status of the answer that tells a client of this failure.
int status_for(const Error& error);

// One request through the edge. Pooled by its worker and used again with its memory; on one loop for life.
class Request final : public http::ExchangeHandler, public FillReader {
 public:
  explicit Request(Worker& worker);
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  // Takes the exchange and walks.
  void begin(http::Exchange& exchange);

  // From the fetch that this request started.
  void on_informational(const http::ResponseHead& head);
  void on_upgraded(const http::ResponseHead& head, std::unique_ptr<Stream> origin, Slice early);
  void on_request_writable();
  // The recall that this request began has ended, with what was found or with nothing.
  void take_recalled(Ref<const Object> object);
  void on_fetch_gone() { fetch_ = nullptr; }

  // For the access log and metrics.
  struct Outcome {
    stats::CacheResult result = stats::CacheResult::kLocal;
    stats::Tier tier = stats::Tier::kNone;
    http::MissReason miss = http::MissReason::kNone;
    int status = 0;          // 0: none was sent
    int fwd_status = 0;      // the origin's, when it was asked
    bool forwarded = false;  // it asked the origin, or followed one who did
    bool stored = false;
    bool collapsed = false;
    std::string_view detail;
    std::int64_t first_byte_ms = 0;
    std::string error;  // what failed, in a sentence
  };
  const Outcome& outcome() const { return outcome_; }
  const http::Exchange& exchange() const { return *exchange_; }
  std::uint64_t take_bytes_received() { return exchange_->take_bytes_received(); }
  const Site* site() const { return site_; }
  const std::string& request_id() const { return request_id_; }
  // The request's id, made when first asked for (or taken from a trusted client).
  const std::string& ensure_request_id();
  // Whether the client is a proxy whose word about its own client counts.
  bool trusts_client() const { return hop_ || trusted_networks().has(exchange_->peer()); }
  // The client's address: its connection's, or what the trusted proxies in front of us say of it.
  std::string client_address() const;
  // Who spoke to this CDN, a proxy of the client's perhaps: to this edge, or to the one that asks it.
  std::string direct_client() const {
    return hop_ && !hop_->client.empty() ? hop_->client : exchange_->peer().ip();
  }
  // As what another edge asks; kNone: a client does.
  wire::HopRole hop_role() const { return hop_ ? hop_->role : wire::HopRole::kNone; }
  // Its answer is known not to be for others, so that no other edge needs to be asked.
  bool passes_edges() const { return passes_edges_; }
  std::string_view scheme() const;
  std::string_view authority();

  // Forgets everything but its memory; for the pool.
  void reset();

 private:
  using StepFunction = Step (Request::*)();
  static const StepFunction kSteps[static_cast<std::size_t>(Step::kCount)];
  void walk(Step step);

  Step choose_site();
  Step check_access();
  Step make_key();
  Step look_up();
  Step recall();
  Step judge();
  Step deliver();
  Step prepare_slices();
  Step ask();
  Step stream();
  Step open_tunnel();
  Step refuse();
  Step wait();

  // http::ExchangeHandler
  void on_request_body(std::string_view bytes, bool last, const http::FieldList& trailers) override;
  void on_drained() override;
  void on_closed(bool completed) override;
  // FillReader
  void on_fill_progress() override;

  const http::RequestHead& head() const { return exchange_->request(); }
  std::int64_t now_s() const;
  std::string_view lookup_key() const { return variant_.empty() ? std::string_view(key_.text) : variant_; }
  http::ReusePolicy reuse_policy() const;
  TrustedNetworks trusted_networks() const;

  bool take_hop();
  void end_hop();
  bool refuse_hop(wire::HopRefusal refusal);
  bool may_wait_for(const Fill& fill) const;
  void say_alive();
  void say_fill(const ObjectMeta& meta, std::string_view own, bool may_keep);
  void say_refusal();
  void look_at_far_body();
  bool choose_recall(const Lookup& found);
  Step end_recall(const Fill::View& view);
  Ref<const Object> find_stored(std::string_view key) const;
  void take_tier();
  void clear_key();
  bool wants_upgrade() const;
  Step fail(int status, Error error);
  Step answer_options();
  Step ask_alone(bool may_store);
  Step ask_shared();
  bool may_collapse() const;
  bool says_no_store() const;
  bool asks_for_range() const;
  std::string collapse_key(bool of_whole) const;
  bool follow(std::shared_ptr<Fill> fill);
  bool join_whole();
  bool serves_range(const Fill& fill) const;
  FetchPlan plan_for_key() const;
  void start_fetch(std::shared_ptr<Fill> fill, bool shared, bool may_store);
  void refresh_behind();
  void leave_fill();
  bool variant_matches(const FillHead& fill_head);
  Step settle_fill(const Fill::View& view);
  bool stand_in(const Fill::View& view);
  Step take_object();
  Step ask_again();

  // Answering, from a stored object or from a fill: the caller need not know which.
  struct Source {
    int status = 200;
    std::string_view block;
    std::int64_t age_s = 0;  // 0: no Age field
    bool has_length = false;
    std::uint64_t length = 0;
    bool no_body = false;
    const ObjectMeta* meta = nullptr;
  };
  void respond(const Source& source);
  bool respond_conditionally(const Source& source);
  bool respond_not_modified(const Source& source, const http::FieldList& fields);
  bool respond_range(const Source& source, const http::FieldList& fields);
  bool deliver_part();
  http::RangeLimits range_limits() const;
  void send(int status, std::string_view block, bool has_length, std::uint64_t length, std::int64_t age_s);
  void add_cache_status(std::int64_t ttl_s);
  void pump();
  bool pump_object();
  bool pump_far();
  bool pump_behind();
  bool read_chunk(const SsdLarge& large, std::uint64_t chunk);
  void take_chunk(Slice bytes);
  bool pump_fill(std::string& trailers);
  bool send_planned(Slice piece, std::uint64_t offset);

  // Bodies of which slices are held; see request_slice.cc.
  bool may_slice() const;
  SliceGrid grid() const;
  std::vector<Span> wanted_spans() const;
  bool keeps_slices() const;
  bool shares_slices() const;
  void join_slice(std::uint64_t at);
  std::shared_ptr<Fill> slice_fill(const Span& slice, bool& joined);
  void leave_slice();
  Step settle_slice(const Fill::View& view);
  Step restart();
  Step ask_without_slices();
  bool validates_range() const;
  bool waits_for_slices() const;
  void forget_slices();
  bool send_slices(std::uint64_t next);
  bool send_slice(const Object& slice, std::uint64_t begin);
  bool pump_slice();
  bool cut_slice();
  void look_ahead(const Span& slice);
  bool continue_by_slices();
  void finish_response(std::string_view trailers = {});

  Worker& worker_;
  http::Exchange* exchange_ = nullptr;
  std::shared_ptr<const SiteView> view_;
  std::size_t site_index_ = 0;
  const Site* site_ = nullptr;

  http::TargetKey key_;
  std::uint64_t hash_ = 0;
  std::string variant_;
  Ref<const Object> object_;                 // what is delivered, or what is being validated
  std::vector<Ref<const Object>> recalled_;  // from cold tiers; RAM need not have them
  std::string recall_key_;
  std::uint64_t recall_hash_ = 0;
  Recall* recall_ = nullptr;   // that this request has begun; of the worker's pool
  bool asking_tiers_ = false;  // inside the call that begins it
  unsigned recall_tried_ = 0;  // a bit for each kind of key
  bool recalling_ = false;     // fill_ is a recall that another request has begun
  http::Reuse reuse_;
  bool bypass_ = false;     // the cache takes no part
  bool own_range_ = false;  // it asks for its range by itself, though the whole is being fetched
  bool hit_for_miss_ = false;
  bool passes_edges_ = false;
  bool leader_ = false;           // this request started its fill
  bool responding_ = false;       // the head is out
  bool finished_ = false;         // the whole response is queued
  std::uint64_t body_bytes_ = 0;  // of the request's body, so far
  unsigned rounds_ = 0;           // how often it went back to kLookup

  std::shared_ptr<Fill> fill_;
  Fill::Cursor cursor_;
  OriginFetch* fetch_ = nullptr;  // owned by the worker; set while the body may flow to it
  Timer collapse_timer_;

  BodyPlan plan_;
  std::size_t piece_ = 0;          // next piece of object_
  std::uint64_t body_offset_ = 0;  // of that piece
  SsdRead chunk_read_;             // of object_, when its body is far
  bool chunk_waited_ = false;
  bool reading_chunk_ = false;  // inside the call that asks for it
  bool partly_held_ = false;    // slices of object_'s body may lack
  bool slices_ready_ = false;   // prepare_slices() has looked
  bool slicing_ = false;        // fill_ is of slice_
  bool slice_alone_ = false;    // it fetches slices for itself
  Span slice_;
  std::uint64_t ahead_of_ = UINT64_MAX;  // the slice behind which it has looked ahead
  std::uint64_t lost_at_ = UINT64_MAX;   // a chunk that the disk did not have after all
  std::string slices_detail_;
  std::string scratch_;
  std::string head_text_;  // of object_, made whole
  std::string request_id_;
  std::string own_authority_;
  Outcome outcome_;
  int refuse_status_ = 0;
  Error refuse_error_;
  // Of a request that another edge makes: see request_hop.cc.
  std::optional<wire::HopAsk> hop_;
  std::optional<wire::HopRefusal> hop_refusal_;
  std::string hop_lines_;               // what only that edge is told
  std::unique_ptr<Timer> alive_timer_;  // made for the first such request
  // Kept for the step kTunnel.
  std::unique_ptr<Stream> tunnel_origin_;
  Slice tunnel_early_;
  std::string tunnel_block_;
};

}  // namespace meridian::edge
