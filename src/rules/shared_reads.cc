// SPDX-License-Identifier: Apache-2.0
#include "rules/shared_reads.h"

#include <algorithm>

#include "base/status.h"

namespace hearth::rules {
namespace {

std::string KeyOf(const std::vector<model::Matcher>& matchers) {
  std::string key;
  for (const model::Matcher& matcher : matchers) key += matcher.ToString() + ",";
  return key;
}

struct Columns {
  model::Labels labels;
  std::vector<int64_t> times_ms;
  std::vector<double> values;
  uint64_t timeline = 0;
  std::vector<model::HistogramSample> histograms;
  std::vector<int64_t> start_times_ms;

  explicit Columns(const storage::SeriesColumns& from)
      : labels(from.labels),
        times_ms(from.times_ms.begin(), from.times_ms.end()),
        values(from.values.begin(), from.values.end()),
        timeline(from.timeline),
        histograms(from.histograms.begin(), from.histograms.end()),
        start_times_ms(from.start_times_ms.begin(), from.start_times_ms.end()) {}
  // Histograms may be the store's own; what they take beyond a pointer is estimated.
  size_t bytes() const {
    constexpr size_t kHistogramBytes = 512;
    return sizeof(Columns) + labels.packed().size() + times_ms.size() * 16 +
           start_times_ms.size() * 8 + histograms.size() * kHistogramBytes;
  }
};

// What lies in `range`; false where nothing does.
bool Within(const Columns& columns, storage::TimeRange range, storage::SeriesColumns* out) {
  const auto& times = columns.times_ms;
  const auto begin = static_cast<size_t>(
      std::lower_bound(times.begin(), times.end(), range.min_ms) - times.begin());
  const auto end = static_cast<size_t>(std::upper_bound(times.begin(), times.end(), range.max_ms) -
                                       times.begin());
  const auto later = [](const model::HistogramSample& sample, int64_t time_ms) {
    return sample.time_ms < time_ms;
  };
  const auto& histograms = columns.histograms;
  const auto h_begin = static_cast<size_t>(
      std::lower_bound(histograms.begin(), histograms.end(), range.min_ms, later) -
      histograms.begin());
  const auto h_end = static_cast<size_t>(
      std::lower_bound(histograms.begin(), histograms.end(), range.max_ms + 1, later) -
      histograms.begin());
  if (begin >= end && h_begin >= h_end) return false;
  out->labels = columns.labels;
  out->times_ms = std::span(times).subspan(begin, end - begin);
  out->values = std::span(columns.values).subspan(begin, end - begin);
  out->timeline = columns.timeline;
  out->histograms = std::span(histograms).subspan(h_begin, h_end - h_begin);
  out->start_times_ms = {};
  if (!columns.start_times_ms.empty()) {
    out->start_times_ms = std::span(columns.start_times_ms).subspan(begin, end - begin);
  }
  return true;
}

}  // namespace

struct SharedReads::Kept {
  std::vector<Columns> series;
  std::vector<std::string> warnings;
};

class SharedReads::Set : public storage::SeriesSet {
 public:
  Set(std::shared_ptr<const Kept> kept, storage::TimeRange range)
      : kept_(std::move(kept)), range_(range) {}
  absl::StatusOr<bool> Next(storage::ColumnBatch* batch) override {
    batch->series.clear();
    while (next_ < kept_->series.size() && batch->series.size() < storage::kTileSeries) {
      storage::SeriesColumns columns;
      if (Within(kept_->series[next_++], range_, &columns)) batch->series.push_back(columns);
    }
    return !batch->series.empty();
  }
  std::vector<std::string> warnings() const override { return kept_->warnings; }

 private:
  const std::shared_ptr<const Kept> kept_;
  const storage::TimeRange range_;
  size_t next_ = 0;
};

ReadHabits SharedReads::TakeHabits() {
  absl::MutexLock lock(&mutex_);
  return std::move(habits_);
}

size_t SharedReads::reads_saved() const {
  absl::MutexLock lock(&mutex_);
  return saved_;
}

bool SharedReads::MayBeWritten(const std::vector<model::Matcher>& matchers) const {
  for (const model::Matcher& matcher : matchers) {
    if (matcher.name() == model::kMetricName && matcher.type() == model::MatchType::kEqual) {
      return written_.contains(matcher.value());
    }
  }
  return true;
}

bool SharedReads::WorthSharing(const std::string& key, const storage::SelectRequest& request,
                               storage::TimeRange* range) const {
  const auto found = before_.by_selector.find(key);
  if (found == before_.by_selector.end()) return false;
  const ReadHabits::Habit& habit = found->second;
  *range = {time_ms_ + habit.min_ms, time_ms_ + habit.max_ms};
  // Times that do not touch (offset 1w) would bring all that lies between them.
  return habit.reads > 1 && !habit.too_big && habit.max_ms - habit.min_ms <= habit.asked_ms &&
         request.range.min_ms >= range->min_ms && request.range.max_ms <= range->max_ms;
}

absl::StatusOr<std::shared_ptr<const SharedReads::Kept>> SharedReads::Read(
    const storage::SelectRequest& request, storage::TimeRange range) const {
  storage::SelectRequest whole = request;
  whole.range = range;
  whole.hints = {};  // what this rule does not look at, another one may
  TRY_ASSIGN(const std::unique_ptr<storage::SeriesSet> set, store_.Select(whole));
  auto kept = std::make_shared<Kept>();
  size_t bytes = 0;
  storage::ColumnBatch batch;
  for (;;) {
    TRY_ASSIGN(const bool more, set->Next(&batch));
    if (!more) break;
    for (const storage::SeriesColumns& series : batch.series) {
      bytes += kept->series.emplace_back(series).bytes();
    }
    if (bytes_ + bytes > kSharedBytesMax) return std::shared_ptr<const Kept>();
  }
  kept->warnings = set->warnings();
  bytes_ += bytes;
  return kept;
}

absl::StatusOr<std::unique_ptr<storage::SeriesSet>> SharedReads::Select(
    const storage::SelectRequest& request) const {
  if (MayBeWritten(request.matchers)) return store_.Select(request);
  const std::string key = KeyOf(request.matchers);
  {
    absl::MutexLock lock(&mutex_);
    ReadHabits::Habit& habit = habits_.by_selector[key];
    const int64_t min_ms = request.range.min_ms - time_ms_;
    const int64_t max_ms = request.range.max_ms - time_ms_;
    habit.min_ms = habit.reads == 0 ? min_ms : std::min(habit.min_ms, min_ms);
    habit.max_ms = habit.reads == 0 ? max_ms : std::max(habit.max_ms, max_ms);
    habit.asked_ms += max_ms - min_ms;
    ++habit.reads;
    const auto before = before_.by_selector.find(key);
    habit.too_big =
        habit.too_big || (before != before_.by_selector.end() && before->second.too_big);
    storage::TimeRange range;
    if (!habit.too_big && WorthSharing(key, request, &range)) {
      auto found = kept_.find(key);
      if (found != kept_.end()) {
        ++saved_;
      } else {
        TRY_ASSIGN(std::shared_ptr<const Kept> kept, Read(request, range));
        habit.too_big = kept == nullptr;
        if (kept != nullptr) found = kept_.emplace(key, std::move(kept)).first;
      }
      if (found != kept_.end()) return std::make_unique<Set>(found->second, request.range);
    }
  }
  return store_.Select(request);
}

}  // namespace hearth::rules
