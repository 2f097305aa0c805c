// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_set.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "base/status.h"

namespace hearth::tsdb {
namespace {

// Distinct timelines that one set remembers: targets of a query seldom are more; beyond, timelines
// are simply not known to be equal.
constexpr size_t kTimelinesMax = 4096;

void AppendLate(const std::vector<Sample>& late, Columns* columns) {
  for (const Sample& sample : late) {
    columns->Append(sample.time_ms, std::bit_cast<double>(sample.value_bits));
  }
}

void AppendChunk(const Chunk& chunk, storage::TimeRange range, Columns* columns) {
  if (chunk.count == 0 || chunk.first_ms > range.max_ms || chunk.last_ms < range.min_ms) return;
  DecodeChunk(chunk.data.get(), chunk.count, &columns->times_ms, &columns->values);
}

// Starts of the floats: in order from `begin` on, late ones from `late_begin` on; and histograms.
void AppendRich(const RichPart* rich, size_t begin, size_t late_begin, storage::TimeRange range,
                Columns* columns) {
  if (rich == nullptr) return;
  rich->AppendHistograms(range, &columns->histograms);
  if (rich->starts.empty()) return;
  const std::span<const int64_t> times(columns->times_ms);
  const std::span<int64_t> starts = columns->StartsFrom(begin);
  rich->starts.Fill(times.subspan(begin, late_begin - begin), starts.first(late_begin - begin));
  rich->starts.FillLate(times.subspan(late_begin), starts.subspan(late_begin - begin));
}

void AppendFrozen(const FrozenHead& frozen, const FrozenSeries& series, storage::TimeRange range,
                  Columns* columns) {
  const size_t begin = columns->size();
  const FrozenTail* const tail = series.tail.get();
  if (tail != nullptr) {
    for (const auto& chunk : tail->chunks) AppendChunk(*chunk, range, columns);
  }
  if (series.count > 0 && series.last_ms >= range.min_ms) {
    DecodeChunk(frozen.arena.at(series.chunk), series.count, &columns->times_ms, &columns->values);
  }
  if (tail == nullptr) return;
  const size_t late_begin = columns->size();
  AppendLate(tail->late, columns);
  AppendRich(tail->rich.get(), begin, late_begin, range, columns);
}

// `compare`: the labels of two of them.
template <typename Compare>
std::vector<uint32_t> OrderByLabels(size_t n, const Compare& compare) {
  std::vector<uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return compare(a, b) < 0; });
  return order;
}

class HeadSource : public SeriesSource {
 public:
  explicit HeadSource(HeadSnapshot snapshot)
      : snapshot_(std::move(snapshot)),
        order_(OrderByLabels(snapshot_.parts.size(), [this](uint32_t a, uint32_t b) {
          return snapshot_.parts[a].labels.Compare(snapshot_.parts[b].labels);
        })) {}
  absl::StatusOr<bool> Next() override { return ++next_ <= order_.size(); }
  model::LabelsView labels() const override { return part().labels; }
  absl::Status Read(storage::TimeRange range, Columns* columns) override {
    const HeadPart& series = part();
    if (series.frozen != nullptr) AppendFrozen(*snapshot_.frozen, *series.frozen, range, columns);
    const size_t begin = columns->size();
    for (const auto& chunk : series.chunks) AppendChunk(*chunk, range, columns);
    DecodeChunk(snapshot_.open_bytes.data() + series.open_at, series.open_count, &columns->times_ms,
                &columns->values);
    const size_t late_begin = columns->size();
    AppendLate(series.late, columns);
    AppendRich(series.rich.get(), begin, late_begin, range, columns);
    return absl::OkStatus();
  }

 private:
  const HeadPart& part() const { return snapshot_.parts[order_[next_ - 1]]; }
  const HeadSnapshot snapshot_;
  const std::vector<uint32_t> order_;
  size_t next_ = 0;
};

class FrozenSource : public SeriesSource {
 public:
  explicit FrozenSource(std::shared_ptr<const FrozenHead> frozen)
      : frozen_(std::move(frozen)),
        order_(OrderByLabels(frozen_->series.size(), [this](uint32_t a, uint32_t b) {
          return frozen_->labels->Compare(frozen_->series[a].id, frozen_->series[b].id);
        })) {}
  absl::StatusOr<bool> Next() override {
    if (++next_ > order_.size()) return false;
    packed_.clear();
    frozen_->labels->Append(series().id, &packed_);
    return true;
  }
  model::LabelsView labels() const override { return model::LabelsView(packed_); }
  absl::Status Read(storage::TimeRange range, Columns* columns) override {
    AppendFrozen(*frozen_, series(), range, columns);
    return absl::OkStatus();
  }

 private:
  const FrozenSeries& series() const { return frozen_->series[order_[next_ - 1]]; }
  const std::shared_ptr<const FrozenHead> frozen_;
  const std::vector<uint32_t> order_;
  std::string packed_;  // labels of the current one
  size_t next_ = 0;
};

class MergedSet : public storage::SeriesSet {
 public:
  MergedSet(std::vector<std::unique_ptr<SeriesSource>> sources, storage::TimeRange range,
            const std::atomic<bool>* cancelled)
      : merger_(std::move(sources)), range_(range), cancelled_(cancelled) {
    labels_.resize(storage::kTileSeries);
  }

  absl::StatusOr<bool> Next(storage::ColumnBatch* batch) override {
    batch->series.clear();
    columns_.Clear();
    places_.clear();
    while (places_.size() < storage::kTileSeries) {
      if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) {
        return Cancelled("the query was cancelled");
      }
      TRY_ASSIGN(const bool more, merger_.Next());
      if (!more) break;
      const size_t begin = columns_.size();
      const size_t histograms = columns_.histograms.size();
      TRY(merger_.Read(range_, &columns_));
      if (columns_.size() == begin && columns_.histograms.size() == histograms) continue;
      labels_[places_.size()] = merger_.labels().packed();
      places_.push_back({begin, columns_.size(), histograms, columns_.histograms.size(),
                         columns_.size() == begin ? 0 : FindTimeline(begin)});
    }
    for (size_t i = 0; i < places_.size(); ++i) {
      const Place& place = places_[i];
      const size_t n = place.end - place.begin;
      storage::SeriesColumns& out = batch->series.emplace_back();
      out.labels = model::LabelsView(labels_[i]);
      out.values = std::span(columns_.values).subspan(place.begin, n);
      out.histograms =
          std::span<const model::HistogramSample>(columns_.histograms)
              .subspan(place.histograms_begin, place.histograms_end - place.histograms_begin);
      if (columns_.HasStarts(place.begin, place.end)) {
        out.start_times_ms = columns_.StartsFrom(0).subspan(place.begin, n);
      }
      if (place.timeline == 0) {
        out.times_ms = std::span(columns_.times_ms).subspan(place.begin, n);
      } else {
        out.timeline = place.timeline;
        out.times_ms = timelines_[place.timeline - 1];
      }
    }
    return !batch->series.empty();
  }

 private:
  struct Place {
    size_t begin = 0;
    size_t end = 0;
    size_t histograms_begin = 0;
    size_t histograms_end = 0;
    uint64_t timeline = 0;
  };

  // The number (from 1) of the timeline that equals columns_.times_ms from `begin` on; 0: no room.
  uint64_t FindTimeline(size_t begin) {
    const std::span<const int64_t> times = std::span(columns_.times_ms).subspan(begin);
    const auto equals = [&](uint64_t id) { return std::ranges::equal(timelines_[id - 1], times); };
    if (last_timeline_ != 0 && equals(last_timeline_)) return last_timeline_;
    const uint64_t hash = XXH3_64bits(times.data(), times.size_bytes());
    const auto [it, added] = by_hash_.try_emplace(hash, 0);
    if (!added) {
      if (it->second == 0 || !equals(it->second)) return 0;
    } else if (timelines_.size() < kTimelinesMax) {
      timelines_.emplace_back(times.begin(), times.end());
      it->second = timelines_.size();
    } else {
      by_hash_.erase(it);
      return 0;
    }
    last_timeline_ = it->second;
    return last_timeline_;
  }

  SeriesMerger merger_;
  const storage::TimeRange range_;
  const std::atomic<bool>* cancelled_;
  Columns columns_;
  std::vector<Place> places_;
  std::vector<std::string> labels_;
  std::deque<std::vector<int64_t>> timelines_;  // spans into it stay valid
  absl::flat_hash_map<uint64_t, uint64_t> by_hash_;
  uint64_t last_timeline_ = 0;
};

}  // namespace

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

std::unique_ptr<SeriesSource> MakeHeadSource(HeadSnapshot snapshot) {
  return std::make_unique<HeadSource>(std::move(snapshot));
}

std::unique_ptr<SeriesSource> MakeFrozenSource(std::shared_ptr<const FrozenHead> frozen) {
  return std::make_unique<FrozenSource>(std::move(frozen));
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
    const auto order = sources_[source]->labels().Compare(labels());
    if (order > 0) continue;
    if (order < 0) current_.clear();
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

std::unique_ptr<storage::SeriesSet> MakeSeriesSet(
    std::vector<std::unique_ptr<SeriesSource>> sources, storage::TimeRange range,
    const std::atomic<bool>* cancelled) {
  return std::make_unique<MergedSet>(std::move(sources), range, cancelled);
}

}  // namespace hearth::tsdb
