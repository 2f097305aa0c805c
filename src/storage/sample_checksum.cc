// SPDX-License-Identifier: Apache-2.0
#include "storage/sample_checksum.h"

#include <bit>
#include <vector>

namespace hearth::storage {
namespace {

// splitmix64's finaliser: every input bit reaches every output bit.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

uint64_t Chain(uint64_t sum, uint64_t word) { return Mix(sum ^ word); }
uint64_t Chain(uint64_t sum, double value) { return Chain(sum, std::bit_cast<uint64_t>(value)); }

uint64_t Chain(uint64_t sum, const std::vector<model::HistogramSpan>& spans) {
  for (const model::HistogramSpan& span : spans) {
    sum = Chain(sum, uint64_t{static_cast<uint32_t>(span.offset)} << 32 | span.length);
  }
  return Chain(sum, static_cast<uint64_t>(spans.size()));
}

uint64_t Chain(uint64_t sum, const std::vector<double>& values) {
  for (const double value : values) sum = Chain(sum, value);
  return Chain(sum, static_cast<uint64_t>(values.size()));
}

uint64_t HistogramSum(const model::NativeHistogram& h) {
  // Of a staleness marker nothing but that counts.
  if (model::IsStale(h)) return Mix(model::kStaleNanBits);
  uint64_t sum = Chain(h.is_float ? 2 : 1, uint64_t{static_cast<uint32_t>(h.schema)});
  for (const double value : {h.zero_threshold, h.zero_count, h.count, h.sum}) {
    sum = Chain(sum, value);
  }
  sum = Chain(Chain(sum, h.positive_spans), h.positive_buckets);
  sum = Chain(Chain(sum, h.negative_spans), h.negative_buckets);
  return Chain(sum, h.custom_values);
}

}  // namespace

void SampleChecksum::Add(model::LabelsView labels, std::span<const int64_t> times_ms,
                         std::span<const double> values,
                         std::span<const model::HistogramSample> histograms) {
  if (times_ms.empty() && histograms.empty()) return;
  const uint64_t key = labels.Hash();
  for (size_t i = 0; i < times_ms.size(); ++i) {
    sum_ += Chain(Chain(key, static_cast<uint64_t>(times_ms[i])), values[i]);
  }
  for (const model::HistogramSample& sample : histograms) {
    sum_ +=
        Chain(Chain(~key, static_cast<uint64_t>(sample.time_ms)), HistogramSum(*sample.histogram));
  }
  samples_ += times_ms.size() + histograms.size();
  ++series_;
}

}  // namespace hearth::storage
