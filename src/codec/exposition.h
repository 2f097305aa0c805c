// SPDX-License-Identifier: Apache-2.0
// The two text formats that targets expose metrics in: Prometheus text 0.0.4 and OpenMetrics 1.0.
// A pull parser over the body, without copying:
//
//   ExpositionParser parser(body, ExpositionFormat::kText);
//   while (true) {
//     TRY_ASSIGN(ExpositionEntry entry, parser.Next());
//     if (entry == ExpositionEntry::kEnd) break;
//     if (entry == ExpositionEntry::kSample) … parser.series_text(), parser.value() …
//   }
//
// series_text() is the series as written (`name{a="b"}`): equal bytes mean an equal series, so a
// scrape that meets a series again needs no label work. Rules: prometheus/model/textparse
// (promparse, openmetricsparse). Errors are InvalidArgument with the line's number and text; what
// was parsed before stays valid. Views point into the body or into the parser, the latter until the
// next Next().
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/labels.h"
#include "model/metadata.h"

namespace hearth::codec {

enum class ExpositionFormat : uint8_t { kText, kOpenMetrics };
enum class ExpositionEntry : uint8_t { kSample, kType, kHelp, kUnit, kEnd };

struct ContentType {
  ExpositionFormat format = ExpositionFormat::kText;
  std::string warning;  // why the format was guessed; empty where it was said
};
// Chooses by a response's Content-Type. Blank means text, with a warning. InvalidArgument for the
// protobuf format and for anything unknown, unless `fallback` says what it is.
absl::StatusOr<ContentType> FormatOf(std::string_view content_type,
                                     std::optional<ExpositionFormat> fallback);

// Go's strconv.ParseFloat as the text formats use it (decimal, Inf, NaN; no hex, no underscores).
// NaN comes out as model::NormalNan(). False where `text` is no such number or out of range.
bool ParseGoFloat(std::string_view text, double* value);

// Not thread-safe. `body` must outlive the parser.
class ExpositionParser {
 public:
  ExpositionParser(std::string_view body, ExpositionFormat format);

  absl::StatusOr<ExpositionEntry> Next();

  // After kSample:
  std::string_view series_text() const { return series_text_; }
  double value() const { return value_; }
  bool has_time() const { return has_time_; }
  int64_t time_ms() const { return time_ms_; }
  // The labels with `__name__`, unescaped, in the order written; `le` and `quantile` in
  // OpenMetrics' spelling ("1.0"), as Prometheus 3 stores them.
  const std::vector<model::Label>& labels();
  bool has_exemplar() const { return has_exemplar_; }
  // `time_ms` of the result is 0 where the exemplar has none.
  model::Exemplar exemplar();

  // After kType, kHelp, kUnit; metric() also after kSample.
  std::string_view metric() const { return metric_; }
  model::MetricType type() const { return type_; }
  std::string_view text() const { return text_; }  // help (unescaped) or unit

  size_t line() const { return line_; }  // of the entry, from 1

 private:
  struct Span {
    const char* begin = nullptr;
    const char* end = nullptr;
    std::string_view view() const { return {begin, static_cast<size_t>(end - begin)}; }
  };
  struct RawLabel {
    Span name;
    Span value;
  };

  absl::StatusOr<ExpositionEntry> NextText();
  absl::StatusOr<ExpositionEntry> NextOpenMetrics();
  absl::Status Fail(std::string_view what) const;
  void BeginLine();
  void SkipBlanks();
  bool SkipName(bool metric);
  absl::Status ReadQuoted(Span* inside);
  absl::Status ReadLabels(std::vector<RawLabel>* labels, bool allow_name);
  absl::Status ReadSeries();
  absl::Status ReadValue(std::string_view* token);
  absl::Status ReadMetadataName();
  absl::StatusOr<ExpositionEntry> ReadTextMetadata(bool is_type);
  absl::StatusOr<ExpositionEntry> ReadTextSample();
  absl::StatusOr<ExpositionEntry> ReadOpenMetricsMetadata();
  absl::StatusOr<ExpositionEntry> ReadOpenMetricsSample();
  absl::Status ReadOpenMetricsTime(std::string_view token, int64_t* time_ms);
  absl::Status ReadExemplar();
  absl::Status EndLine();
  std::string_view Unescape(Span raw, bool keep_quote_escapes);

  const char* at_;
  const char* end_;
  const ExpositionFormat format_;
  const char* line_begin_ = nullptr;
  size_t line_ = 0;
  bool ended_ = false;

  std::string_view series_text_;
  Span name_;
  bool name_is_set_ = false;
  std::vector<RawLabel> raw_labels_;
  std::vector<RawLabel> raw_exemplar_;
  std::vector<model::Label> labels_;
  std::vector<std::string> scratch_;  // unescaped and rewritten texts of the current entry
  size_t scratch_used_ = 0;
  std::string_view metric_;
  std::string_view text_;
  model::MetricType type_ = model::MetricType::kUnknown;
  double value_ = 0;
  bool has_time_ = false;
  int64_t time_ms_ = 0;
  bool has_exemplar_ = false;
  double exemplar_value_ = 0;
  int64_t exemplar_time_ms_ = 0;
};

}  // namespace hearth::codec
