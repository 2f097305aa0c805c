// SPDX-License-Identifier: Apache-2.0
// Warnings and infos of one query, as prometheus/util/annotations collects them: one for each text,
// the position being that of the last who said it. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "promql/ast.h"

namespace hearth::promql {

class Annotations {
 public:
  void Warning(PosRange pos, std::string text) { Add(false, pos, std::move(text)); }
  void Info(PosRange pos, std::string text) { Add(true, pos, std::move(text)); }

  // Those that several functions give; texts are upstream's.
  void InvalidQuantile(double q, PosRange pos);
  void InvalidRatio(double ratio, double capped, PosRange pos);
  void BadBucketLabel(std::string_view metric, std::string_view label, PosRange pos);
  void MixedFloatsHistograms(std::string_view metric, PosRange pos);
  void MixedFloatsHistogramsInAggregation(PosRange pos);
  void MixedClassicNative(std::string_view metric, PosRange pos);
  void NotCounter(std::string_view metric, PosRange pos);
  void NotGauge(std::string_view metric, PosRange pos);
  void MixedExponentialCustom(std::string_view metric, PosRange pos);
  void PossibleNonCounter(std::string_view metric, PosRange pos);
  void PossibleNonCounterLabel(std::string_view metric, std::string_view type, PosRange pos);
  void IncompatibleTypes(std::string_view left, std::string_view op, std::string_view right,
                         PosRange pos);
  void IncompatibleBucketLayout(std::string_view op, PosRange pos);
  void HistogramIgnoredInAggregation(std::string_view aggregation, PosRange pos);
  void HistogramIgnoredInMixedRange(std::string_view metric, PosRange pos);
  void CounterResetCollision(std::string_view operation, PosRange pos);
  void MismatchedCustomBuckets(std::string_view operation, PosRange pos);
  void SortInRangeQuery(PosRange pos);
  void QuantileNanResult(std::string_view metric, PosRange pos);
  void QuantileNanSkew(std::string_view metric, PosRange pos);
  void FractionNans(std::string_view metric, PosRange pos);
  // Merged over samples: the widest extent is told.
  void ForcedMonotonicity(std::string_view metric, PosRange pos, int64_t time_ms, double min_bucket,
                          double max_bucket, double max_difference);
  void StartTimeOverlap(std::string_view metric, PosRange pos);
  void FromStore(std::string text);  // as it is, without a position

  // As if all that `other` was told had been told to this.
  void Merge(const Annotations& other);
  // Whole lines, at most `max` each (0: all); a last line counts those left out.
  void ToLines(std::string_view query, size_t max, std::vector<std::string>* warnings,
               std::vector<std::string>* infos) const;

 private:
  enum class Detail : uint8_t { kNone, kMonotonicity, kOverlap, kPlain };
  struct Note {
    bool info = false;
    Detail detail = Detail::kNone;
    PosRange pos;
    int64_t min_time_ms = 0;
    int64_t max_time_ms = 0;
    double min_bucket = 0;
    double max_bucket = 0;
    double max_difference = 0;
    int64_t count = 1;
  };
  void Add(bool info, PosRange pos, std::string text);
  static void Widen(const Note& by, Note* note);
  static std::string Line(const std::string& text, const Note& note, std::string_view query);

  std::map<std::string, Note> notes_;
};

}  // namespace hearth::promql
