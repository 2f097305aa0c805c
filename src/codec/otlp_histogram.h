// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's histograms as native ones (otlptranslator/prometheusremotewrite/histograms.go).
// Pure; InvalidArgument where a point has no native form.
#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "codec/otlp.h"
#include "model/histogram.h"

namespace hearth::codec {

// Scales above 8 are merged down to 8; below -4 there is no schema.
absl::StatusOr<std::shared_ptr<const model::NativeHistogram>> OtlpExponentialHistogram(
    const OtlpPoint& point);
// Explicit bounds as custom buckets.
absl::StatusOr<std::shared_ptr<const model::NativeHistogram>> OtlpCustomHistogram(
    const OtlpPoint& point);

}  // namespace hearth::codec
