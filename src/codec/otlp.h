// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry metrics as they come over OTLP/HTTP (opentelemetry-proto, collector/metrics/v1),
// from protobuf or from JSON: plain values, nothing translated yet (otlp_translate.h). Stateless
// functions, thread-safe; errors are InvalidArgument and say where.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::codec {

// The value as OpenTelemetry's AsString() prints it.
struct OtlpAttribute {
  std::string key;
  std::string value;
};
using OtlpAttributes = std::vector<OtlpAttribute>;  // in the order sent

struct OtlpExemplar {
  uint64_t time_ns = 0;
  double value = 0;
  std::string trace_id;  // hexadecimal, "" where there is none
  std::string span_id;
  OtlpAttributes attributes;
};

// One data point of any kind; what a kind does not have stays as it is.
struct OtlpPoint {
  struct Buckets {
    int32_t offset = 0;
    std::vector<uint64_t> counts;
  };
  struct Quantile {
    double quantile = 0;
    double value = 0;
  };

  OtlpAttributes attributes;
  uint64_t start_ns = 0;
  uint64_t time_ns = 0;
  bool no_recorded_value = false;  // the point is a staleness marker
  double value = 0;                // gauges and sums
  uint64_t count = 0;              // histograms and summaries
  bool has_sum = false;
  double sum = 0;
  std::vector<uint64_t> bucket_counts;  // histograms
  std::vector<double> bounds;
  int32_t scale = 0;  // exponential histograms
  uint64_t zero_count = 0;
  double zero_threshold = 0;
  Buckets positive;
  Buckets negative;
  std::vector<Quantile> quantiles;  // summaries
  std::vector<OtlpExemplar> exemplars;
};

struct OtlpMetric {
  enum class Kind : uint8_t { kNone, kGauge, kSum, kHistogram, kExponential, kSummary };
  enum class Temporality : uint8_t { kUnspecified, kDelta, kCumulative };
  std::string name;
  std::string description;
  std::string unit;
  Kind kind = Kind::kNone;
  Temporality temporality = Temporality::kUnspecified;
  bool monotonic = false;
  std::vector<OtlpPoint> points;
};

struct OtlpScope {
  std::string name;
  std::string version;
  std::string schema_url;
  OtlpAttributes attributes;
  std::vector<OtlpMetric> metrics;
};

struct OtlpResource {
  OtlpAttributes attributes;
  std::vector<OtlpScope> scopes;
};

struct OtlpRequest {
  std::vector<OtlpResource> resources;
};

// Values of attributes nest no deeper; a histogram has no more buckets (SDKs make 160).
inline constexpr int kOtlpDepthMax = 16;
inline constexpr size_t kOtlpBucketsMax = 65'536;

absl::StatusOr<OtlpRequest> DecodeOtlpProtobuf(std::string_view message);
absl::StatusOr<OtlpRequest> DecodeOtlpJson(std::string_view text);

// What arrays and maps print: JSON without blanks, as Go's encoding/json.
std::string OtlpDoubleText(double value);

}  // namespace hearth::codec
