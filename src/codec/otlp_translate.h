// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's data points to Prometheus' series, as storage/remote/otlptranslator of Prometheus
// 3.14 does: names and units, resource attributes as job, instance, promoted labels and
// target_info, classic histograms as _bucket/_sum/_count, exponential ones as native histograms.
// Points of delta temporality come out as such, marked: whoever stores them adds them up. Pure;
// thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "codec/otlp.h"
#include "codec/otlp_names.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/metadata.h"

namespace hearth::codec {

// Section `otlp` of Prometheus' configuration.
struct OtlpSettings {
  OtlpNaming naming = OtlpNaming::kUnderscoreEscapingWithSuffixes;
  std::vector<std::string> promote_resource_attributes;
  bool promote_all_resource_attributes = false;
  std::vector<std::string> ignore_resource_attributes;  // of promote_all
  bool keep_identifying_resource_attributes = false;
  bool convert_histograms_to_nhcb = false;
  bool promote_scope_metadata = false;
  bool label_name_underscore_sanitization = true;
  bool label_name_preserve_multiple_underscores = true;
  friend bool operator==(const OtlpSettings&, const OtlpSettings&) = default;
};

struct OtlpSample {
  model::Labels labels;
  int64_t time_ms = 0;
  int64_t start_ms = 0;  // 0: unknown
  double value = 0;
  std::shared_ptr<const model::NativeHistogram> histogram;  // in place of the value
  bool delta = false;
  std::vector<model::Exemplar> exemplars;
};

struct OtlpTranslated {
  std::vector<OtlpSample> samples;
  std::vector<model::Metadata> metadata;
  size_t points = 0;                // data points in the request
  size_t rejected_points = 0;       // of those, not translated
  std::vector<std::string> errors;  // why, the first few
};
inline constexpr size_t kOtlpErrorsMax = 10;

OtlpTranslated TranslateOtlp(const OtlpRequest& request, const OtlpSettings& settings);

}  // namespace hearth::codec
