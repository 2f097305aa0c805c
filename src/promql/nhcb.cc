// SPDX-License-Identifier: Apache-2.0
#include "promql/nhcb.h"

#include <cmath>
#include <limits>
#include <memory>

#include "promql/float_histogram.h"
#include "promql/literals.h"

namespace hearth::promql {
namespace {

bool ParseBound(std::string_view text, double* bound) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const absl::StatusOr<double> value = ParseNumber(text);
  if (!value.ok() || std::isnan(*value)) return false;
  *bound = negative ? -*value : *value;
  return true;
}

}  // namespace

void NhcbBuilder::Add(const model::Labels& labels, int64_t time_ms, double value) {
  const std::string_view name = labels.Get(model::kMetricName);
  const size_t underscore = name.rfind('_');
  if (underscore == std::string_view::npos) return;
  const std::string_view suffix = name.substr(underscore);
  if (suffix != "_bucket" && suffix != "_count" && suffix != "_sum") return;
  double bound = 0;
  if (suffix == "_bucket" && !ParseBound(labels.Get(model::kBucketLabel), &bound)) return;
  model::LabelsBuilder base(labels);
  base.Set(model::kMetricName, name.substr(0, underscore));
  base.Delete(model::kBucketLabel);
  Classic& classic = histograms_[base.Build()][time_ms];
  if (suffix == "_bucket") {
    classic.buckets[bound] = value;
  } else if (suffix == "_sum") {
    classic.sum = value;
  } else {
    classic.count = value;
    classic.has_count = true;
  }
}

std::vector<std::pair<model::Labels, model::HistogramSample>> NhcbBuilder::Build() const {
  std::vector<std::pair<model::Labels, model::HistogramSample>> built;
  for (const auto& [labels, by_time] : histograms_) {
    for (const auto& [time_ms, classic] : by_time) {
      FloatHistogram histogram;
      histogram.schema = model::kCustomBucketsSchema;
      histogram.sum = classic.sum;
      double below = 0;
      int32_t index = 0;
      bool infinite = false;
      for (const auto& [bound, cumulative] : classic.buckets) {
        infinite = bound == std::numeric_limits<double>::infinity();
        if (!infinite) histogram.custom_values.push_back(bound);
        histogram.positive.push_back({index++, cumulative - below});
        below = cumulative;
      }
      histogram.count = classic.has_count ? classic.count : below;
      if (!infinite) histogram.positive.push_back({index, histogram.count - below});
      histogram.Compact();
      built.emplace_back(
          labels, model::HistogramSample{
                      time_ms, std::make_shared<model::NativeHistogram>(histogram.ToModel())});
    }
  }
  return built;
}

}  // namespace hearth::promql
