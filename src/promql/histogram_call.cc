// SPDX-License-Identifier: Apache-2.0
// histogram_quantile, histogram_quantiles, histogram_fraction on classic and native histograms;
// histogram_count, _sum, _avg, _stddev, _stdvar.
#include <charconv>
#include <cmath>
#include <optional>

#include "base/status.h"
#include "base/string_map.h"
#include "codec/go_float.h"
#include "promql/bucket_quantile.h"
#include "promql/evaluator.h"
#include "promql/go_math.h"

namespace hearth::promql {
namespace {

// A bucket's bound as Go's ParseFloat reads it.
std::optional<double> ParseBound(std::string_view text) {
  bool negative = false;
  if (text.starts_with('+') || text.starts_with('-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  const std::string lower = ToLowerAscii(text);
  double value = 0;
  if (lower == "inf" || lower == "infinity") {
    value = kInf;
  } else {
    if (text.empty() || text[0] == '-' || text[0] == '+') return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  }
  return negative ? -value : value;
}

// OpenMetrics' form of a number: a whole one has ".0".
std::string OpenMetricsNumber(double value) {
  std::string text = codec::FormatGoGeneral(value);
  if (text.find_first_of(".eNI") == std::string::npos) text += ".0";
  return text;
}

// A classic histogram's series, or a native one.
struct HistogramGroup {
  model::Labels labels;                            // without le
  std::vector<std::pair<double, size_t>> buckets;  // bound and row, in row order
  size_t native_row = SIZE_MAX;
};

// Series of one vector by what histogram they belong to.
class Histograms {
 public:
  Histograms(const Grid& grid, bool delayed_names, PosRange pos, Annotations* notes)
      : grid_(grid), delayed_names_(delayed_names), pos_(pos), notes_(*notes) {
    StringMap<size_t> index;
    std::string key;
    for (size_t row = 0; row < grid.rows(); ++row) {
      const bool has_floats = HasCell(row, Cell::kFloat);
      if (HasCell(row, Cell::kHistogram)) {
        Group(grid.labels(row), &index)->native_row = row;
      }
      if (!has_floats) continue;
      const std::string_view text = grid.labels(row).Get(model::kBucketLabel);
      const std::optional<double> bound = ParseBound(text);
      if (!bound) {
        notes_.BadBucketLabel(Metric(grid.labels(row)), text, pos);
        continue;
      }
      key.clear();
      for (const model::Label& label : grid.labels(row)) {
        if (label.name != model::kBucketLabel) {
          model::AppendPacked(label.name, label.value, &key);
        }
      }
      Group(model::Labels::FromPacked(key), &index)->buckets.emplace_back(*bound, row);
    }
  }

  std::string_view Metric(model::LabelsView labels) const {
    return delayed_names_ ? labels.metric_name() : std::string_view();
  }

  // Calls classic(group, step, buckets) and native(group, step, histogram) where there is one.
  template <typename Classic, typename Native>
  void ForEach(Classic classic, Native native) {
    std::vector<ClassicBucket> buckets;
    for (const HistogramGroup& group : groups_) {
      for (size_t step = 0; step < grid_.steps(); ++step) {
        buckets.clear();
        for (const auto& [bound, row] : group.buckets) {
          if (grid_.cells(row)[step] != Cell::kFloat) continue;
          buckets.push_back({bound, grid_.values(row)[step]});
        }
        const bool has_native =
            group.native_row != SIZE_MAX && grid_.cells(group.native_row)[step] == Cell::kHistogram;
        if (has_native && !buckets.empty()) {
          notes_.MixedClassicNative(Metric(group.labels), pos_);
        } else if (has_native) {
          native(group, step, *grid_.histograms(group.native_row)[step]);
        } else if (!buckets.empty()) {
          classic(group, step, &buckets);
        }
      }
    }
  }

 private:
  bool HasCell(size_t row, Cell wanted) const {
    for (size_t step = 0; step < grid_.steps(); ++step) {
      if (grid_.cells(row)[step] == wanted) return true;
    }
    return false;
  }
  HistogramGroup* Group(const model::Labels& labels, StringMap<size_t>* index) {
    const auto [at, inserted] = index->try_emplace(labels.packed(), groups_.size());
    if (inserted) groups_.push_back({labels, {}, SIZE_MAX});
    return &groups_[at->second];
  }

  const Grid& grid_;
  const bool delayed_names_;
  const PosRange pos_;
  Annotations& notes_;
  std::vector<HistogramGroup> groups_;
};

// Rows of the result by labels.
class Output {
 public:
  Output(size_t steps, bool delayed_names) : grid_(steps), delayed_names_(delayed_names) {}
  void Set(const model::Labels& labels, std::string_view extra_name, std::string_view extra_value,
           size_t step, double value) {
    builder_.Reset(labels);
    if (!delayed_names_) {
      for (const std::string_view name : {"__name__", "__type__", "__unit__"}) {
        builder_.Delete(name);
      }
    }
    if (!extra_name.empty()) builder_.Set(extra_name, extra_value);
    // Rows of different metrics stay apart: whether they collide is found by the caller.
    key_ = std::string(labels.packed()) + '\0' + std::string(extra_value);
    const auto [at, inserted] = rows_.try_emplace(key_, grid_.rows());
    if (inserted) grid_.AddRow(builder_.Build(), true);
    grid_.SetFloat(at->second, step, value);
  }
  Grid Take() { return std::move(grid_); }

 private:
  Grid grid_;
  const bool delayed_names_;
  StringMap<size_t> rows_;
  std::string key_;
  model::LabelsBuilder builder_;
};

}  // namespace

absl::StatusOr<Value> Evaluator::EvalBucketCall(const Call& call) {
  const std::string_view name = call.function->name;
  const bool fraction = name == "histogram_fraction";
  const bool many = name == "histogram_quantiles";
  const size_t vector_index = fraction ? 2 : many ? 0 : 1;
  std::vector<size_t> scalar_indexes;
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (call.args[i]->type() == ValueType::kScalar) scalar_indexes.push_back(i);
  }
  std::vector<std::vector<double>> scalars;
  for (const size_t i : scalar_indexes) {
    TRY_ASSIGN(std::vector<double> scalar, EvalScalar(*call.args[i]));
    for (size_t step = 0; !fraction && step < steps(); ++step) {
      const double q = scalar[step];
      if (std::isnan(q) || q < 0 || q > 1) query_.notes.InvalidQuantile(q, call.args[i]->pos());
    }
    scalars.push_back(std::move(scalar));
  }
  TRY_ASSIGN(const Grid grid, EvalVector(*call.args[vector_index]));
  const PosRange pos = call.args[vector_index]->pos();
  const std::string_view label =
      many ? std::string_view(As<StringLiteral>(Unwrap(*call.args[1])).value) : "";
  Histograms histograms(grid, delayed_names(), pos, &query_.notes);
  Output out(steps(), delayed_names());
  const auto text_of = [&](double q) { return many ? OpenMetricsNumber(q) : std::string(); };
  histograms.ForEach(
      [&](const HistogramGroup& group, size_t step, std::vector<ClassicBucket>* buckets) {
        if (fraction) {
          out.Set(group.labels, "", "", step,
                  FractionOfBuckets(scalars[0][step], scalars[1][step], buckets));
          return;
        }
        for (const std::vector<double>& qs : scalars) {
          std::vector<ClassicBucket> copy = *buckets;
          const ClassicQuantile quantile = QuantileOfBuckets(qs[step], &copy);
          if (quantile.forced) {
            query_.notes.ForcedMonotonicity(histograms.Metric(group.labels), pos, steps_.At(step),
                                            quantile.min_bucket, quantile.max_bucket,
                                            quantile.max_difference);
          }
          out.Set(group.labels, label, text_of(qs[step]), step, quantile.value);
        }
      },
      [&](const HistogramGroup& group, size_t step, const FloatHistogram& histogram) {
        const std::string_view metric = histograms.Metric(group.labels);
        if (fraction) {
          out.Set(group.labels, "", "", step,
                  FractionOfHistogram(scalars[0][step], scalars[1][step], histogram, metric, pos,
                                      &query_.notes));
          return;
        }
        for (const std::vector<double>& qs : scalars) {
          out.Set(group.labels, label, text_of(qs[step]), step,
                  QuantileOfHistogram(qs[step], histogram, metric, pos, &query_.notes));
        }
      });
  return Merged(out.Take());
}

absl::StatusOr<Value> Evaluator::EvalHistogramCall(const Call& call) {
  const std::string_view name = call.function->name;
  TRY_ASSIGN(Grid grid, EvalVector(*call.args[0]));
  for (size_t row = 0; row < grid.rows(); ++row) {
    for (size_t step = 0; step < steps(); ++step) {
      if (grid.cells(row)[step] != Cell::kHistogram) {
        grid.cells(row)[step] = Cell::kNone;
        continue;
      }
      const FloatHistogram& histogram = *grid.histograms(row)[step];
      double value = 0;
      if (name == "histogram_count") {
        value = histogram.count;
      } else if (name == "histogram_sum") {
        value = histogram.sum;
      } else if (name == "histogram_avg") {
        value = histogram.sum / histogram.count;
      } else if (name == "histogram_stdvar") {
        value = VarianceOfHistogram(histogram);
      } else {
        value = std::sqrt(VarianceOfHistogram(histogram));
      }
      grid.SetFloat(row, step, value);
    }
    grid.set_drop_name(row, true);
    if (!delayed_names()) {
      // Upstream takes the name alone here, not __type__ and __unit__.
      model::LabelsBuilder labels(grid.labels(row));
      labels.Delete(model::kMetricName);
      grid.set_labels(row, labels.Build());
    }
  }
  grid.RemoveEmptyRows();
  return Merged(std::move(grid));
}

}  // namespace hearth::promql
