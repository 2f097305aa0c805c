// SPDX-License-Identifier: Apache-2.0
// What a metric is (by name, not by series), and exemplars.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/labels.h"

namespace hearth::model {

enum class MetricType : uint8_t {
  kUnknown,
  kCounter,
  kGauge,
  kHistogram,
  kGaugeHistogram,
  kSummary,
  kInfo,
  kStateset,
};
std::string_view Name(MetricType type);             // as Prometheus' API: "counter", …, "unknown"
MetricType ParseMetricType(std::string_view name);  // kUnknown where not known

struct Metadata {
  std::string metric;  // the family's name
  MetricType type = MetricType::kUnknown;
  std::string help;
  std::string unit;
  friend bool operator==(const Metadata&, const Metadata&) = default;
};

struct Exemplar {
  Labels labels;
  double value = 0;
  int64_t time_ms = 0;
};

}  // namespace hearth::model
