// SPDX-License-Identifier: Apache-2.0
#include "codec/label_rules.h"

#include <fmt/core.h>

#include <vector>

#include "base/text.h"

namespace hearth::codec {
namespace {

constexpr size_t kQuotedRunesMax = 200;         // Cortex prints with %.200q
constexpr size_t kPrintedLabelsMax = 8 * 1024;  // a label set in an error text

// The first `runes_max` code points.
std::string_view Cut(std::string_view text, size_t runes_max) {
  size_t runes = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts_rune = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (starts_rune && runes++ == runes_max) return text.substr(0, i);
  }
  return text;
}

std::string Quote(std::string_view text) { return model::QuoteGo(Cut(text, kQuotedRunesMax)); }

// Cortex' formatLabelSet: name{a="b", c="d"}.
std::string Print(std::span<const model::Label> labels) {
  std::string metric;
  std::string inner;
  for (const model::Label& label : labels) {
    if (label.name == model::kMetricName && metric.empty()) {
      metric = IsValidUtf8(label.value) ? std::string(label.value) : model::QuoteGo(label.value);
      continue;
    }
    if (!inner.empty()) inner += ", ";
    inner +=
        model::IsLegacyLabelName(label.name) ? std::string(label.name) : model::QuoteGo(label.name);
    inner += "=" + model::QuoteGo(label.value);
    if (inner.size() > kPrintedLabelsMax) {
      inner += ", …";
      break;
    }
  }
  if (inner.empty()) return metric.empty() ? "{}" : metric;
  return metric + "{" + inner + "}";
}

bool IsGoodUtf8(std::string_view text) { return IsAscii(text) || IsValidUtf8(text); }

bool IsGoodLabelName(std::string_view name, const LabelLimits& limits) {
  if (limits.legacy_names) return model::IsLegacyLabelName(name);
  return !name.empty() && IsGoodUtf8(name);
}

bool IsGoodMetricName(std::string_view name, const LabelLimits& limits) {
  return limits.legacy_names ? model::IsLegacyMetricName(name) : IsGoodUtf8(name);
}

std::string BreachedByLabel(std::span<const model::Label> labels, size_t i,
                            const LabelLimits& limits, SeriesErrorKind* kind) {
  const auto [name, value] = labels[i];
  if (!IsGoodLabelName(name, limits) || !IsGoodUtf8(value)) {
    *kind = SeriesErrorKind::kInvalidLabel;
    return fmt::format("sample invalid label: {} metric {}", Quote(name), Quote(Print(labels)));
  }
  if (i > 0 && labels[i - 1].name == name) {
    *kind = SeriesErrorKind::kDuplicateLabel;
    return fmt::format("duplicate label name: {} metric {}", Quote(name), Quote(Print(labels)));
  }
  if (limits.name_bytes_max != 0 && name.size() > limits.name_bytes_max) {
    *kind = SeriesErrorKind::kNameTooLong;
    return fmt::format(
        "label name too long for metric (actual: {}, limit: {}) metric: {} label name: {}",
        name.size(), limits.name_bytes_max, Quote(Print(labels)), Quote(name));
  }
  if (limits.value_bytes_max != 0 && value.size() > limits.value_bytes_max) {
    *kind = SeriesErrorKind::kValueTooLong;
    return fmt::format(
        "label value too long for metric (actual: {}, limit: {}) metric: {} label name: {} "
        "label value: {}",
        value.size(), limits.value_bytes_max, Quote(Print(labels)), Quote(name), Quote(value));
  }
  return {};
}

}  // namespace

std::string BreachedRule(std::span<const model::Label> labels, const LabelLimits& limits,
                         SeriesErrorKind* kind) {
  const model::Label* metric = nullptr;
  size_t bytes = 0;
  for (const model::Label& label : labels) {
    bytes += label.name.size() + label.value.size();
    if (label.name == model::kMetricName) metric = &label;
  }
  if (metric == nullptr) {
    *kind = SeriesErrorKind::kMissingName;
    return "sample missing metric name";
  }
  if (!IsGoodMetricName(metric->value, limits)) {
    *kind = SeriesErrorKind::kInvalidName;
    return fmt::format("sample invalid metric name: {}", Quote(metric->value));
  }
  if (limits.labels_max != 0 && labels.size() > limits.labels_max) {
    *kind = SeriesErrorKind::kTooManyLabels;
    return fmt::format("series has too many labels (actual: {}, limit: {}) series: '{}'",
                       labels.size(), limits.labels_max, Print(labels));
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    std::string text = BreachedByLabel(labels, i, limits, kind);
    if (!text.empty()) return text;
  }
  if (limits.text_bytes_max != 0 && bytes > limits.text_bytes_max) {
    *kind = SeriesErrorKind::kLabelsTooLarge;
    return fmt::format("labels size bytes exceeded for metric (actual: {}, limit: {}) metric: {}",
                       bytes, limits.text_bytes_max, Quote(Print(labels)));
  }
  return {};
}

std::string CheckLabels(model::LabelsView labels, const LabelLimits& limits,
                        SeriesErrorKind* kind) {
  const std::vector<model::Label> list(labels.begin(), labels.end());
  return BreachedRule(list, limits, kind);
}

std::string_view MetricName(SeriesErrorKind kind) {
  switch (kind) {
    case SeriesErrorKind::kMissingName:
      return "missing_metric_name";
    case SeriesErrorKind::kInvalidName:
      return "metric_name_invalid";
    case SeriesErrorKind::kInvalidLabel:
      return "label_invalid";
    case SeriesErrorKind::kDuplicateLabel:
      return "duplicate_label_names";
    case SeriesErrorKind::kTooManyLabels:
      return "max_label_names_per_series";
    case SeriesErrorKind::kNameTooLong:
      return "label_name_too_long";
    case SeriesErrorKind::kValueTooLong:
      return "label_value_too_long";
    case SeriesErrorKind::kLabelsTooLarge:
      return "labels_size_bytes_exceeded";
    case SeriesErrorKind::kInvalidHistogram:
      return "native_histogram_invalid";
  }
  return "unknown";
}

}  // namespace hearth::codec
