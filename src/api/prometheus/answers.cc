// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/answers.h"

#include <fmt/core.h>

#include "base/json_text.h"
#include "base/status.h"
#include "codec/json_writer.h"

namespace hearth::api {
namespace {

constexpr int kClientClosed = 499;  // nginx' code, which Prometheus answers for a cancelled query

void AppendVector(const std::vector<promql::Sample>& vector, std::string* out) {
  *out += '[';
  for (size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) *out += ',';
    *out += R"({"metric":)";
    codec::AppendLabels(vector[i].labels, out);
    *out += R"(,"value":)";
    codec::AppendPoint(vector[i].time_ms, vector[i].value, out);
    *out += '}';
  }
  *out += ']';
}

void AppendMatrix(const std::vector<promql::Series>& matrix, std::string* out) {
  *out += '[';
  for (size_t i = 0; i < matrix.size(); ++i) {
    const promql::Series& series = matrix[i];
    if (i > 0) *out += ',';
    *out += R"({"metric":)";
    codec::AppendLabels(series.labels, out);
    if (!series.times_ms.empty()) {
      *out += R"(,"values":)";
      codec::AppendPoints(series.times_ms, series.values, out);
    }
    *out += '}';
  }
  *out += ']';
}

std::string Seconds(int64_t ns) { return fmt::format("{:.6f}", static_cast<double>(ns) / 1e9); }

}  // namespace

net::HttpResponse Success(std::string data, std::span<const std::string> warnings,
                          std::span<const std::string> infos) {
  std::string body = R"({"status":"success","data":)";
  body += data;
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

std::string ResultJson(const promql::Result& result, bool stats) {
  std::string out = R"({"resultType":")";
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
      out += '[';
      codec::AppendTime(result.time_ms, &out);
      out += ',';
      AppendJsonStringHtmlSafe(result.string, &out);
      out += ']';
      break;
    case promql::ValueType::kScalar:
    case promql::ValueType::kNone:
      // Scalars never have an exponent (promql/value.go Scalar.MarshalJSON), samples may.
      out += '[';
      codec::AppendTime(result.time_ms, &out);
      out += ",\"";
      codec::AppendFloatPlain(result.scalar, &out);
      out += "\"]";
      break;
  }
  if (stats) {
    out += fmt::format(
        R"(,"stats":{{"timings":{{"evalTotalTime":{},"resultSortTime":0,"queryPreparationTime":{},)"
        R"("innerEvalTime":{},"execQueueTime":0,"execTotalTime":{}}},)"
        R"("samples":{{"totalQueryableSamples":{},"peakSamples":{},"samplesRead":{}}}}})",
        Seconds(result.stats.evaluate_ns), Seconds(result.stats.prepare_ns),
        Seconds(result.stats.evaluate_ns),
        Seconds(result.stats.prepare_ns + result.stats.evaluate_ns),
        result.stats.total_queryable_samples, result.stats.peak_samples, result.stats.samples_read);
  }
  out += '}';
  return out;
}

}  // namespace hearth::api
