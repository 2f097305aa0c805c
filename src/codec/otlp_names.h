// SPDX-License-Identifier: Apache-2.0
// Names of OpenTelemetry as Prometheus has them (prometheus/otlptranslator v1.0.0, which is what
// Prometheus 3.14 uses). Stateless functions, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "codec/otlp.h"

namespace hearth::codec {

// config.OTLPConfig.translation_strategy.
enum class OtlpNaming : uint8_t {
  kUnderscoreEscapingWithSuffixes,
  kUnderscoreEscapingWithoutSuffixes,
  kNoUtf8EscapingWithSuffixes,
  kNoTranslation,
};
bool ParseOtlpNaming(std::string_view name, OtlpNaming* naming);

// "http.server.duration" with unit "s" → "http_server_duration_seconds". "" where nothing is left.
std::string OtlpMetricName(const OtlpMetric& metric, OtlpNaming naming);
// "ms" → "milliseconds", "By/s" → "bytes_per_second".
std::string OtlpUnitName(std::string_view unit);
// "service.name" → "service_name". `key_for_underscore`: "_a" → "key_a"; `keep_underscores`: "a__b"
// stays. "" where nothing is left.
std::string OtlpLabelName(std::string_view label, OtlpNaming naming, bool key_for_underscore,
                          bool keep_underscores);

}  // namespace hearth::codec
