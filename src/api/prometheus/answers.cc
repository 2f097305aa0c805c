// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/answers.h"

#include <fmt/core.h>

#include <cmath>

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

void AppendVector(const std::vector<promql::Sample>& vector, std::string* out) {
  *out += '[';
  for (size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) *out += ',';
    *out += R"({"metric":)";
    codec::AppendLabels(vector[i].labels, out);
    if (vector[i].histogram != nullptr) {
      *out += R"(,"histogram":)";
      AppendHistogramPoint(vector[i].time_ms, *vector[i].histogram, out);
    } else {
      *out += R"(,"value":)";
      codec::AppendPoint(vector[i].time_ms, vector[i].value, out);
    }
    *out += '}';
  }
  *out += ']';
}

void AppendMatrix(const std::vector<promql::Series>& matrix, std::string* out) {
  codec::PointsWriter points;
  *out += '[';
  for (size_t i = 0; i < matrix.size(); ++i) {
    const promql::Series& series = matrix[i];
    if (i > 0) *out += ',';
    *out += R"({"metric":)";
    codec::AppendLabels(series.labels, out);
    if (!series.times_ms.empty()) {
      *out += R"(,"values":)";
      points.Append(series.times_ms, series.values, out);
    }
    for (size_t k = 0; k < series.histograms.size(); ++k) {
      *out += k == 0 ? R"(,"histograms":[)" : ",";
      AppendHistogramPoint(series.histograms[k].time_ms, *series.histograms[k].histogram, out);
    }
    if (!series.histograms.empty()) *out += ']';
    *out += '}';
  }
  *out += ']';
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

// About what an answer takes: growing by doubling touches twice the memory.
size_t EstimateBytes(const promql::Result& result) {
  constexpr size_t kEnvelope = 256;
  constexpr size_t kPoint = 36;
  constexpr size_t kQuotes = 6;  // what JSON adds to a label
  size_t bytes = kEnvelope;
  const auto add_labels = [&bytes](const model::Labels& labels) {
    bytes += labels.packed().size() * 5 / 4 + kQuotes * 8;
  };
  for (const promql::Sample& sample : result.vector) {
    add_labels(sample.labels);
    bytes += kPoint;
  }
  for (const promql::Series& series : result.matrix) {
    add_labels(series.labels);
    bytes += kPoint * series.times_ms.size();
  }
  return bytes;
}

// `body` is kSuccess and the data.
net::HttpResponse Finish(std::string body, std::span<const std::string> warnings,
                         std::span<const std::string> infos) {
  if (!warnings.empty()) {
    body += R"(,"warnings":)";
    codec::AppendTextArray(warnings, &body);
  }
  if (!infos.empty()) {
    body += R"(,"infos":)";
    codec::AppendTextArray(infos, &body);
  }
  body += '}';
  return net::JsonResponse(200, std::move(body));
}

}  // namespace

net::HttpResponse Success(std::string_view data, std::span<const std::string> warnings,
                          std::span<const std::string> infos) {
  std::string body;
  body.reserve(kSuccess.size() + data.size() + 1);
  body += kSuccess;
  body += data;
  return Finish(std::move(body), warnings, infos);
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

net::HttpResponse QueryAnswer(const promql::Result& result, std::string_view stats,
                              std::span<const std::string> warnings) {
  std::string out(kSuccess);
  out.reserve(EstimateBytes(result));
  out += R"({"resultType":")";
  out += promql::Name(result.type);
  out += R"(","result":)";
  switch (result.type) {
    case promql::ValueType::kVector:
      AppendVector(result.vector, &out);
      break;
    case promql::ValueType::kMatrix:
      AppendMatrix(result.matrix, &out);
      break;
    case promql::ValueType::kString:
      out += '[' + JsonNumber(static_cast<double>(result.time_ms) / 1000) + ',';
      AppendJsonStringHtmlSafe(result.string, &out);
      out += ']';
      break;
    case promql::ValueType::kScalar:
    case promql::ValueType::kNone:
      // promql/value.go Scalar.MarshalJSON: never an exponent, which samples may have, and a time
      // as encoding/json prints it.
      out += '[' + JsonNumber(static_cast<double>(result.time_ms) / 1000) + ",\"";
      codec::AppendFloatPlain(result.scalar, &out);
      out += "\"]";
      break;
  }
  if (!stats.empty()) {
    out += ",\"stats\":";
    out += stats;
  }
  out += '}';
  return Finish(std::move(out), warnings, result.infos);
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
