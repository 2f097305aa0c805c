// SPDX-License-Identifier: Apache-2.0
#include "tsdb/rich_samples.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace hearth::tsdb {

using model::HistogramSample;

namespace {

bool Intersects(int64_t first_ms, int64_t last_ms, storage::TimeRange range) {
  return first_ms <= range.max_ms && last_ms >= range.min_ms;
}

template <typename Samples>
auto Place(Samples* samples, int64_t time_ms) {
  return std::lower_bound(samples->begin(), samples->end(), time_ms,
                          [](const auto& sample, int64_t t) { return sample.time_ms < t; });
}

bool AnyOverlaps(const std::vector<std::shared_ptr<const HistogramChunk>>& chunks,
                 const HistogramChunk& last, const std::vector<HistogramSample>& late,
                 storage::TimeRange range) {
  if (!chunks.empty() && Intersects(chunks.front()->first_ms, chunks.back()->last_ms, range)) {
    return true;
  }
  if (last.count > 0 && Intersects(last.first_ms, last.last_ms, range)) return true;
  return !late.empty() && Intersects(late.front().time_ms, late.back().time_ms, range);
}

// The bytes never left the process.
void Decode(const HistogramChunk& chunk, std::vector<HistogramSample>* out) {
  CHECK(DecodeHistograms(chunk.bytes, chunk.count, out));
}

}  // namespace

void StartTimes::Append(int64_t time_ms, int64_t start_ms) {
  const int64_t before = runs_.empty() ? 0 : runs_.back().start_ms;
  if (start_ms != before) runs_.push_back({time_ms, start_ms});
}

void StartTimes::AddLate(int64_t time_ms, int64_t start_ms) {
  if (start_ms != 0) late_.insert(Place(&late_, time_ms), {time_ms, start_ms});
}

void StartTimes::DropLate(int64_t time_ms) {
  const auto at = Place(&late_, time_ms);
  if (at != late_.end() && at->time_ms == time_ms) late_.erase(at);
}

void StartTimes::Fill(std::span<const int64_t> times_ms, std::span<int64_t> starts) const {
  size_t next = 0;
  for (size_t i = 0; i < times_ms.size(); ++i) {
    while (next < runs_.size() && runs_[next].time_ms <= times_ms[i]) ++next;
    if (next > 0) starts[i] = runs_[next - 1].start_ms;
  }
}

void StartTimes::FillLate(std::span<const int64_t> times_ms, std::span<int64_t> starts) const {
  for (size_t i = 0; i < times_ms.size() && !late_.empty(); ++i) {
    const auto at = Place(&late_, times_ms[i]);
    if (at != late_.end() && at->time_ms == times_ms[i]) starts[i] = at->start_ms;
  }
}

bool RichPart::Overlaps(storage::TimeRange range) const {
  return AnyOverlaps(chunks, last, late, range);
}

void RichPart::AppendHistograms(storage::TimeRange range, std::vector<HistogramSample>* out) const {
  for (const auto& chunk : chunks) {
    if (Intersects(chunk->first_ms, chunk->last_ms, range)) Decode(*chunk, out);
  }
  if (last.count > 0 && Intersects(last.first_ms, last.last_ms, range)) Decode(last, out);
  out->insert(out->end(), late.begin(), late.end());
}

bool RichTail::Overlaps(storage::TimeRange range) const {
  return AnyOverlaps(chunks, open.chunk(), late, range);
}

size_t RichTail::Append(const HistogramSample& sample) {
  const size_t before = open.chunk().bytes.size();
  if (open.Append(sample)) return open.chunk().bytes.size() - before;
  chunks.push_back(std::make_shared<const HistogramChunk>(open.Take()));
  CHECK(open.Append(sample));
  return open.chunk().bytes.size();
}

std::shared_ptr<const model::NativeHistogram> RichTail::Find(int64_t time_ms) const {
  const auto in =
      [time_ms](const HistogramChunk& chunk) -> std::shared_ptr<const model::NativeHistogram> {
    if (chunk.count == 0 || time_ms < chunk.first_ms || time_ms > chunk.last_ms) return nullptr;
    std::vector<HistogramSample> samples;
    Decode(chunk, &samples);
    const auto at = Place(&samples, time_ms);
    return at != samples.end() && at->time_ms == time_ms ? at->histogram : nullptr;
  };
  if (auto found = in(open.chunk()); found != nullptr) return found;
  for (const auto& chunk : chunks) {
    if (auto found = in(*chunk); found != nullptr) return found;
  }
  const auto at = Place(&late, time_ms);
  return at != late.end() && at->time_ms == time_ms ? at->histogram : nullptr;
}

bool RichTail::InsertLate(const HistogramSample& sample) {
  const auto at = Place(&late, sample.time_ms);
  if (at != late.end() && at->time_ms == sample.time_ms) return false;
  late.insert(at, sample);
  return true;
}

void RichTail::DropLate(int64_t time_ms) {
  const auto at = Place(&late, time_ms);
  if (at != late.end() && at->time_ms == time_ms) late.erase(at);
}

RichPart RichTail::Copy() const { return {chunks, open.chunk(), late, starts}; }

RichPart RichTail::Take() {
  return {std::exchange(chunks, {}), open.Take(), std::exchange(late, {}),
          std::exchange(starts, {})};
}

bool SameSample(const model::NativeHistogram& a, const model::NativeHistogram& b) {
  if (IsStale(a) || IsStale(b)) return IsStale(a) && IsStale(b);
  if (a.hint == b.hint) return model::SameBits(a, b);
  model::NativeHistogram copy = a;
  copy.hint = b.hint;
  return model::SameBits(copy, b);
}

size_t MemoryBytes(const model::NativeHistogram& h) {
  return sizeof h +
         8 * (h.positive_spans.size() + h.negative_spans.size() + h.positive_buckets.size() +
              h.negative_buckets.size() + h.custom_values.size());
}

}  // namespace hearth::tsdb
