// SPDX-License-Identifier: Apache-2.0
// The samples of one query as Prometheus' statistics count them (util/stats/query_stats.go): `used`
// is totalQueryableSamples, every sample as often as a step uses it; `fresh` is samplesRead,
// without those that the step before had used as well. In sum, and by step where that is asked for.
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "promql/grid.h"

namespace hearth::promql {

class StepCounts {
 public:
  void TrackSteps(size_t steps) {
    used_at_.assign(steps, 0);
    fresh_at_.assign(steps, 0);
  }
  void TrackAs(const StepCounts& other) { TrackSteps(other.used_at_.size()); }
  bool tracks_steps() const { return !used_at_.empty(); }
  // What TrackSteps takes.
  static size_t Bytes(size_t steps) { return 2 * steps * sizeof(int64_t); }

  // Without saying at which steps.
  void Add(int64_t used, int64_t fresh) {
    used_ += used;
    fresh_ += fresh;
  }
  void AddAt(size_t step, int64_t used, int64_t fresh);
  // Rows of `series` instant selectors alike: one sample where a step has a value, which `filled`
  // steps have.
  void AddCells(std::span<const Cell> cells, size_t filled, size_t series);
  // What was counted apart, at the same steps.
  void Merge(const StepCounts& part);
  // Nothing is counted; steps are tracked as before.
  void Clear();
  // A part that was evaluated once for `steps` steps: used by each, read at the first.
  void MergeInvariant(const StepCounts& part, size_t steps);
  // What a subquery read, at the step that uses its points first. Points that lie between the
  // windows of two steps are not counted. The subquery must track steps where `outer` has several.
  void MergeSubquery(const StepCounts& subquery, const Steps& inner, int64_t offset_ms,
                     const Steps& outer, int64_t range_ms);

  int64_t used() const { return used_; }
  int64_t fresh() const { return fresh_; }
  std::vector<int64_t> TakeUsedAt() { return std::move(used_at_); }
  std::vector<int64_t> TakeFreshAt() { return std::move(fresh_at_); }

 private:
  int64_t used_ = 0;
  int64_t fresh_ = 0;
  std::vector<int64_t> used_at_;
  std::vector<int64_t> fresh_at_;
};

}  // namespace hearth::promql
