// SPDX-License-Identifier: Apache-2.0
#include "promql/rate_row.h"

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
    extents_.push_back(extent);
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

bool RateRow::Fill(const SeriesInput& series, const WindowBounds& bounds, double* values,
                   Cell* cells) {
  if (series.timeline == 0 || series.timeline != timeline_) {
    Measure(series, bounds);
    timeline_ = series.timeline;
  }
  const double* const in = series.values.data();
  const bool resets = counter_ && FindResets(series.values);
  for (const Extent& extent : extents_) {
    const double first = in[extent.first];
    double result = in[extent.last] - first;
    if (resets && newest_reset_[extent.last] > extent.first) {
      for (uint32_t i = extent.first + 1; i <= extent.last; ++i) {
        if (in[i] < in[i - 1]) result += in[i - 1];
      }
    }
    double factor = extent.factor;
    if (counter_ && result > 0 && first >= 0) {
      // A counter cannot have been below zero: that long before its first sample it was.
      const double zero_after = extent.sampled * (first / result);
      if (zero_after < extent.to_start) factor = FactorOf(extent, zero_after);
    }
    values[extent.step] = result * factor;
    cells[extent.step] = Cell::kFloat;
  }
  return !extents_.empty();
}

}  // namespace hearth::promql
