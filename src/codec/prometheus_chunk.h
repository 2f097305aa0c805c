// SPDX-License-Identifier: Apache-2.0
// Chunks as Prometheus keeps and sends them: the unit of its blocks and of streamed remote read.
// Source: prometheus/tsdb/docs/format/chunks.md (3.14). All encodings of 3.14 are read and written:
// XOR, histogram and float histogram, which every Prometheus since 2.40 reads and which have no
// start times; and XOR2 and the ST encodings, which have them.
//
// Counter-reset hints: as in Prometheus a chunk says of its first histogram nothing that a reader
// may rely on, and of the others that no reset came before them.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/histogram.h"

namespace hearth::codec {

enum class ChunkEncoding : uint8_t {
  kXor = 1,
  kHistogram = 2,
  kFloatHistogram = 3,
  kXor2 = 4,
  kHistogramSt = 5,
  kFloatHistogramSt = 6,
};

// One series' samples, as columns. No time is in both kinds.
struct ChunkSamples {
  std::vector<int64_t> times_ms;
  std::vector<double> values;
  // When the counters began, 0 where unknown: as many as times_ms, or fewer where the rest have
  // none.
  std::vector<int64_t> start_times_ms;
  std::vector<model::HistogramSample> histograms;

  void Clear();
  bool empty() const { return times_ms.empty() && histograms.empty(); }
  size_t size() const { return times_ms.size() + histograms.size(); }
  // Cuts to [min_ms, max_ms], both included. The columns are sorted.
  void Trim(int64_t min_ms, int64_t max_ms);
};

// Appends the samples of a chunk; times rise strictly within it. InvalidArgument says what is wrong
// with the bytes; nothing is appended then. Unimplemented: an encoding that is not known.
absl::Status DecodeChunk(uint8_t encoding, std::string_view data, ChunkSamples* out);

// What a chunk decodes to at most, in buckets, spans and bounds; real chunks have some thousands.
inline constexpr size_t kChunkBucketsMax = size_t{1} << 22;

struct EncodedChunk {
  ChunkEncoding encoding = ChunkEncoding::kXor;
  int64_t min_ms = 0;
  int64_t max_ms = 0;
  uint32_t samples = 0;
  std::string data;
};

struct SampleSpans {
  std::span<const int64_t> times_ms;
  std::span<const double> values;
  std::span<const model::HistogramSample> histograms;
  std::span<const int64_t> start_times_ms = {};  // as in ChunkSamples
};
SampleSpans SpansOf(const ChunkSamples& samples);
bool HasStartTimes(const SampleSpans& samples);

// Appends chunks with all samples, by time: at most 120 samples each as Prometheus cuts them, and a
// new one where the kind of sample, the layout of buckets or the hint asks for it. `with_starts`:
// in the encodings that have start times, where the series has any; else they are left out.
void EncodeChunks(const SampleSpans& samples, bool with_starts, std::vector<EncodedChunk>* out);

}  // namespace hearth::codec
