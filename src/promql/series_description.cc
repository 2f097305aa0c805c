// SPDX-License-Identifier: Apache-2.0
#include "promql/series_description.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/status.h"
#include "model/value.h"
#include "promql/float_histogram.h"
#include "promql/literals.h"
#include "promql/parser.h"

namespace hearth::promql {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// A cursor over the value part.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  std::string_view rest() const { return text_.substr(at_); }
  bool Accept(std::string_view token) {
    if (!rest().starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void SkipSpaces() {
    while (IsSpace(peek())) ++at_;
  }
  std::string_view TakeWord() {
    const size_t begin = at_;
    while (IsAlpha(peek())) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  // Unsigned; Inf and NaN too.
  absl::StatusOr<double> TakeNumber() {
    const size_t begin = at_;
    if (IsAlpha(peek())) {
      const std::string_view word = rest().substr(0, 3);
      at_ += word.size();
      return ParseNumber(word);
    }
    while (IsDigit(peek()) || peek() == '.' || peek() == '_') ++at_;
    if (at_ > begin && (peek() == 'e' || peek() == 'E')) {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      while (IsDigit(peek())) ++at_;
    }
    return ParseNumber(text_.substr(begin, at_ - begin));
  }
  absl::StatusOr<double> TakeSignedNumber() {
    const bool negative = peek() == '-';
    if (negative || peek() == '+') ++at_;
    TRY_ASSIGN(const double number, TakeNumber());
    return negative ? -number : number;
  }
  absl::StatusOr<size_t> TakeCount() {
    size_t count = 0;
    const size_t begin = at_;
    while (IsDigit(peek())) {
      count = count * 10 + static_cast<size_t>(peek() - '0');
      ++at_;
      if (count > kSequenceMax) return InvalidArgument("more than {} repetitions", kSequenceMax);
    }
    if (begin == at_) return InvalidArgument("repetitions expected at \"{}\"", rest());
    return count;
  }

 private:
  const std::string_view text_;
  size_t at_ = 0;
};

struct HistogramText {
  FloatHistogram histogram;
  bool hint_given = false;
};

absl::StatusOr<std::vector<double>> TakeList(Reader* reader) {
  std::vector<double> values;
  if (!reader->Accept("[")) return InvalidArgument("\"[\" expected at \"{}\"", reader->rest());
  for (reader->SkipSpaces(); !reader->Accept("]"); reader->SkipSpaces()) {
    if (reader->done()) return InvalidArgument("unclosed list of buckets");
    TRY_ASSIGN(const double value, reader->TakeSignedNumber());
    values.push_back(value);
  }
  return values;
}

absl::Status TakeHint(Reader* reader, HistogramText* out) {
  const std::string_view word = reader->TakeWord();
  out->hint_given = true;
  if (word == "unknown") {
    out->histogram.hint = CounterResetHint::kUnknown;
  } else if (word == "reset") {
    out->histogram.hint = CounterResetHint::kReset;
  } else if (word == "not_reset") {
    out->histogram.hint = CounterResetHint::kNotReset;
  } else if (word == "gauge") {
    out->histogram.hint = CounterResetHint::kGauge;
  } else {
    return InvalidArgument("bad histogram descriptor found: \"{}\"", word);
  }
  return absl::OkStatus();
}

std::vector<FloatHistogram::Bucket> Consecutive(const std::vector<double>& counts, int32_t offset) {
  std::vector<FloatHistogram::Bucket> buckets;
  for (const double count : counts) buckets.push_back({offset++, count});
  return buckets;
}

// `{{` has been taken.
absl::StatusOr<HistogramText> TakeHistogram(Reader* reader) {
  HistogramText out;
  FloatHistogram& h = out.histogram;
  std::vector<double> buckets, negative_buckets;
  double offset = 0;
  double negative_offset = 0;
  for (reader->SkipSpaces(); !reader->Accept("}}"); reader->SkipSpaces()) {
    const std::string_view key = reader->TakeWord();
    if (key.empty() || !reader->Accept(":")) {
      return InvalidArgument("bad histogram descriptor found: \"{}\"", key);
    }
    if (key == "counter_reset_hint") {
      TRY(TakeHint(reader, &out));
    } else if (key == "buckets") {
      TRY_ASSIGN(buckets, TakeList(reader));
    } else if (key == "n_buckets") {
      TRY_ASSIGN(negative_buckets, TakeList(reader));
    } else if (key == "custom_values") {
      TRY_ASSIGN(h.custom_values, TakeList(reader));
    } else {
      TRY_ASSIGN(const double number, reader->TakeSignedNumber());
      if (key == "schema") {
        h.schema = static_cast<int32_t>(std::clamp(number, -1000.0, 1000.0));
      } else if (key == "sum") {
        h.sum = number;
      } else if (key == "count") {
        h.count = number;
      } else if (key == "z_bucket") {
        h.zero_count = number;
      } else if (key == "z_bucket_w") {
        h.zero_threshold = number;
      } else if (key == "offset") {
        offset = number;
      } else if (key == "n_offset") {
        negative_offset = number;
      } else {
        return InvalidArgument("bad histogram descriptor found: \"{}\"", key);
      }
    }
  }
  const auto whole = [](double v) { return static_cast<int32_t>(std::clamp(v, -1e6, 1e6)); };
  h.positive = Consecutive(buckets, whole(offset));
  h.negative = Consecutive(negative_buckets, whole(negative_offset));
  return out;
}

SequenceValue ToValue(const HistogramText& text) {
  return {false, 0, std::make_shared<model::NativeHistogram>(text.histogram.ToModel()),
          text.hint_given};
}

absl::Status TakeHistogramItem(Reader* reader, std::vector<SequenceValue>* values) {
  TRY_ASSIGN(HistogramText base, TakeHistogram(reader));
  const bool plus = reader->peek() == '+';
  if (!plus && reader->peek() != '-') {
    values->push_back(ToValue(base));
    if (!reader->Accept("x")) return absl::OkStatus();
    TRY_ASSIGN(const size_t count, reader->TakeCount());
    for (size_t i = 0; i < count; ++i) values->push_back(values->back());
    return absl::OkStatus();
  }
  reader->Accept(plus ? "+" : "-");
  if (!reader->Accept("{{")) return InvalidArgument("\"{{{{\" expected at \"{}\"", reader->rest());
  TRY_ASSIGN(const HistogramText step, TakeHistogram(reader));
  if (!reader->Accept("x")) return InvalidArgument("\"x\" expected at \"{}\"", reader->rest());
  TRY_ASSIGN(const size_t count, reader->TakeCount());
  base.hint_given = step.hint_given;
  values->push_back(ToValue(base));
  for (size_t i = 0; i < count; ++i) {
    if (base.histogram.schema > step.histogram.schema) {
      return InvalidArgument("error combining histograms: cannot merge from schema {} to {}",
                             step.histogram.schema, base.histogram.schema);
    }
    const CombineOutcome outcome =
        plus ? Add(&base.histogram, step.histogram) : Subtract(&base.histogram, step.histogram);
    if (outcome.incompatible) return InvalidArgument("histograms do not fit each other");
    values->push_back(ToValue(base));
  }
  return absl::OkStatus();
}

absl::Status TakeItem(Reader* reader, std::vector<SequenceValue>* values) {
  if (reader->Accept("{{")) return TakeHistogramItem(reader, values);
  if (reader->Accept("_")) {
    size_t count = 1;
    if (reader->Accept("x")) {
      TRY_ASSIGN(count, reader->TakeCount());
    }
    values->insert(values->end(), count, SequenceValue{true, 0, nullptr, false});
    return absl::OkStatus();
  }
  double value = 0;
  if (reader->Accept("stale")) {
    value = model::StaleNan();
  } else {
    TRY_ASSIGN(value, reader->TakeSignedNumber());
  }
  double step = 0;
  const bool stepped = reader->peek() == '+' || reader->peek() == '-';
  if (stepped) {
    TRY_ASSIGN(step, reader->TakeSignedNumber());
  }
  values->push_back({false, value, nullptr, false});
  if (!reader->Accept("x")) {
    // `-3-3` without a count is no sequence.
    return stepped ? InvalidArgument("repetitions expected at \"{}\"", reader->rest())
                   : absl::OkStatus();
  }
  TRY_ASSIGN(const size_t count, reader->TakeCount());
  for (size_t i = 0; i < count; ++i) {
    if (stepped) value += step;
    values->push_back({false, value, nullptr, false});
  }
  return absl::OkStatus();
}

// Where the labels end: behind the closing brace, or at the first space.
size_t EndOfLabels(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && !IsSpace(text[at]) && text[at] != '{') ++at;
  if (at >= text.size() || text[at] != '{') return at;
  char quote = '\0';
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != '\0') {
      if (c == '\\' && quote != '`') ++at;
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'' || c == '`') {
      quote = c;
    } else if (c == '}') {
      return at + 1;
    }
  }
  return text.size();
}

}  // namespace

absl::StatusOr<SeriesDescription> ParseSeriesDescription(std::string_view text) {
  SeriesDescription out;
  const size_t end = EndOfLabels(text);
  TRY_ASSIGN(out.labels, ParseMetric(text.substr(0, end)));
  Reader reader(text.substr(end));
  for (reader.SkipSpaces(); !reader.done(); reader.SkipSpaces()) {
    TRY(TakeItem(&reader, &out.values));
    if (!reader.done() && !IsSpace(reader.peek())) {
      return InvalidArgument("unexpected \"{}\" in series values", reader.rest());
    }
    if (out.values.size() > kSequenceMax) {
      return InvalidArgument("more than {} values", kSequenceMax);
    }
  }
  return out;
}

}  // namespace hearth::promql
