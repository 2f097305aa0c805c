// SPDX-License-Identifier: Apache-2.0
// Adding and subtracting native histograms; sums with Kahan compensation in every bucket.
#include <algorithm>
#include <cmath>

#include "promql/float_histogram.h"
#include "promql/go_math.h"
#include "promql/histogram_bounds.h"
#include "promql/kahan.h"

namespace hearth::promql {
namespace {

using Bucket = FloatHistogram::Bucket;

// True where the two hints contradict each other; what results is set in `into`.
bool CombineHints(CounterResetHint* into, CounterResetHint other) {
  if (other == *into || *into == CounterResetHint::kGauge) return false;
  if (other == CounterResetHint::kGauge) {
    *into = CounterResetHint::kGauge;
    return false;
  }
  const bool collision = *into != CounterResetHint::kUnknown && other != CounterResetHint::kUnknown;
  *into = CounterResetHint::kUnknown;
  return collision;
}

// A side with its compensation beside; `compensation` may be null.
struct Side {
  std::vector<Bucket>* buckets;
  std::vector<Bucket>* compensation;
};

void Accumulate(double value, double* sum, double* compensation) {
  if (compensation == nullptr) {
    *sum += value;
    return;
  }
  KahanSum kahan{*sum, *compensation};
  kahan.Add(value);
  *sum = kahan.sum;
  *compensation = kahan.compensation;
}

void AddSide(const Side& into, const std::vector<Bucket>& other, double sign) {
  std::vector<Bucket> sums;
  std::vector<Bucket> compensations;
  sums.reserve(into.buckets->size() + other.size());
  size_t at = 0;
  const auto take = [&] {
    sums.push_back((*into.buckets)[at]);
    if (into.compensation != nullptr) compensations.push_back((*into.compensation)[at]);
    ++at;
  };
  for (const Bucket& bucket : other) {
    while (at < into.buckets->size() && (*into.buckets)[at].index < bucket.index) take();
    const double value = bucket.count * sign;
    if (at < into.buckets->size() && (*into.buckets)[at].index == bucket.index) {
      take();
      Accumulate(value, &sums.back().count,
                 into.compensation == nullptr ? nullptr : &compensations.back().count);
    } else {
      sums.push_back({bucket.index, value});
      if (into.compensation != nullptr) compensations.push_back({bucket.index, 0});
    }
  }
  while (at < into.buckets->size()) take();
  *into.buckets = std::move(sums);
  if (into.compensation != nullptr) *into.compensation = std::move(compensations);
}

void ReduceSide(const Side& side, int32_t from, int32_t to) {
  std::vector<Bucket> sums;
  std::vector<Bucket> compensations;
  for (size_t i = 0; i < side.buckets->size(); ++i) {
    const int32_t index = CoarserIndex((*side.buckets)[i].index, from, to);
    const double count = (*side.buckets)[i].count;
    const double rest = side.compensation == nullptr ? 0 : (*side.compensation)[i].count;
    if (sums.empty() || sums.back().index != index) {
      sums.push_back({index, count});
      compensations.push_back({index, rest});
    } else if (side.compensation == nullptr) {
      sums.back().count += count;
    } else {
      Accumulate(count, &sums.back().count, &compensations.back().count);
      Accumulate(rest, &sums.back().count, &compensations.back().count);
    }
  }
  *side.buckets = std::move(sums);
  if (side.compensation != nullptr) *side.compensation = std::move(compensations);
}

// Buckets that a wider zero bucket has taken in go.
void TrimInsideZero(FloatHistogram* histogram, FloatHistogram* compensation) {
  const auto inside = [histogram](const Bucket& bucket) {
    return histogram->BoundedBucket(bucket, true).lower < histogram->zero_threshold;
  };
  for (auto* side : {&histogram->positive, &histogram->negative}) {
    auto* const rest =
        compensation == nullptr
            ? nullptr
            : (side == &histogram->positive ? &compensation->positive : &compensation->negative);
    std::vector<Bucket> kept;
    std::vector<Bucket> kept_rest;
    for (size_t i = 0; i < side->size(); ++i) {
      if (inside((*side)[i]) || (*side)[i].count == 0) continue;
      kept.push_back((*side)[i]);
      if (rest != nullptr) kept_rest.push_back((*rest)[i]);
    }
    *side = std::move(kept);
    if (rest != nullptr) *rest = std::move(kept_rest);
  }
}

// Brings both zero buckets to one width; `into` changes, what the other's would hold is returned.
double ReconcileZero(FloatHistogram* into, FloatHistogram* compensation,
                     const FloatHistogram& other) {
  WidenedZero other_zero{other.zero_count, other.zero_threshold};
  while (other_zero.threshold != into->zero_threshold) {
    if (into->zero_threshold > other_zero.threshold) {
      other_zero = WidenZero(other, into->zero_threshold);
    }
    if (other_zero.threshold > into->zero_threshold) {
      const WidenedZero widened = WidenZero(*into, other_zero.threshold);
      into->zero_count = widened.count;
      into->zero_threshold = widened.threshold;
      TrimInsideZero(into, compensation);
    }
  }
  return other_zero.count;
}

CombineOutcome Combine(FloatHistogram* into, FloatHistogram* compensation,
                       const FloatHistogram& other, double sign) {
  CombineOutcome outcome;
  if (into->custom() != other.custom()) {
    outcome.incompatible = true;
    return outcome;
  }
  outcome.reset_collision = CombineHints(&into->hint, other.hint);
  const auto rest = [compensation](double FloatHistogram::*member) {
    return compensation == nullptr ? nullptr : &(compensation->*member);
  };
  if (!into->custom()) {
    const double zero = ReconcileZero(into, compensation, other);
    Accumulate(sign * zero, &into->zero_count, rest(&FloatHistogram::zero_count));
  }
  Accumulate(sign * other.count, &into->count, rest(&FloatHistogram::count));
  Accumulate(sign * other.sum, &into->sum, rest(&FloatHistogram::sum));
  const Side positive{&into->positive, compensation ? &compensation->positive : nullptr};
  const Side negative{&into->negative, compensation ? &compensation->negative : nullptr};
  if (into->custom()) {
    if (into->custom_values == other.custom_values) {
      AddSide(positive, other.positive, sign);
      return outcome;
    }
    outcome.bounds_reconciled = true;
    std::vector<double> bounds = CommonBounds(into->custom_values, other.custom_values);
    into->positive = AtBounds(into->positive, into->custom_values, bounds);
    if (compensation != nullptr) {
      const std::vector<Bucket> old = AtBounds(compensation->positive, into->custom_values, bounds);
      compensation->positive.clear();
      for (const Bucket& bucket : into->positive)
        compensation->positive.push_back({bucket.index, 0});
      AddSide({&compensation->positive, nullptr}, old, 1);
      // Aligned again: a compensation without a bucket gets one.
      AddSide(
          {&into->positive, nullptr},
          [&] {
            std::vector<Bucket> zeros = compensation->positive;
            for (Bucket& bucket : zeros) bucket.count = 0;
            return zeros;
          }(),
          1);
    }
    AddSide(positive, AtBounds(other.positive, other.custom_values, bounds), sign);
    into->custom_values = std::move(bounds);
    return outcome;
  }
  const int32_t schema = std::min(into->schema, other.schema);
  if (schema < into->schema) {
    ReduceSide(positive, into->schema, schema);
    ReduceSide(negative, into->schema, schema);
    into->schema = schema;
  }
  const FloatHistogram coarse = other.AtSchema(schema);
  // The other's buckets inside the zero bucket have been counted there.
  const auto beyond = [&](std::vector<Bucket> buckets) {
    size_t inside = 0;
    while (inside < buckets.size() &&
           ExponentialBound(buckets[inside].index, schema) <= into->zero_threshold) {
      ++inside;
    }
    buckets.erase(buckets.begin(), buckets.begin() + static_cast<std::ptrdiff_t>(inside));
    return buckets;
  };
  AddSide(positive, beyond(coarse.positive), sign);
  AddSide(negative, beyond(coarse.negative), sign);
  return outcome;
}

}  // namespace

CombineOutcome Add(FloatHistogram* into, const FloatHistogram& other) {
  return Combine(into, nullptr, other, 1);
}

CombineOutcome Subtract(FloatHistogram* from, const FloatHistogram& other) {
  return Combine(from, nullptr, other, -1);
}

CombineOutcome HistogramSum::Add(const FloatHistogram& other) {
  if (!compensated_) {
    compensation_ = sum_;
    for (auto* side : {&compensation_.positive, &compensation_.negative}) {
      for (Bucket& bucket : *side) bucket.count = 0;
    }
    compensation_.zero_count = compensation_.count = compensation_.sum = 0;
    compensated_ = true;
  }
  return Combine(&sum_, &compensation_, other, 1);
}

FloatHistogram HistogramSum::Total() const {
  FloatHistogram total = sum_;
  if (!compensated_) return total;
  total.zero_count += compensation_.zero_count;
  total.count += compensation_.count;
  total.sum += compensation_.sum;
  AddSide({&total.positive, nullptr}, compensation_.positive, 1);
  AddSide({&total.negative, nullptr}, compensation_.negative, 1);
  return total;
}

void HistogramSum::Scale(double factor, bool divide) {
  for (FloatHistogram* histogram : {&sum_, &compensation_}) {
    if (divide) {
      histogram->Divide(factor);
    } else {
      histogram->Multiply(factor);
    }
  }
}

}  // namespace hearth::promql
