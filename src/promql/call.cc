// SPDX-License-Identifier: Apache-2.0
// Calls on instant vectors and scalars: mathematics, clamping, sorting, absent, dates, conversions.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/status.h"
#include "promql/civil.h"
#include "promql/evaluator.h"
#include "promql/go_math.h"
#include "promql/natural_order.h"

namespace hearth::promql {
namespace {

using FloatFunction = double (*)(double);

double Sign(double v) { return v < 0 ? -1 : v > 0 ? 1 : v; }
double Radians(double v) { return v * std::numbers::pi / 180; }
double Degrees(double v) { return v * 180 / std::numbers::pi; }

constexpr std::array<std::pair<std::string_view, FloatFunction>, 23> kFloatFunctions = {{
    {"abs", [](double v) { return std::fabs(v); }},
    {"ceil", [](double v) { return std::ceil(v); }},
    {"floor", [](double v) { return std::floor(v); }},
    {"exp", [](double v) { return std::exp(v); }},
    {"sqrt", [](double v) { return std::sqrt(v); }},
    {"ln", [](double v) { return std::log(v); }},
    {"log2", [](double v) { return std::log2(v); }},
    {"log10", [](double v) { return std::log10(v); }},
    {"sin", [](double v) { return std::sin(v); }},
    {"cos", [](double v) { return std::cos(v); }},
    {"tan", [](double v) { return std::tan(v); }},
    {"asin", [](double v) { return std::asin(v); }},
    {"acos", [](double v) { return std::acos(v); }},
    {"atan", [](double v) { return std::atan(v); }},
    {"sinh", [](double v) { return std::sinh(v); }},
    {"cosh", [](double v) { return std::cosh(v); }},
    {"tanh", [](double v) { return std::tanh(v); }},
    {"asinh", [](double v) { return std::asinh(v); }},
    {"acosh", [](double v) { return std::acosh(v); }},
    {"atanh", [](double v) { return std::atanh(v); }},
    {"sgn", Sign},
    {"rad", Radians},
    {"deg", Degrees},
}};

FloatFunction FindFloatFunction(std::string_view name) {
  for (const auto& [function_name, function] : kFloatFunctions) {
    if (function_name == name) return function;
  }
  return nullptr;
}

// What Go's conversion to int64 does on x86-64 with what does not fit.
int64_t ToInt64(double value) {
  if (std::isnan(value) || value >= 9223372036854775808.0 || value < -9223372036854775808.0) {
    return std::numeric_limits<int64_t>::min();
  }
  return static_cast<int64_t>(value);
}

using DateFunction = double (*)(const absl::CivilSecond&);
constexpr std::array<std::pair<std::string_view, DateFunction>, 8> kDateFunctions = {{
    {"year", [](const absl::CivilSecond& t) { return static_cast<double>(t.year()); }},
    {"month", [](const absl::CivilSecond& t) { return static_cast<double>(t.month()); }},
    {"day_of_month", [](const absl::CivilSecond& t) { return static_cast<double>(t.day()); }},
    {"hour", [](const absl::CivilSecond& t) { return static_cast<double>(t.hour()); }},
    {"minute", [](const absl::CivilSecond& t) { return static_cast<double>(t.minute()); }},
    {"day_of_week",
     [](const absl::CivilSecond& t) {
       // absl counts from Monday, Go from Sunday.
       return static_cast<double>((static_cast<int>(absl::GetWeekday(t)) + 1) % 7);
     }},
    {"day_of_year",
     [](const absl::CivilSecond& t) { return static_cast<double>(absl::GetYearDay(t)); }},
    {"days_in_month",
     [](const absl::CivilSecond& t) {
       const absl::CivilDay next(t.year(), t.month() + 1, 1);
       return static_cast<double>(next - absl::CivilDay(t.year(), t.month(), 1));
     }},
}};

DateFunction FindDateFunction(std::string_view name) {
  for (const auto& [function_name, function] : kDateFunctions) {
    if (function_name == name) return function;
  }
  return nullptr;
}

bool IsSort(std::string_view name) {
  return name == "sort" || name == "sort_desc" || name == "sort_by_label" ||
         name == "sort_by_label_desc";
}

const std::string& Text(const Expr& expr) { return As<StringLiteral>(Unwrap(expr)).value; }

}  // namespace

absl::StatusOr<Value> Evaluator::EvalCall(const Call& call) {
  const std::string_view name = call.function->name;
  if (FindFloatFunction(name) != nullptr || name.starts_with("clamp") || name == "round") {
    return EvalFloatFunction(call);
  }
  if (FindDateFunction(name) != nullptr) return EvalDate(call);
  if (call.function->return_type == ValueType::kScalar) return EvalScalarCall(call);
  if (IsSort(name)) return EvalSort(call);
  if (name == "absent") return EvalAbsent(call);
  if (name == "absent_over_time") return EvalAbsentOverTime(call);
  if (name == "timestamp" || name == "start_timestamp") return EvalTimestamp(call);
  if (name == "label_replace") return EvalLabelReplace(call);
  if (name == "label_join") return EvalLabelJoin(call);
  if (name == "info") return EvalInfo(call);
  if (name == "vector") {
    TRY_ASSIGN(const std::vector<double> scalar, EvalScalar(*call.args[0]));
    Value value{ValueType::kVector, {}, {}, Grid(steps())};
    value.grid.AddRow(model::Labels(), false);
    for (size_t step = 0; step < steps(); ++step) value.grid.SetFloat(0, step, scalar[step]);
    return value;
  }
  if (name == "histogram_quantile" || name == "histogram_quantiles" ||
      name == "histogram_fraction") {
    return EvalBucketCall(call);
  }
  if (name.starts_with("histogram_")) return EvalHistogramCall(call);
  return FailedPrecondition("unknown function with name \"{}\"", name);
}

absl::StatusOr<Value> Evaluator::EvalFloatFunction(const Call& call) {
  const std::string_view name = call.function->name;
  TRY_ASSIGN(Grid grid, EvalVector(*call.args[0]));
  std::vector<std::vector<double>> scalars;
  for (size_t i = 1; i < call.args.size(); ++i) {
    TRY_ASSIGN(std::vector<double> scalar, EvalScalar(*call.args[i]));
    scalars.push_back(std::move(scalar));
  }
  const FloatFunction function = FindFloatFunction(name);
  std::string scratch;
  for (size_t row = 0; row < grid.rows(); ++row) {
    double* const values = grid.values(row);
    Cell* const cells = grid.cells(row);
    for (size_t step = 0; step < steps(); ++step) {
      if (cells[step] != Cell::kFloat) {
        cells[step] = Cell::kNone;  // histograms are left out
      } else if (function != nullptr) {
        values[step] = function(values[step]);
      } else if (name == "round") {
        const double inverse = 1.0 / (scalars.empty() ? 1.0 : scalars[0][step]);
        values[step] = std::floor(values[step] * inverse + 0.5) / inverse;
      } else {
        const double low = name == "clamp_max" ? -kInf : scalars[0][step];
        const double high = name == "clamp_min" ? kInf : scalars.back()[step];
        if (high < low) {
          cells[step] = Cell::kNone;
        } else {
          values[step] = GoMax(low, GoMin(high, values[step]));
        }
      }
    }
    grid.set_drop_name(row, true);
    if (!delayed_names()) {
      grid.set_labels(row, model::Labels(DropMetadata(grid.labels(row), &scratch)));
    }
  }
  grid.RemoveEmptyRows();
  return Merged(std::move(grid));
}

absl::StatusOr<Value> Evaluator::EvalDate(const Call& call) {
  const DateFunction function = FindDateFunction(call.function->name);
  if (call.args.empty()) {
    Value value{ValueType::kVector, {}, {}, Grid(steps())};
    value.grid.AddRow(model::Labels(), false);
    for (size_t step = 0; step < steps(); ++step) {
      value.grid.SetFloat(0, step, function(CivilUtc(steps_.At(step) / 1000)));
    }
    return value;
  }
  TRY_ASSIGN(Grid grid, EvalVector(*call.args[0]));
  std::string scratch;
  for (size_t row = 0; row < grid.rows(); ++row) {
    for (size_t step = 0; step < steps(); ++step) {
      if (grid.cells(row)[step] != Cell::kFloat) {
        grid.cells(row)[step] = Cell::kNone;
      } else {
        grid.values(row)[step] = function(CivilUtc(ToInt64(grid.values(row)[step])));
      }
    }
    grid.set_drop_name(row, true);
    if (!delayed_names()) {
      grid.set_labels(row, model::Labels(DropMetadata(grid.labels(row), &scratch)));
    }
  }
  grid.RemoveEmptyRows();
  return Merged(std::move(grid));
}

absl::StatusOr<Value> Evaluator::EvalScalarCall(const Call& call) {
  const std::string_view name = call.function->name;
  Value value{ValueType::kScalar, std::vector<double>(steps(), kNan), {}, Grid()};
  if (name == "time") {
    for (size_t step = 0; step < steps(); ++step) {
      value.scalar[step] = static_cast<double>(steps_.At(step)) / 1000;
    }
  } else if (name == "pi") {
    std::fill(value.scalar.begin(), value.scalar.end(), std::numbers::pi);
  } else if (name == "max_of" || name == "min_of") {
    TRY_ASSIGN(const std::vector<double> a, EvalScalar(*call.args[0]));
    TRY_ASSIGN(const std::vector<double> b, EvalScalar(*call.args[1]));
    for (size_t step = 0; step < steps(); ++step) {
      value.scalar[step] = name == "max_of" ? GoMax(a[step], b[step]) : GoMin(a[step], b[step]);
    }
  } else if (name == "scalar") {
    TRY_ASSIGN(const Grid grid, EvalVector(*call.args[0]));
    std::vector<uint8_t> found(steps(), 0);
    for (size_t row = 0; row < grid.rows(); ++row) {
      for (size_t step = 0; step < steps(); ++step) {
        if (grid.cells(row)[step] != Cell::kFloat) continue;
        value.scalar[step] = found[step] == 0 ? grid.values(row)[step] : kNan;
        found[step] = 1;
      }
    }
  } else {
    return FailedPrecondition("unknown function with name \"{}\"", name);
  }
  return value;
}

absl::StatusOr<Value> Evaluator::EvalAbsent(const Call& call) {
  TRY_ASSIGN(const Grid grid, EvalVector(*call.args[0]));
  Value value{ValueType::kVector, {}, {}, Grid(steps())};
  value.grid.AddRow(LabelsOfAbsent(*call.args[0]), false);
  for (size_t step = 0; step < steps(); ++step) value.grid.SetFloat(0, step, 1);
  for (size_t row = 0; row < grid.rows(); ++row) {
    for (size_t step = 0; step < steps(); ++step) {
      if (grid.cells(row)[step] != Cell::kNone) value.grid.cells(0)[step] = Cell::kNone;
    }
  }
  value.grid.RemoveEmptyRows();
  return value;
}

model::Labels LabelsOfAbsent(const Expr& expr) {
  const VectorSelector* selector = nullptr;
  if (expr.kind == ExprKind::kVectorSelector) selector = &As<VectorSelector>(expr);
  if (expr.kind == ExprKind::kMatrixSelector) selector = &As<MatrixSelector>(expr).selector();
  if (selector == nullptr) return {};
  model::LabelsBuilder labels;
  std::vector<std::string_view> seen;
  for (const model::Matcher& matcher : selector->matchers) {
    if (matcher.name() == model::kMetricName) continue;
    const bool again = std::find(seen.begin(), seen.end(), matcher.name()) != seen.end();
    if (matcher.type() == model::MatchType::kEqual && !again) {
      labels.Set(matcher.name(), matcher.value());
      seen.push_back(matcher.name());
    } else {
      labels.Delete(matcher.name());
    }
  }
  return labels.Build();
}

absl::StatusOr<Value> Evaluator::EvalSort(const Call& call) {
  const std::string_view name = call.function->name;
  const bool by_label = name.starts_with("sort_by_label");
  const bool descending = name.ends_with("_desc");
  TRY_ASSIGN(Grid grid, EvalVector(*call.args[0]));
  if (!by_label) {
    for (size_t row = 0; row < grid.rows(); ++row) {
      for (size_t step = 0; step < steps(); ++step) {
        Cell& cell = grid.cells(row)[step];
        if (cell == Cell::kHistogram) cell = Cell::kNone;
      }
    }
    grid.RemoveEmptyRows();
  }
  if (!instant()) {
    query_.notes.SortInRangeQuery(call.pos());
    return Value{ValueType::kVector, {}, {}, std::move(grid)};
  }
  std::vector<size_t> order(grid.rows());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto before = [&](size_t a, size_t b) {
    if (by_label) {
      for (size_t i = 1; i < call.args.size(); ++i) {
        const std::string_view x = grid.labels(a).Get(Text(*call.args[i]));
        const std::string_view y = grid.labels(b).Get(Text(*call.args[i]));
        if (x != y) return descending ? NaturalLess(y, x) : NaturalLess(x, y);
      }
      return descending ? grid.labels(b) < grid.labels(a) : grid.labels(a) < grid.labels(b);
    }
    const double x = grid.values(a)[0];
    const double y = grid.values(b)[0];
    if (std::isnan(x) || std::isnan(y)) return std::isnan(y) && !std::isnan(x);
    return descending ? y < x : x < y;
  };
  std::stable_sort(order.begin(), order.end(), before);
  Value value{ValueType::kVector, {}, {}, Grid(steps())};
  for (const size_t row : order) value.grid.AddRow(grid.View(row));
  return value;
}

}  // namespace hearth::promql
