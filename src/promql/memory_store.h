// SPDX-License-Identifier: Apache-2.0
// A store in memory for tests, benchmarks and `hearth test rules`: series in sorted columns behind
// storage::Querier. Not thread-safe while samples are added.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/querier.h"

namespace hearth::promql {

class MemoryStore : public storage::Querier {
 public:
  // In any order of time; the same time again replaces the value.
  // `start_time_ms`: when the counter began, 0 where unknown.
  void Add(const model::Labels& labels, int64_t time_ms, double value, int64_t start_time_ms = 0);
  void AddHistogram(const model::Labels& labels, model::HistogramSample sample);
  void Clear() { series_.clear(); }
  // Leaves out whatever storage::SelectHints allow, and numbers timelines; else neither.
  void HonourHints(bool honour) { honour_hints_ = honour; }

  absl::StatusOr<std::unique_ptr<storage::SeriesSet>> Select(
      const storage::SelectRequest& request) const override;
  absl::StatusOr<std::vector<model::Labels>> Series(
      storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
      size_t limit) const override;
  absl::StatusOr<std::vector<std::string>> LabelNames(
      storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors,
      size_t limit) const override;
  absl::StatusOr<std::vector<std::string>> LabelValues(
      std::string_view name, storage::TimeRange range,
      const std::vector<std::vector<model::Matcher>>& selectors, size_t limit) const override;
  std::vector<model::Metadata> MetricMetadata(std::string_view metric, size_t limit) const override;

 private:
  struct Columns {
    std::vector<int64_t> times_ms;
    std::vector<double> values;
    std::vector<int64_t> starts;  // as many
    bool has_starts = false;
    std::vector<model::HistogramSample> histograms;
  };
  class Set;
  static bool HasSample(const Columns& columns, storage::TimeRange range);
  std::map<model::Labels, Columns> series_;
  bool honour_hints_ = false;
};

}  // namespace hearth::promql
