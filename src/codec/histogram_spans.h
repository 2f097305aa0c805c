// SPDX-License-Identifier: Apache-2.0
// Lays counted buckets out as spans, as upstream's Histogram.Compact leaves them: empty buckets are
// dropped, and a gap of more than `gap_max` of them begins a new span.
#pragma once

#include <cstdint>
#include <vector>

#include "model/histogram.h"

namespace hearth::codec {

class SpanBuilder {
 public:
  explicit SpanBuilder(int64_t gap_max) : gap_max_(gap_max) {}

  // Indexes never fall; equal ones add up.
  void Add(int64_t index, double count) {
    if (count == 0) return;
    if (!spans_.empty() && index == next_ - 1) {
      counts_.back() += count;
      return;
    }
    const int64_t gap = spans_.empty() ? index : index - next_;
    if (spans_.empty() || gap > gap_max_) {
      spans_.push_back({static_cast<int32_t>(gap), 0});
    } else {
      counts_.resize(counts_.size() + static_cast<size_t>(gap), 0);
      spans_.back().length += static_cast<uint32_t>(gap);
    }
    counts_.push_back(count);
    ++spans_.back().length;
    next_ = index + 1;
  }

  void MoveTo(std::vector<model::HistogramSpan>* spans, std::vector<double>* counts) {
    *spans = std::move(spans_);
    *counts = std::move(counts_);
  }

 private:
  const int64_t gap_max_;
  int64_t next_ = 0;  // the index that would continue the last span
  std::vector<model::HistogramSpan> spans_;
  std::vector<double> counts_;
};

// Both ask for spans that name as many buckets as there are and whose offsets, but for the first,
// are not negative.
// Upstream's Histogram.Compact(gap_max).
void CompactHistogram(int64_t gap_max, model::NativeHistogram* histogram);
// Merges the buckets of an exponential histogram down to `schema`, which is below its own
// (Histogram.ReduceResolution).
void ReduceHistogram(int32_t schema, model::NativeHistogram* histogram);

}  // namespace hearth::codec
