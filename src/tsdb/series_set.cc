// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_set.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/status.h"
#include "tsdb/histogram_codec.h"

namespace hearth::tsdb {
bool Columns::HasStarts(size_t begin, size_t end) const {
  end = std::min(end, starts.size());
  for (size_t i = begin; i < end; ++i) {
    if (starts[i] != 0) return true;
  }
  return false;
}

void Columns::SortFrom(size_t begin) {
  bool sorted = true;
  for (size_t i = begin + 1; i < size(); ++i) sorted = sorted && times_ms[i - 1] < times_ms[i];
  if (sorted) return;
  std::vector<uint32_t> order(size() - begin);
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return times_ms[begin + a] < times_ms[begin + b];
  });
  const bool has_starts = starts.size() > begin;
  if (has_starts) starts.resize(size());
  Columns done;
  for (const uint32_t i : order) {
    const int64_t time = times_ms[begin + i];
    if (done.size() > 0 && done.times_ms.back() == time) continue;
    done.Append(time, values[begin + i]);
    if (has_starts) done.starts.push_back(starts[begin + i]);
  }
  Resize(begin);
  times_ms.insert(times_ms.end(), done.times_ms.begin(), done.times_ms.end());
  values.insert(values.end(), done.values.begin(), done.values.end());
  starts.insert(starts.end(), done.starts.begin(), done.starts.end());
}

void Columns::TrimFrom(size_t begin, storage::TimeRange range) {
  const auto first = times_ms.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto low = std::lower_bound(first, times_ms.end(), range.min_ms);
  const auto high = std::upper_bound(low, times_ms.end(), range.max_ms);
  const auto n = high - low;
  if (low != first) {
    const auto skipped = low - times_ms.begin();
    const auto from = values.begin() + skipped;
    std::copy(from, from + n, values.begin() + static_cast<std::ptrdiff_t>(begin));
    if (starts.size() > begin) {
      starts.resize(size());
      const auto starts_from = starts.begin() + skipped;
      std::copy(starts_from, starts_from + n, starts.begin() + static_cast<std::ptrdiff_t>(begin));
    }
    std::copy(low, high, first);
  }
  Resize(begin + static_cast<size_t>(n));
}

void Columns::SettleHistograms(size_t histograms_begin, size_t begin, storage::TimeRange range) {
  if (histograms.size() == histograms_begin) return;
  const std::span<model::HistogramSample> all = std::span(histograms).subspan(histograms_begin);
  bool sorted = true;
  for (size_t i = 1; i < all.size(); ++i) sorted = sorted && all[i - 1].time_ms < all[i].time_ms;
  std::vector<uint32_t> order(all.size());
  std::iota(order.begin(), order.end(), 0U);
  if (!sorted) {
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return all[a].time_ms < all[b].time_ms; });
  }
  std::vector<model::HistogramSample> settled;
  uint32_t before = 0;
  for (const uint32_t i : order) {
    const int64_t time = all[i].time_ms;
    if (time < range.min_ms || time > range.max_ms) continue;
    if (!settled.empty() && settled.back().time_ms == time) continue;
    if (std::binary_search(times_ms.begin() + static_cast<std::ptrdiff_t>(begin), times_ms.end(),
                           time)) {
      continue;
    }
    settled.push_back(std::move(all[i]));
    // What a hint says is about the one that came before it where it was written.
    if (settled.size() > 1 && i != before + 1) {
      settled.back().histogram = WithUnknownHint(settled.back().histogram);
    }
    before = i;
  }
  histograms.resize(histograms_begin);
  histograms.insert(histograms.end(), settled.begin(), settled.end());
}

absl::Status SeriesSource::Seek(uint32_t /*id*/, bool /*with_labels*/) {
  return absl::UnimplementedError("this source is read from its first series to its last");
}

absl::StatusOr<bool> SeriesSource::Runs(storage::TimeRange /*range*/, bool /*times_only*/,
                                        std::vector<SampleRun>* /*runs*/) {
  return false;
}

absl::Status SeriesSource::ReadRun(const SampleRun& /*run*/, int64_t* /*times_ms*/,
                                   double* /*values*/) {
  return absl::UnimplementedError("this source has no runs");
}

absl::Status SeriesSource::ReadStatistics(const SampleRun& /*run*/,
                                          ColumnStatistics* /*statistics*/) {
  return absl::UnimplementedError("this source has no statistics");
}

absl::Status SeriesMerger::Advance(size_t source) {
  TRY_ASSIGN(const bool more, sources_[source]->Next());
  if (!more) std::erase(live_, source);
  return absl::OkStatus();
}

absl::StatusOr<bool> SeriesMerger::Next() {
  if (!started_) {
    started_ = true;
    for (size_t i = 0; i < sources_.size(); ++i) live_.push_back(i);
    current_ = live_;
  }
  for (const size_t source : current_) TRY(Advance(source));
  current_.clear();
  // A handful of sources: a scan is as good as a heap.
  for (const size_t source : live_) {
    if (current_.empty()) {
      current_.push_back(source);
      continue;
    }
    const model::LabelsView candidate = sources_[source]->labels();
    if (candidate.packed() != labels().packed()) {  // most are the same: quickly told
      const auto order = candidate.Compare(labels());
      if (order > 0) continue;
      if (order < 0) current_.clear();
    }
    current_.push_back(source);
  }
  return !current_.empty();
}

absl::Status SeriesMerger::Read(storage::TimeRange range, Columns* columns) {
  const size_t begin = columns->size();
  const size_t histograms = columns->histograms.size();
  for (const size_t source : current_) TRY(sources_[source]->Read(range, columns));
  columns->SortFrom(begin);
  columns->TrimFrom(begin, range);
  columns->SettleHistograms(histograms, begin, range);
  return absl::OkStatus();
}

}  // namespace hearth::tsdb
