// SPDX-License-Identifier: Apache-2.0
// A native histogram as the evaluator computes with it: buckets as sorted (index, count) pairs in
// place of spans. Counts are absolute. Semantics: prometheus/model/histogram/float_histogram.go.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/histogram.h"

namespace hearth::promql {

using model::CounterResetHint;

struct FloatHistogram {
  struct Bucket {
    int32_t index = 0;
    double count = 0;
    friend bool operator==(const Bucket&, const Bucket&) = default;
  };
  // A bucket with its bounds.
  struct Bounded {
    double lower = 0;
    double upper = 0;
    double count = 0;
    // Share of the observations below `value`, which lies inside; linear or on a log scale.
    double FractionBelow(double value, bool linear) const;
  };

  CounterResetHint hint = CounterResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<Bucket> positive;
  std::vector<Bucket> negative;
  std::vector<double> custom_values;

  bool custom() const { return schema == model::kCustomBucketsSchema; }
  // What Prometheus counts a histogram as, in samples of 16 bytes.
  size_t SampleSize() const;

  // All in ascending order of value, the zero bucket between, empty ones included but for it.
  std::vector<Bounded> AllBuckets() const;
  Bounded BoundedBucket(const Bucket& bucket, bool is_positive) const;

  void Multiply(double factor);
  void Divide(double divisor);
  void Compact();  // drops empty buckets
  bool HasOverflow() const;
  // True where this, coming after `previous`, shows a counter reset.
  bool DetectReset(const FloatHistogram& previous) const;
  // Exactly the same data: bits of counts, layout, bounds.
  bool Equals(const FloatHistogram& other) const;
  FloatHistogram AtSchema(int32_t target) const;  // target <= schema, both exponential
  void Trim(double value, bool upper);            // `</` (upper) and `>/`

  std::string ToString() const;        // {count:…, sum:…, (lower,upper]:…}
  std::string TestExpression() const;  // {{schema:… count:… …}}

  static FloatHistogram FromModel(const model::NativeHistogram& histogram);
  model::NativeHistogram ToModel() const;
};

using HistogramPtr = std::shared_ptr<const FloatHistogram>;

// What an addition or subtraction had to do beside.
struct CombineOutcome {
  bool incompatible = false;       // exponential with custom buckets: nothing was done
  bool reset_collision = false;    // hints "reset" and "not reset" met
  bool bounds_reconciled = false;  // custom bounds differed and were intersected
};
CombineOutcome Add(FloatHistogram* into, const FloatHistogram& other);
CombineOutcome Subtract(FloatHistogram* from, const FloatHistogram& other);

// A sum of histograms with Kahan compensation in every count.
class HistogramSum {
 public:
  explicit HistogramSum(const FloatHistogram& first) : sum_(first) {}
  CombineOutcome Add(const FloatHistogram& other);
  FloatHistogram Total() const;
  const FloatHistogram& sum() const { return sum_; }
  FloatHistogram* mutable_sum() { return &sum_; }
  void Scale(double factor, bool divide);  // sum and compensation

 private:
  FloatHistogram sum_;
  FloatHistogram compensation_;
  bool compensated_ = false;
};

}  // namespace hearth::promql
