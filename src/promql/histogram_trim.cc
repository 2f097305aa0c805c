// SPDX-License-Identifier: Apache-2.0
// `histogram </ x` and `histogram >/ x`: what lies beyond x is cut off, inside a bucket by
// interpolation; sum and count are estimated anew from what is left.
#include <cmath>

#include "promql/float_histogram.h"

namespace hearth::promql {
namespace {

using Bounded = FloatHistogram::Bounded;

struct Kept {
  double count = 0;
  double midpoint = 0;
};

double ZeroIfInfinite(double value) { return std::isinf(value) ? 0 : value; }

double Midpoint(double lower, double upper, bool positive, bool linear) {
  if (std::isinf(lower)) {
    if (std::isinf(upper)) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (std::isinf(upper)) return lower;
  if (linear) return (lower + upper) / 2;
  const double mean = std::sqrt(std::fabs(lower * upper));
  return positive ? mean : -mean;
}

// A bucket with an infinite bound cannot be divided; only custom ones have finite other ends that
// allow a guess from zero on.
Kept KeptOfInfinite(const Bounded& bucket, double value, bool upper) {
  if (std::isinf(bucket.lower) && bucket.lower < 0) {
    if (upper) {
      if (value >= bucket.upper) return {bucket.count, 0};
      if (value > 0 && bucket.upper > 0 && !std::isinf(bucket.upper)) {
        return {bucket.count * value / bucket.upper, value / 2};
      }
      if (bucket.upper <= 0) return {bucket.count, value};
      return {0, ZeroIfInfinite(bucket.upper)};
    }
    if (value <= bucket.lower) return {bucket.count, 0};
    if (value >= 0 && bucket.upper > value && !std::isinf(bucket.upper)) {
      return {bucket.count * (1 - value / bucket.upper), (value + bucket.upper) / 2};
    }
    return {0, ZeroIfInfinite(bucket.upper)};
  }
  if (!upper && value >= bucket.lower) return {bucket.count, value};
  return {0, ZeroIfInfinite(bucket.lower)};
}

Kept KeptOf(const Bounded& bucket, double value, bool upper, bool positive, bool linear) {
  if (std::isinf(bucket.lower) || std::isinf(bucket.upper)) {
    return KeptOfInfinite(bucket, value, upper);
  }
  double under = bucket.count;
  if (value <= bucket.lower) {
    under = 0;
  } else if (value < bucket.upper) {
    under = bucket.count * bucket.FractionBelow(value, linear);
  }
  if (upper) return {under, Midpoint(bucket.lower, value, positive, linear)};
  return {bucket.count - under, Midpoint(value, bucket.upper, positive, linear)};
}

Kept KeptOfZero(const FloatHistogram& histogram, double value, bool upper, bool has_positive,
                bool has_negative) {
  const double low = has_positive && !has_negative ? 0 : -histogram.zero_threshold;
  const double high = has_negative && !has_positive ? 0 : histogram.zero_threshold;
  const bool all = upper ? value >= high : value <= low;
  const bool nothing = upper ? value <= low : value >= high;
  if (nothing) return {0, 0};
  if (all) return {histogram.zero_count, (low + high) / 2};
  const double share = (upper ? value - low : high - value) / (high - low);
  return {histogram.zero_count * share, ((upper ? low : high) + value) / 2};
}

}  // namespace

void FloatHistogram::Trim(double value, bool upper) {
  double new_count = 0;
  double new_sum = 0;
  bool trimmed = false;
  bool has[2] = {false, false};  // positive, negative
  for (const bool is_positive : {true, false}) {
    for (Bucket& bucket : is_positive ? positive : negative) {
      if (bucket.count == 0) continue;
      has[is_positive ? 0 : 1] = true;
      const Bounded bounded = BoundedBucket(bucket, is_positive);
      const bool whole = upper ? bounded.upper <= value : bounded.lower >= value;
      const bool cut = upper ? bounded.lower < value : bounded.upper > value;
      Kept kept;
      if (whole) {
        kept = {bucket.count, Midpoint(bounded.lower, bounded.upper, is_positive, custom())};
      } else if (cut) {
        kept = KeptOf(bounded, value, upper, is_positive, custom());
      }
      new_count += kept.count;
      new_sum += kept.midpoint * kept.count;
      if (bucket.count != kept.count || (!whole && !cut)) {
        bucket.count = kept.count;
        trimmed = true;
      }
    }
  }
  if (zero_count > 0) {
    const Kept kept = KeptOfZero(*this, value, upper, has[0], has[1]);
    if (zero_count != kept.count) {
      zero_count = kept.count;
      trimmed = true;
    }
    new_sum += kept.midpoint * kept.count;
    new_count += kept.count;
  }
  if (!trimmed) return;
  count = new_count;
  sum = new_sum;
  Compact();
}

}  // namespace hearth::promql
