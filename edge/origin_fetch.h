#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "edge/fill_board.h"
#include "edge/hop_fetch.h"
#include "edge/slice_tee.h"
#include "edge/store.h"
#include "edge/tiers/object.h"
#include "lib/base/page_file.h"
#include "lib/http/message.h"
#include "lib/http/range.h"
#include "lib/http/server.h"
#include "lib/http/storability.h"
#include "lib/net/event_loop.h"
#include "lib/stats/metrics.h"
#include "origin/upstream/upstream.h"

namespace meridian::edge {

class Request;
class Worker;
struct Site;
struct SiteView;

// What a fetch is for.
struct FetchPlan {
  std::string key;               // primary; empty when the cache takes no part
  std::uint32_t host_begin = 0;  // where its parts begin; see http::TargetKey
  std::uint32_t path_begin = 0;
  std::uint64_t hash = 0;
  std::string variant;       // the key of the variant that the request selects; empty: the primary key itself
  std::string collapse_key;  // where askers find the fill; empty: nobody else may join
  bool may_store = false;
  bool validate = false;    // the cache takes part: the client's conditionals are not sent, our own may be
  Ref<const Object> stale;  // validated with its own validators
  bool stale_if_error = false;  // if the origin fails, who asked may be given `stale` instead
  // The client's Range goes along with the validation: should the representation have changed, the origin
  // sends no more of it than was asked for.
  bool validate_range = false;
  // This part of the body of `stale` is wanted, which is fresh and only lacks it; see origin_slice.cc.
  struct SliceAsk {
    Span span;
    bool keep = true;
  };
  std::optional<SliceAsk> slice = {};
  bool unsafe = false;  // success invalidates what is stored
  bool tunnel = false;

  std::string_view authority() const {
    return std::string_view(key).substr(host_begin, path_begin - host_begin);
  }
};

// Whether a response was not stored because of the request that it answers, and not because of itself.
bool lies_in_request(http::NotStored reason);

// One request to the origin, on the worker that started it: produces a fill, and stores what may be stored.
// Owned by its worker; lives on without the request that started it where others read the fill or the cache
// wants it.
class OriginFetch final : public upstream::FetchHandler, public FillProducer {
 public:
  OriginFetch(Worker& worker, std::shared_ptr<const SiteView> view, std::size_t site_index, FetchPlan&& plan,
              std::shared_ptr<Fill> fill);
  ~OriginFetch();

  // Asks for what `request` asks for. `serves_it`: the answer is for this request first; otherwise it is a
  // refresh behind the client's back.
  void start(Request& request, bool serves_it);
  const std::shared_ptr<Fill>& fill() const { return fill_; }
  // Where its worker keeps it.
  std::size_t place() const { return place_; }
  void set_place(std::size_t place) { place_ = place; }

  // The request's body.
  void send_body(std::string_view bytes) {
    if (fetch_) fetch_->send_body(bytes);
  }
  void finish_body(std::string_view trailers) {
    has_whole_body_ = true;
    if (fetch_) fetch_->finish_body(trailers);
  }
  bool body_writable() const { return fetch_ && fetch_->writable(); }
  // Gives up for a reason of ours.
  void fail(Error error) { on_error(error); }
  // The request that started it has gone. Without the rest of its body there is nothing to wait for.
  void forget_request();
  const upstream::FetchInfo* info() const { return fetch_ ? &fetch_->info() : nullptr; }

 private:
  // upstream::FetchHandler
  void on_informational(const http::ResponseHead& head) override;
  void on_head(const http::ResponseHead& head, std::optional<std::uint64_t> length, bool no_body) override;
  void on_body(Slice bytes) override;
  void on_done(const http::FieldList& trailers) override;
  void on_error(const Error& error) override;
  void on_request_writable() override;
  void on_upgraded(const http::ResponseHead& head, std::unique_ptr<Stream> stream, Slice early) override;
  // FillProducer
  void on_readers_changed() override;

  const Site& site() const;
  enum class AskWhom : std::uint8_t { kOrigin, kEdge };
  void build_request(Request& request, AskWhom whom, std::string& block);
  void take_not_modified(const http::ResponseHead& head);
  void drop_stale(const char* why);
  void note_failure();
  // A stored response as the origin's newer word on the same representation changes it.
  struct Updated {
    std::string lines;        // for clients
    std::string own_lines;    // for us; see stored_head.h
    http::ResponseHead head;  // both, as the rules see them: views of the two, and of the update's Age
    http::StoreDecision decision;
  };
  void update_stored(const http::FieldList& stored, const http::ResponseHead& update, Updated& to) const;
  std::string vary_of(const http::FieldList& fields) const;
  void freshen_by_head(const http::ResponseHead& head);
  void invalidate(const http::ResponseHead& head);
  // `is_update`: the head is a stored one as a 304 or a HEAD has updated it.
  http::StoreDecision decide(const http::ResponseHead& head, bool is_update = false) const;
  void begin_response(const http::ResponseHead& head, std::optional<std::uint64_t> length, bool no_body);
  void settle_variant(const http::ResponseHead& head, FillHead& fill_head);
  bool fits(std::uint64_t body_bytes) const;
  bool still_valid() const;
  void store();
  void store_part(std::vector<Slice> body);
  void join_parts(const Object& old, const http::FieldList& fields, http::ContentRange& held,
                  std::vector<Slice>& body);
  void mark_not_shareable(int status, http::NotStored reason);
  void rewrite_location(std::string& block) const;
  std::span<const std::string> replaced_fields() const;
  const http::RequestHead& asked() const;
  http::RequestHead asked_by_key() const;
  void keep_request(Request& request);
  void put(Ref<Object> object);
  void stop_storing(http::NotStored reason);
  bool fits_ram(std::uint64_t body_bytes) const;
  void append_body(Slice bytes);
  bool begin_ssd_fill(const FillHead& head);
  bool move_to_ssd();
  bool append_to_ssd(Slice bytes);
  void leave_ssd();
  void wait_for_ssd();
  bool commit_to_ssd();
  // Slices
  void append_slice_range(std::string& block) const;
  void ask_rest_of_slice();
  void on_slice_head(const http::ResponseHead& head, std::optional<std::uint64_t> length);
  bool freshen_by_slice(const http::ResponseHead& head, const http::FieldList& stored, bool& for_all);
  void on_slice_body(Slice bytes);
  void on_slice_done();
  void on_slice_error(const Error& error);
  bool resume_slice(const Error& error);
  void refuse_slice(SliceAnswer answer);
  void end_slice(const Error& error);
  bool may_begin_slices(const http::ResponseHead& head) const;
  bool begin_slices(FillHead& head);
  Ref<const Object> object_to_slice(const FillHead& head, const http::FieldList& fields,
                                    std::uint64_t length);
  void tee_slices(const Slice& bytes);
  void keep_what_came();
  Span rest_of_slice() const;
  void hold(std::uint64_t bytes);
  void let_go();
  void close_to_askers();
  // Other edges, see origin_hops.cc.
  bool may_ask_edges(const Request& request) const;
  std::unique_ptr<upstream::Fetch> ask_edges(Request& request, const upstream::Request& to_origin);
  void apply_hop(http::StoreDecision& decision) const;
  bool keeps_here(std::optional<std::uint64_t> length) const;
  bool is_hot() const;
  void settle_meta(ObjectMeta& meta) const;
  Ref<Object> renewed(const Object& stale, const ObjectMeta& meta, std::string_view head) const;
  bool may_share(const http::StoredTimes& times) const;
  void finish();
  void end();

  Worker& worker_;
  std::shared_ptr<const SiteView> view_;
  std::size_t site_index_;
  std::size_t place_ = 0;
  FetchPlan plan_;
  std::shared_ptr<Fill> fill_;
  Request* request_ = nullptr;
  // The request, once it may be over before this is; until then its exchange has it.
  std::optional<http::OwnedRequest> kept_;
  std::string kept_authority_;
  std::unique_ptr<upstream::Fetch> fetch_;
  HopFetch* hops_ = nullptr;               // fetch_, when it asks other edges
  const HopFetch::Answer* hop_ = nullptr;  // from the head on, when an edge has answered
  std::string store_key_;
  std::uint32_t generation_ = 0;
  std::int64_t started_ms_ = 0;
  bool has_body_ = false;
  bool has_whole_body_ = false;        // all of it has come
  bool validating_ = false;            // our own validators were sent
  std::unique_ptr<SsdFill> ssd_fill_;  // of a body that is too large for RAM
  Ref<const FarBody> ssd_body_;        // where readers that fall behind find it
  std::optional<PageWriter> pages_;    // of the body, where it is stored and not small
  std::uint64_t held_bytes_ = 0;       // counted in Worker::fill_bytes()
  std::optional<SliceTee> tee_;        // of a part that goes into the store slice by slice
  std::string slice_block_;            // what a request for a slice says besides the range
  std::optional<Timer> resume_timer_;
  unsigned resumes_ = 0;
  bool storing_ = false;
  bool partial_ = false;
  bool background_ = false;  // a refresh: no request waits for it
  bool no_body_ = false;
  bool headed_ = false;   // the verdict is out
  bool settled_ = false;  // all is decided: only the end is waited for
  bool paused_ = false;
  bool ssd_lags_ = false;      // it said when_room()
  bool has_all_ = false;       // of the body
  std::string trailer_block_;  // kept while the disk lags
  bool ended_ = false;
};

}  // namespace meridian::edge
