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

#include <cstddef>
#include <cstdint>
#include <deque>
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
  struct RawLabel {
    std::string_view name;  // without quotes, escapes left in
    std::string_view value;
  };

  // What stands at at_, and moving past it. Nothing reads beyond end_.
  bool At(char c) const { return at_ < end_ && *at_ == c; }
  bool AtLineEnd() const { return at_ == end_ || *at_ == '\n'; }
  bool Skip(std::string_view text);
  void SkipBlanks();
  void SkipLine();
  std::string_view ReadName(bool colons);
  std::string_view ReadToken();  // up to a blank or the line's end
  bool ReadQuoted(std::string_view* inside);

  bool open_metrics() const { return format_ == ExpositionFormat::kOpenMetrics; }
  absl::Status Fail(std::string_view what) const;
  void BeginEntry();
  absl::StatusOr<ExpositionEntry> NextOpenMetrics();
  absl::StatusOr<ExpositionEntry> ReadMetadata(std::string_view keyword);
  absl::Status ReadType();
  absl::Status ReadUnit();
  absl::StatusOr<ExpositionEntry> ReadSample();
  absl::Status ReadLabels(bool is_exemplar, std::vector<RawLabel>* labels);
  absl::Status ReadTextTail();
  absl::Status ReadOpenMetricsTail();
  absl::Status ReadExemplar();
  absl::Status ReadSeconds(std::string_view what, int64_t* time_ms);
  std::string_view Unescape(std::string_view raw, bool quotes);
  std::string_view Normalize(std::string_view name, std::string_view value);

  const char* at_;
  const char* const end_;
  const ExpositionFormat format_;
  const char* line_begin_;
  size_t line_ = 1;
  size_t next_line_ = 1;
  bool ended_ = false;

  std::string_view series_text_;
  std::string_view metric_;
  std::vector<RawLabel> raw_labels_;
  std::vector<RawLabel> raw_exemplar_;
  std::vector<model::Label> labels_;
  std::deque<std::string> scratch_;  // unescaped and rewritten texts of the current entry
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
