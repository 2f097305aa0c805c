// SPDX-License-Identifier: Apache-2.0
#include "promql/aggregate.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/status.h"
#include "codec/go_float.h"
#include "promql/evaluator.h"
#include "promql/go_math.h"
#include "promql/kahan.h"
#include "promql/range_function.h"

namespace hearth::promql {

Grouping::Grouping(const AggregateExpr& expr, std::string_view extra_label)
    : names_(expr.grouping), without_(expr.without) {
  if (without_) {
    names_.emplace_back(model::kMetricName);
  } else if (!extra_label.empty()) {
    names_.emplace_back(extra_label);
  }
  std::sort(names_.begin(), names_.end());
}

void Grouping::Select(model::LabelsView labels, std::string* packed) const {
  packed->clear();
  if (names_.empty()) return;  // by nothing: one group
  for (const model::Label& label : labels) {
    const bool named = std::find(names_.begin(), names_.end(), label.name) != names_.end();
    if (named != without_) model::AppendPacked(label.name, label.value, packed);
  }
}

CombineOutcome HistogramMean::Add(const FloatHistogram& other) {
  ++count_;
  if (!incremental_) {
    HistogramSum next = state_;
    const CombineOutcome outcome = next.Add(other);
    if (outcome.incompatible) return outcome;
    if (!next.sum().HasOverflow()) {
      state_ = std::move(next);
      return outcome;
    }
    incremental_ = true;
    state_.Scale(count_ - 1, true);
  }
  FloatHistogram part = other;
  part.Divide(count_);
  state_.Scale((count_ - 1) / count_, false);
  return state_.Add(part);
}

FloatHistogram HistogramMean::Result() const {
  if (incremental_) return state_.Total();
  HistogramSum mean = state_;
  mean.Scale(count_, true);
  return mean.Total();
}

struct Folder::HistogramCell {
  explicit HistogramCell(const FloatHistogram& first) : sum(first), mean(first) {}
  HistogramSum sum;
  HistogramMean mean;
  HintsSeen hints;
};

Folder::Folder(const AggregateExpr& expr, size_t steps, bool all_labels, Annotations* notes)
    : expr_(expr),
      op_(expr.op),
      steps_(steps),
      all_labels_(all_labels),
      pos_(expr.expr->pos()),
      notes_(*notes),
      grouping_(expr, "") {}
Folder::~Folder() = default;

RowNeeds Folder::needs() const {
  RowNeeds needs;
  needs.values = !counts_only();
  if (grouping_.without() || all_labels_) return needs;
  needs.labels = grouping_.names();
  // Notes on histograms name their metric.
  if (op_ == TokenType::kSum || op_ == TokenType::kAvg) {
    needs.labels->emplace_back(model::kMetricName);
  }
  std::sort(needs.labels->begin(), needs.labels->end());
  return needs;
}

size_t Folder::GroupOf(const RowView& row) {
  if (row.labels_id == 0) return FindGroup(row.labels);
  if (row.labels_id >= groups_by_id_.size()) groups_by_id_.resize(row.labels_id + 1);
  uint32_t& known = groups_by_id_[row.labels_id];
  if (known == 0) known = static_cast<uint32_t>(FindGroup(row.labels)) + 1;
  return known - 1;
}

size_t Folder::FindGroup(model::LabelsView labels) {
  grouping_.Select(labels, &key_);
  const auto [at, inserted] = groups_.try_emplace(key_, group_labels_.size());
  if (!inserted) return at->second;
  group_labels_.push_back(key_);
  drop_names_.push_back(0);
  const size_t cells = group_labels_.size() * steps_;
  flags_.resize(cells);
  seen_.resize(group_labels_.size());
  values_.resize(cells);
  if (op_ == TokenType::kSum || op_ == TokenType::kAvg) compensations_.resize(cells);
  if (op_ == TokenType::kAvg) incremental_.resize(cells);
  if (op_ == TokenType::kStddev || op_ == TokenType::kStdvar) means_.resize(cells);
  if (op_ != TokenType::kSum && op_ != TokenType::kMin && op_ != TokenType::kMax) {
    counts_.resize(cells);
  }
  if (op_ == TokenType::kQuantile) samples_.resize(cells);
  if (!histograms_.empty()) histograms_.resize(cells);
  return at->second;
}

size_t Folder::bytes() const {
  // Quantiles keep every value of a cell: one at least, in a vector of its own.
  constexpr size_t kSamplesBytes = sizeof(std::vector<double>) + 32;
  return flags_.size() + incremental_.size() + samples_.size() * kSamplesBytes +
         (values_.size() + compensations_.size() + means_.size() + counts_.size()) *
             sizeof(double) +
         group_labels_.size() * (2 * sizeof(std::string) + 64);
}

bool Folder::IgnoresHistograms() const {
  return op_ == TokenType::kStddev || op_ == TokenType::kStdvar || op_ == TokenType::kQuantile ||
         op_ == TokenType::kMin || op_ == TokenType::kMax;
}

// The common case, tight. Lanes are steps, so the order of additions is the series'.
void Folder::AddFloatsOnly(size_t group, const RowView& row) {
  const size_t base = group * steps_;
  double* const sums = values_.data() + base;
  double* const compensations = compensations_.data() + base;
  uint8_t* const flags = flags_.data() + base;
  // Most rows have one run of values and gaps at most before and after it.
  if (all_floats_.empty()) all_floats_.resize(steps_, Cell::kFloat);
  Run run{0, steps_};
  while (run.begin < run.end && row.cells[run.begin] == Cell::kNone) ++run.begin;
  while (run.begin < run.end && row.cells[run.end - 1] == Cell::kNone) --run.end;
  const size_t length = run.end - run.begin;
  const bool whole = std::memcmp(row.cells + run.begin, all_floats_.data(), length) == 0;
  Run& seen = seen_[group];
  if (whole && run.begin >= seen.begin && run.end <= seen.end) {
    AddKahan(row.values + run.begin, length, sums + run.begin, compensations + run.begin);
    return;
  }
  for (size_t step = 0; step < steps_; ++step) {
    if (row.cells[step] == Cell::kNone) continue;
    KahanSum sum{sums[step], compensations[step]};
    if ((flags[step] & kSeen) != 0) {
      sum.Add(row.values[step]);
    } else {
      sum = {row.values[step], 0};
    }
    sums[step] = sum.sum;
    compensations[step] = sum.compensation;
    flags[step] = kSeen | kFloat;
  }
  if (whole && length > seen.end - seen.begin) seen = run;
}

// How many have a value, whatever it is.
void Folder::CountCells(size_t group, const RowView& row) {
  double* const counts = counts_.data() + group * steps_;
  uint8_t* const flags = flags_.data() + group * steps_;
  const auto weight = static_cast<double>(row.series);
  for (size_t step = 0; step < steps_; ++step) {
    const bool present = row.cells[step] != Cell::kNone;
    counts[step] += present ? weight : 0;
    flags[step] |= present ? kSeen : 0;
  }
}

absl::Status Folder::Add(const RowView& row) {
  const size_t group = GroupOf(row);
  const size_t base = group * steps_;
  if (row.drop_name) drop_names_[group] = 1;
  if (counts_only()) {
    CountCells(group, row);
    return absl::OkStatus();
  }
  if (op_ == TokenType::kSum && row.histograms == nullptr && histograms_.empty()) {
    AddFloatsOnly(group, row);
    return absl::OkStatus();
  }
  for (size_t step = 0; step < steps_; ++step) {
    if (row.cells[step] == Cell::kFloat) {
      AddFloat(base + step, row.values[step]);
    } else if (row.cells[step] == Cell::kHistogram) {
      AddHistogram(base + step, row.histograms[step], row.labels);
    }
  }
  return absl::OkStatus();
}

void Folder::AddFloat(size_t cell, double value) {
  uint8_t& flags = flags_[cell];
  if ((flags & kIncompatible) != 0) return;
  const bool first = (flags & kSeen) == 0;
  flags |= kSeen | kFloat;
  if (!counts_.empty()) counts_[cell] = first ? 1 : counts_[cell] + 1;
  double& current = values_[cell];
  switch (op_) {
    case TokenType::kSum:
      if (first) {
        current = value;
      } else {
        KahanSum sum{current, compensations_[cell]};
        sum.Add(value);
        current = sum.sum;
        compensations_[cell] = sum.compensation;
      }
      break;
    case TokenType::kAvg: {
      if (first) {
        current = value;
        break;
      }
      KahanMean mean = KahanMean::Resume({current, compensations_[cell]}, counts_[cell] - 1,
                                         incremental_[cell] != 0);
      mean.Add(value);
      current = mean.state().sum;
      compensations_[cell] = mean.state().compensation;
      incremental_[cell] = mean.incremental() ? 1 : 0;
      break;
    }
    case TokenType::kMin:
      if (first || current > value || std::isnan(current)) current = value;
      break;
    case TokenType::kMax:
      if (first || current < value || std::isnan(current)) current = value;
      break;
    case TokenType::kStddev:
    case TokenType::kStdvar:
      if (first) {
        means_[cell] = value;
        current = std::isfinite(value) ? 0 : kNan;
      } else {
        const double delta = value - means_[cell];
        means_[cell] += delta / counts_[cell];
        current += delta * (value - means_[cell]);
      }
      break;
    case TokenType::kQuantile:
      samples_[cell].push_back(value);
      break;
    default:
      break;
  }
}

void Folder::AddHistogram(size_t cell, const HistogramPtr& histogram, model::LabelsView labels) {
  uint8_t& flags = flags_[cell];
  if (IgnoresHistograms()) {
    notes_.HistogramIgnoredInAggregation(Text(op_), pos_);
    return;
  }
  if ((flags & kIncompatible) != 0) return;
  const bool first = (flags & kSeen) == 0;
  const bool first_histogram = (flags & kHistogram) == 0;
  flags |= kSeen | kHistogram;
  if (!counts_.empty()) counts_[cell] = first ? 1 : counts_[cell] + 1;
  if (op_ != TokenType::kSum && op_ != TokenType::kAvg) return;
  if (histograms_.empty()) histograms_.resize(flags_.size());
  if (first) {
    histograms_[cell] = std::make_unique<HistogramCell>(*histogram);
    histograms_[cell]->hints.Note(histogram->hint);
  } else if (!first_histogram && histograms_[cell] != nullptr) {
    CombineHistogram(cell, *histogram, labels);
  }
  // After floats the cell is invalid anyway.
}

void Folder::CombineHistogram(size_t cell, const FloatHistogram& histogram,
                              model::LabelsView labels) {
  HistogramCell& into = *histograms_[cell];
  into.hints.Note(histogram.hint);
  const CombineOutcome outcome =
      op_ == TokenType::kSum ? into.sum.Add(histogram) : into.mean.Add(histogram);
  if (outcome.incompatible) {
    notes_.MixedExponentialCustom(labels.metric_name(), pos_);
    flags_[cell] |= kIncompatible;
  }
  if (outcome.bounds_reconciled) notes_.MismatchedCustomBuckets("aggregation", pos_);
}

double Folder::FloatResult(size_t cell, double quantile) {
  switch (op_) {
    case TokenType::kSum:
      return values_[cell] + compensations_[cell];
    case TokenType::kAvg:
      return KahanMean::Resume({values_[cell], compensations_[cell]}, counts_[cell],
                               incremental_[cell] != 0)
          .Result();
    case TokenType::kCount:
      return counts_[cell];
    case TokenType::kGroup:
      return 1;
    case TokenType::kStdvar:
      return values_[cell] / counts_[cell];
    case TokenType::kStddev:
      return std::sqrt(values_[cell] / counts_[cell]);
    case TokenType::kQuantile:
      return QuantileOf(quantile, &samples_[cell]);
    default:
      return values_[cell];
  }
}

void Folder::FinishCell(size_t group, size_t step, double quantile, Grid* out) {
  const size_t cell = group * steps_ + step;
  const uint8_t flags = flags_[cell];
  if ((flags & kSeen) == 0) return;
  const bool sums = op_ == TokenType::kSum || op_ == TokenType::kAvg;
  if (!sums || (flags & kHistogram) == 0) {
    out->SetFloat(group, step, FloatResult(cell, quantile));
    return;
  }
  if ((flags & kFloat) != 0) {
    notes_.MixedFloatsHistogramsInAggregation(pos_);
    return;
  }
  if ((flags & kIncompatible) != 0 || histograms_[cell] == nullptr) return;
  const HistogramCell& histogram = *histograms_[cell];
  auto result = std::make_shared<FloatHistogram>(op_ == TokenType::kSum ? histogram.sum.Total()
                                                                        : histogram.mean.Result());
  result->Compact();
  if (histogram.hints.collision()) notes_.CounterResetCollision("aggregation", pos_);
  out->SetHistogram(group, step, std::move(result));
}

Grid Folder::Finish(const std::vector<double>& quantiles) {
  Grid out(steps_);
  for (size_t group = 0; group < group_labels_.size(); ++group) {
    out.AddRow(model::Labels::FromPacked(std::move(group_labels_[group])), drop_names_[group] != 0);
    for (size_t step = 0; step < steps_; ++step) {
      FinishCell(group, step, quantiles.empty() ? 0 : quantiles[step], &out);
    }
  }
  out.RemoveEmptyRows();
  return out;
}

namespace {

// Holds what the groups take while they come.
class LimitedFolder : public RowSink {
 public:
  LimitedFolder(QueryState* query, Folder* folder) : query_(query), folder_(folder) {}
  absl::Status Add(const RowView& row) override {
    TRY(folder_->Add(row));
    const size_t bytes = folder_->bytes();
    if (bytes == held_) return absl::OkStatus();
    const size_t more = bytes - held_;
    held_ = bytes;
    return query_->HoldBytes(more);
  }
  RowNeeds needs() const override { return folder_->needs(); }

 private:
  QueryState* const query_;
  Folder* const folder_;
  size_t held_ = 0;
};

}  // namespace

absl::StatusOr<Value> Evaluator::EvalAggregate(const AggregateExpr& expr) {
  if (expr.op == TokenType::kCountValues) return EvalCountValues(expr);
  if (expr.op == TokenType::kTopK || expr.op == TokenType::kBottomK ||
      IsExperimentalAggregator(expr.op)) {
    return EvalSelecting(expr);
  }
  std::vector<double> quantiles;
  if (expr.op == TokenType::kQuantile) {
    TRY_ASSIGN(quantiles, EvalScalar(*expr.param));
  }
  std::optional<Folder> folder;
  const Stats before = query_.stats;
  const size_t bytes_before = query_.held_bytes;
  query_.all_labels_needed = false;
  for (const bool all_labels : {false, true}) {
    folder.emplace(expr, steps(), all_labels, &query_.notes);
    LimitedFolder limited(&query_, &*folder);
    const absl::Status status = EvalRows(*expr.expr, &limited);
    if (all_labels || !query_.all_labels_needed) {
      TRY(status);
      break;
    }
    query_.stats = before;
    query_.held_bytes = bytes_before;
    query_.all_labels_needed = false;
  }
  if (expr.op == TokenType::kQuantile) {
    // After what is inside, as upstream: the later of two equal warnings gives the position.
    double low = quantiles[0];
    double high = quantiles[0];
    for (const double q : quantiles) {
      if (std::isnan(q)) query_.notes.InvalidQuantile(kNan, expr.param->pos());
      low = GoMin(low, q);
      high = GoMax(high, q);
    }
    if (high > 1) query_.notes.InvalidQuantile(high, expr.param->pos());
    if (low < 0) query_.notes.InvalidQuantile(low, expr.param->pos());
  }
  return Value{ValueType::kVector, {}, {}, folder->Finish(quantiles)};
}

absl::StatusOr<Value> Evaluator::EvalCountValues(const AggregateExpr& expr) {
  const std::string& label = As<StringLiteral>(Unwrap(*expr.param)).value;
  if (label.empty() || !IsValidUtf8(label)) {
    return FailedPrecondition("invalid label name {}", model::QuoteGo(label));
  }
  TRY_ASSIGN(const Grid grid, EvalVector(*expr.expr));
  const Grouping grouping(expr, label);
  Grid out(steps());
  StringMap<size_t> rows;
  std::string key;
  for (size_t row = 0; row < grid.rows(); ++row) {
    model::LabelsBuilder builder(grid.labels(row));
    std::string text;
    size_t at = SIZE_MAX;
    for (size_t step = 0; step < steps(); ++step) {
      const Cell cell = grid.cells(row)[step];
      if (cell == Cell::kNone) continue;
      std::string value = cell == Cell::kFloat ? codec::FormatGoFixed(grid.values(row)[step])
                                               : grid.histograms(row)[step]->ToString();
      if (at == SIZE_MAX || value != text) {
        text = std::move(value);
        builder.Set(label, text);
        grouping.Select(builder.Build(), &key);
        const auto [found, inserted] = rows.try_emplace(key, out.rows());
        if (inserted) {
          const size_t added = out.AddRow(model::Labels::FromPacked(key), false);
          TRY(query_.HoldBytes(out.RowBytes(out.labels(added))));
          TRY(query_.Tick());
        }
        at = found->second;
      }
      const double count = out.cells(at)[step] == Cell::kNone ? 0 : out.values(at)[step];
      out.SetFloat(at, step, count + 1);
    }
  }
  return Value{ValueType::kVector, {}, {}, std::move(out)};
}

}  // namespace hearth::promql
