// SPDX-License-Identifier: Apache-2.0
// info(v, {selector}): labels of info series (target_info and its kin) added to the series of the
// same job and instance (prometheus/promql/info.go).
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>

#include "base/status.h"
#include "base/string_map.h"
#include "model/value.h"
#include "promql/evaluator.h"

namespace hearth::promql {
namespace {

constexpr std::string_view kTargetInfo = "target_info";
constexpr std::array<std::string_view, 2> kIdentifying = {"instance", "job"};
constexpr int64_t kNoSample = std::numeric_limits<int64_t>::min();

using Matchers = std::vector<model::Matcher>;

struct InfoSeries {
  model::Labels labels;
  std::vector<int64_t> sample_times;  // by step; kNoSample where there is none
};

// Which moment the info series are looked up at: that of the first selector in the expression.
struct InfoTime {
  std::optional<int64_t> timestamp_ms;
  int64_t offset_ns = 0;
};

std::optional<InfoTime> FindInfoTime(const Expr& expr) {
  if (expr.kind == ExprKind::kVectorSelector) {
    const auto& selector = As<VectorSelector>(expr);
    return InfoTime{selector.timestamp_ms, selector.original_offset_ns};
  }
  for (const Expr* child : expr.Children()) {
    std::optional<InfoTime> time = FindInfoTime(*child);
    if (!time) continue;
    if (expr.kind == ExprKind::kSubquery && !time->timestamp_ms) {
      time->offset_ns += As<SubqueryExpr>(expr).original_offset_ns;
      time->timestamp_ms = As<SubqueryExpr>(expr).timestamp_ms;
    }
    return time;
  }
  return std::nullopt;
}

// What names info series: as given, with a default where nothing positive is said.
absl::StatusOr<Matchers> NameMatchers(const Matchers& given) {
  for (const model::Matcher& matcher : given) {
    if (matcher.type() == model::MatchType::kEqual || matcher.type() == model::MatchType::kRegex) {
      return given;
    }
  }
  if (given.empty()) return Matchers{model::Matcher::Equal(model::kMetricName, kTargetInfo)};
  Matchers matchers = given;
  TRY_ASSIGN(model::Matcher info,
             model::Matcher::Make(model::MatchType::kRegex, model::kMetricName, ".+_info"));
  matchers.insert(matchers.begin(), std::move(info));
  return matchers;
}

bool AllMatch(std::string_view value, const Matchers& matchers) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [value](const model::Matcher& matcher) { return matcher.Matches(value); });
}

std::string Signature(std::string_view info_name, model::LabelsView labels) {
  std::string key(info_name);
  for (const std::string_view name : kIdentifying) {
    key += '\0';
    key += labels.Get(name);
  }
  return key;
}

// Matchers on job and instance that keep only what the base series could meet.
absl::StatusOr<Matchers> IdentifyingMatchers(const Grid& grid, const std::vector<bool>& ignored) {
  Matchers matchers;
  for (const std::string_view name : kIdentifying) {
    StringSet values;
    for (size_t row = 0; row < grid.rows(); ++row) {
      const std::string_view value = grid.labels(row).Get(name);
      if (!ignored[row] && !value.empty()) values.emplace(value);
    }
    if (values.empty()) continue;
    std::string pattern;
    for (const std::string& value : values) {
      if (!pattern.empty()) pattern += '|';
      pattern += re2::RE2::QuoteMeta(value);
    }
    TRY_ASSIGN(model::Matcher matcher,
               model::Matcher::Make(model::MatchType::kRegex, name, pattern));
    matchers.push_back(std::move(matcher));
  }
  return matchers;
}

class Combiner {
 public:
  Combiner(const Grid& grid, const std::vector<bool>& ignored, std::vector<InfoSeries> info,
           const Matchers& data_matchers)
      : grid_(grid),
        ignored_(ignored),
        info_(std::move(info)),
        data_matchers_(data_matchers),
        out_(grid.steps()) {
    for (size_t i = 0; i < info_.size(); ++i) {
      const std::string_view name = info_[i].labels.Get(model::kMetricName);
      names_[std::string(name)];
      by_signature_[Signature(name, info_[i].labels)].push_back(i);
    }
    missing_allowed_ =
        std::all_of(data_matchers.begin(), data_matchers.end(),
                    [](const model::Matcher& matcher) { return matcher.MatchesEmpty(); });
  }

  absl::StatusOr<Grid> Run() {
    for (size_t row = 0; row < grid_.rows(); ++row) {
      for (size_t step = 0; step < grid_.steps(); ++step) {
        if (grid_.cells(row)[step] == Cell::kNone) continue;
        if (ignored_[row]) {
          TRY(Put(row, step, grid_.labels(row)));
          continue;
        }
        TRY_ASSIGN(const std::optional<model::Labels> labels, Enriched(row, step));
        if (labels) TRY(Put(row, step, *labels));
      }
    }
    return std::move(out_);
  }

 private:
  // The info series of that signature whose sample is the newest at the step.
  absl::StatusOr<const InfoSeries*> Newest(const std::string& signature, size_t step) const {
    const auto found = by_signature_.find(signature);
    const InfoSeries* newest = nullptr;
    if (found == by_signature_.end()) return newest;
    for (const size_t i : found->second) {
      const int64_t time = info_[i].sample_times[step];
      if (time == kNoSample) continue;
      if (newest != nullptr && newest->sample_times[step] == time) {
        return FailedPrecondition(
            "found duplicate series for info metric: existing {} @ {}, new {} @ {}",
            LabelsText(newest->labels), time, LabelsText(info_[i].labels), time);
      }
      if (newest == nullptr || newest->sample_times[step] < time) newest = &info_[i];
    }
    return newest;
  }

  bool IsWanted(std::string_view label) const {
    return data_matchers_.empty() ||
           std::any_of(data_matchers_.begin(), data_matchers_.end(),
                       [label](const model::Matcher& matcher) { return matcher.name() == label; });
  }

  absl::StatusOr<std::optional<model::Labels>> Enriched(size_t row, size_t step) {
    const model::Labels& base = grid_.labels(row);
    model::LabelsBuilder added;
    bool any = false;
    for (const auto& [name, unused] : names_) {
      TRY_ASSIGN(const InfoSeries* const info, Newest(Signature(name, base), step));
      if (info == nullptr) continue;
      any = true;
      for (const model::Label& label : info->labels) {
        if (label.name == model::kMetricName || !IsWanted(label.name)) continue;
        const std::string_view before = added.Get(label.name);
        if (!before.empty() && before != label.value) {
          return FailedPrecondition("conflicting label: {}", label.name);
        }
        if (base.Get(label.name).empty()) added.Set(label.name, label.value);
      }
    }
    if (!any && !missing_allowed_) return std::nullopt;
    model::LabelsBuilder labels(base);
    for (const auto& [name, value] : added.pairs()) labels.Set(name, value);
    return labels.Build();
  }

  absl::Status Put(size_t row, size_t step, const model::Labels& labels) {
    const auto [at, inserted] = rows_.try_emplace(labels.packed(), out_.rows());
    if (inserted) out_.AddRow(labels, grid_.drop_name(row));
    if (out_.cells(at->second)[step] != Cell::kNone) return FailedPrecondition("{}", kSameLabelset);
    if (grid_.cells(row)[step] == Cell::kHistogram) {
      out_.SetHistogram(at->second, step, grid_.histograms(row)[step]);
    } else {
      out_.SetFloat(at->second, step, grid_.values(row)[step]);
    }
    return absl::OkStatus();
  }

  const Grid& grid_;
  const std::vector<bool>& ignored_;
  const std::vector<InfoSeries> info_;
  const Matchers& data_matchers_;
  bool missing_allowed_ = true;
  std::map<std::string, int> names_;  // of info metrics, sorted
  StringMap<std::vector<size_t>> by_signature_;
  Grid out_;
  StringMap<size_t> rows_;
};

}  // namespace

absl::StatusOr<Value> Evaluator::EvalInfo(const Call& call) {
  TRY_ASSIGN(const Grid grid, EvalVector(*call.args[0]));
  Matchers name_matchers;
  Matchers data_matchers;
  if (call.args.size() > 1) {
    for (const model::Matcher& matcher : As<VectorSelector>(Unwrap(*call.args[1])).matchers) {
      (matcher.name() == model::kMetricName ? name_matchers : data_matchers).push_back(matcher);
    }
  }
  TRY_ASSIGN(const Matchers effective, NameMatchers(name_matchers));
  std::vector<bool> ignored;
  for (size_t row = 0; row < grid.rows(); ++row) {
    ignored.push_back(AllMatch(grid.labels(row).Get(model::kMetricName), effective));
  }
  TRY_ASSIGN(Matchers matchers, IdentifyingMatchers(grid, ignored));
  std::vector<InfoSeries> info;
  if (!matchers.empty()) {
    VectorSelector& selector =
        *query_.made_selectors.emplace_back(std::make_unique<VectorSelector>());
    const InfoTime time = FindInfoTime(*call.args[0]).value_or(InfoTime{});
    selector.timestamp_ms = time.timestamp_ms;
    selector.original_offset_ns = time.offset_ns;
    selector.matchers = std::move(matchers);
    for (const Matchers* more : std::array<const Matchers*, 2>{&data_matchers, &effective}) {
      selector.matchers.insert(selector.matchers.end(), more->begin(), more->end());
    }
    const int64_t lookback = query_.lookback_ms;
    const storage::TimeRange range{ReferenceTime(selector, 0) - lookback + 1,
                                   ReferenceTime(selector, steps() - 1)};
    TRY(VisitSeries(selector, range, {}, [&](const SeriesInput& series) {
      if (!series.histograms.empty()) {
        return FailedPrecondition("this should be an info metric, with float samples: {}",
                                  LabelsText(series.labels));
      }
      InfoSeries found{model::Labels(series.labels), std::vector<int64_t>(steps(), kNoSample)};
      size_t next = 0;
      for (size_t step = 0; step < steps(); ++step) {
        const int64_t reference = ReferenceTime(selector, step);
        while (next < series.times.size() && series.times[next] <= reference) ++next;
        if (next == 0 || series.times[next - 1] <= reference - lookback) continue;
        if (model::IsStaleNan(series.values[next - 1])) continue;
        found.sample_times[step] = series.times[next - 1];
      }
      info.push_back(std::move(found));
      return query_.Hold(1);
    }));
  }
  TRY_ASSIGN(Grid out, Combiner(grid, ignored, std::move(info), data_matchers).Run());
  return Value{ValueType::kVector, {}, {}, std::move(out)};
}

}  // namespace hearth::promql
