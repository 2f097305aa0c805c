// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/json_object.h"

#include <absl/time/time.h>

#include "base/json_text.h"
#include "codec/json_writer.h"

namespace hearth::api {

void JsonObject::Key(std::string_view key) {
  if (!first_) out_ += ',';
  first_ = false;
  AppendJsonStringHtmlSafe(key, &out_);
  out_ += ':';
}

void JsonObject::Text(std::string_view key, std::string_view value) {
  Key(key);
  AppendJsonStringHtmlSafe(value, &out_);
}

void JsonObject::Raw(std::string_view key, std::string_view json) {
  Key(key);
  out_ += json;
}

void JsonObject::Int(std::string_view key, int64_t value) { Raw(key, std::to_string(value)); }

void JsonObject::Labels(std::string_view key, model::LabelsView labels) {
  Key(key);
  codec::AppendLabels(labels, &out_);
}

std::string Rfc3339(int64_t ms) {
  if (ms == 0) return "0001-01-01T00:00:00Z";
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", absl::FromUnixMillis(ms), absl::UTCTimeZone());
}

std::string Shortened(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  size_t cut = bytes_max;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return std::string(text.substr(0, cut)) + "…";
}

std::string JsonNumber(double value) {
  std::string out = codec::FormatFloat(value);
  // encoding/json writes 1e-7 where strconv writes 1e-07.
  const size_t exponent = out.find("e-0");
  if (exponent != std::string::npos) out.erase(exponent + 2, 1);
  return out;
}

}  // namespace hearth::api
