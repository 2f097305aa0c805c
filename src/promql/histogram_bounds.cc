// SPDX-License-Identifier: Apache-2.0
#include "promql/histogram_bounds.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <string_view>

#include "promql/go_math.h"
#include "promql/kahan.h"

namespace hearth::promql {
namespace {

// Bounds within an octave at the finest schema. Upstream has them as a table of numbers
// (model/histogram/generic.go) that are up to four units in the last place below 2^(i/256), and one
// above; who is to name the same bounds has to be off by as much. A digit d stands for d - 1 units
// below.
constexpr int32_t kFinestSchema = 8;
constexpr std::string_view kUnitsBelow =
    "1111112111211111112311222222222211211121122211221122102211221122"
    "1111112222332132112111211112111111121011213311221222112121332222"
    "2121223322322122222222323233323311221121223321332233212232332232"
    "2243223233433343333333444455435422322333324422333243223333543344";

std::array<double, kUnitsBelow.size()> MakeOctave() {
  std::array<double, kUnitsBelow.size()> octave{};
  for (size_t i = 0; i < octave.size(); ++i) {
    const double exact = std::exp2(static_cast<double>(i) / static_cast<double>(octave.size()));
    octave[i] = std::bit_cast<double>(std::bit_cast<int64_t>(exact) - (kUnitsBelow[i] - '0' - 1));
  }
  return octave;
}

}  // namespace

double ExponentialBound(int32_t index, int32_t schema) {
  if (schema <= 0) {
    const int64_t exponent = static_cast<int64_t>(index) * (int64_t{1} << -schema);
    if (exponent == 1024) return std::numeric_limits<double>::max();
    return std::ldexp(1.0, static_cast<int>(std::clamp<int64_t>(exponent, -5000, 5000)));
  }
  const int32_t per_octave = 1 << schema;
  const int32_t part = index & (per_octave - 1);
  const int32_t octave = index >> schema;
  if (part == 0 && octave == 1024) return std::numeric_limits<double>::max();
  static const std::array<double, kUnitsBelow.size()> kOctave = MakeOctave();
  return std::ldexp(kOctave[static_cast<size_t>(part) << (kFinestSchema - schema)], octave);
}

double UpperBound(int32_t index, int32_t schema, const std::vector<double>& custom_values) {
  if (schema != model::kCustomBucketsSchema) return ExponentialBound(index, schema);
  if (index < 0) return -kInf;
  const auto at = static_cast<size_t>(index);
  return at < custom_values.size() ? custom_values[at] : kInf;
}

std::vector<double> CommonBounds(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  return common;
}

std::vector<FloatHistogram::Bucket> AtBounds(const std::vector<FloatHistogram::Bucket>& buckets,
                                             const std::vector<double>& bounds,
                                             const std::vector<double>& target) {
  std::vector<FloatHistogram::Bucket> mapped;
  KahanSum sum;
  for (const FloatHistogram::Bucket& bucket : buckets) {
    const auto at = static_cast<size_t>(bucket.index);
    const double bound = at < bounds.size() ? bounds[at] : kInf;
    const auto index = static_cast<int32_t>(std::lower_bound(target.begin(), target.end(), bound) -
                                            target.begin());
    if (mapped.empty() || mapped.back().index != index) {
      mapped.push_back({index, 0});
      sum = {};
    }
    sum.Add(bucket.count);
    mapped.back().count = sum.Total();
  }
  std::erase_if(mapped, [](const FloatHistogram::Bucket& bucket) { return bucket.count == 0; });
  return mapped;
}

WidenedZero WidenZero(const FloatHistogram& histogram, double threshold) {
  if (threshold == histogram.zero_threshold) return {histogram.zero_count, threshold};
  for (;;) {
    KahanSum count{histogram.zero_count, 0};
    for (const auto& bucket : histogram.positive) {
      const FloatHistogram::Bounded bounded = histogram.BoundedBucket(bucket, true);
      if (bounded.lower >= threshold) break;
      count.Add(bounded.count);
      if (bounded.upper > threshold) {
        if (bounded.count != 0) threshold = bounded.upper;
        break;
      }
    }
    bool again = false;
    for (const auto& bucket : histogram.negative) {
      const FloatHistogram::Bounded bounded = histogram.BoundedBucket(bucket, false);
      if (bounded.upper <= -threshold) break;
      count.Add(bounded.count);
      if (bounded.lower < -threshold) {
        // The positive side must be looked at anew with the larger threshold.
        again = bounded.count != 0;
        if (again) threshold = -bounded.lower;
        break;
      }
    }
    if (!again) return {count.sum, threshold};
  }
}

}  // namespace hearth::promql
