// SPDX-License-Identifier: Apache-2.0
// The two text formats that targets expose metrics in: Prometheus text 0.0.4 and OpenMetrics 1.0.
// A pull parser over the body, without copying (exposition_reader.h has the loop).
//
// series_text() is the series as written (`name{a="b"}`). Rules: prometheus/model/textparse
// (promparse, openmetricsparse). Errors carry the line's number and text.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/exposition_reader.h"

namespace hearth::codec {

struct ContentType {
  ExpositionFormat format = ExpositionFormat::kText;
  std::string warning;  // why the format was guessed; empty where it was said
};
// Chooses by a response's Content-Type (textparse.extractMediaType). InvalidArgument where there is
// none or an unknown one, unless `fallback` says what it is.
absl::StatusOr<ContentType> FormatOf(std::string_view content_type,
                                     std::optional<ExpositionFormat> fallback);

// Not thread-safe. `body` must outlive the parser.
class ExpositionParser final : public ExpositionReader {
 public:
  ExpositionParser(std::string_view body, ExpositionFormat format);  // one of the text formats

  absl::StatusOr<ExpositionEntry> Next() override;

  // Unescaped, in the order written; `le` and `quantile` in OpenMetrics' spelling ("1.0"), as
  // Prometheus 3 stores them. Never fails.
  const std::vector<model::Label>& labels();
  absl::StatusOr<const std::vector<model::Label>*> Labels() override { return &labels(); }
  bool NextExemplar(model::Exemplar* exemplar) override;

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

  std::vector<RawLabel> raw_labels_;
  std::vector<RawLabel> raw_exemplar_;
  std::vector<model::Label> labels_;
  std::deque<std::string> scratch_;  // unescaped and rewritten texts of the current entry
  double exemplar_value_ = 0;
  int64_t exemplar_time_ms_ = 0;
};

// What a scrape wants of a body.
struct ExpositionOptions {
  ExpositionFormat format = ExpositionFormat::kText;
  bool native_histograms = false;  // else the native parts of histograms are not looked at
  bool classic_too = false;        // classic series also of what becomes a native histogram
  bool classic_to_nhcb = false;    // classic histograms become native ones with custom buckets
};
std::unique_ptr<ExpositionReader> MakeExpositionReader(std::string_view body,
                                                       const ExpositionOptions& options);

}  // namespace hearth::codec
