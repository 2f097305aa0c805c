// SPDX-License-Identifier: Apache-2.0
// Writes metric families for a scraper: the text format 0.0.4, or delimited protobuf
// (io.prometheus.client.MetricFamily), with names escaped as the scraper asked. What Prometheus'
// common/expfmt writes, byte for byte in text. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/histogram.h"

namespace hearth::codec {

enum class ExpositionFormat { kText, kProtobuf };
enum class NameEscaping { kAllowUtf8, kUnderscores, kDots, kValues };

struct ExpositionChoice {
  ExpositionFormat format = ExpositionFormat::kText;
  NameEscaping escaping = NameEscaping::kUnderscores;
  std::string ContentType() const;
};

// From an Accept header, as expfmt.Negotiate does; text where nothing else is asked for. The two
// textual forms of protobuf, which no scraper asks for, and OpenMetrics are not offered.
ExpositionChoice NegotiateExposition(std::string_view accept);

// `name`, which is valid UTF-8, without what only UTF-8 aware readers take (model.EscapeName).
std::string EscapeName(std::string_view name, NameEscaping escaping);

class ExpositionWriter {
 public:
  // "Gauge histogram" is a type in protobuf only.
  enum class Type { kUntyped, kHistogram, kGaugeHistogram };
  using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;  // in their order

  // Appends to `out`, which outlives the writer.
  ExpositionWriter(const ExpositionChoice& choice, std::string* out)
      : choice_(choice), out_(*out) {}

  // Ends the family before; every sample belongs to the family begun last.
  void BeginFamily(std::string_view name, Type type);
  void AddUntyped(const Pairs& labels, double value, int64_t time_ms);
  // Custom buckets are written as a classic histogram in both formats; other native histograms in
  // protobuf only: the text format has no words for them.
  void AddHistogram(const Pairs& labels, const model::NativeHistogram& histogram, int64_t time_ms);
  static bool CanWrite(ExpositionFormat format, const model::NativeHistogram& histogram);
  void Finish();

 private:
  void AddText(std::string_view suffix, const Pairs& labels, const double* le, double value,
               int64_t time_ms);
  void AddMessage(const Pairs& labels, uint32_t field, std::string_view value, int64_t time_ms);

  const ExpositionChoice choice_;
  std::string& out_;
  std::string name_;     // of the family, escaped
  std::string message_;  // protobuf: the family so far
};

}  // namespace hearth::codec
