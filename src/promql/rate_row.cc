// SPDX-License-Identifier: Apache-2.0
#include "promql/rate_row.h"

#include <algorithm>

#include "promql/ast.h"
#include "promql/range_function.h"

namespace hearth::promql {

std::unique_ptr<RateRow> RateRow::For(std::string_view function, const VectorSelector* selector,
                                      int64_t range_ms, size_t steps) {
  if (selector != nullptr && (selector->anchored || selector->smoothed)) return nullptr;
  const bool rate = function == "rate";
  const bool counter = rate || function == "increase";
  if (!counter && function != "delta") return nullptr;
  std::unique_ptr<RateRow> row(new RateRow(counter, rate, range_ms));
  row->extents_.reserve(steps);
  row->cells_.resize(steps);
  return row;
}

double RateRow::FactorOf(const Extent& extent, double to_start) const {
  double factor = 1;
  if (extent.sampled != 0) factor = (extent.sampled + to_start + extent.to_end) / extent.sampled;
  if (per_second_) factor /= static_cast<double>(range_ms_) / 1000;
  return factor;
}

void RateRow::Measure(const SeriesInput& series, const WindowBounds& bounds) {
  extents_.clear();
  std::fill(cells_.begin(), cells_.end(), Cell::kNone);
  samples_used_ = 0;
  for (size_t step = 0; step < bounds.steps(); ++step) {
    const auto [begin, end] = bounds.SpanOf(step);
    samples_used_ += end - begin;
    if (end - begin < 2) continue;
    const int64_t first_ms = series.times[begin];
    const int64_t last_ms = series.times[end - 1];
    const int64_t end_ms = bounds.EndOf(step);
    Extent extent;
    extent.first = begin;
    extent.last = end - 1;
    extent.step = static_cast<uint32_t>(step);
    extent.sampled = static_cast<double>(last_ms - first_ms) / 1000;
    const double average = extent.sampled / static_cast<double>(end - begin - 1);
    extent.to_start = Reach(first_ms - (end_ms - range_ms_), average);
    extent.to_end = Reach(end_ms - last_ms, average);
    extent.factor = FactorOf(extent, extent.to_start);
    extent.far_start = extent.to_start > extent.sampled;
    extents_.push_back(extent);
    cells_[step] = Cell::kFloat;
  }
}

bool RateRow::FindResets(std::span<const double> values) {
  if (!MayReset(values)) return false;
  newest_reset_.resize(values.size());
  uint32_t newest = 0;
  newest_reset_[0] = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    if (values[i] < values[i - 1]) newest = static_cast<uint32_t>(i);
    newest_reset_[i] = newest;
  }
  return true;
}

bool RateRow::Fill(const SeriesInput& series, const WindowBounds& bounds, double* values) {
  if (series.timeline == 0 || series.timeline != timeline_) {
    Measure(series, bounds);
    timeline_ = series.timeline;
  }
  const double* const in = series.values.data();
  if (counter_ && FindResets(series.values)) {
    FillCounter<true>(in, values);
  } else if (counter_) {
    FillCounter<false>(in, values);
  } else {
    for (const Extent& extent : extents_) {
      values[extent.step] = (in[extent.last] - in[extent.first]) * extent.factor;
    }
  }
  return !extents_.empty();
}

template <bool kResets>
void RateRow::FillCounter(const double* in, double* values) const {
  for (const Extent& extent : extents_) {
    const double first = in[extent.first];
    double result = in[extent.last] - first;
    if (kResets && newest_reset_[extent.last] > extent.first) {
      for (uint32_t i = extent.first + 1; i <= extent.last; ++i) {
        if (in[i] < in[i - 1]) result += in[i - 1];
      }
    }
    double factor = extent.factor;
    // A counter cannot have been below zero: that long before its first sample it was. Where it has
    // more than doubled since it began, that is: else it was zero before the window's reach, and
    // the division is saved.
    if (result > 0 && first >= 0 && (first < result || extent.far_start)) {
      const double zero_after = extent.sampled * (first / result);
      if (zero_after < extent.to_start) factor = FactorOf(extent, zero_after);
    }
    values[extent.step] = result * factor;
  }
}

}  // namespace hearth::promql
