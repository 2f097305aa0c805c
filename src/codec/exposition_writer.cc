// SPDX-License-Identifier: Apache-2.0
#include "codec/exposition_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "codec/go_float.h"
#include "codec/wire.h"
#include "model/labels.h"

namespace hearth::codec {
namespace {

constexpr std::string_view kProtobufType = "application/vnd.google.protobuf";
constexpr std::string_view kProtobufMessage = "io.prometheus.client.MetricFamily";

struct Clause {
  std::string_view type;
  double quality = 1;
  std::string_view version;
  std::string_view proto;
  std::string_view encoding;
  std::string_view escaping;
};

std::vector<Clause> ParseAccept(std::string_view accept) {
  std::vector<Clause> clauses;
  for (const std::string_view part : Split(accept, ',')) {
    Clause& clause = clauses.emplace_back();
    for (const std::string_view parameter : Split(part, ';')) {
      const size_t equals = parameter.find('=');
      if (equals == std::string_view::npos) {
        if (clause.type.empty()) clause.type = TrimSpace(parameter);
        continue;
      }
      const std::string_view name = TrimSpace(parameter.substr(0, equals));
      const std::string_view value = TrimSpace(parameter.substr(equals + 1));
      if (name == "q" && (!ParseGoFloat(value, &clause.quality) || std::isnan(clause.quality))) {
        clause.quality = 0;
      }
      if (name == "version") clause.version = value;
      if (name == "proto") clause.proto = value;
      if (name == "encoding") clause.encoding = value;
      if (name == "escaping") clause.escaping = value;
    }
  }
  std::stable_sort(clauses.begin(), clauses.end(),
                   [](const Clause& a, const Clause& b) { return a.quality > b.quality; });
  return clauses;
}

constexpr std::pair<std::string_view, NameEscaping> kEscapings[] = {
    {"allow-utf-8", NameEscaping::kAllowUtf8},
    {"underscores", NameEscaping::kUnderscores},
    {"dots", NameEscaping::kDots},
    {"values", NameEscaping::kValues}};

bool IsLegacyCharacter(char c, bool first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
         (c >= '0' && c <= '9' && !first);
}

// The character that begins at `*at`, which is moved past it.
uint32_t NextCharacter(std::string_view text, size_t* at) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const uint32_t lead = byte((*at)++);
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
  uint32_t code = more == 0 ? lead : lead & (0x3FU >> more);
  for (int i = 0; i < more && *at < text.size(); ++i) code = code << 6 | (byte((*at)++) & 0x3FU);
  return code;
}

void AppendQuoted(std::string_view value, std::string* out) {
  *out += '"';
  for (const char c : value) {
    if (c == '\\') {
      *out += "\\\\";
    } else if (c == '\n') {
      *out += "\\n";
    } else if (c == '"') {
      *out += "\\\"";
    } else {
      *out += c;
    }
  }
  *out += '"';
}

void AppendName(std::string_view name, std::string* out) {
  if (model::IsLegacyMetricName(name)) {
    *out += name;
  } else {
    AppendQuoted(name, out);
  }
}

// expfmt writes 0 for -0.
void AppendValue(double value, std::string* out) { AppendGoGeneral(value == 0 ? 0 : value, out); }

void AppendSpans(uint32_t field, const std::vector<model::HistogramSpan>& spans, std::string* out) {
  for (const model::HistogramSpan& span : spans) {
    std::string message;
    wire::AppendVarintField(1, wire::UnZigZag(span.offset), &message);
    wire::AppendVarintField(2, span.length, &message);
    wire::AppendBytesField(field, message, out);
  }
}

// io.prometheus.client.Histogram with counts as floats, as federation sends them.
std::string NativeMessage(const model::NativeHistogram& histogram) {
  std::string out;
  wire::AppendDoubleField(2, histogram.sum, &out);
  wire::AppendDoubleField(4, histogram.count, &out);
  wire::AppendVarintField(5, wire::UnZigZag(histogram.schema), &out);
  wire::AppendDoubleField(6, histogram.zero_threshold, &out);
  wire::AppendDoubleField(8, histogram.zero_count, &out);
  AppendSpans(9, histogram.negative_spans, &out);
  for (const double count : histogram.negative_buckets) wire::AppendDoubleField(11, count, &out);
  AppendSpans(12, histogram.positive_spans, &out);
  for (const double count : histogram.positive_buckets) wire::AppendDoubleField(14, count, &out);
  return out;
}

// The cumulative counts of custom buckets, one for each bound.
std::vector<double> Cumulative(const model::NativeHistogram& histogram) {
  std::vector<double> counts(histogram.custom_values.size(), 0);
  int64_t index = 0;
  size_t bucket = 0;
  for (const model::HistogramSpan& span : histogram.positive_spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && bucket < histogram.positive_buckets.size(); ++i) {
      const double count = histogram.positive_buckets[bucket++];
      if (index >= 0 && index < static_cast<int64_t>(counts.size())) {
        counts[static_cast<size_t>(index)] = count;
      }
      ++index;
    }
  }
  for (size_t i = 1; i < counts.size(); ++i) counts[i] += counts[i - 1];
  return counts;
}

std::string ClassicMessage(const model::NativeHistogram& histogram) {
  std::string out;
  wire::AppendDoubleField(2, histogram.sum, &out);
  const std::vector<double> counts = Cumulative(histogram);
  for (size_t i = 0; i < counts.size(); ++i) {
    std::string bucket;
    wire::AppendDoubleField(2, histogram.custom_values[i], &bucket);
    wire::AppendDoubleField(4, counts[i], &bucket);
    wire::AppendBytesField(3, bucket, &out);
  }
  wire::AppendDoubleField(4, histogram.count, &out);
  return out;
}

bool IsClassic(const model::NativeHistogram& histogram) {
  return histogram.schema == model::kCustomBucketsSchema;
}

}  // namespace

std::string ExpositionChoice::ContentType() const {
  std::string_view name;
  for (const auto& [text, one] : kEscapings) {
    if (one == escaping) name = text;
  }
  if (format == ExpositionFormat::kText) {
    return fmt::format("text/plain; version=0.0.4; charset=utf-8; escaping={}", name);
  }
  return fmt::format("{}; proto={}; encoding=delimited; escaping={}", kProtobufType,
                     kProtobufMessage, name);
}

ExpositionChoice NegotiateExposition(std::string_view accept) {
  ExpositionChoice choice;
  for (const Clause& clause : ParseAccept(accept)) {
    // As upstream: what a clause before said about escaping counts for those after it as well.
    for (const auto& [text, escaping] : kEscapings) {
      if (text == clause.escaping) choice.escaping = escaping;
    }
    if (clause.type == kProtobufType && clause.proto == kProtobufMessage &&
        clause.encoding == "delimited") {
      choice.format = ExpositionFormat::kProtobuf;
      return choice;
    }
    if (clause.type == "text/plain" && (clause.version.empty() || clause.version == "0.0.4")) {
      return choice;
    }
  }
  return choice;
}

std::string EscapeName(std::string_view name, NameEscaping escaping) {
  if (escaping == NameEscaping::kAllowUtf8 || name.empty() || model::IsLegacyMetricName(name)) {
    return std::string(name);
  }
  std::string out = escaping == NameEscaping::kValues ? "U__" : "";
  for (size_t at = 0; at < name.size();) {
    const char c = name[at];
    const bool legacy = IsLegacyCharacter(c, at == 0);
    const uint32_t code = NextCharacter(name, &at);
    if (escaping == NameEscaping::kUnderscores) {
      out += legacy ? c : '_';
    } else if (c == '_') {
      out += "__";
    } else if (legacy) {
      out += c;
    } else if (escaping == NameEscaping::kDots) {
      out += c == '.' ? "_dot_" : "__";
    } else {
      out += fmt::format("_{:x}_", code);
    }
  }
  return out;
}

bool ExpositionWriter::CanWrite(ExpositionFormat format, const model::NativeHistogram& histogram) {
  return format == ExpositionFormat::kProtobuf || IsClassic(histogram);
}

void ExpositionWriter::BeginFamily(std::string_view name, Type type) {
  Finish();
  name_ = EscapeName(name, choice_.escaping);
  if (choice_.format == ExpositionFormat::kText) {
    out_ += "# TYPE ";
    AppendName(name_, &out_);
    out_ += type == Type::kUntyped ? " untyped\n" : " histogram\n";
    return;
  }
  constexpr uint64_t kNumbers[] = {3, 4, 5};  // of io.prometheus.client.MetricType
  wire::AppendBytesField(1, name_, &message_);
  wire::AppendVarintField(3, kNumbers[static_cast<size_t>(type)], &message_);
}

void ExpositionWriter::Finish() {
  if (message_.empty()) return;
  wire::AppendVarint(message_.size(), &out_);
  out_ += message_;
  message_.clear();
}

void ExpositionWriter::AddText(std::string_view suffix, const Pairs& labels, const double* le,
                               double value, int64_t time_ms) {
  const std::string name = name_ + std::string(suffix);
  const bool inside = !model::IsLegacyMetricName(name);
  char separator = '{';
  if (inside) {
    out_ += separator;
    separator = ',';
  }
  AppendName(name, &out_);
  for (const auto& [label, text] : labels) {
    out_ += separator;
    separator = ',';
    AppendName(EscapeName(label, choice_.escaping), &out_);
    out_ += '=';
    AppendQuoted(text, &out_);
  }
  if (le != nullptr) {
    out_ += separator;
    separator = ',';
    out_ += "le=\"";
    AppendValue(*le, &out_);
    out_ += '"';
  }
  if (separator == ',') out_ += '}';
  out_ += ' ';
  AppendValue(value, &out_);
  out_ += fmt::format(" {}\n", time_ms);
}

void ExpositionWriter::AddMessage(const Pairs& labels, uint32_t field, std::string_view value,
                                  int64_t time_ms) {
  constexpr uint32_t kTimeField = 6;
  std::string metric;
  for (const auto& [label, text] : labels) {
    std::string pair;
    wire::AppendBytesField(1, EscapeName(label, choice_.escaping), &pair);
    wire::AppendBytesField(2, text, &pair);
    wire::AppendBytesField(1, pair, &metric);
  }
  // In the order of their numbers, as Go writes them.
  if (field < kTimeField) wire::AppendBytesField(field, value, &metric);
  wire::AppendVarintField(kTimeField, static_cast<uint64_t>(time_ms), &metric);
  if (field > kTimeField) wire::AppendBytesField(field, value, &metric);
  wire::AppendBytesField(4, metric, &message_);
}

void ExpositionWriter::AddUntyped(const Pairs& labels, double value, int64_t time_ms) {
  if (choice_.format == ExpositionFormat::kText) {
    return AddText("", labels, nullptr, value, time_ms);
  }
  std::string untyped;
  wire::AppendDoubleField(1, value, &untyped);
  AddMessage(labels, 5, untyped, time_ms);
}

void ExpositionWriter::AddHistogram(const Pairs& labels, const model::NativeHistogram& histogram,
                                    int64_t time_ms) {
  if (choice_.format == ExpositionFormat::kProtobuf) {
    const bool classic = IsClassic(histogram);
    return AddMessage(labels, 7, classic ? ClassicMessage(histogram) : NativeMessage(histogram),
                      time_ms);
  }
  const std::vector<double> counts = Cumulative(histogram);
  for (size_t i = 0; i < counts.size(); ++i) {
    AddText("_bucket", labels, &histogram.custom_values[i], counts[i], time_ms);
  }
  constexpr double kInf = std::numeric_limits<double>::infinity();
  AddText("_bucket", labels, &kInf, histogram.count, time_ms);
  AddText("_sum", labels, nullptr, histogram.sum, time_ms);
  AddText("_count", labels, nullptr, histogram.count, time_ms);
}

}  // namespace hearth::codec
