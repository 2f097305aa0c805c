// SPDX-License-Identifier: Apache-2.0
// prometheus.Histogram of remote write 1.0 and 2.0 (the same fields; 2.0 has a start time) ↔
// model::NativeHistogram. On the wire integer histograms carry bucket deltas; the model carries
// absolute counts.
#pragma once

#include <string>
#include <string_view>

#include "model/histogram.h"

namespace hearth::codec {

// False where `bytes` are malformed or hold more than kHistogramBucketsMax buckets or spans.
bool ParseHistogram(std::string_view bytes, model::HistogramSample* sample);
void AppendHistogramMessage(const model::HistogramSample& sample, std::string* out);

// What model::Validate says; empty: it is fine.
std::string CheckHistogram(const model::NativeHistogram& histogram);

// A histogram of Prometheus has at most some hundreds of buckets (160 by default).
inline constexpr size_t kHistogramBucketsMax = 65'536;

}  // namespace hearth::codec
