// SPDX-License-Identifier: Apache-2.0
// How a store is read: matchers and a time range in, series-major column batches out. One batch is
// a tile of series, each with all its samples of the range as two columns; nothing is handed out
// sample by sample.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/histogram.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/metadata.h"
#include "storage/appender.h"

namespace hearth::storage {

// One series' samples in [min, max] of the request, staleness markers included. What the spans
// point to is valid until the next call of the SeriesSet that handed it out.
struct SeriesColumns {
  model::LabelsView labels;           // at least those of SelectHints::labels
  std::span<const int64_t> times_ms;  // strictly increasing
  std::span<const double> values;     // as many as times_ms; none: SelectHints::times_only
  // Equal non-zero ids within one SeriesSet: the same times_ms, bit for bit; 0: not known. Window
  // bounds can then be found once for all series of a scrape.
  uint64_t timeline = 0;
  // By time; no time is in both columns. Staleness of a histogram series is a histogram too.
  std::span<const model::HistogramSample> histograms;
  // When the counter of each sample began, 0 where unknown; empty where no sample has one.
  std::span<const int64_t> start_times_ms = {};
  // Equal non-zero ids within one SeriesSet: the same labels as handed out; small numbers. 0: not
  // known. What depends on labels alone can then be found once.
  uint32_t labels_id = 0;
  bool marked = true;  // false: known that no float is a staleness marker
  // How many series this stands for: more than one only under SelectHints::times_only.
  uint32_t series = 1;
  // Under SelectHints::windows, where a sample may stand for others: how many samples the series
  // has before each of times_ms and, last, in all; one more than times_ms. The same for equal
  // timelines. Empty: each stands for itself.
  std::span<const uint64_t> samples_before = {};
  size_t floats() const { return samples_before.empty() ? times_ms.size() : samples_before.back(); }
};

struct ColumnBatch {
  std::vector<SeriesColumns> series;  // 1 … kTileSeries
};
inline constexpr size_t kTileSeries = 64;

// Both ends inclusive. The evaluator's windows are open on the left, so it asks from start + 1.
struct TimeRange {
  int64_t min_ms = 0;
  int64_t max_ms = 0;
};

// Windows (end - range, end] for `count` ends, the first and then each `step` later, and what the
// reader takes of the floats in each. Times are ms.
enum class WindowValue : uint8_t {
  kCount,
  kFirst,
  kLast,
  kMin,  // the first of equal ones; NaN where all are, the last of them
  kMax,
  kEnds,      // first and last, and how many there are
  kIncrease,  // the same, and each that is followed by a lower one
};
struct Windows {
  int64_t first_end_ms = 0;
  int64_t step_ms = 0;
  int64_t count = 0;
  int64_t range_ms = 0;
  WindowValue value = WindowValue::kCount;
};

// What the reader will not look at, so that a store may leave it out; it may also ignore all this.
struct SelectHints {
  // Only these labels count, sorted by name; others may be missing. Not set: all labels.
  std::optional<std::vector<std::string>> labels;
  // Only the newest sample of the range counts; older ones may be missing.
  bool newest_only = false;
  // Only times count, and which samples are staleness markers: a series without markers and
  // histograms may come without values, and neighbours of those that have equal times and equal
  // labels, of those that count, may come as one.
  bool times_only = false;
  // Only these windows count. Samples of a series that all lie in the same ones may come as one or
  // two that tell the same of them, at the times of the first or last; markers never among them.
  std::optional<Windows> windows;
};

struct SelectRequest {
  TimeRange range;
  std::vector<model::Matcher> matchers;  // all must match; at least one
  Position at_least;                     // read your writes; {} does not wait
  // Looked at between tiles; true ends the read with Cancelled. May be null.
  const std::atomic<bool>* cancelled = nullptr;
  SelectHints hints = {};
};

// Series come sorted by all their labels (model::LabelsView::Compare), each once. Not thread-safe.
class SeriesSet {
 public:
  virtual ~SeriesSet() = default;
  // Fills `batch` with the next tile; false at the end. DataLoss names the corrupt file.
  virtual absl::StatusOr<bool> Next(ColumnBatch* batch) = 0;
  // What the reader should tell whoever asked (a page that could not be read, …).
  virtual std::vector<std::string> warnings() const { return {}; }

  // For reading one set in parts, on several threads. How many series there are, at most; 0: it
  // cannot be read so.
  virtual size_t rows() const { return 0; }
  // Another reader of the same series, for another thread; called by the one that reads this. Equal
  // labels_id mean equal labels in both, timelines are each one's own.
  virtual absl::StatusOr<std::unique_ptr<SeriesSet>> Fork();
  // Next() goes on with series number `begin`, in the set's order, and ends before `end`.
  virtual void Restrict(size_t /*begin*/, size_t /*end*/) {}
};

struct SeriesExemplars {
  model::Labels labels;
  std::vector<model::Exemplar> exemplars;  // by time
};

// Thread-safe; must outlive the sets that it made.
class Querier {
 public:
  virtual ~Querier() = default;
  virtual absl::StatusOr<std::unique_ptr<SeriesSet>> Select(const SelectRequest& request) const = 0;
  // Label sets of the series with a sample in the range, sorted, at most `limit` (0: all). Each
  // inner list of matchers is one selector; their union is meant. Empty outer list: every series.
  virtual absl::StatusOr<std::vector<model::Labels>> Series(
      TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
      size_t limit) const = 0;
  virtual absl::StatusOr<std::vector<std::string>> LabelNames(
      TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
      size_t limit) const = 0;
  virtual absl::StatusOr<std::vector<std::string>> LabelValues(
      std::string_view name, TimeRange range,
      const std::vector<std::vector<model::Matcher>>& selectors, size_t limit) const = 0;
  // By metric name; `metric` "" means all. At most `limit` metrics (0: all).
  virtual std::vector<model::Metadata> MetricMetadata(std::string_view metric,
                                                      size_t limit) const = 0;
  // Exemplars within the range of the series that any of the selectors matches, by labels. A store
  // without exemplars has none.
  virtual absl::StatusOr<std::vector<SeriesExemplars>> Exemplars(
      TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors) const;
};

}  // namespace hearth::storage
