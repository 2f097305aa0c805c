// SPDX-License-Identifier: Apache-2.0
#include "promql/grid.h"

#include <algorithm>

#include "base/status.h"
#include "base/string_map.h"

namespace hearth::promql {

size_t Grid::AddRow(model::Labels labels, bool drop_name) {
  rows_.push_back({std::move(labels), drop_name, {}});
  values_.resize(rows_.size() * steps_);
  cells_.resize(rows_.size() * steps_);
  return rows_.size() - 1;
}

size_t Grid::bytes() const {
  size_t total = 0;
  for (const Row& row : rows_) {
    total += RowBytes(row.labels) + row.histograms.size() * sizeof(HistogramPtr);
  }
  return total;
}

size_t Grid::AddRow(const RowView& row) {
  rows_.push_back({model::Labels(row.labels), row.drop_name, {}});
  values_.insert(values_.end(), row.values, row.values + steps_);
  cells_.insert(cells_.end(), row.cells, row.cells + steps_);
  if (row.histograms != nullptr) {
    rows_.back().histograms.assign(row.histograms, row.histograms + steps_);
  }
  return rows_.size() - 1;
}

void Grid::SetHistogram(size_t row, size_t step, HistogramPtr histogram) {
  std::vector<HistogramPtr>& histograms = rows_[row].histograms;
  if (histograms.empty()) histograms.resize(steps_);
  histograms[step] = std::move(histogram);
  cells(row)[step] = Cell::kHistogram;
}

size_t Grid::CountSamples() const {
  size_t samples = 0;
  for (const Cell cell : cells_) samples += cell == Cell::kNone ? 0 : 1;
  for (const Row& row : rows_) {
    for (const HistogramPtr& histogram : row.histograms) {
      if (histogram != nullptr) samples += histogram->SampleSize() - 1;
    }
  }
  return samples;
}

void Grid::RemoveEmptyRows() {
  size_t kept = 0;
  for (size_t row = 0; row < rows_.size(); ++row) {
    const Cell* const begin = cells(row);
    const bool empty =
        std::all_of(begin, begin + steps_, [](Cell cell) { return cell == Cell::kNone; });
    if (empty) continue;
    if (kept != row) {
      rows_[kept] = std::move(rows_[row]);
      std::copy_n(values(row), steps_, values(kept));
      std::copy_n(cells(row), steps_, cells(kept));
    }
    ++kept;
  }
  rows_.resize(kept);
  values_.resize(kept * steps_);
  cells_.resize(kept * steps_);
}

absl::Status Grid::MergeEqualRows() {
  if (rows_.size() < 2) return absl::OkStatus();
  StringMap<size_t> seen;
  seen.reserve(rows_.size());
  bool merged = false;
  for (size_t row = 0; row < rows_.size(); ++row) {
    const auto [at, inserted] = seen.try_emplace(rows_[row].labels.packed(), row);
    if (inserted) continue;
    const size_t target = at->second;
    for (size_t step = 0; step < steps_; ++step) {
      const Cell cell = cells(row)[step];
      if (cell == Cell::kNone) continue;
      if (cells(target)[step] != Cell::kNone) return FailedPrecondition("{}", kSameLabelset);
      if (cell == Cell::kHistogram) {
        SetHistogram(target, step, std::move(rows_[row].histograms[step]));
      } else {
        SetFloat(target, step, values(row)[step]);
      }
      cells(row)[step] = Cell::kNone;
      merged = true;
    }
  }
  if (merged) RemoveEmptyRows();
  return absl::OkStatus();
}

absl::Status Grid::FinishNames() {
  std::string scratch;
  bool changed = false;
  for (Row& row : rows_) {
    if (!row.drop_name) continue;
    const model::LabelsView dropped = DropMetadata(row.labels, &scratch);
    if (dropped.packed().size() == row.labels.packed().size()) continue;
    row.labels = model::Labels(dropped);
    changed = true;
  }
  return changed ? MergeEqualRows() : absl::OkStatus();
}

bool IsMetadataLabel(std::string_view name) {
  return name == model::kMetricName || name == "__type__" || name == "__unit__";
}

std::string LabelsText(model::LabelsView labels) {
  std::string out;
  for (const model::Label& label : labels) {
    out += out.empty() ? "{" : ", ";
    out +=
        model::IsLegacyLabelName(label.name) ? std::string(label.name) : model::QuoteGo(label.name);
    out += "=" + model::QuoteGo(label.value);
  }
  return out.empty() ? "{}" : out + "}";
}

model::LabelsView DropMetadata(model::LabelsView labels, std::string* scratch) {
  bool found = false;
  for (const model::Label& label : labels) {
    if (!IsMetadataLabel(label.name)) continue;
    found = true;
    break;
  }
  if (!found) return labels;
  scratch->clear();
  for (const model::Label& label : labels) {
    if (!IsMetadataLabel(label.name)) model::AppendPacked(label.name, label.value, scratch);
  }
  return model::LabelsView(*scratch);
}

}  // namespace hearth::promql
