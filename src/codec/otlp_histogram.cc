// SPDX-License-Identifier: Apache-2.0
#include "codec/otlp_histogram.h"

#include <algorithm>

#include "base/status.h"
#include "codec/histogram_spans.h"
#include "model/value.h"

namespace hearth::codec {
namespace {

// OpenTelemetry sends none, or one that SDKs leave at zero; upstream writes this one.
constexpr double kZeroThreshold = 1e-128;
// A gap of more empty buckets starts a new span, as client_golang and upstream have it.
constexpr int64_t kGapMax = 2;

// Buckets by index; `counts` of OpenTelemetry, 2^scale_down of them to one.
void Layout(const std::vector<uint64_t>& counts, int64_t offset, int scale_down, int64_t shift,
            std::vector<model::HistogramSpan>* spans, std::vector<double>* buckets) {
  SpanBuilder builder(kGapMax);
  size_t i = 0;
  while (i < counts.size()) {
    const int64_t index = ((static_cast<int64_t>(i) + offset) >> scale_down) + shift;
    uint64_t count = 0;
    while (i < counts.size() &&
           ((static_cast<int64_t>(i) + offset) >> scale_down) + shift == index) {
      count += counts[i++];
    }
    builder.Add(index, static_cast<double>(count));
  }
  builder.MoveTo(spans, buckets);
}

void SetTotals(const OtlpPoint& point, model::NativeHistogram* histogram) {
  if (point.has_sum) histogram->sum = point.sum;
  histogram->count = static_cast<double>(point.count);
}

absl::StatusOr<std::shared_ptr<const model::NativeHistogram>> Checked(
    std::shared_ptr<model::NativeHistogram> histogram) {
  TRY(model::Validate(*histogram));
  return std::shared_ptr<const model::NativeHistogram>(std::move(histogram));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const model::NativeHistogram>> OtlpExponentialHistogram(
    const OtlpPoint& point) {
  if (point.no_recorded_value) return model::StaleHistogram();
  if (point.scale < model::kSchemaMin) {
    return InvalidArgument(
        "cannot convert exponential to native histogram. Scale must be >= {}, was {}",
        model::kSchemaMin, point.scale);
  }
  // OpenTelemetry's index 0 is (1, base], Prometheus' is (1/base, 1]: hence the 1.
  const int scale_down = std::max(0, point.scale - model::kSchemaMax);
  if (scale_down > 31) return InvalidArgument("scale {} is beyond any histogram", point.scale);
  auto histogram = std::make_shared<model::NativeHistogram>();
  histogram->schema = point.scale - scale_down;
  histogram->zero_threshold = kZeroThreshold;
  histogram->zero_count = static_cast<double>(point.zero_count);
  Layout(point.positive.counts, point.positive.offset, scale_down, 1, &histogram->positive_spans,
         &histogram->positive_buckets);
  Layout(point.negative.counts, point.negative.offset, scale_down, 1, &histogram->negative_spans,
         &histogram->negative_buckets);
  SetTotals(point, histogram.get());
  return Checked(std::move(histogram));
}

absl::StatusOr<std::shared_ptr<const model::NativeHistogram>> OtlpCustomHistogram(
    const OtlpPoint& point) {
  if (point.no_recorded_value) return model::StaleHistogram();
  auto histogram = std::make_shared<model::NativeHistogram>();
  histogram->schema = model::kCustomBucketsSchema;
  Layout(point.bucket_counts, 0, 0, 0, &histogram->positive_spans, &histogram->positive_buckets);
  histogram->custom_values = point.bounds;
  SetTotals(point, histogram.get());
  return Checked(std::move(histogram));
}

}  // namespace hearth::codec
