// SPDX-License-Identifier: Apache-2.0
// Binary operators between two vectors. Which series meet is found once a query, by the labels that
// match; what happens at each step depends on which of them have a value there.
#include <algorithm>

#include "base/status.h"
#include "base/string_map.h"
#include "promql/element.h"
#include "promql/evaluator.h"

namespace hearth::promql {
namespace {

// Numbers the match groups that series of both sides fall into.
class MatchGroups {
 public:
  explicit MatchGroups(const VectorMatching& matching) : matching_(matching) {
    names_ = matching.labels;
    if (!matching.on) names_.emplace_back(model::kMetricName);
    std::sort(names_.begin(), names_.end());
  }
  std::vector<uint32_t> Number(const Grid& grid) {
    std::vector<uint32_t> numbers;
    numbers.reserve(grid.rows());
    std::string key;
    for (size_t row = 0; row < grid.rows(); ++row) {
      const auto next = static_cast<uint32_t>(groups_.size());
      numbers.push_back(groups_.try_emplace(Key(grid.labels(row), &key), next).first->second);
    }
    return numbers;
  }
  size_t size() const { return groups_.size(); }
  // The labels that decide.
  model::Labels Matched(model::LabelsView labels) const {
    std::string packed;
    Select(labels, &packed);
    return model::Labels::FromPacked(std::move(packed));
  }

 private:
  // The labels that decide, in `scratch` where they are not all.
  std::string_view Key(model::LabelsView labels, std::string* scratch) const {
    const bool all =
        !matching_.on && std::none_of(names_.begin(), names_.end(),
                                      [&](const std::string& name) { return labels.Has(name); });
    if (all) return labels.packed();
    scratch->clear();
    Select(labels, scratch);
    return *scratch;
  }
  void Select(model::LabelsView labels, std::string* packed) const {
    for (const model::Label& label : labels) {
      const bool named = std::binary_search(names_.begin(), names_.end(), label.name);
      if (named == matching_.on) model::AppendPacked(label.name, label.value, packed);
    }
  }
  const VectorMatching& matching_;
  std::vector<std::string> names_;
  StringMap<uint32_t> groups_;
};

Element ElementAt(const RowView& row, size_t step) {
  return {row.values[step], row.cells[step] == Cell::kHistogram ? row.histograms[step] : nullptr};
}

// One join. "Many" is the left side, or the right one under group_right; "one" the other.
class Join {
 public:
  Join(const BinaryExpr& expr, bool delayed_names, const Grid& many, const Grid& one,
       Annotations* notes)
      : expr_(expr),
        pos_(expr.pos()),
        matching_(*expr.matching),
        delayed_names_(delayed_names),
        many_(many),
        one_(one),
        notes_(*notes),
        steps_(many.steps()),
        groups_(matching_),
        out_(steps_) {}

  absl::StatusOr<Grid> Run() {
    many_groups_ = groups_.Number(many_);
    one_groups_ = groups_.Number(one_);
    matched_.resize(groups_.size() * steps_);
    FindActiveSteps();
    std::vector<std::vector<uint32_t>> ones(groups_.size());
    for (size_t row = 0; row < one_.rows(); ++row) {
      ones[one_groups_[row]].push_back(static_cast<uint32_t>(row));
    }
    for (const auto& rows : ones) TRY(CheckOneSide(rows));
    for (size_t row = 0; row < many_.rows(); ++row) {
      const uint32_t group = many_groups_[row];
      const RowView many = many_.View(row);
      for (const uint32_t one : ones[group]) TRY(Combine(many, one_.View(one), group));
      if (matching_.fill_right) TRY(FillRight(many, ones[group], group));
    }
    if (matching_.fill_left) TRY(FillLeft());
    out_.RemoveEmptyRows();
    return std::move(out_);
  }

 private:
  bool swapped() const { return matching_.cardinality == Cardinality::kOneToMany; }
  bool one_to_one() const { return matching_.cardinality == Cardinality::kOneToOne; }

  // Where one whole side is empty nothing happens, not even errors (unless it can be filled).
  void FindActiveSteps() {
    std::vector<uint8_t> many(steps_, 0);
    std::vector<uint8_t> one(steps_, 0);
    for (const auto& [grid, present] : {std::pair{&many_, &many}, std::pair{&one_, &one}}) {
      for (size_t row = 0; row < grid->rows(); ++row) {
        const Cell* const cells = grid->cells(row);
        for (size_t step = 0; step < steps_; ++step) {
          if (cells[step] != Cell::kNone) (*present)[step] = 1;
        }
      }
    }
    const bool fill = matching_.fill_left || matching_.fill_right;
    active_.resize(steps_);
    for (size_t step = 0; step < steps_; ++step) {
      active_[step] = fill ? (many[step] | one[step]) : (many[step] & one[step]);
    }
  }

  absl::Status CheckOneSide(const std::vector<uint32_t>& rows) const {
    for (size_t i = 0; i < rows.size(); ++i) {
      for (size_t j = i + 1; j < rows.size(); ++j) {
        const Cell* const a = one_.cells(rows[i]);
        const Cell* const b = one_.cells(rows[j]);
        for (size_t step = 0; step < steps_; ++step) {
          if (active_[step] == 0 || a[step] == Cell::kNone || b[step] == Cell::kNone) continue;
          std::string x = LabelsText(one_.labels(rows[i]));
          std::string y = LabelsText(one_.labels(rows[j]));
          if (x > y) std::swap(x, y);
          return FailedPrecondition(
              "found duplicate series for the match group {} on the {} hand-side of the "
              "operation: [{}, {}];many-to-many matching not allowed: matching labels must be "
              "unique on one side",
              LabelsText(groups_.Matched(one_.labels(rows[i]))), swapped() ? "left" : "right", x,
              y);
        }
      }
    }
    return absl::OkStatus();
  }

  // Labels of the result; null steps are decided later.
  model::Labels ResultLabels(model::LabelsView many, model::LabelsView one) {
    builder_.Reset(many);
    if ((!delayed_names_ && expr_.return_bool) || ChangesMeaning(expr_.op)) {
      builder_.Delete(model::kMetricName);
      builder_.Delete("__type__");
      builder_.Delete("__unit__");
    }
    if (one_to_one()) {
      if (matching_.on) {
        builder_.Keep(matching_.labels);
      } else {
        for (const std::string& name : matching_.labels) builder_.Delete(name);
      }
    }
    for (const std::string& name : matching_.include) builder_.Set(name, one.Get(name));
    return builder_.Build();
  }

  // The row for these labels; which group wrote it last is kept beside.
  size_t OutputRow(model::Labels labels) {
    const auto [at, inserted] = rows_by_labels_.try_emplace(labels.packed(), out_.rows());
    if (inserted) {
      out_.AddRow(std::move(labels), expr_.return_bool);
      written_by_.resize(out_.rows() * steps_, kNobody);
    }
    return at->second;
  }

  absl::Status Combine(const RowView& many, const RowView& one, uint32_t group) {
    size_t row = kNoRow;
    for (size_t step = 0; step < steps_; ++step) {
      if (many.cells[step] == Cell::kNone || one.cells[step] == Cell::kNone) continue;
      if (active_[step] == 0) continue;
      TRY(Apply(step, ElementAt(many, step), ElementAt(one, step), group, many.labels, one.labels,
                &row));
    }
    return absl::OkStatus();
  }

  absl::Status FillRight(const RowView& many, const std::vector<uint32_t>& ones, uint32_t group) {
    const model::Labels labels = groups_.Matched(many.labels);
    size_t row = kNoRow;
    for (size_t step = 0; step < steps_; ++step) {
      if (many.cells[step] == Cell::kNone) continue;
      const bool present = std::any_of(ones.begin(), ones.end(), [&](uint32_t one) {
        return one_.cells(one)[step] != Cell::kNone;
      });
      if (present) continue;
      TRY(Apply(step, ElementAt(many, step), {*matching_.fill_right, nullptr}, group, many.labels,
                labels, &row));
    }
    return absl::OkStatus();
  }

  absl::Status FillLeft() {
    // What the first pass matched counts, not what this one adds (for many-to-one it does).
    for (size_t i = 0; i < one_.rows(); ++i) {
      const RowView one = one_.View(i);
      const model::Labels labels = groups_.Matched(one.labels);
      const uint32_t group = one_groups_[i];
      size_t row = kNoRow;
      for (size_t step = 0; step < steps_; ++step) {
        if (one.cells[step] == Cell::kNone || matched_[group * steps_ + step] != 0) continue;
        TRY(Apply(step, {*matching_.fill_left, nullptr}, ElementAt(one, step), group, labels,
                  one.labels, &row));
      }
    }
    return absl::OkStatus();
  }

  // `*row` is found on first use: a pair that never yields anything makes no row.
  absl::Status Apply(size_t step, const Element& many, const Element& one, uint32_t group,
                     model::LabelsView many_labels, model::LabelsView one_labels, size_t* row) {
    ElementResult result = swapped() ? ElementOperation(expr_.op, one, many, pos_, &notes_)
                                     : ElementOperation(expr_.op, many, one, pos_, &notes_);
    if (!result.valid) return absl::OkStatus();
    if (*row == kNoRow) *row = OutputRow(ResultLabels(many_labels, one_labels));
    uint8_t& matched = matched_[group * steps_ + step];
    if (one_to_one() && matched != 0) {
      return FailedPrecondition(
          "multiple matches for labels: many-to-one matching must be explicit "
          "(group_left/group_right)");
    }
    matched = 1;
    uint32_t& written_by = written_by_[*row * steps_ + step];
    if (written_by == group && !one_to_one()) {
      return FailedPrecondition(
          "multiple matches for labels: grouping labels must ensure unique matches");
    }
    if (out_.cells(*row)[step] != Cell::kNone) return FailedPrecondition("{}", kSameLabelset);
    written_by = group;
    if (expr_.return_bool) {
      out_.SetFloat(*row, step, result.keep ? 1 : 0);
    } else if (result.keep) {
      if (result.element.histogram != nullptr) {
        out_.SetHistogram(*row, step, std::move(result.element.histogram));
      } else {
        out_.SetFloat(*row, step, result.element.value);
      }
    }
    return absl::OkStatus();
  }

  static constexpr uint32_t kNobody = UINT32_MAX;
  static constexpr size_t kNoRow = SIZE_MAX;
  const BinaryExpr& expr_;
  const PosRange pos_;
  const VectorMatching& matching_;
  const bool delayed_names_;
  const Grid& many_;
  const Grid& one_;
  Annotations& notes_;
  const size_t steps_;
  MatchGroups groups_;
  std::vector<uint32_t> many_groups_;
  std::vector<uint32_t> one_groups_;
  std::vector<uint8_t> active_;   // by step
  std::vector<uint8_t> matched_;  // by group and step
  Grid out_;
  StringMap<size_t> rows_by_labels_;
  std::vector<uint32_t> written_by_;  // by output row and step: the group that did
  model::LabelsBuilder builder_;
};

}  // namespace

absl::StatusOr<Value> Evaluator::EvalJoin(const BinaryExpr& expr) {
  TRY_ASSIGN(const Grid left, EvalVector(*expr.lhs));
  TRY_ASSIGN(const Grid right, EvalVector(*expr.rhs));
  const bool swapped = expr.matching->cardinality == Cardinality::kOneToMany;
  Join join(expr, delayed_names(), swapped ? right : left, swapped ? left : right, &query_.notes);
  TRY_ASSIGN(Grid grid, join.Run());
  return Value{ValueType::kVector, {}, {}, std::move(grid)};
}

absl::StatusOr<Value> Evaluator::EvalSetOperation(const BinaryExpr& expr) {
  TRY_ASSIGN(Grid left, EvalVector(*expr.lhs));
  TRY_ASSIGN(Grid right, EvalVector(*expr.rhs));
  MatchGroups groups(*expr.matching);
  const std::vector<uint32_t> left_groups = groups.Number(left);
  const std::vector<uint32_t> right_groups = groups.Number(right);
  // `or` asks where the left side has a value, the others where the right side has.
  const bool is_or = expr.op == TokenType::kOr;
  const Grid& asked = is_or ? left : right;
  const std::vector<uint32_t>& asked_groups = is_or ? left_groups : right_groups;
  std::vector<uint8_t> present(groups.size() * steps(), 0);
  for (size_t row = 0; row < asked.rows(); ++row) {
    TRY(query_.Tick());
    for (size_t step = 0; step < steps(); ++step) {
      if (asked.cells(row)[step] == Cell::kNone) continue;
      present[asked_groups[row] * steps() + step] = 1;
    }
  }
  Grid* const filtered = is_or ? &right : &left;
  const std::vector<uint32_t>& filtered_groups = is_or ? right_groups : left_groups;
  const uint8_t wanted = expr.op == TokenType::kAnd ? 1 : 0;
  for (size_t row = 0; row < filtered->rows(); ++row) {
    TRY(query_.Tick());
    for (size_t step = 0; step < steps(); ++step) {
      if (present[filtered_groups[row] * steps() + step] == wanted) continue;
      filtered->cells(row)[step] = Cell::kNone;
    }
  }
  filtered->RemoveEmptyRows();
  // Where nothing is added, the left side's rows are as different as they were.
  if (is_or && right.rows() > 0) {
    TRY(query_.HoldBytes(right.bytes()));
    for (size_t row = 0; row < right.rows(); ++row) left.AddRow(right.View(row));
    // Upstream joins rows of equal labels here, and refuses two values at one step.
    if (!delayed_names() || !instant()) TRY(left.MergeEqualRows());
  }
  return Value{ValueType::kVector, {}, {}, std::move(left)};
}

}  // namespace hearth::promql
