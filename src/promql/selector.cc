// SPDX-License-Identifier: Apache-2.0
// Instant selectors: the latest sample of each series at each step, not older than the lookback.
#include <algorithm>

#include "base/check.h"
#include "base/status.h"
#include "model/value.h"
#include "promql/evaluator.h"
#include "promql/newest_samples.h"
#include "promql/row_maker.h"
#include "promql/tile_pool.h"
#include "promql/tile_run.h"

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

// The newest sample of each step.
class NewestRows : public RowMaker {
 public:
  NewestRows(const std::vector<int64_t>& references, int64_t lookback_ms)
      : steps_(references.size()), newest_(steps_, lookback_ms) {
    for (size_t step = 0; step < steps_; ++step) newest_.SetReference(step, references[step]);
  }
  RowView Make(const SeriesInput& series, StepCounts* counts, Annotations* /*notes*/) override {
    const size_t found = newest_.Fill(series);
    RowView row;
    if (found == 0) return row;
    counts->AddCells({newest_.cells(), steps_}, found, series.series);
    row.labels = series.labels;
    row.drop_name = series.drop_name;
    row.cells = newest_.cells();
    if (!series.values.empty() || !series.histograms.empty()) row.values = newest_.values();
    row.histograms = newest_.histograms();
    row.labels_id = series.labels_id;
    row.series = series.series;
    return row;
  }

 private:
  const size_t steps_;
  NewestSamples newest_;
};

struct TilePlan {
  bool worthwhile = false;
  size_t tile_rows = 0;
};

// `rows` series of so many samples each are left.
TilePlan PlanTiles(const TilePool::Options& options, size_t rows, size_t samples, size_t steps) {
  constexpr size_t kSeriesWork = 32;  // whatever it has
  constexpr size_t kTileBytesMax = 2 << 20;
  const size_t work = kSeriesWork + samples + steps;
  TilePlan plan;
  plan.worthwhile = rows * work >= options.work_min;
  plan.tile_rows = std::max<size_t>(options.tile_work / work, 1);
  // Whole batches, where they are small.
  if (plan.tile_rows > storage::kTileSeries) plan.tile_rows &= ~(storage::kTileSeries - 1);
  const size_t row_bytes = steps * (sizeof(double) + sizeof(Cell));
  plan.tile_rows = std::min(plan.tile_rows, std::max<size_t>(kTileBytesMax / row_bytes, 1));
  return plan;
}

}  // namespace

// Where a step looks: its own time, or that of `@`, before the offset.
int64_t Evaluator::ReferenceTime(const VectorSelector& selector, size_t step) const {
  const int64_t at = selector.timestamp_ms ? *selector.timestamp_ms : steps_.At(step);
  return std::clamp(at, -kTimeLimitMs, kTimeLimitMs) - selector.original_offset_ns / 1'000'000;
}

SeriesInput InputOf(const storage::SeriesColumns& series, bool with_starts) {
  SeriesInput input;
  input.labels = series.labels;
  input.times = series.times_ms;
  input.values = series.values;
  input.timeline = series.timeline;
  if (with_starts) input.starts = series.start_times_ms;
  input.labels_id = series.labels_id;
  input.marked = series.marked;
  input.series = series.series;
  input.samples_before = series.samples_before;
  return input;
}

struct Evaluator::Selected {
  const VectorSelector& selector;
  size_t cost_index = 0;  // evaluating other selectors meanwhile may move the list
  bool times_only = false;
  std::unique_ptr<storage::SeriesSet> set = nullptr;
  storage::ColumnBatch batch = {};
  std::vector<HistogramPoint> histograms = {};
};

absl::StatusOr<Evaluator::Selected> Evaluator::OpenSeries(const VectorSelector& selector,
                                                          storage::TimeRange range,
                                                          const storage::SelectHints& hints) {
  storage::SelectRequest request;
  request.range = range;
  request.hints = hints;
  request.matchers = selector.matchers;
  request.at_least = query_.context.at_least;
  request.cancelled = query_.context.cancelled;
  Selected selected{selector};
  selected.times_only = hints.times_only;
  // Before the store is asked, so that what it refuses or takes too long for has a name too.
  selected.cost_index = static_cast<size_t>(&query_.CostOf(selector) - query_.costs.data());
  TRY_ASSIGN(selected.set, query_.querier.Select(request));
  return selected;
}

absl::Status Evaluator::VisitOpened(Selected* selected, const SeriesVisitor& visit) {
  const bool with_starts = query_.options.use_start_timestamps;
  std::vector<HistogramPoint>& histograms = selected->histograms;
  for (;;) {
    TRY(query_.CheckAlive());
    TRY_ASSIGN(const bool more, selected->set->Next(&selected->batch));
    if (!more) return absl::OkStatus();
    for (const storage::SeriesColumns& series : selected->batch.series) {
      const auto samples =
          static_cast<int64_t>((series.floats() + series.histograms.size()) * series.series);
      query_.stats.series += series.series;
      QueryState::SelectorCost& spent = query_.costs[selected->cost_index];
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
      if (selected->selector.histogram_totals_only) KeepTotals(&histograms);
      SeriesInput input = InputOf(series, with_starts);
      input.histograms = histograms;
      TRY(visit(input));
    }
  }
}

absl::Status Evaluator::VisitSeries(const VectorSelector& selector, storage::TimeRange range,
                                    const storage::SelectHints& hints, const SeriesVisitor& visit) {
  TRY_ASSIGN(Selected selected, OpenSeries(selector, range, hints));
  TRY(VisitOpened(&selected, visit));
  for (std::string& warning : selected.set->warnings()) query_.notes.FromStore(std::move(warning));
  return absl::OkStatus();
}

absl::Status Evaluator::SelectRows(const VectorSelector& selector, storage::TimeRange range,
                                   const storage::SelectHints& hints,
                                   const MakeRowMaker& make_maker, RowSink* sink) {
  TRY_ASSIGN(Selected selected, OpenSeries(selector, range, hints));
  const std::unique_ptr<RowMaker> maker = make_maker();
  TRY(HelpedRows(&selected, make_maker, maker.get(), sink));
  for (std::string& warning : selected.set->warnings()) query_.notes.FromStore(std::move(warning));
  return absl::OkStatus();
}

absl::Status Evaluator::HelpedRows(Selected* selected, const MakeRowMaker& make_maker,
                                   RowMaker* maker, RowSink* sink) {
  const auto visit = [&](const SeriesInput& series) {
    const RowView row = maker->Make(series, query_.counts, &query_.notes);
    return row.cells == nullptr ? absl::OkStatus() : sink->Add(row);
  };
  const size_t rows = selected->set->rows();
  if (query_.tile_pool == nullptr || rows <= query_.tile_pool->options().probe_series) {
    return VisitOpened(selected, visit);
  }
  // The first series tell how much work one is.
  const size_t probe = query_.tile_pool->options().probe_series;
  const int64_t before = query_.costs[selected->cost_index].samples;
  selected->set->Restrict(0, probe);
  TRY(VisitOpened(selected, visit));
  auto samples = static_cast<size_t>(query_.costs[selected->cost_index].samples - before) / probe;
  // Values are left alone, and times mostly are those of another series.
  if (selected->times_only) samples /= 8;
  const TilePlan plan = PlanTiles(query_.tile_pool->options(), rows - probe, samples, steps());
  const size_t bytes = TileRun::Bytes(*query_.tile_pool, plan.tile_rows, steps(), samples);
  if (!plan.worthwhile || query_.held_bytes + bytes > query_.options.memory_bytes_max) {
    selected->set->Restrict(probe, rows);
    return VisitOpened(selected, visit);
  }
  const size_t bytes_before = query_.tile_bytes;
  query_.SetTileBytes(bytes_before + bytes);
  const absl::Status status = TileRun({.query = &query_,
                                       .set = selected->set.get(),
                                       .cost_index = selected->cost_index,
                                       .begin = probe,
                                       .end = rows,
                                       .tile_rows = plan.tile_rows,
                                       .steps = steps(),
                                       .maker = maker,
                                       .make_maker = &make_maker,
                                       .sink = sink,
                                       .read =
                                           [&](size_t begin, size_t end) {
                                             selected->set->Restrict(begin, end);
                                             return VisitOpened(selected, visit);
                                           }})
                                  .Run();
  query_.SetTileBytes(bytes_before);
  return status;
}

absl::Status Evaluator::SelectorRows(const VectorSelector& selector, RowSink* sink) {
  if (selector.smoothed) return SmoothedRows(selector, sink);
  const RowNeeds needs = sink->needs();
  storage::SelectHints hints;
  hints.labels = needs.labels;
  hints.times_only = !needs.values;
  hints.newest_only = instant();
  std::vector<int64_t> references(steps());
  for (size_t step = 0; step < steps(); ++step) references[step] = ReferenceTime(selector, step);
  const storage::TimeRange range{references.front() - query_.lookback_ms + 1, references.back()};
  return SelectRows(
      selector, range, hints,
      [&] { return std::make_unique<NewestRows>(references, query_.lookback_ms); }, sink);
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
