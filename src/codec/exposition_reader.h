// SPDX-License-Identifier: Apache-2.0
// What every exposition format is read through: entries one by one, as prometheus/model/textparse
// has them. The readers are exposition.h (text), exposition_protobuf.h and, around a text reader,
// nhcb.h.
//
//   while (true) {
//     TRY_ASSIGN(ExpositionEntry entry, reader.Next());
//     if (entry == ExpositionEntry::kEnd) break;
//     if (entry == ExpositionEntry::kSample) … reader.series_text(), reader.value() …
//   }
//
// Views point into the body or into the reader, the latter until the next Next(). Not thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "model/histogram.h"
#include "model/labels.h"
#include "model/metadata.h"

namespace hearth::codec {

enum class ExpositionFormat : uint8_t { kText, kOpenMetrics, kProtobuf };
enum class ExpositionEntry : uint8_t { kSample, kHistogram, kType, kHelp, kUnit, kEnd };

class ExpositionReader {
 public:
  virtual ~ExpositionReader() = default;

  // InvalidArgument where the body is malformed; what was read before stays valid.
  virtual absl::StatusOr<ExpositionEntry> Next() = 0;

  // After kSample and kHistogram:
  // Equal bytes mean an equal series, so that a scrape that meets a series again needs no label
  // work. Not for the eyes.
  std::string_view series_text() const { return series_text_; }
  bool has_time() const { return has_time_; }
  int64_t time_ms() const { return time_ms_; }
  int64_t start_time_ms() const { return start_time_ms_; }  // 0: the format does not say
  // With `__name__`, in any order; names may repeat. InvalidArgument where one is not valid.
  virtual absl::StatusOr<const std::vector<model::Label>*> Labels() = 0;
  // False where there is no further one. `time_ms` of an exemplar without a time is 0.
  bool has_exemplars() const { return has_exemplars_; }
  virtual bool NextExemplar(model::Exemplar* exemplar) = 0;

  double value() const { return value_; }  // kSample
  const std::shared_ptr<const model::NativeHistogram>& histogram() const { return histogram_; }

  // After kType, kHelp, kUnit; metric() of text formats also after kSample.
  std::string_view metric() const { return metric_; }
  model::MetricType type() const { return type_; }
  std::string_view text() const { return text_; }  // help or unit

 protected:
  std::string_view series_text_;
  std::string_view metric_;
  std::string_view text_;
  std::shared_ptr<const model::NativeHistogram> histogram_;
  double value_ = 0;
  int64_t time_ms_ = 0;
  int64_t start_time_ms_ = 0;
  model::MetricType type_ = model::MetricType::kUnknown;
  bool has_time_ = false;
  bool has_exemplars_ = false;
};

}  // namespace hearth::codec
