// SPDX-License-Identifier: Apache-2.0
// The histogram encodings of prometheus_chunk.h: a layout of buckets, then each sample against the
// one before it; with start times (ST) or without. Private to codec.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/chunk_bits.h"
#include "codec/xor2_chunk.h"
#include "model/histogram.h"

namespace hearth::codec {

inline constexpr size_t kChunkHeaderBytes = 3;  // of all encodings but XOR

// The sample count of most encodings, big-endian; `data` has two bytes at least.
uint16_t ChunkHeader16(std::string_view data);
void SetChunkHeader16(uint32_t samples, std::string* data);
absl::Status NotSorted(int64_t time_ms);
absl::Status EndsEarly(size_t sample, size_t samples);

class HistogramChunkReader {
 public:
  // `data` has a header.
  HistogramChunkReader(std::string_view data, bool is_float, bool with_starts);
  absl::Status Read(std::vector<model::HistogramSample>* out);

 private:
  // One side's buckets: counts as deltas of deltas, or floats by XOR.
  struct Side {
    std::vector<model::HistogramSpan> spans;
    std::vector<int64_t> gaps;  // each to the bucket before it, as integer chunks have them
    std::vector<int64_t> gap_deltas;
    std::vector<XorColumn> floats;
    size_t size() const { return spans.size() + gaps.size() + floats.size(); }
  };
  absl::Status ReadLayout();
  bool ReadSpans(Side* side);
  bool ReadBounds();
  void ReadFirst();
  void ReadNext();
  void ReadBuckets(bool first, Side* side);
  std::shared_ptr<const model::NativeHistogram> Make(bool first) const;
  std::vector<double> Counts(const Side& side) const;

  const bool is_float_;
  const bool gauge_;
  const size_t count_;
  BitReader in_;
  StartTimeReader start_;
  int32_t schema_ = 0;
  double zero_threshold_ = 0;
  std::vector<double> bounds_;
  Side positive_;
  Side negative_;
  int64_t time_ms_ = 0;
  int64_t delta_ = 0;
  int64_t observed_ = 0, observed_delta_ = 0;  // counts of integer chunks
  int64_t zero_ = 0, zero_delta_ = 0;
  XorColumn float_observed_, float_zero_, sum_;
};

// Appends samples to one chunk after another.
class HistogramChunkWriter {
 public:
  // Whether it may follow what was added: same layout, no reset, no life after a staleness marker.
  bool Takes(const model::NativeHistogram& histogram) const;
  // A new chunk: header and layout.
  void Begin(const model::NativeHistogram& histogram, bool with_starts, std::string* data,
             BitWriter* out);
  void Add(const model::HistogramSample& sample, BitWriter* out);
  // Fills in the header, of so many samples.
  void Finish(uint32_t samples, std::string* data) const;

 private:
  struct Side {
    std::vector<int64_t> gaps;
    std::vector<int64_t> gap_deltas;
    std::vector<XorColumn> floats;
  };
  void AddBuckets(const std::vector<double>& counts, bool first, Side* side, BitWriter* out);

  model::NativeHistogram layout_;  // its buckets do not matter
  size_t added_ = 0;
  bool stale_ = false;
  bool with_starts_ = false;
  StartTimeWriter start_;
  Side positive_;
  Side negative_;
  int64_t time_ms_ = 0, delta_ = 0;
  int64_t observed_ = 0, observed_delta_ = 0;
  int64_t zero_ = 0, zero_delta_ = 0;
  XorColumn float_observed_, float_zero_, sum_;
};

}  // namespace hearth::codec
