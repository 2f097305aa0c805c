// SPDX-License-Identifier: Apache-2.0
#include "promql/result_cache.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "base/status.h"
#include "promql/grid.h"
#include "promql/result_cache_extents.h"
#include "promql/result_cache_footprint.h"
#include "promql/result_cache_watch.h"

namespace hearth::promql {
namespace {

// Where less than that part of the steps is there, one evaluation is cheaper than two.
constexpr size_t kReusedPart = 4;
constexpr int64_t kNsPerMs = 1'000'000;

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
int64_t CeilDiv(int64_t a, int64_t b) { return -FloorDiv(-a, b); }

bool InOrder(const std::vector<Series>& matrix) {
  const auto out_of_order = [](const Series& a, const Series& b) { return !(a.labels < b.labels); };
  return std::adjacent_find(matrix.begin(), matrix.end(), out_of_order) == matrix.end();
}

// Floats alone, and nothing to tell.
bool IsPlain(const Result& result) {
  return result.warnings.empty() && result.infos.empty() &&
         std::all_of(result.matrix.begin(), result.matrix.end(),
                     [](const Series& series) { return series.histograms.empty(); });
}

}  // namespace

// One query, and what was found out about it before its evaluation began.
struct ResultCache::Ask {
  const storage::Querier& querier;
  const storage::Changes& changes;
  const Expr& expr;
  std::string_view query;
  Steps steps;
  int64_t end_ms = 0;
  const QueryContext& context;
  Footprint footprint = {};
  std::string key = {};
  uint64_t number = 0;          // of the store's changes
  int64_t visible_from_ms = 0;  // of the store
  int64_t began_ns = 0;
  // The first step all of whose samples can be seen; `from_ms`: what can be.
  size_t FirstVisible(int64_t from_ms) const {
    const int64_t first =
        CeilDiv(from_ms - footprint.oldest_ms - steps.start_ms, steps.interval_ms);
    return static_cast<size_t>(std::clamp<int64_t>(first, 0, static_cast<int64_t>(steps.count)));
  }
};

struct ResultCache::Part {
  Result result;
  LabelsSeen seen;
};

ResultCache::ResultCache(const Engine& engine, size_t bytes_max, const Clock& clock,
                         Registry& metrics, QueryObserver* observer)
    : engine_(engine),
      quiet_(engine.options(), &clock, engine.tile_pool()),
      bytes_max_(bytes_max),
      clock_(clock),
      observer_(observer),
      extents_(std::make_unique<Extents>(bytes_max, clock, metrics)),
      hits_(metrics.AddCounter("hearth_promql_result_cache_hits_total",
                               "Range queries that were answered from the result cache alone.")),
      partial_hits_(metrics.AddCounter(
          "hearth_promql_result_cache_partial_hits_total",
          "Range queries of which a part of the steps came from the result cache.")),
      misses_(metrics.AddCounter("hearth_promql_result_cache_misses_total",
                                 "Range queries that the result cache had nothing for.")),
      not_kept_(metrics.AddCounter(
          "hearth_promql_result_cache_not_cacheable_total",
          "Range queries that can only be evaluated whole, by their expression or answer.")) {}
ResultCache::~ResultCache() = default;

absl::StatusOr<Result> ResultCache::Range(const storage::Querier& querier,
                                          const storage::Changes& changes, std::string_view query,
                                          int64_t start_ms, int64_t end_ms, int64_t step_ms,
                                          const QueryContext& context) {
  TRY_ASSIGN(const ExprPtr expr, ParseExpr(query, engine_.options().parser));
  Ask ask{.querier = querier,
          .changes = changes,
          .expr = *expr,
          .query = query,
          .steps = {start_ms, step_ms, 1},
          .end_ms = end_ms,
          .context = context};
  if (!Prepare(&ask)) {
    if (bytes_max_ > 0) not_kept_.Add();
    return engine_.Range(querier, *expr, query, start_ms, end_ms, step_ms, context);
  }
  const std::shared_ptr<const Extent> extent = extents_->Find(changes.store_number(), ask.key);
  const Run run = extent == nullptr ? Run{} : Reusable(ask, *extent);
  if (run.size() * kReusedPart < ask.steps.count) {
    misses_.Add();
    return Whole(ask);
  }
  TRY_ASSIGN(std::optional<Result> stitched, Stitched(ask, *extent, run));
  if (!stitched) {
    misses_.Add();
    return Whole(ask);
  }
  (run.size() == ask.steps.count ? hits_ : partial_hits_).Add();
  return *std::move(stitched);
}

// False where the query is none of ours.
bool ResultCache::Prepare(Ask* ask) const {
  const Options& options = engine_.options();
  Steps& steps = ask->steps;
  const QueryContext& context = ask->context;
  if (bytes_max_ == 0 || steps.interval_ms <= 0 || ask->end_ms < steps.start_ms ||
      context.per_step_stats || context.at_least != storage::Position{} ||
      options.delayed_name_removal || options.type_and_unit_labels) {
    return false;
  }
  // Times that people use: arithmetic below cannot overflow.
  constexpr int64_t kTimeMax = int64_t{1} << 50;
  if (steps.start_ms < -kTimeMax || ask->end_ms > kTimeMax || steps.interval_ms > kTimeMax) {
    return false;
  }
  const int64_t count = (ask->end_ms - steps.start_ms) / steps.interval_ms + 1;
  if (count - 1 > options.points_max) return false;  // refused by the engine
  steps.count = static_cast<size_t>(count);
  const int64_t lookback_ms = context.lookback_ms.value_or(options.lookback_ms);
  const auto footprint = FootprintOf(ask->expr, lookback_ms, options.default_interval_ms);
  if (!footprint) return false;
  ask->footprint = *footprint;
  if (footprint->finest_step_ms > 0) {
    // Such a query is refused for its points, wherever their values come from.
    const int64_t span_ms =
        ask->end_ms - steps.start_ms + footprint->newest_ms - footprint->oldest_ms;
    const auto points = static_cast<size_t>(span_ms / footprint->finest_step_ms);
    if (points >= options.samples_max / 2) return false;
  }
  const int64_t phase =
      steps.start_ms - FloorDiv(steps.start_ms, steps.interval_ms) * steps.interval_ms;
  // Ranges of other lengths have extents of their own, so that a panel of an hour does not replace
  // one of a day; the count of steps may be one more or less from time to time.
  const auto length = std::bit_width(steps.count + 1);
  ask->key =
      fmt::format("{} {} {} {} {}", steps.interval_ms, phase, lookback_ms, length, ask->query);
  ask->number = ask->changes.change_number();
  ask->visible_from_ms = ask->changes.visible_from_ms();
  ask->began_ns = clock_.MonotonicNs();
  return true;
}

// The longest run of the query's steps that are in the extent and as they were.
ResultCache::Run ResultCache::Reusable(const Ask& ask, const Extent& extent) {
  const Steps& steps = ask.steps;
  const auto count = static_cast<int64_t>(steps.count);
  const int64_t shift = (extent.first_ms - steps.start_ms) / steps.interval_ms;  // same phase
  int64_t begin =
      std::max<int64_t>(shift, static_cast<int64_t>(ask.FirstVisible(ask.visible_from_ms)));
  const int64_t end = std::min(count, shift + static_cast<int64_t>(extent.steps));
  if (begin >= end) return {};
  const auto at = [&](int64_t step) { return steps.start_ms + step * steps.interval_ms; };
  const storage::TimeRange looked_at{at(begin) + ask.footprint.oldest_ms,
                                     at(end - 1) + ask.footprint.newest_ms};
  Run best;
  const auto consider = [&](int64_t from, int64_t to) {
    if (to - from > static_cast<int64_t>(best.size())) {
      best = {static_cast<size_t>(from), static_cast<size_t>(to)};
    }
  };
  for (const storage::TimeRange& changed : ask.changes.ChangedSince(extent.number, looked_at)) {
    // Steps [first, last] look at some of it.
    const int64_t first =
        CeilDiv(changed.min_ms - ask.footprint.newest_ms - steps.start_ms, steps.interval_ms);
    const int64_t last =
        FloorDiv(changed.max_ms - ask.footprint.oldest_ms - steps.start_ms, steps.interval_ms);
    consider(begin, std::min(first, end));
    begin = std::max(begin, last + 1);
  }
  consider(begin, end);
  return best;
}

absl::StatusOr<Result> ResultCache::Whole(const Ask& ask) {
  const WatchedQuerier watched(ask.querier, ask.footprint.buckets);
  TRY_ASSIGN(Result result, engine_.Range(watched, ask.expr, ask.query, ask.steps.start_ms,
                                          ask.end_ms, ask.steps.interval_ms, ask.context));
  if (IsPlain(result) && watched.seen().allow_pieces()) {
    Keep(ask, result, result.stats.peak_samples, result.stats.series, watched.seen());
  } else {
    not_kept_.Add();
  }
  return result;
}

absl::StatusOr<ResultCache::Part> ResultCache::EvaluatePart(const Ask& ask, Run run,
                                                            int64_t timeout_ms) const {
  Part part;
  if (run.size() == 0) return part;
  const WatchedQuerier watched(ask.querier, ask.footprint.buckets);
  QueryContext context = ask.context;
  context.timeout_ms = timeout_ms;
  TRY_ASSIGN(part.result, quiet_.Range(watched, ask.expr, ask.query, ask.steps.At(run.begin),
                                       ask.steps.At(run.end - 1), ask.steps.interval_ms, context));
  part.seen = watched.seen();
  return part;
}

namespace {

void AppendRow(const Series& from, Series* to) {
  to->times_ms.insert(to->times_ms.end(), from.times_ms.begin(), from.times_ms.end());
  to->values.insert(to->values.end(), from.values.begin(), from.values.end());
}

// The row's values at steps [begin, end) of the extent, whose step 0 is at `first_ms`.
void AppendRow(const Extent::Row& row, size_t begin, size_t end, int64_t first_ms, int64_t step_ms,
               Series* to) {
  const auto time_of = [&](size_t step) { return first_ms + static_cast<int64_t>(step) * step_ms; };
  if (row.at.empty()) {
    for (size_t step = begin; step < end; ++step) to->times_ms.push_back(time_of(step));
    to->values.insert(to->values.end(), row.values.begin() + static_cast<ptrdiff_t>(begin),
                      row.values.begin() + static_cast<ptrdiff_t>(end));
    return;
  }
  auto at = std::lower_bound(row.at.begin(), row.at.end(), begin);
  for (; at != row.at.end() && *at < end; ++at) {
    to->times_ms.push_back(time_of(*at));
    to->values.push_back(row.values[static_cast<size_t>(at - row.at.begin())]);
  }
}

// The rows of three neighbours in time as one matrix, by labels.
class Stitcher {
 public:
  Stitcher(const std::vector<Series>& front, const Extent& extent, size_t begin, size_t end,
           const std::vector<Series>& back)
      : front_(front), extent_(extent), begin_(begin), end_(end), back_(back) {}

  std::vector<Series> Run(int64_t step_ms, size_t steps) {
    std::vector<Series> matrix;
    matrix.reserve(std::max({front_.size(), extent_.rows.size(), back_.size()}));
    while (const model::Labels* const labels = Next()) {
      Series series;
      series.labels = *labels;
      series.times_ms.reserve(steps);
      series.values.reserve(steps);
      if (Takes(front_, front_at_, series.labels)) AppendRow(front_[front_at_++], &series);
      if (Takes(extent_.rows, extent_at_, series.labels)) {
        AppendRow(extent_.rows[extent_at_++], begin_, end_, extent_.first_ms, step_ms, &series);
      }
      if (Takes(back_, back_at_, series.labels)) AppendRow(back_[back_at_++], &series);
      if (!series.times_ms.empty()) matrix.push_back(std::move(series));
    }
    return matrix;
  }

 private:
  template <typename Rows>
  static bool Takes(const Rows& rows, size_t at, const model::Labels& labels) {
    return at < rows.size() && rows[at].labels == labels;
  }
  // The first labels that are left; null at the end.
  const model::Labels* Next() const {
    const model::Labels* first = nullptr;
    const auto consider = [&](const auto& rows, size_t at) {
      if (at >= rows.size()) return;
      if (first == nullptr || rows[at].labels < *first) first = &rows[at].labels;
    };
    consider(front_, front_at_);
    consider(extent_.rows, extent_at_);
    consider(back_, back_at_);
    return first;
  }

  const std::vector<Series>& front_;
  const Extent& extent_;
  const size_t begin_;
  const size_t end_;
  const std::vector<Series>& back_;
  size_t front_at_ = 0;
  size_t extent_at_ = 0;
  size_t back_at_ = 0;
};

}  // namespace

// Not set: the parts cannot be put together, or say that the whole has to be looked at.
absl::StatusOr<std::optional<Result>> ResultCache::Stitched(const Ask& ask, const Extent& extent,
                                                            Run run) {
  const int64_t samples_max = static_cast<int64_t>(engine_.options().samples_max);
  const int64_t series_max = static_cast<int64_t>(engine_.options().series_max);
  if (extent.peak_samples > samples_max || extent.series > series_max) return std::nullopt;
  const auto given_up = [](const absl::Status& status) {
    return absl::IsCancelled(status) || absl::IsDeadlineExceeded(status);
  };
  const auto front = EvaluatePart(ask, {0, run.begin}, ask.context.timeout_ms);
  if (!front.ok()) {
    if (given_up(front.status())) return front.status();
    return std::nullopt;
  }
  int64_t timeout_ms = engine_.options().timeout_ms;
  if (ask.context.timeout_ms > 0) timeout_ms = std::min(timeout_ms, ask.context.timeout_ms);
  timeout_ms -= (clock_.MonotonicNs() - ask.began_ns) / kNsPerMs;
  const auto back = EvaluatePart(ask, {run.end, ask.steps.count}, std::max<int64_t>(timeout_ms, 1));
  if (!back.ok()) {
    if (given_up(back.status())) return back.status();
    return std::nullopt;
  }
  const Stats& a = front->result.stats;
  const Stats& b = back->result.stats;
  // What the whole would hold and select is not more than what its parts do together.
  const int64_t peak = extent.peak_samples + a.peak_samples + b.peak_samples;
  const int64_t series = extent.series + a.series + b.series;
  LabelsSeen seen = extent.seen;
  seen.Add(front->seen);
  seen.Add(back->seen);
  if (!IsPlain(front->result) || !IsPlain(back->result) || !seen.allow_pieces() ||
      peak > samples_max || series > series_max) {
    return std::nullopt;
  }
  Result result;
  result.type = ValueType::kMatrix;
  result.time_ms = ask.steps.start_ms;
  const auto shift =
      static_cast<size_t>((ask.steps.At(run.begin) - extent.first_ms) / ask.steps.interval_ms);
  result.matrix =
      Stitcher(front->result.matrix, extent, shift, shift + run.size(), back->result.matrix)
          .Run(ask.steps.interval_ms, ask.steps.count);
  result.stats.total_queryable_samples = a.total_queryable_samples + b.total_queryable_samples;
  result.stats.samples_read = a.samples_read + b.samples_read;
  result.stats.peak_samples = std::max(a.peak_samples, b.peak_samples);
  result.stats.peak_bytes = std::max(a.peak_bytes, b.peak_bytes);
  result.stats.series = a.series + b.series;
  result.stats.prepare_ns = a.prepare_ns + b.prepare_ns;
  result.stats.evaluate_ns = clock_.MonotonicNs() - ask.began_ns - result.stats.prepare_ns;
  if (run.size() < ask.steps.count) Keep(ask, result, peak, series, seen);
  if (observer_ != nullptr) {
    observer_->OnQuery({ask.query, ask.steps.start_ms, ask.end_ms, ask.steps.interval_ms,
                        absl::OkStatus(), result.stats, ask.context.origin});
  }
  return result;
}

void ResultCache::Keep(const Ask& ask, const Result& result, int64_t peak_samples, int64_t series,
                       LabelsSeen seen) {
  if (!InOrder(result.matrix)) return;
  // Retention may have moved, or been changed, meanwhile.
  const size_t first =
      ask.FirstVisible(std::max(ask.visible_from_ms, ask.changes.visible_from_ms()));
  if (first >= ask.steps.count) return;
  auto extent = std::make_shared<Extent>();
  extent->number = ask.number;
  extent->first_ms = ask.steps.At(first);
  extent->steps = ask.steps.count - first;
  extent->peak_samples = peak_samples;
  extent->series = series;
  extent->seen = seen;
  size_t bytes = 0;
  for (const Series& row : result.matrix) {
    bytes += row.values.size() * sizeof(double) + row.labels.packed().size();
  }
  if (bytes > bytes_max_ / 4) return;
  extent->rows.reserve(result.matrix.size());
  for (const Series& from : result.matrix) {
    const auto begin =
        std::lower_bound(from.times_ms.begin(), from.times_ms.end(), extent->first_ms);
    if (begin == from.times_ms.end()) continue;
    Extent::Row& row = extent->rows.emplace_back();
    row.labels = from.labels;
    row.values.assign(from.values.begin() + (begin - from.times_ms.begin()), from.values.end());
    if (row.values.size() == extent->steps) continue;
    row.at.reserve(row.values.size());
    for (auto at = begin; at != from.times_ms.end(); ++at) {
      row.at.push_back(static_cast<uint32_t>((*at - extent->first_ms) / ask.steps.interval_ms));
    }
  }
  extents_->Put(ask.changes.store_number(), ask.key, std::move(extent));
}

}  // namespace hearth::promql
