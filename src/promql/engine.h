// SPDX-License-Identifier: Apache-2.0
// Evaluates PromQL over a storage::Querier with the semantics of Prometheus 3.14. The answer does
// not depend on the number of threads. One Engine serves all workspaces; thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "promql/ast.h"
#include "promql/parser.h"
#include "storage/querier.h"

namespace hearth::promql {

class QueryBudget;
class TilePool;

struct Options {
  // Samples that one query may hold in memory at a time (Prometheus' --query.max-samples).
  size_t samples_max = 50'000'000;
  // Bytes that one query may hold in intermediate results at a time, labels included; an estimate.
  size_t memory_bytes_max = size_t{1} << 30;
  // What all queries may hold together; null: no limit but each one's. Must outlive the engine.
  QueryBudget* budget = nullptr;
  // Series that the selectors of one query may bring together.
  size_t series_max = 2'000'000;
  // Points per series of a range query; beyond it the query is refused (Prometheus' API limit).
  int64_t points_max = 11'000;
  int64_t timeout_ms = 120'000;
  int64_t lookback_ms = 300'000;         // how old a sample an instant selector still takes
  int64_t default_interval_ms = 60'000;  // step of subqueries that name none
  // Prometheus' feature flag promql-delayed-name-removal: __name__ goes at the end of the query.
  bool delayed_name_removal = false;
  // Prometheus' feature flag use-start-timestamps: rate & co. know when a counter began.
  bool use_start_timestamps = false;
  // Prometheus' feature flag type-and-unit-labels: __type__ and __unit__ go with __name__.
  bool type_and_unit_labels = false;
  ParserOptions parser;
};

// On whose behalf a query runs, for whoever observes queries: an HTTP call, or a rule group.
struct QueryOrigin {
  std::string client_ip;  // HTTP
  std::string method;
  std::string path;
  std::string rule_file;  // rules
  std::string rule_group;
};

// What one query brings along. Everything pointed to must outlive the call.
struct QueryContext {
  const std::atomic<bool>* cancelled = nullptr;  // set to true to end the query; may be null
  int64_t timeout_ms = 0;                        // 0: the engine's; never above the engine's
  std::optional<int64_t> lookback_ms;            // the engine's where not given
  storage::Position at_least;                    // read your writes
  bool expendable = false;  // may be ended where all queries together hold too much
  // Warnings and infos kept, each; what is above becomes one line that counts the rest. 0: all.
  size_t annotations_max = 10;
  bool per_step_stats = false;          // fills Stats::…_at
  const QueryOrigin* origin = nullptr;  // may be null
};

// What went wrong, for whoever maps it to a wire error. Carried by the status code.
enum class ErrorKind : uint8_t {
  kBadData,         // does not parse, or start, end and step make no sense (InvalidArgument)
  kExecution,       // the query cannot be answered (FailedPrecondition)
  kTooManySamples,  // (ResourceExhausted); Prometheus reports it as an execution error
  kTimeout,         // (DeadlineExceeded)
  kCancelled,       // (Cancelled)
  kInternal,        // the store could not be read (any other code)
};
ErrorKind KindOf(const absl::Status& status);

// One series of a matrix. times_ms and values are as long as each other; histograms have times of
// their own; both are sorted by time.
struct Series {
  model::Labels labels;
  std::vector<int64_t> times_ms;
  std::vector<double> values;
  std::vector<model::HistogramSample> histograms;
};
// One element of a vector: a value, or a histogram where that is not null.
struct Sample {
  model::Labels labels;
  int64_t time_ms = 0;
  double value = 0;
  std::shared_ptr<const model::NativeHistogram> histogram;
};

struct Stats {
  // As Prometheus' statistics count (step_counts.h): each sample as often as a step uses it, and
  // without those that the step before had used as well. A histogram counts as one.
  int64_t total_queryable_samples = 0;
  int64_t samples_read = 0;
  std::vector<int64_t> total_queryable_samples_at;  // by step; empty where not asked for
  std::vector<int64_t> samples_read_at;
  int64_t peak_samples = 0;  // most held in memory at a time
  int64_t peak_bytes = 0;    // likewise; an estimate
  int64_t series = 0;        // selected
  int64_t prepare_ns = 0;    // parse and plan
  int64_t evaluate_ns = 0;
};

struct Result {
  ValueType type = ValueType::kNone;
  // kScalar and kString: `time_ms` and one of these.
  int64_t time_ms = 0;
  double scalar = 0;
  std::string string;
  std::vector<Sample> vector;  // kVector; in the order that the query asked for (sort, topk)
  std::vector<Series> matrix;  // kMatrix; sorted by labels
  // Whole lines as the API shows them: "PromQL warning: … (1:5)".
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  Stats stats;
};

// A query that has ended, well or not; valid during the call.
struct QueryEvent {
  std::string_view query;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;  // 0: instant
  const absl::Status& status;
  const Stats& stats;
  const QueryOrigin* origin = nullptr;  // may be null
};

// Told of every query that was evaluated, on the thread that did. Thread-safe.
class QueryObserver {
 public:
  virtual ~QueryObserver() = default;
  virtual void OnQuery(const QueryEvent& event) = 0;
};

class Engine {
 public:
  // `tile_pool` may be null: everything on the caller's thread then. Both must outlive the engine.
  Engine(Options options, const Clock* clock, TilePool* tile_pool);

  // The value at one moment.
  absl::StatusOr<Result> Instant(const storage::Querier& querier, std::string_view query,
                                 int64_t time_ms, const QueryContext& context) const;
  // A matrix of the values at start, start + step, … up to end. Bad data where step < 1, end is
  // before start, or there are more points than points_max.
  absl::StatusOr<Result> Range(const storage::Querier& querier, std::string_view query,
                               int64_t start_ms, int64_t end_ms, int64_t step_ms,
                               const QueryContext& context) const;
  // The same for trees that the caller keeps (rules). `query` is the text that positions of
  // warnings refer to.
  absl::StatusOr<Result> Instant(const storage::Querier& querier, const Expr& expr,
                                 std::string_view query, int64_t time_ms,
                                 const QueryContext& context) const;
  absl::StatusOr<Result> Range(const storage::Querier& querier, const Expr& expr,
                               std::string_view query, int64_t start_ms, int64_t end_ms,
                               int64_t step_ms, const QueryContext& context) const;

  // Must be set before the first query, and outlive the engine's use; may be null.
  void set_observer(QueryObserver* observer) { observer_ = observer; }

  const Options& options() const { return options_; }
  TilePool* tile_pool() const { return tile_pool_; }

 private:
  const Options options_;
  const Clock* const clock_;
  TilePool* const tile_pool_;
  QueryObserver* observer_ = nullptr;
};

}  // namespace hearth::promql
