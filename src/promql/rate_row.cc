// SPDX-License-Identifier: Apache-2.0
#include "promql/rate_row.h"

#include <limits>

#include "promql/ast.h"
#include "promql/float_scan.h"
#include "promql/range_function.h"

namespace hearth::promql {

std::unique_ptr<RateRow> RateRow::For(std::string_view function, const VectorSelector* selector,
                                      int64_t range_ms, size_t steps) {
  if (selector != nullptr && (selector->anchored || selector->smoothed)) return nullptr;
  const bool rate = function == "rate";
  const bool counter = rate || function == "increase";
  if (!counter && function != "delta") return nullptr;
  return std::unique_ptr<RateRow>(new RateRow(counter, rate, range_ms, steps));
}

double RateRow::FactorOf(const Extent& extent, double to_start) const {
  double factor = 1;
  if (extent.sampled != 0) factor = (extent.sampled + to_start + extent.to_end) / extent.sampled;
  if (per_second_) factor /= static_cast<double>(range_ms_) / 1000;
  return factor;
}

void RateRow::Measure(const SeriesInput& series, const WindowBounds& bounds, Line* line) const {
  line->extents.clear();
  line->extents.reserve(bounds.steps());
  line->cells.assign(bounds.steps(), Cell::kNone);
  line->samples_used = 0;
  for (size_t step = 0; step < bounds.steps(); ++step) {
    const auto [begin, end] = bounds.SpanOf(step);
    line->samples_used += end - begin;
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
    line->extents.push_back(extent);
    line->cells[step] = Cell::kFloat;
  }
  FindRuns(line);
}

void RateRow::FindRuns(Line* line) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<Extent>& extents = line->extents;
  line->runs.clear();
  line->factors.clear();
  line->limits.clear();
  for (uint32_t i = 0; i < extents.size(); ++i) {
    line->factors.push_back(extents[i].factor);
    line->limits.push_back(extents[i].far_start ? kInfinity : -kInfinity);
    const bool further = i > 0 && extents[i].first == extents[i - 1].first + 1 &&
                         extents[i].last == extents[i - 1].last + 1 &&
                         extents[i].step == extents[i - 1].step + 1;
    if (!further) line->runs.push_back({i, i});
    line->runs.back().end = i + 1;
  }
}

bool RateRow::FindResets(std::span<const double> values) {
  if (!Decreases(values)) return false;
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
  line_ = &kept_.Get(series.timeline, [&](Line* line) { Measure(series, bounds, line); });
  const double* const in = series.values.data();
  if (counter_ && FindResets(series.values)) {
    FillCounter<true>(in, {0, static_cast<uint32_t>(line_->extents.size())}, values);
  } else if (counter_) {
    FillWithoutResets(in, values);
  } else {
    for (const Extent& extent : line_->extents) {
      values[extent.step] = (in[extent.last] - in[extent.first]) * extent.factor;
    }
  }
  return !line_->extents.empty();
}

void RateRow::FillWithoutResets(const double* in, double* values) const {
  for (const Run& run : line_->runs) {
    const Extent& extent = line_->extents[run.begin];
    const bool young =
        FillRises(in + extent.first, in + extent.last, line_->factors.data() + run.begin,
                  line_->limits.data() + run.begin, run.end - run.begin, values + extent.step);
    if (young) FillCounter<false>(in, run, values);
  }
}

template <bool kResets>
void RateRow::FillCounter(const double* in, const Run& run, double* values) const {
  for (const Extent& extent : std::span(line_->extents).subspan(run.begin, run.end - run.begin)) {
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
