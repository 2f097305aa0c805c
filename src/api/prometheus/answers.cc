// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/answers.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "api/prometheus/json_object.h"
#include "base/json_text.h"
#include "base/status.h"
#include "codec/json_writer.h"
#include "promql/float_histogram.h"

namespace hearth::api {
namespace {

constexpr int kClientClosed = 499;  // nginx' code, which Prometheus answers for a cancelled query

// util/jsonutil/marshal.go MarshalHistogram. Which ends of a bucket belong to it: 0 the upper, 1
// the lower, 2 neither, 3 both.
void AppendHistogram(const model::NativeHistogram& histogram, std::string* out) {
  const auto value = [out](double number) {
    *out += '"';
    codec::AppendFloat(number, out);
    *out += '"';
  };
  *out += R"({"count":)";
  value(histogram.count);
  *out += R"(,"sum":)";
  value(histogram.sum);
  const bool custom = histogram.schema == model::kCustomBucketsSchema;
  bool any = false;
  for (const auto& bucket : promql::FloatHistogram::FromModel(histogram).AllBuckets()) {
    if (bucket.count == 0) continue;
    *out += any ? "," : R"(,"buckets":[)";
    any = true;
    const bool zero = !custom && bucket.lower == -bucket.upper;
    const bool lower = zero || (custom ? std::isinf(bucket.lower) : bucket.lower < 0);
    const bool upper = zero || custom || bucket.upper > 0;
    *out += '[';
    *out += lower ? (upper ? '3' : '1') : (upper ? '0' : '2');
    for (const double number : {bucket.lower, bucket.upper, bucket.count}) {
      *out += ',';
      value(number);
    }
    *out += ']';
  }
  if (any) *out += ']';
  *out += '}';
}

void AppendHistogramPoint(int64_t time_ms, const model::NativeHistogram& histogram,
                          std::string* out) {
  *out += '[';
  codec::AppendTime(time_ms, out);
  *out += ',';
  AppendHistogram(histogram, out);
  *out += ']';
}

void AppendSample(const promql::Sample& sample, std::string* out) {
  *out += R"({"metric":)";
  codec::AppendLabels(sample.labels, out);
  if (sample.histogram != nullptr) {
    *out += R"(,"histogram":)";
    AppendHistogramPoint(sample.time_ms, *sample.histogram, out);
  } else {
    *out += R"(,"value":)";
    codec::AppendPoint(sample.time_ms, sample.value, out);
  }
  *out += '}';
}

void AppendSeries(const promql::Series& series, codec::PointsWriter* points, std::string* out) {
  *out += R"({"metric":)";
  codec::AppendLabels(series.labels, out);
  if (!series.times_ms.empty()) {
    *out += R"(,"values":)";
    points->Append(series.times_ms, series.values, out);
  }
  for (size_t k = 0; k < series.histograms.size(); ++k) {
    *out += k == 0 ? R"(,"histograms":[)" : ",";
    AppendHistogramPoint(series.histograms[k].time_ms, *series.histograms[k].histogram, out);
  }
  if (!series.histograms.empty()) *out += ']';
  *out += '}';
}

// ,"key":[[time,count],…] after what is there; nothing where the query did not count by step.
void AppendPerStep(std::string_view key, const std::vector<int64_t>& counts, int64_t start_ms,
                   int64_t step_ms, std::string* out) {
  if (counts.empty()) return;
  *out += fmt::format("\"{}\":[", key);
  for (size_t i = 0; i < counts.size(); ++i) {
    const int64_t time_ms = start_ms + static_cast<int64_t>(i) * step_ms;
    *out += fmt::format("{}[{},{}]", i == 0 ? "" : ",",
                        JsonNumber(static_cast<double>(time_ms) / 1000), counts[i]);
  }
  *out += "],";
}

std::string Seconds(int64_t ns) { return JsonNumber(static_cast<double>(ns) / 1e9); }

constexpr std::string_view kSuccess = R"({"status":"success","data":)";

constexpr size_t kPointBytes = 36;  // of text
constexpr size_t kHistogramBytes = 400;

// About what an answer takes: growing by doubling touches twice the memory.
size_t EstimateBytes(const promql::Result& result) {
  constexpr size_t kEnvelope = 256;
  constexpr size_t kQuotes = 6;  // what JSON adds to a label
  size_t bytes = kEnvelope;
  const auto add_labels = [&bytes](const model::Labels& labels) {
    bytes += labels.packed().size() * 5 / 4 + kQuotes * 8;
  };
  for (const promql::Sample& sample : result.vector) {
    add_labels(sample.labels);
    bytes += sample.histogram != nullptr ? kHistogramBytes : kPointBytes;
  }
  for (const promql::Series& series : result.matrix) {
    add_labels(series.labels);
    bytes += kPointBytes * series.times_ms.size() + kHistogramBytes * series.histograms.size();
  }
  return bytes;
}

// What a result holds until it is written.
size_t HeldBytes(const promql::Series& series) {
  return sizeof series + series.labels.packed().size() +
         series.times_ms.capacity() * (sizeof(int64_t) + sizeof(double)) +
         series.histograms.size() * (sizeof(model::HistogramSample) + kHistogramBytes);
}
size_t HeldBytes(const promql::Sample& sample) {
  return sizeof sample + sample.labels.packed().size() +
         (sample.histogram == nullptr ? 0 : kHistogramBytes);
}

// ,"warnings":[…],"infos":[…]} and what is there to close.
std::string Tail(std::span<const std::string> warnings, std::span<const std::string> infos) {
  std::string tail;
  if (!warnings.empty()) {
    tail += R"(,"warnings":)";
    codec::AppendTextArray(warnings, &tail);
  }
  if (!infos.empty()) {
    tail += R"(,"infos":)";
    codec::AppendTextArray(infos, &tail);
  }
  return tail + '}';
}

// A result while it is written; what was written is let go.
class WrittenResult {
 public:
  explicit WrittenResult(promql::Result result) : result_(std::move(result)) {}

  size_t items() const { return std::max(result_.vector.size(), result_.matrix.size()); }
  void Append(size_t index, std::string* out) {
    if (!result_.vector.empty()) {
      AppendSample(result_.vector[index], out);
      Release(&result_.vector[index]);
    } else {
      AppendSeries(result_.matrix[index], &points_, out);
      Release(&result_.matrix[index]);
    }
  }
  // From here on what it holds counts.
  void CountIn(promql::QueryBudget* budget) {
    share_.emplace(budget, /*expendable=*/true);
    for (const promql::Sample& sample : result_.vector) held_ += HeldBytes(sample);
    for (const promql::Series& series : result_.matrix) held_ += HeldBytes(series);
    share_->Report(held_);
  }
  absl::Status Check() const { return share_->Check(); }

 private:
  template <typename Item>
  void Release(Item* item) {
    if (!share_) return;  // a short one is gone in a moment
    held_ -= std::min(held_, HeldBytes(*item));
    share_->Report(held_);
    *item = Item();
  }

  promql::Result result_;
  codec::PointsWriter points_;
  size_t held_ = 0;
  std::optional<promql::QueryBudget::Share> share_;
};

}  // namespace

net::HttpResponse Success(std::string_view data, std::span<const std::string> warnings,
                          std::span<const std::string> infos) {
  const std::string tail = Tail(warnings, infos);
  std::string body;
  body.reserve(kSuccess.size() + data.size() + tail.size());
  body += kSuccess;
  body += data;
  body += tail;
  return net::JsonResponse(200, std::move(body));
}

net::HttpResponse SuccessList(LongAnswer list, std::span<const std::string> warnings) {
  list.head = std::string(kSuccess) + '[';
  list.tail = ']' + Tail(warnings, {});
  return MakeAnswer(std::move(list));
}

net::HttpResponse ApiError(int status, std::string_view type, std::string_view message) {
  std::string body = R"({"status":"error","errorType":)";
  AppendJsonStringHtmlSafe(type, &body);
  body += R"(,"error":)";
  AppendJsonStringHtmlSafe(message, &body);
  body += '}';
  return net::JsonResponse(status, std::move(body));
}

net::HttpResponse BadData(const absl::Status& status) {
  return ApiError(400, "bad_data", Message(status));
}

net::HttpResponse QueryError(const absl::Status& status) {
  switch (promql::KindOf(status)) {
    case promql::ErrorKind::kBadData:
      return ApiError(400, "bad_data", Message(status));
    case promql::ErrorKind::kExecution:
    case promql::ErrorKind::kTooManySamples:
      return ApiError(422, "execution", Message(status));
    case promql::ErrorKind::kTimeout:
      return ApiError(503, "timeout", Message(status));
    case promql::ErrorKind::kCancelled:
      return ApiError(kClientClosed, "canceled", Message(status));
    case promql::ErrorKind::kInternal:
      break;
  }
  return ApiError(500, "internal", Message(status));
}

namespace {

// promql/value.go Scalar.MarshalJSON: never an exponent, which samples may have, and a time as
// encoding/json prints it.
std::string ScalarOrString(const promql::Result& result) {
  std::string out = '[' + JsonNumber(static_cast<double>(result.time_ms) / 1000) + ',';
  if (result.type == promql::ValueType::kString) {
    AppendJsonStringHtmlSafe(result.string, &out);
  } else {
    out += '"';
    codec::AppendFloatPlain(result.scalar, &out);
    out += '"';
  }
  return out + ']';
}

}  // namespace

net::HttpResponse QueryAnswer(promql::Result result, std::string_view stats,
                              std::span<const std::string> warnings, promql::QueryBudget* budget) {
  LongAnswer answer;
  answer.head =
      fmt::format(R"({}{{"resultType":"{}","result":)", kSuccess, promql::Name(result.type));
  if (!stats.empty()) answer.tail = fmt::format(R"(,"stats":{})", stats);
  answer.tail += '}' + Tail(warnings, result.infos);
  if (result.type != promql::ValueType::kVector && result.type != promql::ValueType::kMatrix) {
    return net::JsonResponse(200, answer.head + ScalarOrString(result) + answer.tail);
  }
  answer.head += '[';
  answer.tail.insert(0, 1, ']');
  answer.bytes = EstimateBytes(result);
  const auto written = std::make_shared<WrittenResult>(std::move(result));
  answer.items = written->items();
  answer.append = [written](size_t index, std::string* out) { written->Append(index, out); };
  if (answer.is_long()) {
    written->CountIn(budget);
    answer.check = [written] { return written->Check(); };
  }
  return MakeAnswer(std::move(answer));
}

std::string StatsJson(const promql::Stats& stats, int64_t start_ms, int64_t step_ms) {
  const std::string total = Seconds(stats.prepare_ns + stats.evaluate_ns);
  std::string out = fmt::format(
      R"({{"timings":{{"evalTotalTime":{},"resultSortTime":{},"queryPreparationTime":{},)"
      R"("innerEvalTime":{},"execQueueTime":{},"execTotalTime":{}}},"samples":{{)",
      total, Seconds(0), Seconds(stats.prepare_ns), Seconds(stats.evaluate_ns), Seconds(0), total);
  AppendPerStep("totalQueryableSamplesPerStep", stats.total_queryable_samples_at, start_ms, step_ms,
                &out);
  out += fmt::format(R"("totalQueryableSamples":{},)", stats.total_queryable_samples);
  AppendPerStep("samplesReadPerStep", stats.samples_read_at, start_ms, step_ms, &out);
  out += fmt::format(R"("samplesRead":{},"peakSamples":{}}}}})", stats.samples_read,
                     stats.peak_samples);
  return out;
}

}  // namespace hearth::api
