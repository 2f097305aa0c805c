// SPDX-License-Identifier: Apache-2.0
#include "promql/annotations.h"

#include <fmt/core.h>

#include <algorithm>

#include "codec/go_float.h"
#include "model/labels.h"
#include "promql/civil.h"

namespace hearth::promql {
namespace {

constexpr std::string_view kInfo = "PromQL info: ";
constexpr std::string_view kWarning = "PromQL warning: ";

// Appended only where the name is known (with delayed name removal it is).
std::string ForMetric(std::string_view metric) {
  return metric.empty() ? "" : " for metric name " + model::QuoteGo(metric);
}

// C's %.2g with Go's exponent of at least two digits: the same.
std::string TwoDigits(double value) { return fmt::format("{:.2g}", value); }

}  // namespace

void Annotations::Add(bool info, PosRange pos, std::string text) {
  Note& note = notes_[std::string(info ? kInfo : kWarning) + std::move(text)];
  note.info = info;
  note.pos = pos;
}

void Annotations::InvalidQuantile(double q, PosRange pos) {
  Warning(pos, "quantile value should be between 0 and 1, got " + codec::FormatGoGeneral(q));
}
void Annotations::InvalidRatio(double ratio, double capped, PosRange pos) {
  Warning(pos, fmt::format("ratio value should be between -1 and 1, got {}, capping to {}",
                           codec::FormatGoGeneral(ratio), codec::FormatGoGeneral(capped)));
}
void Annotations::BadBucketLabel(std::string_view metric, std::string_view label, PosRange pos) {
  Warning(pos, fmt::format("bucket label \"le\" is missing or has a malformed value of {}{}",
                           model::QuoteGo(label), ForMetric(metric)));
}
void Annotations::MixedFloatsHistograms(std::string_view metric, PosRange pos) {
  Warning(pos,
          "encountered a mix of histograms and floats for metric name " + model::QuoteGo(metric));
}
void Annotations::MixedFloatsHistogramsInAggregation(PosRange pos) {
  Warning(pos, "encountered a mix of histograms and floats for aggregation");
}
void Annotations::MixedClassicNative(std::string_view metric, PosRange pos) {
  Warning(pos, "vector contains a mix of classic and native histograms" + ForMetric(metric));
}
void Annotations::NotCounter(std::string_view metric, PosRange pos) {
  Warning(pos, "this native histogram metric is not a counter: " + model::QuoteGo(metric));
}
void Annotations::NotGauge(std::string_view metric, PosRange pos) {
  Warning(pos, "this native histogram metric is not a gauge: " + model::QuoteGo(metric));
}
void Annotations::MixedExponentialCustom(std::string_view metric, PosRange pos) {
  Warning(pos,
          "vector contains a mix of histograms with exponential and custom buckets schemas "
          "for metric name " +
              model::QuoteGo(metric));
}
void Annotations::PossibleNonCounter(std::string_view metric, PosRange pos) {
  Info(pos, "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " +
                model::QuoteGo(metric));
}
void Annotations::PossibleNonCounterLabel(std::string_view metric, std::string_view type,
                                          PosRange pos) {
  Info(pos, fmt::format("metric might not be a counter, __type__ label is not set to \"counter\" "
                        "or \"histogram\", got {}: {}",
                        model::QuoteGo(type), model::QuoteGo(metric)));
}
void Annotations::IncompatibleTypes(std::string_view left, std::string_view op,
                                    std::string_view right, PosRange pos) {
  Info(pos, fmt::format("incompatible sample types encountered for binary operator {}: {} {} {}",
                        model::QuoteGo(op), left, op, right));
}
void Annotations::IncompatibleBucketLayout(std::string_view op, PosRange pos) {
  Warning(pos, fmt::format("incompatible bucket layout encountered for binary operator {}", op));
}
void Annotations::HistogramIgnoredInAggregation(std::string_view aggregation, PosRange pos) {
  Info(pos, fmt::format("ignored histogram in {} aggregation", aggregation));
}
void Annotations::HistogramIgnoredInMixedRange(std::string_view metric, PosRange pos) {
  Info(pos,
       "ignored histograms in a range containing both floats and histograms for metric "
       "name " +
           model::QuoteGo(metric));
}
void Annotations::CounterResetCollision(std::string_view operation, PosRange pos) {
  Warning(pos, fmt::format("conflicting counter resets during histogram {}", operation));
}
void Annotations::MismatchedCustomBuckets(std::string_view operation, PosRange pos) {
  Info(pos, fmt::format("mismatched custom buckets were reconciled during {}", operation));
}
void Annotations::SortInRangeQuery(PosRange pos) {
  Warning(pos, "sort is ineffective for range queries since results are always ordered by labels");
}
void Annotations::QuantileNanResult(std::string_view metric, PosRange pos) {
  Info(pos, "input to histogram_quantile has NaN observations, result is NaN" + ForMetric(metric));
}
void Annotations::QuantileNanSkew(std::string_view metric, PosRange pos) {
  Info(pos, "input to histogram_quantile has NaN observations, result is skewed higher" +
                ForMetric(metric));
}
void Annotations::FractionNans(std::string_view metric, PosRange pos) {
  Info(pos,
       "input to histogram_fraction has NaN observations, which are excluded from all "
       "fractions" +
           ForMetric(metric));
}

void Annotations::ForcedMonotonicity(std::string_view metric, PosRange pos, int64_t time_ms,
                                     double min_bucket, double max_bucket, double max_difference) {
  const std::string text =
      std::string(kInfo) +
      "input to histogram_quantile needed to be fixed for monotonicity (see "
      "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)" +
      ForMetric(metric);
  const Note fresh = {true,       Detail::kMonotonicity, pos, time_ms, time_ms, min_bucket,
                      max_bucket, max_difference,        1};
  const auto [at, inserted] = notes_.try_emplace(text, fresh);
  if (!inserted) Widen(fresh, &at->second);
}

void Annotations::Widen(const Note& by, Note* note) {
  note->min_time_ms = std::min(note->min_time_ms, by.min_time_ms);
  note->max_time_ms = std::max(note->max_time_ms, by.max_time_ms);
  note->min_bucket = std::min(note->min_bucket, by.min_bucket);
  note->max_bucket = std::max(note->max_bucket, by.max_bucket);
  note->max_difference = std::max(note->max_difference, by.max_difference);
  note->count += by.count;
}

void Annotations::Merge(const Annotations& other) {
  for (const auto& [text, fresh] : other.notes_) {
    const auto [at, inserted] = notes_.try_emplace(text, fresh);
    if (inserted) continue;
    if (fresh.detail == Detail::kNone) {
      at->second.pos = fresh.pos;
    } else {
      Widen(fresh, &at->second);
    }
  }
}

void Annotations::StartTimeOverlap(std::string_view metric, PosRange pos) {
  const std::string text = std::string(kWarning) +
                           "sample has start time that overlaps with previous sample timestamp "
                           "for metric " +
                           model::QuoteGo(metric);
  const auto [at, inserted] = notes_.try_emplace(text);
  if (inserted) {
    at->second.detail = Detail::kOverlap;
    at->second.pos = pos;
  } else {
    ++at->second.count;
  }
}

void Annotations::FromStore(std::string text) { notes_[std::move(text)].detail = Detail::kPlain; }

std::string Annotations::Line(const std::string& text, const Note& note, std::string_view query) {
  const std::string position = PositionText(query, note.pos.start);
  switch (note.detail) {
    case Detail::kNone:
      return fmt::format("{} ({})", text, position);
    case Detail::kMonotonicity:
      return fmt::format(
          "{}, from buckets {} to {}, with a max diff of {}, over {} samples from {} to {} ({})",
          text, codec::FormatGoGeneral(note.min_bucket), codec::FormatGoGeneral(note.max_bucket),
          TwoDigits(note.max_difference), note.count, FormatRfc3339(note.min_time_ms / 1000),
          FormatRfc3339(note.max_time_ms / 1000), position);
    case Detail::kOverlap:
      if (note.count > 1) {
        return fmt::format("{} ({} occurrences) ({})", text, note.count, position);
      }
      return fmt::format("{} ({})", text, position);
    case Detail::kPlain:
      return text;
  }
  return text;
}

void Annotations::ToLines(std::string_view query, size_t max, std::vector<std::string>* warnings,
                          std::vector<std::string>* infos) const {
  size_t warnings_skipped = 0;
  size_t infos_skipped = 0;
  for (const auto& [text, note] : notes_) {
    std::vector<std::string>* const lines = note.info ? infos : warnings;
    if (max != 0 && lines->size() >= max) {
      ++(note.info ? infos_skipped : warnings_skipped);
    } else {
      lines->push_back(Line(text, note, query));
    }
  }
  if (warnings_skipped > 0) {
    warnings->push_back(fmt::format("{} more warning annotations omitted", warnings_skipped));
  }
  if (infos_skipped > 0) {
    infos->push_back(fmt::format("{} more info annotations omitted", infos_skipped));
  }
}

}  // namespace hearth::promql
