// SPDX-License-Identifier: Apache-2.0
// Counts series and samples and sums up what they hold, bit for bit, so that two ends of a copy can
// compare: the order of series, and how they are cut into batches, do not matter; every label, time
// and value does. Hints about counter resets are left out: each store derives its own. Not
// thread-safe. The sum is not stable over versions of hearth.
#pragma once

#include <cstdint>
#include <span>

#include "model/histogram.h"
#include "model/labels.h"

namespace hearth::storage {

class SampleChecksum {
 public:
  // All samples of one series, or a part of them that is cut by time.
  void Add(model::LabelsView labels, std::span<const int64_t> times_ms,
           std::span<const double> values, std::span<const model::HistogramSample> histograms);
  uint64_t series() const { return series_; }  // calls that had samples
  uint64_t samples() const { return samples_; }
  uint64_t sum() const { return sum_; }

 private:
  uint64_t series_ = 0;
  uint64_t samples_ = 0;
  uint64_t sum_ = 0;
};

}  // namespace hearth::storage
