// SPDX-License-Identifier: Apache-2.0
#include "promql/memory_store.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "model/value.h"
#include "promql/float_histogram.h"

namespace hearth::promql {
namespace {

bool AllMatch(model::LabelsView labels, const std::vector<model::Matcher>& matchers) {
  return std::all_of(matchers.begin(), matchers.end(), [labels](const model::Matcher& matcher) {
    return matcher.Matches(labels.Get(matcher.name()));
  });
}

}  // namespace

class MemoryStore::Set : public storage::SeriesSet {
 public:
  Set(const std::map<model::Labels, Columns>& series, const storage::SelectRequest& request,
      const storage::SelectHints& hints, bool numbers_timelines)
      : series_(series),
        at_(series.begin()),
        end_(series.end()),
        range_(request.range),
        matchers_(request.matchers),
        hints_(hints),
        numbers_timelines_(numbers_timelines) {}

  absl::StatusOr<bool> Next(storage::ColumnBatch* batch) override {
    batch->series.clear();
    for (; at_ != end_ && batch->series.size() < storage::kTileSeries; ++at_) {
      if (!AllMatch(at_->first, matchers_) || !HasSample(at_->second, range_)) continue;
      const Columns& columns = at_->second;
      const auto begin =
          std::lower_bound(columns.times_ms.begin(), columns.times_ms.end(), range_.min_ms);
      const auto end = std::upper_bound(begin, columns.times_ms.end(), range_.max_ms);
      const auto first = static_cast<size_t>(begin - columns.times_ms.begin());
      const auto count = static_cast<size_t>(end - begin);
      const auto earlier = [](const model::HistogramSample& sample, int64_t time) {
        return sample.time_ms < time;
      };
      const auto h_begin = std::lower_bound(columns.histograms.begin(), columns.histograms.end(),
                                            range_.min_ms, earlier);
      auto h_end = h_begin;
      while (h_end != columns.histograms.end() && h_end->time_ms <= range_.max_ms) ++h_end;
      batch->series.push_back(
          {at_->first, std::span(columns.times_ms).subspan(first, count),
           std::span(columns.values).subspan(first, count), 0,
           std::span(columns.histograms)
               .subspan(static_cast<size_t>(h_begin - columns.histograms.begin()),
                        static_cast<size_t>(h_end - h_begin))});
      if (columns.has_starts) {
        batch->series.back().start_times_ms = std::span(columns.starts).subspan(first, count);
      }
      LeaveOut(&batch->series.back());
      const size_t n = batch->series.size();
      if (n > 1 && AreOne(batch->series[n - 2], batch->series[n - 1])) {
        ++batch->series[n - 2].series;
        batch->series.pop_back();
      }
    }
    return !batch->series.empty();
  }

  size_t rows() const override { return series_.size(); }
  void Restrict(size_t begin, size_t end) override {
    at_ = std::next(series_.begin(), static_cast<std::ptrdiff_t>(begin));
    end_ = std::next(series_.begin(), static_cast<std::ptrdiff_t>(std::min(end, series_.size())));
  }
  absl::StatusOr<std::unique_ptr<storage::SeriesSet>> Fork() override {
    if (hints_.labels.has_value()) {
      for (const auto& [labels, columns] : series_) Project(labels);
    }
    auto fork = std::make_unique<Set>(*this);
    fork->timelines_.clear();
    return fork;
  }

 private:
  const std::pair<const model::Labels, uint32_t>& Project(model::LabelsView labels) {
    model::LabelsBuilder builder(labels);
    builder.Keep(*hints_.labels);
    return *projections_
                .try_emplace(builder.Build(), static_cast<uint32_t>(projections_.size() + 1))
                .first;
  }
  bool AreOne(const storage::SeriesColumns& a, const storage::SeriesColumns& b) const {
    return hints_.times_only && a.labels_id != 0 && a.labels_id == b.labels_id &&
           a.values.empty() && b.values.empty() && a.histograms.empty() && b.histograms.empty() &&
           std::ranges::equal(a.times_ms, b.times_ms);
  }
  // What the hints say that nobody looks at.
  void LeaveOut(storage::SeriesColumns* series) {
    series->marked = std::any_of(series->values.begin(), series->values.end(), model::IsStaleNan);
    const bool floats_only = series->histograms.empty() && !series->values.empty();
    if (hints_.newest_only && floats_only) {
      series->times_ms = series->times_ms.last(1);
      series->values = series->values.last(1);
      if (!series->start_times_ms.empty()) {
        series->start_times_ms = series->start_times_ms.last(1);
      }
    }
    if (hints_.times_only && floats_only && !series->marked) series->values = {};
    if (numbers_timelines_ && !series->times_ms.empty()) {
      series->timeline = timelines_
                             .try_emplace({series->times_ms.begin(), series->times_ms.end()},
                                          timelines_.size() + 1)
                             .first->second;
    }
    if (!hints_.labels.has_value()) return;
    const auto& [labels, id] = Project(series->labels);
    series->labels = labels;
    series->labels_id = id;
  }

  const std::map<model::Labels, Columns>& series_;
  std::map<model::Labels, Columns>::const_iterator at_;
  std::map<model::Labels, Columns>::const_iterator end_;
  const storage::TimeRange range_;
  const std::vector<model::Matcher> matchers_;
  const storage::SelectHints hints_;
  const bool numbers_timelines_;
  std::map<model::Labels, uint32_t> projections_;
  std::map<std::vector<int64_t>, uint64_t> timelines_;
};

void MemoryStore::Add(const model::Labels& labels, int64_t time_ms, double value,
                      int64_t start_time_ms) {
  Columns& columns = series_[labels];
  const auto at = std::lower_bound(columns.times_ms.begin(), columns.times_ms.end(), time_ms);
  const auto index = at - columns.times_ms.begin();
  columns.has_starts |= start_time_ms != 0;
  if (at != columns.times_ms.end() && *at == time_ms) {
    columns.values[static_cast<size_t>(index)] = value;
    columns.starts[static_cast<size_t>(index)] = start_time_ms;
    return;
  }
  columns.times_ms.insert(at, time_ms);
  columns.values.insert(columns.values.begin() + index, value);
  columns.starts.insert(columns.starts.begin() + index, start_time_ms);
}

void MemoryStore::AddHistogram(const model::Labels& labels, model::HistogramSample sample) {
  std::vector<model::HistogramSample>& histograms = series_[labels].histograms;
  const auto at = std::upper_bound(
      histograms.begin(), histograms.end(), sample.time_ms,
      [](int64_t time, const model::HistogramSample& other) { return time < other.time_ms; });
  // Like a store of chunks: a histogram that continues the one before it is known not to be a
  // reset.
  if (at != histograms.begin() && sample.histogram->hint == model::CounterResetHint::kUnknown) {
    const FloatHistogram before = FloatHistogram::FromModel(*std::prev(at)->histogram);
    const FloatHistogram now = FloatHistogram::FromModel(*sample.histogram);
    if (before.hint != model::CounterResetHint::kGauge && before.custom() == now.custom()) {
      auto hinted = std::make_shared<model::NativeHistogram>(*sample.histogram);
      hinted->hint = now.DetectReset(before) ? model::CounterResetHint::kUnknown
                                             : model::CounterResetHint::kNotReset;
      sample.histogram = std::move(hinted);
    }
  }
  histograms.insert(at, std::move(sample));
}

bool MemoryStore::HasSample(const Columns& columns, storage::TimeRange range) {
  const auto at = std::lower_bound(columns.times_ms.begin(), columns.times_ms.end(), range.min_ms);
  if (at != columns.times_ms.end() && *at <= range.max_ms) return true;
  return std::any_of(columns.histograms.begin(), columns.histograms.end(),
                     [range](const model::HistogramSample& sample) {
                       return sample.time_ms >= range.min_ms && sample.time_ms <= range.max_ms;
                     });
}

absl::StatusOr<std::unique_ptr<storage::SeriesSet>> MemoryStore::Select(
    const storage::SelectRequest& request) const {
  return std::make_unique<Set>(
      series_, request, honour_hints_ ? request.hints : storage::SelectHints(), honour_hints_);
}

absl::StatusOr<std::vector<model::Labels>> MemoryStore::Series(
    storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
    size_t limit) const {
  std::vector<model::Labels> found;
  for (const auto& [labels, columns] : series_) {
    const bool selected =
        selectors.empty() || std::any_of(selectors.begin(), selectors.end(),
                                         [&](const auto& all) { return AllMatch(labels, all); });
    if (!selected || !HasSample(columns, range)) continue;
    found.push_back(labels);
    if (limit != 0 && found.size() == limit) break;
  }
  return found;
}

absl::StatusOr<std::vector<std::string>> MemoryStore::LabelNames(
    storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
    size_t limit) const {
  std::set<std::string> names;
  const auto series = Series(range, selectors, 0);
  for (const model::Labels& labels : *series) {
    for (const model::Label& label : labels) names.emplace(label.name);
  }
  std::vector<std::string> out(names.begin(), names.end());
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

absl::StatusOr<std::vector<std::string>> MemoryStore::LabelValues(
    std::string_view name, storage::TimeRange range,
    const std::vector<std::vector<model::Matcher>>& selectors, size_t limit) const {
  std::set<std::string> values;
  const auto series = Series(range, selectors, 0);
  for (const model::Labels& labels : *series) {
    if (!labels.Get(name).empty()) values.emplace(labels.Get(name));
  }
  std::vector<std::string> out(values.begin(), values.end());
  if (limit != 0 && out.size() > limit) out.resize(limit);
  return out;
}

std::vector<model::Metadata> MemoryStore::MetricMetadata(std::string_view, size_t) const {
  return {};
}

}  // namespace hearth::promql
