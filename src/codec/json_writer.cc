// SPDX-License-Identifier: Apache-2.0
#include "codec/json_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

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

void PointsWriter::SetTimes(std::span<const int64_t> times_ms) {
  if (std::ranges::equal(times_ms, times_)) return;
  times_.assign(times_ms.begin(), times_ms.end());
  text_.clear();
  ends_.clear();
  for (const int64_t time : times_) {
    text_.append(ends_.empty() ? "[[" : ",[");
    AppendTime(time, &text_);
    text_.append(",\"");
    ends_.push_back(static_cast<uint32_t>(text_.size()));
  }
}

void PointsWriter::Append(std::span<const int64_t> times_ms, std::span<const double> values,
                          std::string* out) {
  if (times_ms.empty()) {
    out->append("[]");
    return;
  }
  SetTimes(times_ms);
  // Written here and handed on in pieces: a string that grows by bytes costs more than the bytes.
  char piece[4096];
  constexpr size_t kTimeMax = 32;  // "[[" to the value's quote; kShortFixedMax and `"]` follow
  char* at = piece;
  uint32_t begin = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t size = ends_[i] - begin;
    if (at + kTimeMax + kShortFixedMax + 2 > piece + sizeof piece) {
      out->append(piece, at);
      at = piece;
    }
    std::memcpy(at, text_.data() + begin, size);
    at += size;
    begin = ends_[i];
    if (IsShortFixed(values[i])) {
      at = WriteShortFixed(values[i], &decimals_, at);
    } else {
      out->append(piece, at);
      at = piece;
      AppendFloat(values[i], out);
    }
    *at++ = '"';
    *at++ = ']';
  }
  out->append(piece, at);
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
