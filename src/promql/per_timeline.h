// SPDX-License-Identifier: Apache-2.0
// Keeps what was worked out for a timeline (storage::SeriesColumns::timeline) while other series
// come between: series of several targets take turns. Bounded by the steps held. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace hearth::promql {

template <typename T>
class PerTimeline {
 public:
  // T is for so many steps.
  explicit PerTimeline(size_t steps)
      : kept_max_(std::max<size_t>(kStepsMax / std::max<size_t>(steps, 1), 1)) {}

  // What is kept for the timeline; where that is nothing (0 always), something new, which `fill`
  // makes good. Valid until the next call.
  template <typename Fill>
  T& Get(uint64_t timeline, const Fill& fill) {
    if (timeline == 0 || timeline > kTimelinesMax) {
      fill(&unknown_);
      return unknown_;
    }
    if (timeline >= kept_.size()) kept_.resize(timeline + 1);
    std::unique_ptr<T>& entry = kept_[timeline];
    if (entry != nullptr) return *entry;
    if (count_ == kept_max_) {
      for (std::unique_ptr<T>& other : kept_) other.reset();
      count_ = 0;
    }
    entry = std::make_unique<T>();
    ++count_;
    fill(entry.get());
    return *entry;
  }

 private:
  static constexpr size_t kStepsMax = 1 << 18;  // of all that is kept: some MB
  static constexpr uint64_t kTimelinesMax = 1 << 16;
  const size_t kept_max_;
  size_t count_ = 0;
  std::vector<std::unique_ptr<T>> kept_;  // by timeline; stores number them from 1
  T unknown_;
};

}  // namespace hearth::promql
