// SPDX-License-Identifier: Apache-2.0
// Folding rows into [group][step]: sum, avg, min, max, count, group, stddev, stdvar, quantile.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/string_map.h"
#include "promql/annotations.h"
#include "promql/grid.h"

namespace hearth::promql {

// Which group a series belongs to, by (labels) or without (labels).
class Grouping {
 public:
  Grouping(const AggregateExpr& expr, std::string_view extra_label);
  // The packed labels of the group, in `packed`: they are its key too.
  void Select(model::LabelsView labels, std::string* packed) const;
  // Sorted; `without` them where that is so.
  const std::vector<std::string>& names() const { return names_; }
  bool without() const { return without_; }

 private:
  std::vector<std::string> names_;  // sorted
  const bool without_;
};

// Counter-reset hints met while histograms are added up.
struct HintsSeen {
  bool reset = false;
  bool not_reset = false;
  void Note(CounterResetHint hint) {
    reset |= hint == CounterResetHint::kReset;
    not_reset |= hint == CounterResetHint::kNotReset;
  }
  bool collision() const { return reset && not_reset; }
};

// The mean of histograms: a compensated sum until it overflows, incremental from there on.
class HistogramMean {
 public:
  explicit HistogramMean(const FloatHistogram& first) : state_(first) {}
  CombineOutcome Add(const FloatHistogram& other);
  FloatHistogram Result() const;

 private:
  HistogramSum state_;
  double count_ = 1;
  bool incremental_ = false;
};

class Folder : public RowSink {
 public:
  // `all_labels`: of rows, even where groups are told by few.
  Folder(const AggregateExpr& expr, size_t steps, bool all_labels, Annotations* notes);
  ~Folder() override;
  absl::Status Add(const RowView& row) override;
  RowNeeds needs() const override;
  // `quantiles`: the parameter at each step, for quantile.
  Grid Finish(const std::vector<double>& quantiles);
  size_t bytes() const;  // held by the groups so far; an estimate

 private:
  struct HistogramCell;
  struct Run {
    size_t begin = 0;
    size_t end = 0;
  };
  enum Flags : uint8_t { kSeen = 1, kFloat = 2, kHistogram = 4, kIncompatible = 8 };

  size_t GroupOf(const RowView& row);
  size_t FindGroup(model::LabelsView labels);
  bool counts_only() const { return op_ == TokenType::kCount || op_ == TokenType::kGroup; }
  void AddFloatsOnly(size_t group, const RowView& row);
  void CountCells(size_t group, const RowView& row);
  void AddFloat(size_t cell, double value);
  void AddHistogram(size_t cell, const HistogramPtr& histogram, model::LabelsView labels);
  void CombineHistogram(size_t cell, const FloatHistogram& histogram, model::LabelsView labels);
  bool IgnoresHistograms() const;
  void FinishCell(size_t group, size_t step, double quantile, Grid* out);
  double FloatResult(size_t cell, double quantile);

  const AggregateExpr& expr_;
  const TokenType op_;
  const size_t steps_;
  const bool all_labels_;
  const PosRange pos_;  // of what is aggregated
  Annotations& notes_;
  Grouping grouping_;
  StringMap<size_t> groups_;
  std::vector<std::string> group_labels_;
  std::vector<uint8_t> drop_names_;
  std::string key_;
  std::vector<uint32_t> groups_by_id_;  // of RowView::labels_id: group + 1, 0 where not known yet
  // One a cell [group][step]; which of them are in use depends on the operation.
  std::vector<uint8_t> flags_;
  std::vector<Run> seen_;         // of each group: steps that all have a float, none else
  std::vector<Cell> all_floats_;  // a row without gaps, to compare with
  std::vector<double> values_;
  std::vector<double> compensations_;
  std::vector<double> means_;
  std::vector<double> counts_;
  std::vector<uint8_t> incremental_;
  std::vector<std::vector<double>> samples_;
  std::vector<std::unique_ptr<HistogramCell>> histograms_;  // empty until the first one comes
};

}  // namespace hearth::promql
