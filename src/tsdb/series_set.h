// SPDX-License-Identifier: Apache-2.0
// Sources of series (head, blocks) and how they are merged: by labels, then by time. At equal times
// the sample of the earlier source counts (sources come in the order of their writing, so an
// in-order sample wins over a late one).
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
#include "tsdb/column_statistics.h"

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

// Float samples of one series that lie together: a chunk or a column.
struct SampleRun {
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  uint32_t count = 0;
  // Runs of one source that are equal in this, in first, last and count have equal times. 0: not
  // known without decoding.
  uint32_t times_key = 0;
  bool marked = true;  // a staleness marker may be among them
  // For the source that made it.
  const uint8_t* bytes = nullptr;
  uint32_t place = 0;
  uint32_t column = 0;
  uint32_t source = 0;  // for whoever merges
  uint8_t flags = kColumnUnknown;
  bool summed = false;  // the source can tell ReadStatistics()
  // How many samples stand for the run (run_reduction.h); 0: its own.
  uint8_t points = 0;
  size_t samples() const { return points > 0 ? points : count; }
};

// Series of one place, sorted by labels.
class SeriesSource {
 public:
  virtual ~SeriesSource() = default;
  // To the first, then each next series; false at the end.
  virtual absl::StatusOr<bool> Next() { return false; }
  virtual model::LabelsView labels() const = 0;  // until Next or Seek
  // Appends the series' samples that may lie in the range, runs sorted by time in their precedence.
  virtual absl::Status Read(storage::TimeRange range, Columns* columns) = 0;

  // The number of the series, and back to it.
  virtual uint32_t id() const { return 0; }
  virtual absl::Status Seek(uint32_t id, bool with_labels);
  // Appends the runs that may lie in the range; false where the series has more than runs there
  // (late or deleted samples, histograms, start times), which Read() must sort out. `times_only`:
  // as storage::SelectHints.
  virtual absl::StatusOr<bool> Runs(storage::TimeRange range, bool times_only,
                                    std::vector<SampleRun>* runs);
  // `count` of either, where not null.
  virtual absl::Status ReadRun(const SampleRun& run, int64_t* times_ms, double* values);
  // Of a run that is `summed`.
  virtual absl::Status ReadStatistics(const SampleRun& run, ColumnStatistics* statistics);
  // The same series, to seek in, for another thread; null where they are not to be seeked in.
  virtual std::unique_ptr<SeriesSource> Fork() const { return nullptr; }
};

// Sources in the order of their writing, earliest first.
class SeriesMerger {
 public:
  explicit SeriesMerger(std::vector<std::unique_ptr<SeriesSource>> sources)
      : sources_(std::move(sources)) {}
  absl::StatusOr<bool> Next();
  model::LabelsView labels() const { return sources_[current_[0]]->labels(); }
  // Appends the merged samples of the range to `columns`.
  absl::Status Read(storage::TimeRange range, Columns* columns);
  // Which sources have the current series, in their order.
  const std::vector<size_t>& current() const { return current_; }
  const SeriesSource& source(size_t i) const { return *sources_[i]; }

 private:
  absl::Status Advance(size_t source);
  std::vector<std::unique_ptr<SeriesSource>> sources_;
  std::vector<size_t> live_;     // sources that stand at a series, in order
  std::vector<size_t> current_;  // those of them that have the current one
  bool started_ = false;
};

}  // namespace hearth::tsdb
