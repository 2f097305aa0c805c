// SPDX-License-Identifier: Apache-2.0
// What only some series have in the head: native histograms, and start timestamps of their floats.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/histogram.h"
#include "storage/querier.h"
#include "tsdb/histogram_codec.h"

namespace hearth::tsdb {

// When the counter of each float sample began; one entry for a run of samples that share a start.
class StartTimes {
 public:
  // Of the next in-order sample; 0: not known. Times rise.
  void Append(int64_t time_ms, int64_t start_ms);
  // Of a sample that came late.
  void AddLate(int64_t time_ms, int64_t start_ms);
  void DropLate(int64_t time_ms);
  bool empty() const { return runs_.empty() && late_.empty(); }
  size_t memory_bytes() const { return (runs_.size() + late_.size()) * sizeof(Entry); }
  // times sorted; starts as many, all 0 before.
  void Fill(std::span<const int64_t> times_ms, std::span<int64_t> starts) const;
  void FillLate(std::span<const int64_t> times_ms, std::span<int64_t> starts) const;

 private:
  struct Entry {
    int64_t time_ms = 0;
    int64_t start_ms = 0;
  };
  std::vector<Entry> runs_;
  std::vector<Entry> late_;  // by time
};

// As it leaves the head, or as a query needs it: copied or shared.
struct RichPart {
  std::vector<std::shared_ptr<const HistogramChunk>> chunks;
  HistogramChunk last;
  std::vector<model::HistogramSample> late;  // by time
  StartTimes starts;

  bool Overlaps(storage::TimeRange range) const;
  // In order first, late ones last: runs by time, in their precedence.
  void AppendHistograms(storage::TimeRange range, std::vector<model::HistogramSample>* out) const;
};

// Of one series of the head.
struct RichTail {
  // The series' newest sample where that is a histogram, else null.
  std::shared_ptr<const model::NativeHistogram> newest;
  HistogramChunkBuilder open;
  std::vector<std::shared_ptr<const HistogramChunk>> chunks;
  std::vector<model::HistogramSample> late;
  StartTimes starts;

  bool has_samples() const { return !open.empty() || !chunks.empty() || !late.empty(); }
  size_t chunk_count() const { return chunks.size() + (open.empty() ? 0 : 1); }
  bool Overlaps(storage::TimeRange range) const;
  // Returns by how many bytes the chunks grew.
  size_t Append(const model::HistogramSample& sample);
  // The histogram at `time_ms`, or null.
  std::shared_ptr<const model::NativeHistogram> Find(int64_t time_ms) const;
  // False where one is there already.
  bool InsertLate(const model::HistogramSample& sample);
  void DropLate(int64_t time_ms);
  RichPart Copy() const;
  RichPart Take();  // only `newest` stays
};

// Bits but for the hint, which is derived.
bool SameSample(const model::NativeHistogram& a, const model::NativeHistogram& b);
size_t MemoryBytes(const model::NativeHistogram& histogram);

}  // namespace hearth::tsdb
