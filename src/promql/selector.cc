// SPDX-License-Identifier: Apache-2.0
// Instant selectors: the latest sample of each series at each step, not older than the lookback.
#include <algorithm>

#include "base/check.h"
#include "base/status.h"
#include "model/value.h"
#include "promql/evaluator.h"
#include "promql/newest_samples.h"

namespace hearth::promql {
namespace {

// A reference time cannot leave this range, so that arithmetic on it cannot overflow.
constexpr int64_t kTimeLimitMs = int64_t{1} << 60;

// Histograms without buckets: what their neighbours would tell about resets is kept as a hint
// (upstream's HistogramStatsIterator).
void KeepTotals(std::vector<HistogramPoint>* points) {
  HistogramPtr before;
  for (HistogramPoint& point : *points) {
    const HistogramPtr whole = point.histogram;
    auto totals = std::make_shared<FloatHistogram>();
    totals->hint = whole->hint;
    totals->schema = whole->schema;
    totals->count = whole->count;
    totals->sum = whole->sum;
    if (!model::IsStaleNan(whole->sum)) {
      if (before != nullptr && whole->hint == CounterResetHint::kUnknown) {
        totals->hint =
            whole->DetectReset(*before) ? CounterResetHint::kReset : CounterResetHint::kNotReset;
      }
      before = whole;
    }
    point.histogram = std::move(totals);
  }
}

}  // namespace

// Where a step looks: its own time, or that of `@`, before the offset.
int64_t Evaluator::ReferenceTime(const VectorSelector& selector, size_t step) const {
  const int64_t at = selector.timestamp_ms ? *selector.timestamp_ms : steps_.At(step);
  return std::clamp(at, -kTimeLimitMs, kTimeLimitMs) - selector.original_offset_ns / 1'000'000;
}

absl::Status Evaluator::VisitSeries(const VectorSelector& selector, storage::TimeRange range,
                                    const storage::SelectHints& hints, const SeriesVisitor& visit) {
  storage::SelectRequest request;
  request.range = range;
  request.hints = hints;
  request.matchers = selector.matchers;
  request.at_least = query_.context.at_least;
  request.cancelled = query_.context.cancelled;
  // By index: evaluating other selectors meanwhile may move the list. Before the store is asked, so
  // that what it refuses or takes too long for has a name too.
  const auto cost_index = static_cast<size_t>(&query_.CostOf(selector) - query_.costs.data());
  TRY_ASSIGN(const std::unique_ptr<storage::SeriesSet> set, query_.querier.Select(request));
  storage::ColumnBatch batch;
  const bool with_starts = query_.options.use_start_timestamps;
  std::vector<HistogramPoint> histograms;
  for (;;) {
    TRY(query_.CheckAlive());
    TRY_ASSIGN(const bool more, set->Next(&batch));
    if (!more) break;
    for (const storage::SeriesColumns& series : batch.series) {
      const size_t floats =
          series.samples_before.empty() ? series.times_ms.size() : series.samples_before.back();
      const auto samples =
          static_cast<int64_t>((floats + series.histograms.size()) * series.series);
      query_.stats.series += series.series;
      QueryState::SelectorCost& spent = query_.costs[cost_index];
      spent.series += series.series;
      spent.samples += samples;
      if (static_cast<size_t>(query_.stats.series) > query_.options.series_max) {
        return ResourceExhausted(
            "query selects more than {} series. Name more labels, or a shorter time",
            query_.options.series_max);
      }
      TRY(query_.Tick());
      histograms.clear();
      for (const model::HistogramSample& sample : series.histograms) {
        histograms.push_back(
            {sample.time_ms,
             std::make_shared<FloatHistogram>(FloatHistogram::FromModel(*sample.histogram)),
             with_starts ? sample.start_time_ms : 0});
      }
      if (selector.histogram_totals_only) KeepTotals(&histograms);
      TRY(visit({series.labels, false, series.times_ms, series.values, histograms, series.timeline,
                 with_starts ? series.start_times_ms : std::span<const int64_t>(), series.labels_id,
                 series.marked, series.series, series.samples_before}));
    }
  }
  for (std::string& warning : set->warnings()) query_.notes.FromStore(std::move(warning));
  return absl::OkStatus();
}

absl::Status Evaluator::SelectorRows(const VectorSelector& selector, RowSink* sink) {
  if (selector.smoothed) return SmoothedRows(selector, sink);
  const RowNeeds needs = sink->needs();
  storage::SelectHints hints;
  hints.labels = needs.labels;
  hints.times_only = !needs.values;
  hints.newest_only = instant();
  const int64_t lookback = query_.lookback_ms;
  const int64_t first = ReferenceTime(selector, 0);
  const int64_t last = ReferenceTime(selector, steps() - 1);
  NewestSamples newest(steps(), lookback);
  for (size_t step = 0; step < steps(); ++step) {
    newest.SetReference(step, ReferenceTime(selector, step));
  }
  return VisitSeries(selector, {first - lookback + 1, last}, hints, [&](const SeriesInput& series) {
    const size_t found = newest.Fill(series);
    if (found == 0) return absl::OkStatus();
    query_.counts->AddCells({newest.cells(), steps()}, found, series.series);
    return sink->Add({series.labels, series.drop_name, newest.values(), newest.cells(),
                      newest.histograms(), series.labels_id, series.series});
  });
}

bool NamesOneMetric(const VectorSelector& selector) {
  return std::any_of(
      selector.matchers.begin(), selector.matchers.end(), [](const model::Matcher& matcher) {
        return matcher.name() == model::kMetricName && matcher.type() == model::MatchType::kEqual;
      });
}

// timestamp(selector): the samples' own times. Of anything else: the step's.
// start_timestamp(selector): when the samples' counters began. Of anything else: nothing.
absl::StatusOr<Value> Evaluator::EvalTimestamp(const Call& call) {
  const Expr& arg = *call.args[0];
  Value value{ValueType::kVector, {}, {}, Grid(steps())};
  Grid& grid = value.grid;
  std::string scratch;
  const bool start = call.function->name == "start_timestamp";
  if (start && (arg.kind != ExprKind::kVectorSelector || !query_.options.use_start_timestamps)) {
    TRY(Eval(arg));  // for its errors and notes
    return value;
  }
  if (arg.kind != ExprKind::kVectorSelector) {
    TRY_ASSIGN(grid, EvalVector(arg));
    for (size_t row = 0; row < grid.rows(); ++row) {
      for (size_t step = 0; step < steps(); ++step) {
        if (grid.cells(row)[step] == Cell::kNone) continue;
        grid.SetFloat(row, step, static_cast<double>(steps_.At(step)) / 1000);
      }
    }
  } else {
    const auto& selector = As<VectorSelector>(arg);
    const int64_t lookback = query_.lookback_ms;
    const int64_t first = ReferenceTime(selector, 0);
    const int64_t last = ReferenceTime(selector, steps() - 1);
    // Upstream forgets the offset of a selector with @ where it looks for the sample: only what is
    // read has it (rangeEvalTimestampFunctionOverVectorSelector).
    const int64_t forgotten_ms =
        selector.timestamp_ms ? selector.original_offset_ns / 1'000'000 : 0;
    TRY(VisitSeries(selector, {first - lookback + 1, last}, {}, [&](const SeriesInput& series) {
      const size_t row = grid.AddRow(model::Labels(series.labels), true);
      size_t next = 0;
      size_t next_histogram = 0;
      for (size_t step = 0; step < steps(); ++step) {
        const int64_t reference = ReferenceTime(selector, step) + forgotten_ms;
        while (next < series.times.size() && series.times[next] <= reference) ++next;
        while (next_histogram < series.histograms.size() &&
               series.histograms[next_histogram].time_ms <= reference) {
          ++next_histogram;
        }
        int64_t time = next > 0 ? series.times[next - 1] : model::kMinTimeMs;
        bool stale = next > 0 && model::IsStaleNan(series.values[next - 1]);
        int64_t start_ms = next > 0 && !series.starts.empty() ? series.starts[next - 1] : 0;
        if (next_histogram > 0 && series.histograms[next_histogram - 1].time_ms > time) {
          time = series.histograms[next_histogram - 1].time_ms;
          stale = model::IsStaleNan(series.histograms[next_histogram - 1].histogram->sum);
          start_ms = series.histograms[next_histogram - 1].start_ms;
        }
        if (time <= reference - lookback || stale) continue;
        grid.SetFloat(row, step, static_cast<double>(start ? start_ms : time) / 1000);
      }
      const std::span<const Cell> cells(grid.cells(row), steps());
      const auto empty = static_cast<size_t>(std::count(cells.begin(), cells.end(), Cell::kNone));
      query_.counts->AddCells(cells, cells.size() - empty, 1);
      return query_.Hold(1);
    }));
  }
  for (size_t row = 0; row < grid.rows(); ++row) {
    grid.set_drop_name(row, true);
    if (!delayed_names()) {
      grid.set_labels(row, model::Labels(DropMetadata(grid.labels(row), &scratch)));
    }
  }
  grid.RemoveEmptyRows();
  return Merged(std::move(grid));
}

}  // namespace hearth::promql
