// SPDX-License-Identifier: Apache-2.0
// Writes one JSON object member by member, as encoding/json of Go would: strings HTML-safe, label
// sets as Prometheus' own encoder has them. Appends to a borrowed string; End() closes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/labels.h"

namespace hearth::api {

class JsonObject {
 public:
  explicit JsonObject(std::string* out) : out_(*out) { out_ += '{'; }
  void Text(std::string_view key, std::string_view value);
  void Raw(std::string_view key, std::string_view json);
  void Int(std::string_view key, int64_t value);
  void Bool(std::string_view key, bool value) { Raw(key, value ? "true" : "false"); }
  void Labels(std::string_view key, model::LabelsView labels);
  void End() { out_ += '}'; }

 private:
  void Key(std::string_view key);
  std::string& out_;
  bool first_ = true;
};

// RFC 3339 with nanoseconds as Go's time.Time marshals; the zero time where `ms` is 0.
std::string Rfc3339(int64_t ms);
// `text`, of more than `bytes_max` only so much (whole characters) and "…".
std::string Shortened(std::string_view text, size_t bytes_max);
// encoding/json's float64: shortest, an exponent below 1e-6 and from 1e21 on. Finite values only.
std::string JsonNumber(double value);

}  // namespace hearth::api
