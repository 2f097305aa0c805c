// SPDX-License-Identifier: Apache-2.0
// Aggregations that choose among series: topk, bottomk, limitk, limit_ratio.
#include <xxhash.h>

#include <algorithm>
#include <cmath>

#include "base/status.h"
#include "base/string_map.h"
#include "codec/go_float.h"
#include "promql/aggregate.h"
#include "promql/evaluator.h"
#include "promql/go_math.h"

namespace hearth::promql {
namespace {

struct Candidate {
  double value = 0;
  size_t row = 0;
};

// Keeps the k best of what it is given: Go's container/heap with the worst on top, so that ties
// and NaN fall as they do upstream.
class BestK {
 public:
  BestK(size_t k, bool largest) : k_(k), largest_(largest) {}

  void Offer(Candidate candidate) {
    if (heap_.size() < k_) {
      heap_.push_back(candidate);
      Up(heap_.size() - 1);
      return;
    }
    const Candidate& worst = heap_[0];
    const bool better = largest_ ? worst.value < candidate.value : worst.value > candidate.value;
    if (!better && !(std::isnan(worst.value) && !std::isnan(candidate.value))) return;
    heap_[0] = candidate;
    Down(0);
  }
  size_t k() const { return k_; }
  // The best first.
  std::vector<Candidate> Sorted() {
    // As many as Go's sort.Sort sorts by insertion, so that their order is upstream's.
    constexpr size_t kInsertionMax = 12;
    if (heap_.size() > kInsertionMax) {
      std::stable_sort(heap_.begin(), heap_.end(), [this](const Candidate& a, const Candidate& b) {
        return Worse(b, a) && !(std::isnan(a.value) && std::isnan(b.value));
      });
      return std::move(heap_);
    }
    for (size_t i = 1; i < heap_.size(); ++i) {
      for (size_t at = i; at > 0 && Worse(heap_[at - 1], heap_[at]); --at) {
        std::swap(heap_[at - 1], heap_[at]);
      }
    }
    return std::move(heap_);
  }

 private:
  // NaN is the worst of all; of two, each is worse than the other, as upstream has it.
  bool Worse(const Candidate& a, const Candidate& b) const {
    if (std::isnan(a.value)) return true;
    return largest_ ? a.value < b.value : a.value > b.value;
  }
  void Up(size_t at) {
    while (at > 0) {
      const size_t parent = (at - 1) / 2;
      if (!Worse(heap_[at], heap_[parent])) break;
      std::swap(heap_[at], heap_[parent]);
      at = parent;
    }
  }
  void Down(size_t at) {
    for (;;) {
      size_t child = 2 * at + 1;
      if (child >= heap_.size()) return;
      if (child + 1 < heap_.size() && Worse(heap_[child + 1], heap_[child])) ++child;
      if (!Worse(heap_[child], heap_[at])) return;
      std::swap(heap_[child], heap_[at]);
      at = child;
    }
  }
  size_t k_;
  bool largest_;
  std::vector<Candidate> heap_;
};

// Prometheus' labels.Hash with its default build: XXH64 of name and value, each behind its size
// (one byte, or 0xff and three bytes from 255 on; model/labels/labels_stringlabels.go).
double SampleOffset(model::LabelsView labels) {
  std::string bytes;
  const auto append = [&bytes](std::string_view text) {
    if (text.size() < 255) {
      bytes.push_back(static_cast<char>(text.size()));
    } else {
      bytes.push_back(static_cast<char>(0xff));
      for (unsigned shift = 0; shift < 24; shift += 8) {
        bytes.push_back(static_cast<char>(text.size() >> shift));
      }
    }
    bytes += text;
  };
  for (const model::Label& label : labels) {
    append(label.name);
    append(label.value);
  }
  return static_cast<double>(XXH64(bytes.data(), bytes.size(), 0)) / 18446744073709551616.0;
}

bool InRatio(double ratio, double offset) {
  return ratio >= 0 ? offset < ratio : offset >= 1.0 + ratio;
}

struct ParamRange {
  double low = 0;
  double high = 0;
  bool nan = false;
};

ParamRange RangeOf(const std::vector<double>& params) {
  ParamRange range{params[0], params[0], false};
  for (const double p : params) {
    range.low = GoMin(range.low, p);
    range.high = GoMax(range.high, p);
    range.nan |= std::isnan(p);
  }
  return range;
}

void Emit(const Grid& grid, size_t row, size_t step, Grid* out, size_t out_row) {
  if (grid.cells(row)[step] == Cell::kHistogram) {
    out->SetHistogram(out_row, step, grid.histograms(row)[step]);
  } else {
    out->SetFloat(out_row, step, grid.values(row)[step]);
  }
}

// Evaluates one operation over all steps of a grid.
class Selection {
 public:
  Selection(const AggregateExpr& expr, const Grid& grid, Annotations* notes)
      : expr_(expr),
        grid_(grid),
        notes_(*notes),
        out_(grid.steps()),
        out_rows_(grid.rows(), kNone) {
    const Grouping grouping(expr, "");
    StringMap<size_t> groups;
    std::string key;
    for (size_t row = 0; row < grid.rows(); ++row) {
      grouping.Select(grid.labels(row), &key);
      groups_.push_back(groups.try_emplace(key, groups.size()).first->second);
      if (expr.op == TokenType::kLimitRatio) offsets_.push_back(SampleOffset(grid.labels(row)));
    }
    group_count_ = groups.size();
  }

  Grid Run(const std::vector<double>& params) {
    if (expr_.op == TokenType::kTopK || expr_.op == TokenType::kBottomK) {
      Best(params);
      return std::move(out_);
    }
    for (size_t step = 0; step < grid_.steps(); ++step) {
      if (expr_.op == TokenType::kLimitK) {
        First(step, params[step]);
      } else {
        Ratio(step, params[step]);
      }
    }
    return std::move(out_);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;
  static constexpr size_t kHeapsMax = 65'536;  // at a time: some MB

  void Take(size_t row, size_t step) {
    if (out_rows_[row] == kNone) {
      out_rows_[row] = out_.AddRow(grid_.labels(row), grid_.drop_name(row));
    }
    Emit(grid_, row, step, &out_, out_rows_[row]);
  }
  size_t Limit(double param) const {
    const double k = std::min(param, static_cast<double>(grid_.rows()));
    return k < 1 ? 0 : static_cast<size_t>(k);
  }

  // Some steps at a time: rows lie together, the steps of a row do, columns do not.
  void Best(const std::vector<double>& params) {
    const size_t width = std::clamp<size_t>(kHeapsMax / std::max<size_t>(group_count_, 1), 1, 256);
    for (size_t begin = 0; begin < grid_.steps(); begin += width) {
      Best(params, begin, std::min(begin + width, grid_.steps()));
    }
  }
  void Best(const std::vector<double>& params, size_t begin, size_t end) {
    const bool largest = expr_.op == TokenType::kTopK;
    std::vector<BestK> best;  // [step][group]
    best.reserve((end - begin) * group_count_);
    for (size_t step = begin; step < end; ++step) {
      best.insert(best.end(), group_count_, BestK(Limit(params[step]), largest));
    }
    for (size_t row = 0; row < grid_.rows(); ++row) {
      const Cell* const cells = grid_.cells(row);
      const double* const values = grid_.values(row);
      BestK* heap = best.data() + groups_[row];
      for (size_t step = begin; step < end; ++step, heap += group_count_) {
        if (heap->k() == 0) continue;
        if (cells[step] == Cell::kFloat) {
          heap->Offer({values[step], row});
        } else if (cells[step] == Cell::kHistogram) {
          notes_.HistogramIgnoredInAggregation(Text(expr_.op), expr_.pos());
        }
      }
    }
    BestK* heap = best.data();
    for (size_t step = begin; step < end; ++step) {
      for (size_t group = 0; group < group_count_; ++group, ++heap) {
        for (const Candidate& candidate : heap->Sorted()) Take(candidate.row, step);
      }
    }
  }

  void First(size_t step, double param) {
    const size_t k = Limit(param);
    std::vector<std::vector<size_t>> taken(group_count_);
    for (size_t row = 0; row < grid_.rows(); ++row) {
      std::vector<size_t>& rows = taken[groups_[row]];
      if (grid_.cells(row)[step] != Cell::kNone && rows.size() < k) rows.push_back(row);
    }
    for (const auto& rows : taken) {
      for (const size_t row : rows) Take(row, step);
    }
  }

  void Ratio(size_t step, double param) {
    const double ratio = std::clamp(param, -1.0, 1.0);
    if (ratio == 0) return;
    for (size_t row = 0; row < grid_.rows(); ++row) {
      if (grid_.cells(row)[step] != Cell::kNone && InRatio(ratio, offsets_[row])) Take(row, step);
    }
  }

  const AggregateExpr& expr_;
  const Grid& grid_;
  Annotations& notes_;
  std::vector<size_t> groups_;
  size_t group_count_ = 0;
  std::vector<double> offsets_;
  Grid out_;
  std::vector<size_t> out_rows_;
};

}  // namespace

absl::StatusOr<Value> Evaluator::EvalSelecting(const AggregateExpr& expr) {
  TRY_ASSIGN(const std::vector<double> params, EvalScalar(*expr.param));
  TRY_ASSIGN(const Grid grid, EvalVector(*expr.expr));
  const ParamRange range = RangeOf(params);
  Value value{ValueType::kVector, {}, {}, Grid(steps())};
  if (expr.op == TokenType::kLimitRatio) {
    if (range.low == 0 && range.high == 0) return value;
    if (range.nan) return FailedPrecondition("Ratio value is NaN");
    if (range.high > 1) query_.notes.InvalidRatio(range.high, 1, expr.param->pos());
    if (range.low < -1) query_.notes.InvalidRatio(range.low, -1, expr.param->pos());
  } else {
    constexpr double kInt64Limit = 9223372036854775808.0;
    if (range.high < 1) return value;
    if (range.nan) return FailedPrecondition("Parameter value is NaN");
    if (range.low <= -kInt64Limit) {
      return FailedPrecondition("Scalar value {} underflows int64",
                                codec::FormatGoGeneral(range.low));
    }
    if (range.high >= kInt64Limit) {
      return FailedPrecondition("Scalar value {} overflows int64",
                                codec::FormatGoGeneral(range.high));
    }
  }
  value.grid = Selection(expr, grid, &query_.notes).Run(params);
  return value;
}

}  // namespace hearth::promql
