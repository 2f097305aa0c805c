// SPDX-License-Identifier: Apache-2.0
#include "codec/histogram_spans.h"

#include "base/check.h"

namespace hearth::codec {
namespace {

// Buckets of 2^down indexes become one. Prometheus' index 0 is (1/base, 1]: hence the ones.
void Rebuild(int64_t gap_max, int down, std::vector<model::HistogramSpan>* spans,
             std::vector<double>* counts) {
  SpanBuilder builder(gap_max);
  int64_t index = 0;
  size_t at = 0;
  for (const model::HistogramSpan& span : *spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length; ++i, ++index) {
      CHECK(at < counts->size());
      builder.Add(down == 0 ? index : ((index - 1) >> down) + 1, (*counts)[at++]);
    }
  }
  builder.MoveTo(spans, counts);
}

}  // namespace

void CompactHistogram(int64_t gap_max, model::NativeHistogram* histogram) {
  Rebuild(gap_max, 0, &histogram->positive_spans, &histogram->positive_buckets);
  Rebuild(gap_max, 0, &histogram->negative_spans, &histogram->negative_buckets);
}

void ReduceHistogram(int32_t schema, model::NativeHistogram* histogram) {
  const int down = histogram->schema - schema;
  Rebuild(0, down, &histogram->positive_spans, &histogram->positive_buckets);
  Rebuild(0, down, &histogram->negative_spans, &histogram->negative_buckets);
  histogram->schema = schema;
}

}  // namespace hearth::codec
