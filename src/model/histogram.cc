// SPDX-License-Identifier: Apache-2.0
#include "model/histogram.h"

#include <cmath>
#include <limits>
#include <string_view>

#include "base/status.h"

namespace hearth::model {
namespace {

bool SameBits(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!model::SameBits(a[i], b[i])) return false;
  }
  return true;
}

// Texts and rules: prometheus/model/histogram/generic.go and histogram.go at 3.14. Unlike there a
// custom histogram's first span must not begin below its first bound in any case.
absl::Status CheckSpans(std::string_view side, const std::vector<HistogramSpan>& spans,
                        size_t buckets, bool first_may_be_negative) {
  uint64_t named = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    if (spans[i].offset < 0 && (i > 0 || !first_may_be_negative)) {
      return InvalidArgument(
          "{}: span number {} with offset {}: histogram has a span whose offset is negative", side,
          i + 1, spans[i].offset);
    }
    named += spans[i].length;
  }
  if (named != buckets) {
    return InvalidArgument(
        "{}: spans need {} buckets, have {} buckets: histogram spans specify different number of "
        "buckets than provided",
        side, named, buckets);
  }
  return absl::OkStatus();
}

absl::Status CheckBuckets(std::string_view side, const std::vector<double>& buckets, double* sum) {
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (buckets[i] < 0) {
      return InvalidArgument(
          "{}: bucket number {} has observation count of {}: histogram has a bucket whose "
          "observation count is negative",
          side, i + 1, buckets[i]);
    }
    *sum += buckets[i];
  }
  return absl::OkStatus();
}

absl::Status CheckCustom(const NativeHistogram& h) {
  double before = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < h.custom_values.size(); ++i) {
    const double bound = h.custom_values[i];
    if (std::isnan(bound)) {
      return InvalidArgument("custom buckets: histogram custom bounds must not be NaN");
    }
    if (i > 0 && bound <= before) {
      return InvalidArgument(
          "custom buckets: previous bound is {:f} and current is {:f}: histogram custom bounds "
          "must be in strictly increasing order",
          before, bound);
    }
    before = bound;
  }
  if (!h.custom_values.empty() && std::isinf(before) && before > 0) {
    return InvalidArgument(
        "custom buckets: last +Inf bound must not be explicitly defined: histogram custom bounds "
        "must be finite");
  }
  TRY(CheckSpans("custom buckets", h.positive_spans, h.positive_buckets.size(), false));
  uint64_t reach = 0;
  for (const HistogramSpan& span : h.positive_spans) {
    reach += span.length + static_cast<uint64_t>(span.offset);
  }
  if (h.custom_values.size() + 1 < reach) {
    return InvalidArgument(
        "custom buckets: only {} custom bounds defined which is insufficient to cover total span "
        "length of {}: histogram custom bounds are too few",
        h.custom_values.size(), reach);
  }
  if (h.zero_count != 0) return InvalidArgument("custom buckets: must have zero count of 0");
  if (h.zero_threshold != 0) {
    return InvalidArgument("custom buckets: must have zero threshold of 0");
  }
  if (!h.negative_spans.empty()) {
    return InvalidArgument("custom buckets: must not have negative spans");
  }
  if (!h.negative_buckets.empty()) {
    return InvalidArgument("custom buckets: must not have negative buckets");
  }
  return absl::OkStatus();
}

absl::Status CheckExponential(const NativeHistogram& h, double* sum) {
  TRY(CheckSpans("positive side", h.positive_spans, h.positive_buckets.size(), true));
  TRY(CheckSpans("negative side", h.negative_spans, h.negative_buckets.size(), true));
  TRY(CheckBuckets("negative side", h.negative_buckets, sum));
  if (h.zero_count < 0) {
    return InvalidArgument(
        "zero bucket has observation count of {}: histogram has a bucket whose observation count "
        "is negative",
        h.zero_count);
  }
  if (!h.custom_values.empty()) {
    return InvalidArgument("histogram with exponential schema must not have custom bounds");
  }
  return absl::OkStatus();
}

}  // namespace

std::shared_ptr<const NativeHistogram> StaleHistogram() {
  static const auto* const stale = [] {
    auto histogram = std::make_shared<NativeHistogram>();
    histogram->sum = StaleNan();
    return new std::shared_ptr<const NativeHistogram>(std::move(histogram));
  }();
  return *stale;
}

bool SameBits(const NativeHistogram& a, const NativeHistogram& b) {
  return a.is_float == b.is_float && a.hint == b.hint && a.schema == b.schema &&
         SameBits(a.zero_threshold, b.zero_threshold) && SameBits(a.zero_count, b.zero_count) &&
         SameBits(a.count, b.count) && SameBits(a.sum, b.sum) &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         SameBits(a.positive_buckets, b.positive_buckets) &&
         SameBits(a.negative_buckets, b.negative_buckets) &&
         SameBits(a.custom_values, b.custom_values);
}

absl::Status Validate(const NativeHistogram& h) {
  if (IsStale(h)) return absl::OkStatus();
  double sum = 0;
  if (h.schema == kCustomBucketsSchema) {
    TRY(CheckCustom(h));
  } else if (h.schema >= kSchemaMin && h.schema <= kSchemaMax) {
    TRY(CheckExponential(h, &sum));
  } else {
    return InvalidArgument(
        "histogram has an invalid schema, which must be between {} and {} for exponential buckets, "
        "or {} for custom buckets, got schema {}",
        kSchemaMin, kSchemaMax, kCustomBucketsSchema, h.schema);
  }
  if (h.count < 0) {
    return InvalidArgument("observation count is  {}: histogram's observation count is negative",
                           h.count);
  }
  TRY(CheckBuckets("positive side", h.positive_buckets, &sum));
  if (h.is_float) return absl::OkStatus();
  sum += h.zero_count;
  if (std::isnan(h.sum) ? sum > h.count : sum != h.count) {
    return InvalidArgument(
        "{:.0f} observations found in buckets, but the Count field is {:.0f}: histogram's "
        "observation count should {}",
        sum, h.count,
        std::isnan(h.sum)
            ? "be at least the number of observations found in the buckets"
            : "equal the number of observations found in the buckets (in absence of NaN)");
  }
  return absl::OkStatus();
}

}  // namespace hearth::model
