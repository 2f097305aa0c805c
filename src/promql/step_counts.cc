// SPDX-License-Identifier: Apache-2.0
#include "promql/step_counts.h"

#include <algorithm>

namespace hearth::promql {

void StepCounts::AddAt(size_t step, int64_t used, int64_t fresh) {
  Add(used, fresh);
  if (!tracks_steps()) return;
  used_at_[step] += used;
  fresh_at_[step] += fresh;
}

void StepCounts::AddCells(std::span<const Cell> cells, size_t filled, size_t series) {
  const auto each = static_cast<int64_t>(series);
  const auto all = static_cast<int64_t>(filled) * each;
  Add(all, all);
  if (!tracks_steps()) return;
  for (size_t step = 0; step < cells.size(); ++step) {
    if (cells[step] == Cell::kNone) continue;
    used_at_[step] += each;
    fresh_at_[step] += each;
  }
}

void StepCounts::Merge(const StepCounts& part) {
  Add(part.used_, part.fresh_);
  for (size_t step = 0; step < part.used_at_.size(); ++step) {
    used_at_[step] += part.used_at_[step];
    fresh_at_[step] += part.fresh_at_[step];
  }
}

void StepCounts::Clear() {
  used_ = fresh_ = 0;
  std::fill(used_at_.begin(), used_at_.end(), 0);
  std::fill(fresh_at_.begin(), fresh_at_.end(), 0);
}

void StepCounts::MergeInvariant(const StepCounts& part, size_t steps) {
  Add(part.used_ * static_cast<int64_t>(steps), part.fresh_);
  if (!tracks_steps()) return;
  for (int64_t& at : used_at_) at += part.used_;
  fresh_at_[0] += part.fresh_;
}

void StepCounts::MergeSubquery(const StepCounts& subquery, const Steps& inner, int64_t offset_ms,
                               const Steps& outer, int64_t range_ms) {
  if (outer.count <= 1) {
    AddAt(0, 0, subquery.fresh_);
    return;
  }
  for (size_t k = 0; k < subquery.fresh_at_.size(); ++k) {
    const int64_t fresh = subquery.fresh_at_[k];
    if (fresh == 0) continue;
    const int64_t time_ms = inner.At(k) + offset_ms;
    const int64_t since_ms = time_ms - outer.start_ms;
    const int64_t after =
        since_ms <= 0 ? 0 : (since_ms + outer.interval_ms - 1) / outer.interval_ms;
    const auto step = static_cast<size_t>(std::min(after, static_cast<int64_t>(outer.count) - 1));
    if (time_ms <= outer.At(step) - range_ms) continue;
    AddAt(step, 0, fresh);
  }
}

}  // namespace hearth::promql
