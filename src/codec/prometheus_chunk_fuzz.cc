// SPDX-License-Identifier: Apache-2.0
// Any bytes as a chunk of each encoding; what decodes is encoded again and must come back the same.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "codec/prometheus_chunk.h"

namespace hearth::codec {
namespace {

int64_t StartOf(const ChunkSamples& samples, size_t i) {
  return i < samples.start_times_ms.size() ? samples.start_times_ms[i] : 0;
}

void Decode(uint8_t encoding, bool with_starts, std::string_view data) {
  ChunkSamples samples;
  if (!DecodeChunk(encoding, data, &samples).ok()) {
    CHECK(samples.empty());
    return;
  }
  std::vector<EncodedChunk> chunks;
  EncodeChunks(SpansOf(samples), with_starts, &chunks);
  ChunkSamples again;
  for (const EncodedChunk& chunk : chunks) {
    CHECK(DecodeChunk(static_cast<uint8_t>(chunk.encoding), chunk.data, &again).ok());
  }
  CHECK(again.times_ms == samples.times_ms);
  CHECK(again.histograms.size() == samples.histograms.size());
  for (size_t i = 0; i < samples.values.size(); ++i) {
    CHECK(model::SameBits(again.values[i], samples.values[i]));
    if (with_starts) CHECK(StartOf(again, i) == StartOf(samples, i));
  }
  for (size_t i = 0; i < samples.histograms.size(); ++i) {
    CHECK(again.histograms[i].time_ms == samples.histograms[i].time_ms);
    if (with_starts) {
      CHECK(again.histograms[i].start_time_ms == samples.histograms[i].start_time_ms);
    }
    CHECK(
        model::SameBits(again.histograms[i].histogram->sum, samples.histograms[i].histogram->sum));
  }
}

}  // namespace
}  // namespace hearth::codec

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  for (uint8_t encoding = 1; encoding <= 6; ++encoding) {
    for (const bool starts : {false, true}) hearth::codec::Decode(encoding, starts, input);
  }
  hearth::codec::Decode(data[0], false, input);
  return 0;
}
