// SPDX-License-Identifier: Apache-2.0
#include "codec/json_writer.h"

#include <charconv>
#include <cmath>

#include "base/json_text.h"
#include "codec/go_float.h"

namespace hearth::codec {
namespace {

void AppendWhole(uint64_t value, std::string* out) {
  char buffer[24];
  out->append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

}  // namespace

// util/jsonutil/marshal.go MarshalFloat.
void AppendFloat(double value, std::string* out) {
  const double magnitude = std::fabs(value);
  if (magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21)) {
    AppendGoExponent(value, out);
  } else {
    AppendGoFixed(value, out);
  }
}

void AppendFloatPlain(double value, std::string* out) { AppendGoFixed(value, out); }

// util/jsonutil/marshal.go MarshalTimestamp: whole seconds, then three digits if any are left.
void AppendTime(int64_t time_ms, std::string* out) {
  // As unsigned, so that the smallest time has a magnitude too.
  auto magnitude = static_cast<uint64_t>(time_ms);
  if (time_ms < 0) {
    out->push_back('-');
    magnitude = 0 - magnitude;
  }
  AppendWhole(magnitude / 1000, out);
  const uint64_t rest = magnitude % 1000;
  if (rest == 0) return;
  out->push_back('.');
  if (rest < 100) out->push_back('0');
  if (rest < 10) out->push_back('0');
  AppendWhole(rest, out);
}

std::string FormatFloat(double value) {
  std::string out;
  AppendFloat(value, &out);
  return out;
}

std::string FormatTimeText(int64_t time_ms) {
  std::string out;
  AppendTime(time_ms, &out);
  return out;
}

void AppendLabels(model::LabelsView labels, std::string* out) {
  out->push_back('{');
  bool first = true;
  for (const auto& [name, value] : labels) {
    if (!first) out->push_back(',');
    first = false;
    AppendJsonString(name, out);
    out->push_back(':');
    AppendJsonString(value, out);
  }
  out->push_back('}');
}

void AppendPoint(int64_t time_ms, double value, std::string* out) {
  out->push_back('[');
  AppendTime(time_ms, out);
  out->append(",\"");
  AppendFloat(value, out);
  out->append("\"]");
}

void AppendPoints(std::span<const int64_t> times_ms, std::span<const double> values,
                  std::string* out) {
  out->push_back('[');
  for (size_t i = 0; i < times_ms.size(); ++i) {
    if (i > 0) out->push_back(',');
    AppendPoint(times_ms[i], values[i], out);
  }
  out->push_back(']');
}

void AppendTextArray(std::span<const std::string> texts, std::string* out) {
  out->push_back('[');
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out->push_back(',');
    AppendJsonStringHtmlSafe(texts[i], out);
  }
  out->push_back(']');
}

}  // namespace hearth::codec
