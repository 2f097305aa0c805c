// SPDX-License-Identifier: Apache-2.0
// Compensated summation as Prometheus does it (util/kahansum): Neumaier's variant, without
// compensation once the sum is infinite. Compiled without fused multiply-add (CompilerSettings).
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

namespace hearth::promql {

struct KahanSum {
  double sum = 0;
  double compensation = 0;

  void Add(double value) {
    const double total = sum + value;
    if (std::isinf(total)) {
      compensation = 0;
    } else if (std::fabs(sum) >= std::fabs(value)) {
      compensation += (sum - total) + value;
    } else {
      compensation += (value - total) + sum;
    }
    sum = total;
  }
  double Total() const { return sum + compensation; }
};

// KahanSum::Add() on lanes that do not meet.
void AddKahan(const double* values, size_t lanes, double* sums, double* compensations);

// The mean of values added one by one: a compensated sum until it would overflow, an incremental
// mean from there on (prometheus/prometheus#16714). Starts with the first value.
class KahanMean {
 public:
  KahanMean() = default;
  explicit KahanMean(double first) : state_{first, 0}, count_(1) {}

  void Add(double value) {
    ++count_;
    if (!incremental_) {
      KahanSum next = state_;
      next.Add(value);
      if (!std::isinf(next.sum)) {
        state_ = next;
        return;
      }
      incremental_ = true;
      state_.sum /= count_ - 1;
      state_.compensation /= count_ - 1;
    }
    const double weight = (count_ - 1) / count_;
    state_.sum *= weight;
    state_.compensation *= weight;
    state_.Add(value / count_);
  }
  double Result() const {
    if (incremental_) return state_.Total();
    return state_.sum / count_ + state_.compensation / count_;
  }
  // For folds that keep the parts apart.
  static KahanMean Resume(KahanSum state, double count, bool incremental) {
    KahanMean mean;
    mean.state_ = state;
    mean.count_ = count;
    mean.incremental_ = incremental;
    return mean;
  }
  const KahanSum& state() const { return state_; }
  bool incremental() const { return incremental_; }

 private:
  KahanSum state_;
  double count_ = 0;
  bool incremental_ = false;
};

}  // namespace hearth::promql
