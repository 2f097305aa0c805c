// SPDX-License-Identifier: Apache-2.0
// Native histograms as bytes, the same in the log, in the head's chunks and in blocks: each is
// coded against the one before it in its run. docs/formats/block.md, "histograms". Lossless to the
// bit: integer and float counts, any schema, hints, staleness markers, start times.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/histogram.h"
#include "tsdb/coding.h"

namespace hearth::tsdb {

// Histograms of one chunk; a query for minutes should not decode hours.
inline constexpr uint32_t kHistogramChunkMax = 120;
inline constexpr size_t kHistogramChunkBytes = 16 << 10;  // the one that crosses it is the last
// Buckets, spans and bounds of one histogram; beyond, it is refused. Senders make 160 by default.
inline constexpr size_t kHistogramPartsMax = 64 << 10;

// Whether the store takes it: valid by model::Validate, and not too large.
absl::Status CheckHistogram(const model::NativeHistogram& histogram);

class HistogramEncoder {
 public:
  // Appends to `out`, which is that of the calls before.
  void Append(const model::HistogramSample& sample, std::string* out);
  void Reset() { *this = HistogramEncoder(); }

 private:
  model::HistogramSample before_;
};

class HistogramDecoder {
 public:
  // False where the bytes are not a histogram; the reader then stands anywhere.
  bool Next(ByteReader* reader, model::HistogramSample* sample);

 private:
  bool Layout(ByteReader* reader, model::NativeHistogram* histogram) const;
  model::HistogramSample before_;
};

// A finished run. Immutable.
struct HistogramChunk {
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  uint32_t count = 0;
  std::string bytes;
};

// Appends `count` histograms; false where the bytes are not that many.
bool DecodeHistograms(std::string_view bytes, uint32_t count,
                      std::vector<model::HistogramSample>* out);

class HistogramChunkBuilder {
 public:
  // `sample` is later than those before. False: full, it was not taken.
  bool Append(const model::HistogramSample& sample);
  bool empty() const { return chunk_.count == 0; }
  const HistogramChunk& chunk() const { return chunk_; }
  HistogramChunk Take();  // empty afterwards

 private:
  HistogramEncoder encoder_;
  HistogramChunk chunk_;
};

// What Prometheus' chunks tell about a histogram by what came before it in its series: kept where
// it is a gauge; else kNotReset where it goes on, or kUnknown for the first and after a reset.
// The returned pointer is `histogram` itself where nothing changes.
std::shared_ptr<const model::NativeHistogram> WithDerivedHint(
    const std::shared_ptr<const model::NativeHistogram>& histogram,
    const model::NativeHistogram* before);
// The same where the one before is not known any more.
std::shared_ptr<const model::NativeHistogram> WithUnknownHint(
    const std::shared_ptr<const model::NativeHistogram>& histogram);

}  // namespace hearth::tsdb
