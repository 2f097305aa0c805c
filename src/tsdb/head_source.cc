// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head_source.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "base/status.h"

namespace hearth::tsdb {
namespace {

// Where only times count: any number but a staleness marker.
constexpr double kNoMarker = 0;

void AppendLate(const std::vector<Sample>& late, Columns* columns) {
  for (const Sample& sample : late) {
    columns->Append(sample.time_ms, std::bit_cast<double>(sample.value_bits));
  }
}

void AppendChunk(const Chunk& chunk, storage::TimeRange range, Columns* columns) {
  if (chunk.count == 0 || chunk.first_ms > range.max_ms || chunk.last_ms < range.min_ms) return;
  const size_t begin = columns->size();
  columns->Resize(begin + chunk.count);
  DecodeChunk(chunk.data.get(), chunk.count, columns->times_ms.data() + begin,
              columns->values.data() + begin);
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
    const size_t last = columns->size();
    columns->Resize(last + series.count);
    DecodeChunk(frozen.arena.at(series.chunk), series.count, columns->times_ms.data() + last,
                columns->values.data() + last);
  }
  if (tail == nullptr) return;
  const size_t late_begin = columns->size();
  AppendLate(tail->late, columns);
  AppendRich(tail->rich.get(), begin, late_begin, range, columns);
}

// Places of its series.
std::vector<uint32_t> OrderByLabels(const FrozenHead& frozen) {
  std::vector<uint32_t> order(frozen.series.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return frozen.labels->Compare(frozen.series[a].id, frozen.series[b].id) < 0;
  });
  return order;
}

SampleRun MakeRun(int64_t first_ms, int64_t last_ms, uint32_t count, ChunkShape shape,
                  const uint8_t* data) {
  return {first_ms, last_ms, count, shape.regular ? 1U : 0U, shape.marked, data};
}

void AddRun(const SampleRun& run, storage::TimeRange range, std::vector<SampleRun>* runs) {
  if (run.first_ms <= range.max_ms && run.last_ms >= range.min_ms) runs->push_back(run);
}

void AddRuns(const std::vector<std::shared_ptr<const Chunk>>& chunks, storage::TimeRange range,
             std::vector<SampleRun>* runs) {
  for (const auto& chunk : chunks) {
    AddRun(MakeRun(chunk->first_ms, chunk->last_ms, chunk->count, chunk->shape, chunk->data.get()),
           range, runs);
  }
}

class FrozenSource : public SeriesSource {
 public:
  explicit FrozenSource(std::shared_ptr<const FrozenHead> frozen)
      : frozen_(std::move(frozen)), order_(OrderByLabels(*frozen_)) {}
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

}  // namespace

absl::Status HeadSource::Read(storage::TimeRange range, Columns* columns) {
  if (place(id_).part == HeadSnapshot::kNone) return absl::OkStatus();
  const HeadPart& series = snapshot_->parts[place(id_).part];
  if (series.frozen != nullptr) AppendFrozen(*snapshot_->frozen, *series.frozen, range, columns);
  const size_t begin = columns->size();
  for (const auto& chunk : series.chunks) AppendChunk(*chunk, range, columns);
  const size_t open_begin = columns->size();
  columns->Resize(open_begin + series.open_count);
  DecodeOpen(series, columns->times_ms.data() + open_begin, columns->values.data() + open_begin);
  const size_t late_begin = columns->size();
  AppendLate(series.late, columns);
  const auto histograms = static_cast<std::ptrdiff_t>(columns->histograms.size());
  AppendRich(series.rich.get(), begin, late_begin, range, columns);
  const auto uncounted = [&](const model::HistogramSample& sample) {
    return sample.time_ms > series.rich_max_ms;
  };
  std::vector<model::HistogramSample>& all = columns->histograms;
  all.erase(std::remove_if(all.begin() + histograms, all.end(), uncounted), all.end());
  return absl::OkStatus();
}

void HeadSource::DecodeOpen(const HeadPart& series, int64_t* times_ms, double* values) const {
  if (series.open_count == 0) return;
  if (series.open_at != HeadPart::kNotCopied) {
    DecodeChunk(snapshot_->open_bytes.data() + series.open_at, series.open_count, times_ms, values);
    return;
  }
  RegularTimes(series.open_first_ms, series.open_last_ms, series.open_count, times_ms);
  std::fill_n(values, series.open_count, kNoMarker);
}

absl::StatusOr<bool> HeadSource::Runs(storage::TimeRange range, bool /*times_only*/,
                                      std::vector<SampleRun>* runs) {
  if (place(id_).part == HeadSnapshot::kNone) return true;
  const HeadPart& series = snapshot_->parts[place(id_).part];
  const FrozenSeries* const frozen = series.frozen;
  const FrozenTail* const tail = frozen == nullptr ? nullptr : frozen->tail.get();
  if (!series.late.empty() || series.rich != nullptr ||
      (tail != nullptr && (!tail->late.empty() || tail->rich != nullptr))) {
    return false;
  }
  if (tail != nullptr) AddRuns(tail->chunks, range, runs);
  if (frozen != nullptr && frozen->count > 0) {
    const uint8_t* const data = snapshot_->frozen->arena.at(frozen->chunk);
    AddRun(MakeRun(FirstTime(data), frozen->last_ms, frozen->count, frozen->shape, data), range,
           runs);
  }
  AddRuns(series.chunks, range, runs);
  if (series.open_count > 0) {
    const bool copied = series.open_at != HeadPart::kNotCopied;
    runs->push_back(MakeRun(series.open_first_ms, series.open_last_ms, series.open_count,
                            series.open_shape,
                            copied ? snapshot_->open_bytes.data() + series.open_at : nullptr));
  }
  return true;
}

absl::Status HeadSource::ReadRun(const SampleRun& run, int64_t* times_ms, double* values) {
  if (run.times_key == 0) {
    DecodeChunk(run.bytes, run.count, times_ms, values);
    return absl::OkStatus();
  }
  if (times_ms != nullptr) RegularTimes(run.first_ms, run.last_ms, run.count, times_ms);
  if (values == nullptr) return absl::OkStatus();
  if (run.bytes == nullptr) {
    std::fill_n(values, run.count, kNoMarker);
  } else {
    DecodeRegularChunk(run.bytes, run.count, values);
  }
  return absl::OkStatus();
}

std::unique_ptr<SeriesSource> MakeFrozenSource(std::shared_ptr<const FrozenHead> frozen) {
  return std::make_unique<FrozenSource>(std::move(frozen));
}

}  // namespace hearth::tsdb
