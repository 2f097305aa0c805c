// SPDX-License-Identifier: Apache-2.0
#include "codec/exposition.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/status.h"
#include "base/text.h"
#include "codec/exposition_protobuf.h"
#include "codec/go_float.h"
#include "codec/label_rules.h"
#include "codec/nhcb.h"
#include "model/value.h"

namespace hearth::codec {
namespace {

constexpr size_t kQuotedLineMax = 120;  // of an offending line, in messages

bool IsNameStart(char c, bool colons) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
}

bool IsNameByte(char c, bool colons) { return IsNameStart(c, colons) || (c >= '0' && c <= '9'); }

bool IsText(std::string_view text) { return IsAscii(text) || IsValidUtf8(text); }

// Text 0.0.4 uses its own subset of Go's floats: no 'p', no '_' (textparse.parseFloat).
absl::Status ParseValue(std::string_view token, double* value) {
  if (ParseGoFloat(token, value)) return absl::OkStatus();
  return InvalidArgument("{} is no number", model::QuoteGo(token));
}

model::MetricType TypeNamed(std::string_view name, bool open_metrics, bool* known) {
  *known = true;
  if (name == (open_metrics ? "unknown" : "untyped")) return model::MetricType::kUnknown;
  const model::MetricType type = model::ParseMetricType(name);
  const bool text_type = type == model::MetricType::kCounter || type == model::MetricType::kGauge ||
                         type == model::MetricType::kHistogram ||
                         type == model::MetricType::kSummary;
  *known = open_metrics ? type != model::MetricType::kUnknown : text_type;
  return type;
}

}  // namespace

absl::StatusOr<ContentType> FormatOf(std::string_view content_type,
                                     std::optional<ExpositionFormat> fallback) {
  const std::string media = ToLowerAscii(TrimSpace(content_type.substr(0, content_type.find(';'))));
  if (media == "text/plain") return ContentType{ExpositionFormat::kText, ""};
  if (media == "application/openmetrics-text") {
    return ContentType{ExpositionFormat::kOpenMetrics, ""};
  }
  if (media == "application/vnd.google.protobuf") {
    return ContentType{ExpositionFormat::kProtobuf, ""};
  }
  const std::string what = media.empty() ? "non-compliant scrape target sending blank Content-Type"
                                         : fmt::format("received unsupported Content-Type {}",
                                                       model::QuoteGo(content_type));
  if (!fallback.has_value()) {
    return InvalidArgument("{} and no fallback_scrape_protocol specified for target", what);
  }
  return ContentType{*fallback, what + ", using fallback_scrape_protocol"};
}

ExpositionParser::ExpositionParser(std::string_view body, ExpositionFormat format)
    : at_(body.data()), end_(body.data() + body.size()), format_(format), line_begin_(at_) {}

absl::Status ExpositionParser::Fail(std::string_view what) const {
  const char* end = std::find(line_begin_, end_, '\n');
  std::string_view text(line_begin_, static_cast<size_t>(end - line_begin_));
  const bool cut = text.size() > kQuotedLineMax;
  return InvalidArgument("line {}: {} in {}{}", line_, what,
                         model::QuoteGo(text.substr(0, kQuotedLineMax)), cut ? "…" : "");
}

bool ExpositionParser::Skip(std::string_view text) {
  if (static_cast<size_t>(end_ - at_) < text.size()) return false;
  if (std::memcmp(at_, text.data(), text.size()) != 0) return false;
  at_ += text.size();
  return true;
}

void ExpositionParser::SkipBlanks() {
  while (at_ < end_ && (*at_ == ' ' || *at_ == '\t')) ++at_;
}

void ExpositionParser::SkipLine() {
  const void* newline =
      at_ == end_ ? nullptr : std::memchr(at_, '\n', static_cast<size_t>(end_ - at_));
  at_ = newline == nullptr ? end_ : static_cast<const char*>(newline) + 1;
  ++next_line_;
}

std::string_view ExpositionParser::ReadName(bool colons) {
  const char* begin = at_;
  if (at_ < end_ && IsNameStart(*at_, colons)) {
    ++at_;
    while (at_ < end_ && IsNameByte(*at_, colons)) ++at_;
  }
  return {begin, static_cast<size_t>(at_ - begin)};
}

std::string_view ExpositionParser::ReadToken() {
  const char* begin = at_;
  while (at_ < end_ && *at_ != ' ' && *at_ != '\t' && *at_ != '\n') ++at_;
  return {begin, static_cast<size_t>(at_ - begin)};
}

// From the opening quote past the closing one. Only the older format lets a text run over lines.
bool ExpositionParser::ReadQuoted(std::string_view* inside) {
  if (!At('"')) return false;
  const char* begin = ++at_;
  for (; at_ < end_; ++at_) {
    if (*at_ == '"') {
      *inside = {begin, static_cast<size_t>(at_ - begin)};
      ++at_;
      return true;
    }
    if (*at_ == '\\' && ++at_ == end_) return false;
    if (*at_ == '\n') {
      if (open_metrics()) return false;
      ++next_line_;
    }
  }
  return false;
}

void ExpositionParser::BeginEntry() {
  line_begin_ = at_;
  line_ = next_line_;
  scratch_.clear();
  has_time_ = false;
  has_exemplars_ = false;
}

absl::StatusOr<ExpositionEntry> ExpositionParser::Next() {
  if (ended_) return ExpositionEntry::kEnd;
  if (open_metrics()) return NextOpenMetrics();
  while (at_ < end_) {
    BeginEntry();
    SkipBlanks();
    if (AtLineEnd()) {
      SkipLine();
      continue;
    }
    if (!At('#')) return ReadSample();
    ++at_;
    const char* after_hash = at_;
    SkipBlanks();
    if (at_ != after_hash) {
      for (const std::string_view keyword : {"HELP", "TYPE"}) {
        if (Skip(keyword)) {
          if (At(' ') || At('\t')) return ReadMetadata(keyword);
          break;
        }
      }
    }
    SkipLine();  // a comment
  }
  ended_ = true;
  return ExpositionEntry::kEnd;
}

absl::StatusOr<ExpositionEntry> ExpositionParser::NextOpenMetrics() {
  BeginEntry();
  if (at_ == end_) return Fail("the data does not end with # EOF");
  if (!At('#')) return ReadSample();
  if (!Skip("# ")) return Fail("expected \"# \"");
  if (Skip("EOF")) {
    if (At('\n')) ++at_;
    if (at_ != end_) return Fail("unexpected data after # EOF");
    ended_ = true;
    return ExpositionEntry::kEnd;
  }
  for (const std::string_view keyword : {"HELP", "TYPE", "UNIT"}) {
    if (Skip(keyword)) {
      if (!At(' ')) break;
      return ReadMetadata(keyword);
    }
  }
  return Fail("expected HELP, TYPE, UNIT or EOF after #");
}

absl::StatusOr<ExpositionEntry> ExpositionParser::ReadMetadata(std::string_view keyword) {
  ++at_;
  if (!open_metrics()) SkipBlanks();
  if (!ReadQuoted(&metric_)) {
    metric_ = ReadName(/*colons=*/true);
    if (metric_.empty()) return Fail(fmt::format("expected a metric name after {}", keyword));
  }
  if (open_metrics() && !At(' ')) return Fail(fmt::format("expected text after {}", keyword));
  if (!AtLineEnd()) ++at_;  // the one blank between name and text
  const char* text_end = std::find(at_, end_, '\n');
  if (open_metrics() && text_end == end_) return Fail("the data does not end with # EOF");
  text_ = {at_, static_cast<size_t>(text_end - at_)};
  if (keyword == "TYPE") {
    TRY(ReadType());
    SkipLine();
    return ExpositionEntry::kType;
  }
  if (!IsText(text_)) return Fail("the text is not valid UTF-8");
  if (keyword == "UNIT") {
    TRY(ReadUnit());
    SkipLine();
    return ExpositionEntry::kUnit;
  }
  text_ = Unescape(text_, /*quotes=*/open_metrics());
  SkipLine();
  return ExpositionEntry::kHelp;
}

absl::Status ExpositionParser::ReadType() {
  bool known = false;
  const model::MetricType type = TypeNamed(text_, open_metrics(), &known);
  if (!known) return Fail(fmt::format("invalid metric type {}", model::QuoteGo(text_)));
  type_ = type;
  return absl::OkStatus();
}

absl::Status ExpositionParser::ReadUnit() {
  if (text_.empty()) return absl::OkStatus();
  const bool is_suffix = metric_.size() > text_.size() && metric_.ends_with(text_) &&
                         metric_[metric_.size() - text_.size() - 1] == '_';
  if (is_suffix) return absl::OkStatus();
  return Fail(fmt::format("unit {} not a suffix of metric {}", model::QuoteGo(text_),
                          model::QuoteGo(metric_)));
}

absl::StatusOr<ExpositionEntry> ExpositionParser::ReadSample() {
  const char* begin = at_;
  raw_labels_.clear();
  labels_.clear();
  metric_ = ReadName(/*colons=*/true);
  const char* series_end = at_;
  if (!open_metrics()) SkipBlanks();
  if (metric_.empty() && !At('{')) return Fail("expected a metric name or a comment");
  if (At('{')) {
    ++at_;
    TRY(ReadLabels(/*is_exemplar=*/false, &raw_labels_));
    series_end = at_;
    if (metric_.empty()) return Fail("no metric name");
  }
  series_text_ = {begin, static_cast<size_t>(series_end - begin)};
  if (open_metrics()) {
    TRY(ReadOpenMetricsTail());
  } else {
    TRY(ReadTextTail());
  }
  SkipLine();
  return ExpositionEntry::kSample;
}

// After the opening brace, past the closing one.
absl::Status ExpositionParser::ReadLabels(bool is_exemplar, std::vector<RawLabel>* labels) {
  const bool blanks = !open_metrics();
  while (true) {
    if (blanks) SkipBlanks();
    if (At('}')) break;
    RawLabel label;
    const bool quoted = At('"');
    if (quoted) {
      if (!ReadQuoted(&label.name)) return Fail("a quoted name does not end");
    } else {
      label.name = ReadName(/*colons=*/false);
      if (label.name.empty()) return Fail("expected a label name");
    }
    if (blanks) SkipBlanks();
    if (quoted && !is_exemplar && (At(',') || At('}'))) {
      if (!metric_.empty()) return Fail("the metric name is given twice");
      metric_ = Unescape(label.name, /*quotes=*/true);
      if (metric_.empty()) return Fail("no metric name");
    } else {
      if (!At('=')) return Fail("expected = after a label name");
      ++at_;
      if (blanks) SkipBlanks();
      if (!ReadQuoted(&label.value)) return Fail("expected a quoted label value");
      if (!IsText(label.value)) return Fail("a label value is not valid UTF-8");
      labels->push_back(label);
      if (blanks) SkipBlanks();
    }
    if (At(',')) {
      ++at_;
    } else if (open_metrics() && !At('}')) {
      return Fail("expected , or } after a label value");
    }
  }
  ++at_;
  return absl::OkStatus();
}

absl::Status ExpositionParser::ReadTextTail() {
  SkipBlanks();
  const std::string_view token = ReadToken();
  if (token.empty()) return Fail("expected a value after the metric");
  if (const absl::Status status = ParseValue(token, &value_); !status.ok()) {
    return Fail(Message(status));
  }
  SkipBlanks();
  if (!AtLineEnd()) {
    const std::string_view time = ReadToken();
    // The lexer of Prometheus knows digits only.
    if (!std::all_of(time.begin(), time.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
        !ParseInt64(time, &time_ms_)) {
      return Fail(fmt::format("expected a timestamp or a new line, got {}", model::QuoteGo(time)));
    }
    has_time_ = true;
    SkipBlanks();
    if (!AtLineEnd()) return Fail("expected a new line after the timestamp");
  }
  return absl::OkStatus();
}

absl::Status ExpositionParser::ReadSeconds(std::string_view what, int64_t* time_ms) {
  const std::string_view token = ReadToken();
  double seconds = 0;
  if (const absl::Status status = ParseValue(token, &seconds); !status.ok()) {
    return Fail(fmt::format("{}: {}", what, Message(status)));
  }
  // Beyond this the milliseconds leave int64.
  constexpr double kSecondsMax = 9.2e15;
  if (!(std::fabs(seconds) < kSecondsMax)) {
    return Fail(fmt::format("{} {} is out of range", what, token));
  }
  *time_ms = static_cast<int64_t>(seconds * 1000);
  return absl::OkStatus();
}

absl::Status ExpositionParser::ReadOpenMetricsTail() {
  if (!At(' ')) return Fail("expected a blank and a value after the metric");
  ++at_;
  if (const absl::Status status = ParseValue(ReadToken(), &value_); !status.ok()) {
    return Fail(Message(status));
  }
  if (At(' ') && end_ - at_ > 1 && at_[1] != '#') {
    ++at_;
    TRY(ReadSeconds("timestamp", &time_ms_));
    has_time_ = true;
  }
  if (Skip(" # {")) TRY(ReadExemplar());
  if (at_ == end_) return Fail("the data does not end with # EOF");
  if (!At('\n')) return Fail("expected a new line");
  return absl::OkStatus();
}

absl::Status ExpositionParser::ReadExemplar() {
  raw_exemplar_.clear();
  TRY(ReadLabels(/*is_exemplar=*/true, &raw_exemplar_));
  if (!Skip(" ")) return Fail("expected a blank and a value after the exemplar's labels");
  if (const absl::Status status = ParseValue(ReadToken(), &exemplar_value_); !status.ok()) {
    return Fail(fmt::format("exemplar: {}", Message(status)));
  }
  exemplar_time_ms_ = 0;
  if (Skip(" ")) TRY(ReadSeconds("exemplar timestamp", &exemplar_time_ms_));
  has_exemplars_ = true;
  return absl::OkStatus();
}

std::string_view ExpositionParser::Unescape(std::string_view raw, bool quotes) {
  if (raw.find('\\') == std::string_view::npos) return raw;
  std::string& out = scratch_.emplace_back();
  out.reserve(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    const char next = i + 1 < raw.size() ? raw[i + 1] : '\0';
    const bool escape = raw[i] == '\\' && (next == '\\' || next == 'n' || (quotes && next == '"'));
    if (!escape) {
      out.push_back(raw[i]);  // an unknown escape stays as it is, backslash included
      continue;
    }
    out.push_back(next == 'n' ? '\n' : next);
    ++i;
  }
  return out;
}

std::string_view ExpositionParser::Normalize(std::string_view name, std::string_view value) {
  const bool is_bucket = type_ == model::MetricType::kHistogram && name == model::kBucketLabel;
  const bool is_quantile = type_ == model::MetricType::kSummary && name == model::kQuantileLabel;
  double number = 0;
  if ((!is_bucket && !is_quantile) || !ParseGoFloat(value, &number)) return value;
  return scratch_.emplace_back(FormatOpenMetricsFloat(number));
}

const std::vector<model::Label>& ExpositionParser::labels() {
  if (!labels_.empty()) return labels_;
  labels_.push_back({model::kMetricName, metric_});
  for (const RawLabel& raw : raw_labels_) {
    const std::string_view name = Unescape(raw.name, /*quotes=*/true);
    labels_.push_back({name, Normalize(name, Unescape(raw.value, /*quotes=*/true))});
  }
  return labels_;
}

bool ExpositionParser::NextExemplar(model::Exemplar* exemplar) {
  if (!has_exemplars_) return false;
  has_exemplars_ = false;  // a line has one
  std::vector<model::Label> labels;
  for (const RawLabel& raw : raw_exemplar_) {
    labels.push_back({Unescape(raw.name, /*quotes=*/true), Unescape(raw.value, /*quotes=*/true)});
  }
  *exemplar = {model::Labels::FromPairs(std::move(labels)), exemplar_value_, exemplar_time_ms_};
  return true;
}

std::unique_ptr<ExpositionReader> MakeExpositionReader(std::string_view body,
                                                       const ExpositionOptions& options) {
  if (options.format == ExpositionFormat::kProtobuf) {
    return std::make_unique<ProtobufExposition>(body, options);
  }
  auto text = std::make_unique<ExpositionParser>(body, options.format);
  if (!options.classic_to_nhcb) return text;
  return std::make_unique<NhcbReader>(std::move(text), options.classic_too);
}

}  // namespace hearth::codec
