// SPDX-License-Identifier: Apache-2.0
#include "promql/float_histogram.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "codec/go_float.h"
#include "promql/go_math.h"
#include "promql/histogram_bounds.h"

namespace hearth::promql {
namespace {

using Bucket = FloatHistogram::Bucket;
using Bounded = FloatHistogram::Bounded;

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool SameBuckets(const std::vector<Bucket>& a, const std::vector<Bucket>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Bucket& x, const Bucket& y) {
    return x.index == y.index && SameBits(x.count, y.count);
  });
}

void ForEachCount(FloatHistogram* histogram, auto apply) {
  apply(histogram->zero_count);
  apply(histogram->count);
  apply(histogram->sum);
  for (Bucket& bucket : histogram->positive) apply(bucket.count);
  for (Bucket& bucket : histogram->negative) apply(bucket.count);
}

std::string BoundedText(const Bounded& bucket, bool zero) {
  const bool lower_inclusive = zero || bucket.lower < 0;
  const bool upper_inclusive = zero || bucket.upper > 0;
  return fmt::format("{}{},{}{}:{}", lower_inclusive ? '[' : '(',
                     codec::FormatGoGeneral(bucket.lower), codec::FormatGoGeneral(bucket.upper),
                     upper_inclusive ? ']' : ')', codec::FormatGoGeneral(bucket.count));
}

std::vector<Bucket> FromSpans(const std::vector<model::HistogramSpan>& spans,
                              const std::vector<double>& counts) {
  std::vector<Bucket> buckets;
  int32_t index = 0;
  size_t at = 0;
  for (const model::HistogramSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && at < counts.size(); ++i) {
      buckets.push_back({index++, counts[at++]});
    }
  }
  return buckets;
}

void ToSpans(const std::vector<Bucket>& buckets, std::vector<model::HistogramSpan>* spans,
             std::vector<double>* counts) {
  int32_t next = 0;
  for (const Bucket& bucket : buckets) {
    if (spans->empty() || bucket.index != next) spans->push_back({bucket.index - next, 0});
    ++spans->back().length;
    counts->push_back(bucket.count);
    next = bucket.index + 1;
  }
}

// One side at a coarser schema.
std::vector<Bucket> Reduced(const std::vector<Bucket>& buckets, int32_t from, int32_t to) {
  std::vector<Bucket> reduced;
  for (const Bucket& bucket : buckets) {
    const int32_t index = CoarserIndex(bucket.index, from, to);
    if (!reduced.empty() && reduced.back().index == index) {
      reduced.back().count += bucket.count;
    } else {
      reduced.push_back({index, bucket.count});
    }
  }
  return reduced;
}

// A bucket of `before` that `now` has not or has less in.
bool SideReset(const std::vector<Bucket>& now, const std::vector<Bucket>& before) {
  size_t at = 0;
  for (const Bucket& bucket : before) {
    while (at < now.size() && now[at].index < bucket.index) ++at;
    const bool there = at < now.size() && now[at].index == bucket.index;
    if (there ? now[at].count < bucket.count : bucket.count != 0) return true;
  }
  return false;
}

// Buckets with an upper bound above the (larger) zero threshold, at the given schema.
std::vector<Bucket> Beyond(const std::vector<Bucket>& buckets, int32_t schema, int32_t target,
                           double threshold) {
  std::vector<Bucket> beyond = Reduced(buckets, schema, target);
  if (threshold != 0) {
    std::erase_if(beyond, [&](const Bucket& bucket) {
      return ExponentialBound(bucket.index, target) <= threshold;
    });
  }
  return beyond;
}

// Custom bounds differ: counts below each common bound are compared.
bool MismatchedReset(const FloatHistogram& now, const FloatHistogram& before) {
  const std::vector<double> bounds = CommonBounds(now.custom_values, before.custom_values);
  const std::vector<Bucket> a = AtBounds(now.positive, now.custom_values, bounds);
  const std::vector<Bucket> b = AtBounds(before.positive, before.custom_values, bounds);
  return SideReset(a, b);
}

}  // namespace

double Bounded::FractionBelow(double value, bool linear) const {
  if (linear) return (value - lower) / (upper - lower);
  const double log_lower = std::log2(std::fabs(lower));
  const double log_upper = std::log2(std::fabs(upper));
  const double log_value = std::log2(std::fabs(value));
  if (value > 0) return (log_value - log_lower) / (log_upper - log_lower);
  return 1 - ((log_value - log_upper) / (log_lower - log_upper));
}

size_t FloatHistogram::SampleSize() const {
  // Upstream: the bytes of its struct and slices and of a time, in units of a float sample.
  size_t spans = 0;
  for (const auto* side : {&positive, &negative}) {
    for (size_t i = 0; i < side->size(); ++i) {
      spans += i == 0 || (*side)[i].index != (*side)[i - 1].index + 1 ? 1 : 0;
    }
  }
  const size_t bytes =
      168 + 8 * (spans + positive.size() + negative.size() + custom_values.size()) + 8;
  return bytes / 16;
}

Bounded FloatHistogram::BoundedBucket(const Bucket& bucket, bool is_positive) const {
  const double upper = UpperBound(bucket.index, schema, custom_values);
  const double lower = UpperBound(bucket.index - 1, schema, custom_values);
  if (is_positive) return {lower, upper, bucket.count};
  return {-upper, -lower, bucket.count};
}

std::vector<Bounded> FloatHistogram::AllBuckets() const {
  std::vector<Bounded> all;
  all.reserve(positive.size() + negative.size() + 1);
  const auto clip = [this](Bounded bucket) {
    if (bucket.lower > 0 && bucket.lower < zero_threshold) bucket.lower = zero_threshold;
    if (bucket.upper < 0 && bucket.upper > -zero_threshold) bucket.upper = -zero_threshold;
    return bucket;
  };
  for (auto it = negative.rbegin(); it != negative.rend(); ++it) {
    all.push_back(clip(BoundedBucket(*it, false)));
  }
  if (zero_count > 0) all.push_back({-zero_threshold, zero_threshold, zero_count});
  for (const Bucket& bucket : positive) all.push_back(clip(BoundedBucket(bucket, true)));
  return all;
}

void FloatHistogram::Multiply(double factor) {
  ForEachCount(this, [factor](double& c) { c *= factor; });
  if (factor < 0) hint = CounterResetHint::kGauge;
}

void FloatHistogram::Divide(double divisor) {
  ForEachCount(this, [divisor](double& c) { c /= divisor; });
  if (divisor == 0) {
    positive.clear();
    negative.clear();
  } else if (divisor < 0) {
    hint = CounterResetHint::kGauge;
  }
}

void FloatHistogram::Compact() {
  const auto empty = [](const Bucket& bucket) { return bucket.count == 0; };
  std::erase_if(positive, empty);
  std::erase_if(negative, empty);
}

bool FloatHistogram::HasOverflow() const {
  bool overflow = false;
  ForEachCount(const_cast<FloatHistogram*>(this),
               [&overflow](const double& c) { overflow |= std::isinf(c); });
  for (const double bound : custom_values) overflow |= std::isinf(bound);
  return overflow;
}

bool FloatHistogram::DetectReset(const FloatHistogram& previous) const {
  if (hint == CounterResetHint::kReset) return true;
  if (hint == CounterResetHint::kNotReset) return false;
  if (count < previous.count) return true;
  if (custom()) {
    if (!previous.custom()) return true;
    if (custom_values != previous.custom_values) return MismatchedReset(*this, previous);
    return SideReset(positive, previous.positive);
  }
  // A finer schema or a smaller zero bucket only comes with a restart.
  if (previous.custom() || schema > previous.schema) return true;
  if (zero_threshold < previous.zero_threshold) return true;
  const WidenedZero widened = WidenZero(previous, zero_threshold);
  if (widened.threshold != zero_threshold || zero_count < widened.count) return true;
  return SideReset(Beyond(positive, schema, schema, zero_threshold),
                   Beyond(previous.positive, previous.schema, schema, zero_threshold)) ||
         SideReset(Beyond(negative, schema, schema, zero_threshold),
                   Beyond(previous.negative, previous.schema, schema, zero_threshold));
}

bool FloatHistogram::Equals(const FloatHistogram& other) const {
  return schema == other.schema && SameBits(count, other.count) && SameBits(sum, other.sum) &&
         (!custom() || custom_values == other.custom_values) &&
         zero_threshold == other.zero_threshold && SameBits(zero_count, other.zero_count) &&
         SameBuckets(negative, other.negative) && SameBuckets(positive, other.positive);
}

FloatHistogram FloatHistogram::AtSchema(int32_t target) const {
  if (target == schema) return *this;
  FloatHistogram coarse;
  coarse.schema = target;
  coarse.zero_threshold = zero_threshold;
  coarse.zero_count = zero_count;
  coarse.count = count;
  coarse.sum = sum;
  coarse.positive = Reduced(positive, schema, target);
  coarse.negative = Reduced(negative, schema, target);
  return coarse;
}

std::string FloatHistogram::ToString() const {
  std::string out =
      fmt::format("{{count:{}, sum:{}", codec::FormatGoGeneral(count), codec::FormatGoGeneral(sum));
  for (auto it = negative.rbegin(); it != negative.rend(); ++it) {
    if (it->count != 0) out += ", " + BoundedText(BoundedBucket(*it, false), false);
  }
  if (zero_count != 0) {
    out += ", " + BoundedText({-zero_threshold, zero_threshold, zero_count}, true);
  }
  for (const Bucket& bucket : positive) {
    if (bucket.count != 0) out += ", " + BoundedText(BoundedBucket(bucket, true), false);
  }
  return out + "}";
}

std::string FloatHistogram::TestExpression() const {
  std::string out;
  const auto add = [&out](std::string_view name, const std::string& text) {
    out += fmt::format("{}{}:{}", out.empty() ? "" : " ", name, text);
  };
  const auto add_number = [&add](std::string_view name, double value) {
    if (value != 0) add(name, codec::FormatGoGeneral(value));
  };
  const auto list = [](const std::vector<double>& values) {
    std::string text = "[";
    for (const double value : values)
      text += (text.size() > 1 ? " " : "") + codec::FormatGoGeneral(value);
    return text + "]";
  };
  if (schema != 0) add("schema", std::to_string(schema));
  add_number("count", count);
  add_number("sum", sum);
  add_number("z_bucket", zero_count);
  add_number("z_bucket_w", zero_threshold);
  if (custom()) add("custom_values", list(custom_values));
  if (hint == CounterResetHint::kReset) add("counter_reset_hint", "reset");
  if (hint == CounterResetHint::kNotReset) add("counter_reset_hint", "not_reset");
  if (hint == CounterResetHint::kGauge) add("counter_reset_hint", "gauge");
  const auto add_side = [&](std::string_view prefix, const std::vector<Bucket>& buckets) {
    std::vector<double> counts;
    for (const Bucket& bucket : buckets) {
      if (bucket.count == 0 && counts.empty()) continue;
      if (counts.empty()) {
        if (bucket.index != 0) add(std::string(prefix) + "offset", std::to_string(bucket.index));
      } else {
        counts.resize(static_cast<size_t>(bucket.index - buckets.front().index));
      }
      counts.push_back(bucket.count);
    }
    if (!counts.empty()) add(std::string(prefix) + "buckets", list(counts));
  };
  FloatHistogram compact = *this;
  compact.Compact();
  add_side("", compact.positive);
  add_side("n_", compact.negative);
  return "{{" + out + "}}";
}

FloatHistogram FloatHistogram::FromModel(const model::NativeHistogram& from) {
  FloatHistogram to;
  to.hint = from.hint;
  to.schema = from.schema;
  to.zero_threshold = from.zero_threshold;
  to.zero_count = from.zero_count;
  to.count = from.count;
  to.sum = from.sum;
  to.positive = FromSpans(from.positive_spans, from.positive_buckets);
  to.negative = FromSpans(from.negative_spans, from.negative_buckets);
  to.custom_values = from.custom_values;
  return to;
}

model::NativeHistogram FloatHistogram::ToModel() const {
  model::NativeHistogram to;
  to.is_float = true;
  to.hint = hint;
  to.schema = schema;
  to.zero_threshold = zero_threshold;
  to.zero_count = zero_count;
  to.count = count;
  to.sum = sum;
  ToSpans(positive, &to.positive_spans, &to.positive_buckets);
  ToSpans(negative, &to.negative_spans, &to.negative_buckets);
  to.custom_values = custom_values;
  return to;
}

}  // namespace hearth::promql
