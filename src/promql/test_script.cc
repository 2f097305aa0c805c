// SPDX-License-Identifier: Apache-2.0
#include "promql/test_script.h"

#include <absl/strings/str_split.h>
#include <fmt/core.h>
#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "base/status.h"
#include "base/text.h"
#include "codec/json_writer.h"
#include "model/duration.h"
#include "promql/float_histogram.h"
#include "promql/literals.h"
#include "promql/memory_store.h"
#include "promql/nhcb.h"
#include "promql/series_description.h"

namespace hearth::promql {
namespace {

constexpr double kEpsilon = 0.000001;  // relative error that upstream allows

struct Pattern {
  bool exact = false;
  std::string text;
  bool Matches(const std::string& message) const {
    return exact ? message == text : re2::RE2::PartialMatch(message, text);
  }
};

struct Expected {
  size_t position = 0;
  std::vector<SequenceValue> values;
};

struct Eval {
  int line = 0;
  std::string query;
  bool range = false;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;
  bool expects_matrix = false;  // `expect range vector` on an instant query
  bool ordered = false;
  bool any_warning = false;
  bool any_info = false;
  bool no_warning = false;
  bool no_info = false;
  std::vector<Pattern> fail;
  std::vector<Pattern> warnings;
  std::vector<Pattern> infos;
  std::optional<double> scalar;
  std::optional<std::string> string;
  std::map<model::Labels, Expected> series;
};

bool AlmostEqual(double a, double b) {
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  const double sum = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < kMinNormal) return difference < kEpsilon * kMinNormal;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kEpsilon;
}

bool AlmostEqual(const model::NativeHistogram& expected, const model::NativeHistogram& got,
                 bool hint_given) {
  FloatHistogram a = FloatHistogram::FromModel(expected);
  FloatHistogram b = FloatHistogram::FromModel(got);
  a.Compact();
  b.Compact();
  const auto same_side = [](const auto& x, const auto& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](const auto& p, const auto& q) {
      return p.index == q.index && AlmostEqual(p.count, q.count);
    });
  };
  return a.schema == b.schema && AlmostEqual(a.count, b.count) && AlmostEqual(a.sum, b.sum) &&
         (!a.custom() || a.custom_values == b.custom_values) &&
         a.zero_threshold == b.zero_threshold && AlmostEqual(a.zero_count, b.zero_count) &&
         same_side(a.positive, b.positive) && same_side(a.negative, b.negative) &&
         (!hint_given || a.hint == b.hint);
}

std::string Describe(const std::shared_ptr<const model::NativeHistogram>& histogram) {
  return FloatHistogram::FromModel(*histogram).TestExpression();
}

std::string CompareOne(const SequenceValue& want, double value,
                       const std::shared_ptr<const model::NativeHistogram>& histogram) {
  if ((want.histogram == nullptr) != (histogram == nullptr)) {
    return histogram == nullptr ? "a histogram was expected, got " + codec::FormatFloat(value)
                                : "a float was expected, got " + Describe(histogram);
  }
  if (histogram != nullptr) {
    if (AlmostEqual(*want.histogram, *histogram, want.hint_given)) return "";
    return fmt::format("expected {} but got {}", Describe(want.histogram), Describe(histogram));
  }
  if (AlmostEqual(want.value, value)) return "";
  return fmt::format("expected {} but got {}", codec::FormatFloat(want.value),
                     codec::FormatFloat(value));
}

std::string CompareVector(const Eval& eval, const std::vector<Sample>& vector) {
  for (size_t i = 0; i < vector.size(); ++i) {
    const Sample& sample = vector[i];
    const auto found = eval.series.find(sample.labels);
    if (found == eval.series.end()) {
      return fmt::format(
          "unexpected {} {}", sample.labels.ToString(),
          sample.histogram ? Describe(sample.histogram) : codec::FormatFloat(sample.value));
    }
    if (eval.ordered && found->second.position != i) {
      return fmt::format("{} is at position {} instead of {}", sample.labels.ToString(), i,
                         found->second.position);
    }
    const std::string difference =
        CompareOne(found->second.values.at(0), sample.value, sample.histogram);
    if (!difference.empty()) return sample.labels.ToString() + ": " + difference;
  }
  if (vector.size() != eval.series.size()) {
    return fmt::format("{} elements expected, {} found", eval.series.size(), vector.size());
  }
  return "";
}

std::string CompareSeries(const Eval& eval, const Series& series, const Expected& expected) {
  size_t f = 0;
  size_t h = 0;
  for (size_t i = 0; i < expected.values.size(); ++i) {
    const SequenceValue& want = expected.values[i];
    if (want.omitted) continue;
    const int64_t time = eval.start_ms + static_cast<int64_t>(i) * eval.step_ms;
    std::string difference;
    if (want.histogram != nullptr) {
      if (h >= series.histograms.size() || series.histograms[h].time_ms != time) {
        return "no histogram at " + codec::FormatTimeText(time);
      }
      difference = CompareOne(want, 0, series.histograms[h++].histogram);
    } else {
      if (f >= series.times_ms.size() || series.times_ms[f] != time) {
        return "no value at " + codec::FormatTimeText(time);
      }
      difference = CompareOne(want, series.values[f++], nullptr);
    }
    if (!difference.empty()) return "at " + codec::FormatTimeText(time) + ": " + difference;
  }
  if (f != series.times_ms.size() || h != series.histograms.size())
    return "more points than expected";
  return "";
}

std::string CompareMatrix(const Eval& eval, const std::vector<Series>& matrix) {
  for (const Series& series : matrix) {
    const auto found = eval.series.find(series.labels);
    if (found == eval.series.end()) {
      return fmt::format("unexpected {} with {} points, first {}", series.labels.ToString(),
                         series.times_ms.size() + series.histograms.size(),
                         series.values.empty() ? "-" : codec::FormatFloat(series.values[0]));
    }
    const std::string difference = CompareSeries(eval, series, found->second);
    if (!difference.empty()) return series.labels.ToString() + " " + difference;
  }
  if (matrix.size() != eval.series.size()) {
    return fmt::format("{} series expected, {} found", eval.series.size(), matrix.size());
  }
  return "";
}

std::string CompareNotes(std::string_view kind, const std::vector<Pattern>& expected, bool any,
                         bool none, const std::vector<std::string>& got) {
  if ((any || !expected.empty()) && got.empty()) return fmt::format("a {} was expected", kind);
  if (none && !got.empty()) return fmt::format("unexpected {}: {}", kind, got[0]);
  for (const Pattern& pattern : expected) {
    const bool found = std::any_of(got.begin(), got.end(),
                                   [&](const std::string& line) { return pattern.Matches(line); });
    if (!found) return fmt::format("no {} like '{}', but: {}", kind, pattern.text, got[0]);
  }
  for (const std::string& line : got) {
    if (expected.empty()) break;
    const bool wanted = std::any_of(expected.begin(), expected.end(),
                                    [&](const Pattern& pattern) { return pattern.Matches(line); });
    if (!wanted) return fmt::format("unexpected {}: {}", kind, line);
  }
  return "";
}

std::string CompareResult(const Eval& eval, const Result& result) {
  std::string difference =
      CompareNotes("warning", eval.warnings, eval.any_warning, eval.no_warning, result.warnings);
  if (difference.empty()) {
    difference = CompareNotes("info", eval.infos, eval.any_info, eval.no_info, result.infos);
  }
  if (!difference.empty()) return difference;
  switch (result.type) {
    case ValueType::kString:
      return result.string == eval.string.value_or("") ? "" : "got string " + result.string;
    case ValueType::kScalar:
      if (!eval.scalar) return "no scalar was expected";
      return AlmostEqual(*eval.scalar, result.scalar) ? ""
                                                      : "got " + codec::FormatFloat(result.scalar);
    case ValueType::kVector:
      return eval.scalar ? "a scalar was expected" : CompareVector(eval, result.vector);
    default:
      return eval.scalar ? "a scalar was expected" : CompareMatrix(eval, result.matrix);
  }
}

class Runner {
 public:
  Runner(std::string_view script, const Engine& engine) : engine_(engine) {
    for (const std::string_view raw : Split(script, '\n')) {
      std::string_view line = TrimSpace(raw);
      if (line.starts_with('#')) line = {};
      lines_.push_back(line);
    }
  }

  absl::StatusOr<ScriptResult> Run() {
    while (at_ < lines_.size()) {
      const std::string_view line = lines_[at_];
      absl::Status status;
      if (line.empty()) {
        ++at_;
      } else if (line == "clear") {
        store_.Clear();
        ++at_;
      } else if (line.starts_with("load")) {
        status = Load();
      } else if (line.starts_with("eval")) {
        status = RunEval();
      } else {
        status = InvalidArgument("invalid command \"{}\"", line);
      }
      if (!status.ok()) return Annotate(status, fmt::format("line {}", at_ + 1));
    }
    return std::move(result_);
  }

 private:
  absl::Status Load() {
    static const re2::RE2 pattern("^load(_with_nhcb)?\\s+(\\S+)$");
    std::string nhcb;
    std::string step_text;
    if (!re2::RE2::FullMatch(std::string(lines_[at_]), pattern, &nhcb, &step_text)) {
      return InvalidArgument("invalid load command");
    }
    TRY_ASSIGN(const int64_t step, model::ParseDurationMs(step_text));
    NhcbBuilder builder;
    StartTimes starts;
    for (++at_; at_ < lines_.size() && !lines_[at_].empty(); ++at_) {
      if (IsStartTimeLine(lines_[at_])) {
        TRY(ParseStartTimes(lines_[at_], &starts));
        continue;
      }
      TRY_ASSIGN(const SeriesDescription series, ParseSeriesDescription(lines_[at_]));
      TRY(CheckStartTimes(series, &starts));
      for (size_t i = 0; i < series.values.size(); ++i) {
        const SequenceValue& value = series.values[i];
        const int64_t time = static_cast<int64_t>(i) * step;
        if (value.omitted) continue;
        const int64_t start =
            i < starts.offsets.size() && starts.offsets[i] ? time + *starts.offsets[i] : 0;
        if (value.histogram != nullptr) {
          store_.AddHistogram(series.labels, {time, value.histogram, start});
        } else {
          store_.Add(series.labels, time, value.value, start);
          if (!nhcb.empty()) builder.Add(series.labels, time, value.value);
        }
      }
    }
    for (const auto& [labels, sample] : builder.Build()) store_.AddHistogram(labels, sample);
    return absl::OkStatus();
  }

  // What a `metric{…}@st …` line gives to the samples of the next line: offsets from their times.
  struct StartTimes {
    bool pending = false;
    model::Labels labels;
    std::vector<std::optional<int64_t>> offsets;
  };

  static absl::Status ParseStartTimes(std::string_view line, StartTimes* starts) {
    if (starts->pending) return InvalidArgument("@st line has no following sample line");
    const size_t space = line.find_first_of(" \t");
    const std::string metric(line.substr(0, space - 3));
    TRY_ASSIGN(const SeriesDescription series, ParseSeriesDescription(metric + " _"));
    *starts = {true, series.labels, {}};
    static const re2::RE2 omitted("_(?:x(\\d+))?");
    static const re2::RE2 offset(
        "([-+]?)(\\d+[a-wyzA-Z]*)(?:([-+])(\\d+[a-wyzA-Z]*))?(?:x(\\d+))?");
    const std::vector<std::string> items =
        absl::StrSplit(ToAbsl(line.substr(space)), absl::ByAnyChar(" \t"), absl::SkipEmpty());
    for (const std::string& text : items) {
      std::string count_text, sign, base_text, step_sign, step_text;
      if (re2::RE2::FullMatch(text, omitted, &count_text)) {
        int64_t count = 1;
        if (!count_text.empty() && !ParseInt64(count_text, &count)) {
          return InvalidArgument("invalid repeat count");
        }
        starts->offsets.resize(starts->offsets.size() + static_cast<size_t>(count));
        continue;
      }
      if (!re2::RE2::FullMatch(text, offset, &sign, &base_text, &step_sign, &step_text,
                               &count_text)) {
        return InvalidArgument("invalid ST item {}", model::QuoteGo(text));
      }
      TRY_ASSIGN(int64_t base, model::ParseDurationMs(base_text));
      int64_t step = 0;
      if (!step_text.empty()) {
        TRY_ASSIGN(step, model::ParseDurationMs(step_text));
      }
      if (sign == "-") base = -base;
      if (step_sign == "-") step = -step;
      int64_t count = 0;
      if (!count_text.empty() && !ParseInt64(count_text, &count)) {
        return InvalidArgument("invalid repeat count");
      }
      for (int64_t i = 0; i <= count; ++i) starts->offsets.push_back(base + i * step);
    }
    return absl::OkStatus();
  }

  // Keeps them only where they belong to this line.
  static absl::Status CheckStartTimes(const SeriesDescription& series, StartTimes* starts) {
    if (!starts->pending) {
      starts->offsets.clear();
      return absl::OkStatus();
    }
    starts->pending = false;
    if (!(starts->labels == series.labels)) {
      return InvalidArgument("@st metric does not match the following sample line metric");
    }
    if (starts->offsets.size() != series.values.size()) {
      return InvalidArgument("@st line has {} values but sample line has {}",
                             starts->offsets.size(), series.values.size());
    }
    return absl::OkStatus();
  }

  static bool IsStartTimeLine(std::string_view line) {
    return line.substr(0, line.find_first_of(" \t")).ends_with("@st");
  }

  absl::Status ParseHead(Eval* eval) const {
    static const re2::RE2 instant(
        "^eval(?:_(fail|warn|ordered|info))?\\s+instant\\s+(?:at\\s+(.+?))?\\s+(.+)$");
    static const re2::RE2 range(
        "^eval(?:_(fail|warn|info))?\\s+range\\s+from\\s+(.+)\\s+to\\s+(.+)\\s+step\\s+(.+?)\\s+"
        "(.+)$");
    const std::string line(lines_[at_]);
    std::string mode, from, to, step;
    if (re2::RE2::FullMatch(line, instant, &mode, &from, &eval->query)) {
      TRY_ASSIGN(eval->start_ms, model::ParseDurationMs(from));
      eval->end_ms = eval->start_ms;
    } else if (re2::RE2::FullMatch(line, range, &mode, &from, &to, &step, &eval->query)) {
      eval->range = true;
      TRY_ASSIGN(eval->start_ms, model::ParseDurationMs(from));
      TRY_ASSIGN(eval->end_ms, model::ParseDurationMs(to));
      TRY_ASSIGN(eval->step_ms, model::ParseDurationMs(step));
    } else {
      return InvalidArgument("invalid eval command");
    }
    if (mode == "fail") eval->fail.push_back({false, ".*"});
    eval->any_warning = mode == "warn";
    eval->any_info = mode == "info";
    eval->ordered = mode == "ordered";
    return absl::OkStatus();
  }

  static absl::Status ParseExpect(std::string_view line, Eval* eval) {
    static const re2::RE2 string("^expect string\\s+(.*)$");
    static const re2::RE2 vector(
        "^expect range vector\\s+from\\s+(.+)\\s+to\\s+(.+)\\s+step\\s+(.+)$");
    static const re2::RE2 note(
        "^expect\\s+(ordered|fail|warn|no_warn|info|no_info)(?:\\s+(regex|msg):(.+))?$");
    const std::string text(line);
    std::string a, b, c;
    if (re2::RE2::FullMatch(text, string, &a)) {
      TRY_ASSIGN(eval->string, Unquote(a));
      return absl::OkStatus();
    }
    if (re2::RE2::FullMatch(text, vector, &a, &b, &c)) {
      eval->expects_matrix = true;
      TRY_ASSIGN(eval->start_ms, model::ParseDurationMs(a));
      TRY_ASSIGN(eval->step_ms, model::ParseDurationMs(c));
      return absl::OkStatus();
    }
    if (!re2::RE2::FullMatch(text, note, &a, &b, &c)) {
      return InvalidArgument("invalid expect statement");
    }
    const Pattern pattern{b == "msg", b.empty() ? ".*" : std::string(TrimSpace(c))};
    if (a == "fail") eval->fail.push_back(pattern);
    if (a == "ordered") eval->ordered = true;
    if (a == "warn") eval->warnings.push_back(pattern);
    if (a == "info") eval->infos.push_back(pattern);
    if (a == "no_warn") eval->no_warning = true;
    if (a == "no_info") eval->no_info = true;
    return absl::OkStatus();
  }

  static std::optional<double> ParseScalar(std::string_view line) {
    const bool negative = line.starts_with('-');
    if (negative || line.starts_with('+')) line.remove_prefix(1);
    if (line.find_first_of(" {\t") != std::string_view::npos) return std::nullopt;
    const absl::StatusOr<double> value = ParseNumber(line);
    if (!value.ok()) return std::nullopt;
    return negative ? -*value : *value;
  }

  absl::Status RunEval() {
    Eval eval;
    eval.line = static_cast<int>(at_) + 1;
    TRY(ParseHead(&eval));
    const int64_t time = eval.start_ms;
    size_t position = 0;
    for (++at_; at_ < lines_.size() && !lines_[at_].empty(); ++at_) {
      const std::string_view line = lines_[at_];
      if (line.starts_with("expected_fail_message")) {
        eval.fail = {{true, std::string(TrimSpace(line.substr(21)))}};
      } else if (line.starts_with("expected_fail_regexp")) {
        eval.fail = {{false, std::string(TrimSpace(line.substr(20)))}};
      } else if (line.starts_with("expect ")) {
        TRY(ParseExpect(line, &eval));
      } else if (const std::optional<double> scalar = ParseScalar(line)) {
        eval.scalar = scalar;
      } else {
        TRY_ASSIGN(SeriesDescription series, ParseSeriesDescription(line));
        eval.series[series.labels] = {position++, std::move(series.values)};
      }
    }
    ++result_.total;
    std::string difference = Evaluate(eval, time);
    if (difference.empty() && !eval.range && !eval.expects_matrix && !eval.string) {
      difference = EvaluateAsRange(eval, time);
    }
    if (difference.empty()) {
      ++result_.passed;
    } else {
      result_.failures.push_back(fmt::format("line {}: {}: {}", eval.line, eval.query, difference));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Result> Query(const Eval& eval, int64_t time) const {
    QueryContext context;
    context.annotations_max = 0;
    if (eval.range) {
      return engine_.Range(store_, eval.query, eval.start_ms, eval.end_ms, eval.step_ms, context);
    }
    return engine_.Instant(store_, eval.query, time, context);
  }

  std::string Evaluate(const Eval& eval, int64_t time) const {
    const absl::StatusOr<Result> result = Query(eval, time);
    if (!eval.fail.empty()) {
      if (result.ok()) return "an error was expected";
      const std::string message = Message(result.status());
      return eval.fail[0].Matches(message) ? "" : "got error: " + message;
    }
    if (!result.ok()) return "error: " + Message(result.status());
    return CompareResult(eval, *result);
  }

  // An instant query's answer is that of a range query around it, at its time.
  std::string EvaluateAsRange(const Eval& eval, int64_t time) const {
    static const re2::RE2 context_functions("(start|end|range|step)\\(\\)");
    if (eval.ordered || eval.query.find("sort") != std::string::npos ||
        re2::RE2::PartialMatch(eval.query, context_functions)) {
      return "";
    }
    QueryContext context;
    const absl::StatusOr<Result> result =
        engine_.Range(store_, eval.query, time - 60'000, time + 60'000, 60'000, context);
    if (!result.ok()) {
      return eval.fail.empty() ? "as range, error: " + Message(result.status()) : "";
    }
    if (!eval.fail.empty()) return "";
    std::vector<Sample> vector;
    for (const Series& series : result->matrix) {
      const auto at = std::find(series.times_ms.begin(), series.times_ms.end(), time);
      if (at != series.times_ms.end()) {
        const double value = series.values[static_cast<size_t>(at - series.times_ms.begin())];
        if (eval.scalar) {
          return AlmostEqual(*eval.scalar, value) ? ""
                                                  : "as range, got " + codec::FormatFloat(value);
        }
        vector.push_back({series.labels, time, value, nullptr});
        continue;
      }
      for (const model::HistogramSample& sample : series.histograms) {
        if (sample.time_ms == time) vector.push_back({series.labels, time, 0, sample.histogram});
      }
    }
    const std::string difference = CompareVector(eval, vector);
    return difference.empty() ? "" : "as range, " + difference;
  }

  const Engine& engine_;
  std::vector<std::string_view> lines_;
  size_t at_ = 0;
  MemoryStore store_;
  ScriptResult result_;
};

}  // namespace

Engine MakeTestEngine() {
  Options options;
  options.parser = ParserOptions::AllFeatures();
  options.delayed_name_removal = true;
  options.use_start_timestamps = true;
  return Engine(options, &SystemClock(), nullptr);
}

absl::StatusOr<ScriptResult> RunTestScript(std::string_view script, const Engine& engine) {
  return Runner(script, engine).Run();
}

}  // namespace hearth::promql
