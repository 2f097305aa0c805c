// SPDX-License-Identifier: Apache-2.0
// Intermediate results: series × steps, series-major, with a kind for each cell. Rows flow one by
// one from selectors through range functions into aggregations (RowSink), so that a query which
// aggregates at once never holds all its series.
#pragma once

#include <absl/status/status.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/labels.h"
#include "promql/float_histogram.h"

namespace hearth::promql {

// The moments at which an expression is evaluated.
struct Steps {
  int64_t start_ms = 0;
  int64_t interval_ms = 1;
  size_t count = 1;
  int64_t At(size_t step) const { return start_ms + static_cast<int64_t>(step) * interval_ms; }
  int64_t last_ms() const { return At(count == 0 ? 0 : count - 1); }
};

enum class Cell : uint8_t { kNone = 0, kFloat = 1, kHistogram = 2 };

// Valid while the call that was given it runs.
struct RowView {
  model::LabelsView labels;
  bool drop_name = false;  // the name goes when the query ends (delayed name removal)
  const double* values = nullptr;
  const Cell* cells = nullptr;
  const HistogramPtr* histograms = nullptr;  // null where no cell is a histogram
  // Equal non-zero ids: equal labels, of all rows that one sink is given. Small numbers.
  uint32_t labels_id = 0;
  uint32_t series = 1;  // so many equal rows; more than one only where RowNeeds::values is false
};

// What a sink looks at; rows may lack the rest.
struct RowNeeds {
  std::optional<std::vector<std::string>> labels;  // names, sorted; not set: all
  bool values = true;                              // else cells alone
};

class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual absl::Status Add(const RowView& row) = 0;
  virtual RowNeeds needs() const { return {}; }
};

class Grid {
 public:
  explicit Grid(size_t steps = 1) : steps_(steps) {}
  size_t steps() const { return steps_; }
  size_t rows() const { return rows_.size(); }
  // All cells kNone; pointers into the grid become invalid.
  size_t AddRow(model::Labels labels, bool drop_name);
  size_t AddRow(const RowView& row);

  const model::Labels& labels(size_t row) const { return rows_[row].labels; }
  model::Labels TakeLabels(size_t row) { return std::move(rows_[row].labels); }
  void set_labels(size_t row, model::Labels labels) { rows_[row].labels = std::move(labels); }
  bool drop_name(size_t row) const { return rows_[row].drop_name; }
  void set_drop_name(size_t row, bool drop) { rows_[row].drop_name = drop; }
  double* values(size_t row) { return values_.data() + row * steps_; }
  const double* values(size_t row) const { return values_.data() + row * steps_; }
  Cell* cells(size_t row) { return cells_.data() + row * steps_; }
  const Cell* cells(size_t row) const { return cells_.data() + row * steps_; }
  // Null where the row has no histogram.
  const HistogramPtr* histograms(size_t row) const {
    return rows_[row].histograms.empty() ? nullptr : rows_[row].histograms.data();
  }
  HistogramPtr* histograms(size_t row) {
    return rows_[row].histograms.empty() ? nullptr : rows_[row].histograms.data();
  }
  void SetFloat(size_t row, size_t step, double value) {
    values(row)[step] = value;
    cells(row)[step] = Cell::kFloat;
  }
  void SetHistogram(size_t row, size_t step, HistogramPtr histogram);
  RowView View(size_t row) const {
    return {rows_[row].labels, rows_[row].drop_name, values(row), cells(row), histograms(row)};
  }
  // What one more row takes, and all of them: cells, labels and what allocating adds. Histograms
  // are counted as the pointers to them, which are shared with the store's.
  size_t RowBytes(model::LabelsView labels) const {
    return steps_ * (sizeof(double) + sizeof(Cell)) + labels.packed().size() + sizeof(Row) + 16;
  }
  size_t bytes() const;
  // Cells that hold something, as Prometheus counts samples.
  size_t CountSamples() const;
  void RemoveEmptyRows();
  // Rows of equal labels become one; FailedPrecondition where two have a value at the same step.
  absl::Status MergeEqualRows();
  // Drops the name where a row says so, and merges.
  absl::Status FinishNames();

 private:
  struct Row {
    model::Labels labels;
    bool drop_name = false;
    std::vector<HistogramPtr> histograms;  // empty or one a step
  };
  size_t steps_;
  std::vector<Row> rows_;
  std::vector<double> values_;
  std::vector<Cell> cells_;
};

// Collects rows into a grid.
class GridSink : public RowSink {
 public:
  explicit GridSink(Grid* grid) : grid_(grid) {}
  absl::Status Add(const RowView& row) override {
    grid_->AddRow(row);
    return absl::OkStatus();
  }

 private:
  Grid* const grid_;
};

// __name__, __type__, __unit__ (prometheus/schema): what stops being true once a value is computed.
bool IsMetadataLabel(std::string_view name);
// `labels` without those; `scratch` holds the bytes where something had to go.
model::LabelsView DropMetadata(model::LabelsView labels, std::string* scratch);

// As error messages of the engine print label sets: {__name__="up", job="a"}.
std::string LabelsText(model::LabelsView labels);

inline constexpr std::string_view kSameLabelset =
    "vector cannot contain metrics with the same labelset";

}  // namespace hearth::promql
