// SPDX-License-Identifier: Apache-2.0
// Merges what head and blocks have of each series into one SeriesSet: by labels, then by time. At
// equal times the sample of the earlier source counts (sources come in the order of their writing,
// so an in-order sample wins over a late one).
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/labels.h"
#include "storage/querier.h"
#include "tsdb/head.h"

namespace hearth::tsdb {

// A series' samples: two columns that grow together, and what only some series have.
struct Columns {
  std::vector<int64_t> times_ms;
  std::vector<double> values;
  // When the counters began, 0 where unknown: as many as times_ms, or fewer where the rest have
  // none.
  std::vector<int64_t> starts;
  std::vector<model::HistogramSample> histograms;
  size_t size() const { return times_ms.size(); }  // of the floats
  bool empty() const { return times_ms.empty() && histograms.empty(); }
  void Clear() {
    Resize(0);
    histograms.clear();
  }
  void Resize(size_t n) {
    times_ms.resize(n);
    values.resize(n);
    if (starts.size() > n) starts.resize(n);
  }
  void Append(int64_t time_ms, double value) {
    times_ms.push_back(time_ms);
    values.push_back(value);
  }
  // All starts from `begin` on, to be written to.
  std::span<int64_t> StartsFrom(size_t begin) {
    starts.resize(size());
    return std::span(starts).subspan(begin);
  }
  bool HasStarts(size_t begin, size_t end) const;
  // Sorts [begin, size) by time; of equal times the first stays. Cheap if sorted already.
  void SortFrom(size_t begin);
  // Cuts [begin, size), sorted, to the range.
  void TrimFrom(size_t begin, storage::TimeRange range);
  // The same for histograms, in one; those at the time of a float from `begin` on go.
  void SettleHistograms(size_t histograms_begin, size_t begin, storage::TimeRange range);
};

// Series of one place, sorted by labels.
class SeriesSource {
 public:
  virtual ~SeriesSource() = default;
  virtual absl::StatusOr<bool> Next() = 0;  // to the first, then each next series; false at the end
  virtual model::LabelsView labels() const = 0;  // until Next
  // Appends the series' samples that may lie in the range, runs sorted by time in their precedence.
  virtual absl::Status Read(storage::TimeRange range, Columns* columns) = 0;
};

std::unique_ptr<SeriesSource> MakeHeadSource(HeadSnapshot snapshot);
// The samples of a frozen head, for sealing; series sorted by labels.
std::unique_ptr<SeriesSource> MakeFrozenSource(std::shared_ptr<const FrozenHead> frozen);

// Sources in the order of their writing, earliest first.
class SeriesMerger {
 public:
  explicit SeriesMerger(std::vector<std::unique_ptr<SeriesSource>> sources)
      : sources_(std::move(sources)) {}
  absl::StatusOr<bool> Next();
  model::LabelsView labels() const { return sources_[current_[0]]->labels(); }
  // Appends the merged samples of the range to `columns`.
  absl::Status Read(storage::TimeRange range, Columns* columns);

 private:
  absl::Status Advance(size_t source);
  std::vector<std::unique_ptr<SeriesSource>> sources_;
  std::vector<size_t> live_;     // sources that stand at a series, in order
  std::vector<size_t> current_;  // those of them that have the current one
  bool started_ = false;
};

std::unique_ptr<storage::SeriesSet> MakeSeriesSet(
    std::vector<std::unique_ptr<SeriesSource>> sources, storage::TimeRange range,
    const std::atomic<bool>* cancelled);

}  // namespace hearth::tsdb
