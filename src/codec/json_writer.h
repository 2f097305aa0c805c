// SPDX-License-Identifier: Apache-2.0
// The parts of Prometheus' query answers as JSON, appended to a string, byte for byte as Prometheus
// 3.x writes them (util/jsonutil, web/api/v1/json_codec.go):
//   - a time is seconds, with three decimals only where it is not whole: 1700000000, 1700000000.100
//   - a value is a string: Go's shortest 'f' form, 'e' where |v| < 1e-6 or >= 1e21
//   - labels inside samples are not HTML-escaped; every other string is (AppendJsonStringHtmlSafe)
// Functions are stateless and thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"

namespace hearth::codec {

// Go's strconv.FormatFloat(value, 'f', -1, 64) with Prometheus' switch to 'e'; not quoted.
void AppendFloat(double value, std::string* out);
// The same without the switch: always 'f', as count_values and templates print.
void AppendFloatPlain(double value, std::string* out);
void AppendTime(int64_t time_ms, std::string* out);
std::string FormatFloat(double value);
std::string FormatTimeText(int64_t time_ms);
// {"__name__":"up","job":"x"}
void AppendLabels(model::LabelsView labels, std::string* out);
// [1700000000.1,"1.5"]
void AppendPoint(int64_t time_ms, double value, std::string* out);
// [[1700000000,"1"],[1700000060,"2"]]: series' columns, one after the other. Series of one answer
// mostly have the same times: their text is made once. Not thread-safe.
class PointsWriter {
 public:
  void Append(std::span<const int64_t> times_ms, std::span<const double> values, std::string* out);

 private:
  void SetTimes(std::span<const int64_t> times_ms);
  std::vector<int64_t> times_;
  std::string text_;  // "[[1700000000,\"" and, for each further time, ",[1700000060,\""
  std::vector<uint32_t> ends_;
  int decimals_ = 0;
};
// ["a","b"], HTML-safe, as the label and warning lists are.
void AppendTextArray(std::span<const std::string> texts, std::string* out);

}  // namespace hearth::codec
