// SPDX-License-Identifier: Apache-2.0
#include "promql/bucket_quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "promql/go_math.h"
#include "promql/kahan.h"

namespace hearth::promql {
namespace {

// Differences of counts below this are taken for rounding errors.
constexpr double kSmallDelta = 1e-12;

// prometheus/util/almost: relative to the sum of magnitudes.
bool AlmostEqual(double a, double b, double epsilon) {
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  const double sum = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < kMinNormal) return difference < epsilon * kMinNormal;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < epsilon;
}

// Sorted by bound, equal bounds as one. False where the +Inf bucket is missing.
bool SortAndCoalesce(std::vector<ClassicBucket>* buckets) {
  const auto less = [](const ClassicBucket& a, const ClassicBucket& b) {
    return a.upper < b.upper;
  };
  if (!std::is_sorted(buckets->begin(), buckets->end(), less)) {
    std::stable_sort(buckets->begin(), buckets->end(), less);
  }
  if (buckets->back().upper != kInf) return false;
  size_t last = 0;
  for (size_t i = 1; i < buckets->size(); ++i) {
    if ((*buckets)[i].upper == (*buckets)[last].upper) {
      (*buckets)[last].count += (*buckets)[i].count;
    } else {
      (*buckets)[++last] = (*buckets)[i];
    }
  }
  buckets->resize(last + 1);
  return true;
}

void ForceMonotonic(std::vector<ClassicBucket>* buckets, ClassicQuantile* result) {
  result->min_bucket = kInf;
  result->max_bucket = -kInf;
  double before = (*buckets)[0].count;
  for (size_t i = 1; i < buckets->size(); ++i) {
    ClassicBucket& bucket = (*buckets)[i];
    if (bucket.count == before) continue;
    if (AlmostEqual(before, bucket.count, kSmallDelta)) {
      bucket.count = before;
    } else if (bucket.count < before) {
      result->forced = true;
      result->min_bucket = std::min(result->min_bucket, bucket.upper);
      result->max_bucket = std::max(result->max_bucket, bucket.upper);
      result->max_difference = std::max(result->max_difference, before - bucket.count);
      bucket.count = before;
    } else {
      before = bucket.count;
    }
  }
}

}  // namespace

ClassicQuantile QuantileOfBuckets(double q, std::vector<ClassicBucket>* buckets) {
  ClassicQuantile result;
  result.value = kNan;
  if (std::isnan(q)) return result;
  if (q < 0 || q > 1) {
    result.value = q < 0 ? -kInf : kInf;
    return result;
  }
  if (!SortAndCoalesce(buckets)) return result;
  ForceMonotonic(buckets, &result);
  const size_t n = buckets->size();
  const double observations = buckets->back().count;
  if (n < 2 || observations == 0) return result;
  double rank = q * observations;
  size_t b = 0;
  while (b < n - 1 && !((*buckets)[b].count >= rank)) ++b;
  if (b == n - 1) {
    result.value = (*buckets)[n - 2].upper;
  } else if (b == 0 && (*buckets)[0].upper <= 0) {
    result.value = (*buckets)[0].upper;
  } else {
    double start = 0;
    double count = (*buckets)[b].count;
    if (b > 0) {
      start = (*buckets)[b - 1].upper;
      count -= (*buckets)[b - 1].count;
      rank -= (*buckets)[b - 1].count;
    }
    result.value = start + ((*buckets)[b].upper - start) * (rank / count);
  }
  return result;
}

double FractionOfBuckets(double lower, double upper, std::vector<ClassicBucket>* buckets) {
  if (!SortAndCoalesce(buckets)) return kNan;
  const double count = buckets->back().count;
  if (count == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  // How many observations lie below `value`.
  const auto rank_of = [&](double value) {
    double rank = 0;
    double low = (*buckets)[0].upper <= 0 ? -kInf : 0;
    for (size_t i = 0; i < buckets->size(); ++i) {
      const ClassicBucket& bucket = (*buckets)[i];
      if (i > 0) low = (*buckets)[i - 1].upper;
      if (low >= value) return rank;
      if (bucket.upper > value) {
        if (low == -kInf) return bucket.count;
        return rank + (bucket.count - rank) * (value - low) / (bucket.upper - low);
      }
      rank = bucket.count;
    }
    return count;
  };
  const double lower_rank = std::min(rank_of(lower), count);
  const double upper_rank = std::min(rank_of(upper), count);
  return (upper_rank - lower_rank) / count;
}

double QuantileOfHistogram(double q, const FloatHistogram& h, std::string_view metric, PosRange pos,
                           Annotations* notes) {
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  if (h.count == 0 || std::isnan(q)) return kNan;
  std::vector<FloatHistogram::Bounded> buckets = h.AllBuckets();
  const bool nan_sum = std::isnan(h.sum);
  const bool forward = nan_sum || q < 0.5;
  if (!forward) std::reverse(buckets.begin(), buckets.end());
  double rank = (forward ? q : 1 - q) * h.count;
  FloatHistogram::Bounded bucket;
  double count = 0;
  size_t next = 0;
  while (next < buckets.size()) {
    bucket = buckets[next++];
    if (bucket.count == 0) continue;
    count += bucket.count;
    if (count >= rank) break;
  }
  if (!h.custom() && bucket.lower < 0 && bucket.upper > 0) {
    // The zero bucket of a histogram with only one side ends at zero.
    if (h.negative.empty() && !h.positive.empty()) bucket.lower = 0;
    if (h.positive.empty() && !h.negative.empty()) bucket.upper = 0;
  } else if (h.custom()) {
    if (bucket.lower == -kInf) {
      if (bucket.upper <= 0) return bucket.upper;
      bucket.lower = 0;
    } else if (bucket.upper == kInf) {
      return bucket.lower;
    }
  }
  count = std::min(count, h.count);
  if (count < rank) {
    if (!nan_sum) return bucket.upper;
    notes->QuantileNanResult(metric, pos);
    return kNan;
  }
  rank = forward ? rank - (count - bucket.count) : count - rank;
  if (nan_sum) {
    for (; next < buckets.size(); ++next) count += buckets[next].count;
    if (count < h.count) notes->QuantileNanSkew(metric, pos);
  }
  const double fraction = rank / bucket.count;
  if (h.custom() || (bucket.lower <= 0 && bucket.upper >= 0)) {
    return bucket.lower + (bucket.upper - bucket.lower) * fraction;
  }
  // Exponential buckets are of one width on a logarithmic scale.
  const double log_lower = std::log2(std::fabs(bucket.lower));
  const double log_upper = std::log2(std::fabs(bucket.upper));
  if (bucket.lower > 0) return std::exp2(log_lower + (log_upper - log_lower) * fraction);
  return -std::exp2(log_upper + (log_lower - log_upper) * (1 - fraction));
}

namespace {

// How many observations of `h` lie below `value`; none where it lies above all buckets. Buckets of
// differences are negative, and so may be ranks.
std::optional<double> RankOf(double value, const FloatHistogram& h,
                             const std::vector<FloatHistogram::Bounded>& buckets) {
  double rank = 0;
  for (FloatHistogram::Bounded bucket : buckets) {
    const bool zero = bucket.lower <= 0 && bucket.upper >= 0;
    if (zero) {
      if (h.negative.empty() && !h.positive.empty()) bucket.lower = 0;
      if (h.positive.empty() && !h.negative.empty()) bucket.upper = 0;
    }
    if (bucket.lower >= value) return rank;
    if (bucket.upper > value) {
      const bool linear = h.custom() || zero;
      if (linear && bucket.lower == -kInf) return bucket.count;
      return rank + bucket.count * bucket.FractionBelow(value, linear);
    }
    rank += bucket.count;
  }
  return std::nullopt;
}

}  // namespace

double FractionOfHistogram(double lower, double upper, const FloatHistogram& h,
                           std::string_view metric, PosRange pos, Annotations* notes) {
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  const std::vector<FloatHistogram::Bounded> buckets = h.AllBuckets();
  double count = h.count;
  if (std::isnan(h.sum)) {
    count = 0;
    for (const FloatHistogram::Bounded& bucket : buckets) count += bucket.count;
    if (count < h.count) notes->FractionNans(metric, pos);
  }
  const auto rank_of = [&](double value) {
    return std::min(RankOf(value, h, buckets).value_or(count), count);
  };
  const double lower_rank = rank_of(lower);
  return (rank_of(upper) - lower_rank) / h.count;
}

double VarianceOfHistogram(const FloatHistogram& h) {
  const double mean = h.sum / h.count;
  KahanSum variance;
  for (const FloatHistogram::Bounded& bucket : h.AllBuckets()) {
    if (bucket.count == 0) continue;
    double value = 0;
    if (h.custom()) {
      value = (bucket.upper + bucket.lower) / 2;
    } else if (bucket.lower > 0 || bucket.upper < 0) {
      value = std::sqrt(bucket.upper * bucket.lower);
      if (bucket.upper < 0) value = -value;
    }
    const double delta = value - mean;
    variance.Add(bucket.count * delta * delta);
  }
  return variance.Total() / h.count;
}

}  // namespace hearth::promql
