// SPDX-License-Identifier: Apache-2.0
// OTLP/HTTP metrics at /api/v1/otlp/v1/metrics (opentelemetry.io/docs/specs/otlp; upstream:
// storage/remote/write_otlp_handler.go). Points that cannot be stored are told as a partial
// success: the sender does not repeat them.
#include <fmt/core.h>

#include "api/prometheus/json_object.h"
#include "api/prometheus/prometheus_api.h"
#include "api/prometheus/write_limits.h"
#include "base/compress.h"
#include "base/status.h"
#include "codec/label_rules.h"
#include "codec/otlp.h"
#include "codec/otlp_translate.h"
#include "codec/wire.h"
#include "storage/write_batch.h"

namespace hearth::api {
namespace {

constexpr std::string_view kProtobuf = "application/x-protobuf";
constexpr std::string_view kJson = "application/json";

net::HttpResponse Answer(int status, bool json, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.Set("Content-Type", json ? kJson : kProtobuf);
  response.body = std::move(body);
  return response;
}

// google.rpc.Status, as the protocol wants errors.
net::HttpResponse Error(int status, bool json, std::string_view message) {
  std::string body;
  if (json) {
    JsonObject object(&body);
    object.Int("code", status == 503 ? 14 : 3);  // UNAVAILABLE, INVALID_ARGUMENT
    object.Text("message", message);
    object.End();
  } else {
    codec::wire::AppendVarintField(1, status == 503 ? 14 : 3, &body);
    codec::wire::AppendBytesField(2, message, &body);
  }
  return Answer(status, json, std::move(body));
}

// ExportMetricsServiceResponse; empty where all went well.
net::HttpResponse PartialSuccess(bool json, size_t rejected, std::string_view message) {
  std::string body;
  if (json) {
    JsonObject object(&body);
    if (rejected > 0) {
      std::string partial;
      JsonObject inner(&partial);
      inner.Text("rejectedDataPoints", std::to_string(rejected));
      inner.Text("errorMessage", message);
      inner.End();
      object.Raw("partialSuccess", partial);
    }
    object.End();
  } else if (rejected > 0) {
    std::string partial;
    codec::wire::AppendVarintField(1, rejected, &partial);
    codec::wire::AppendBytesField(2, message, &partial);
    codec::wire::AppendBytesField(1, partial, &body);
  }
  return Answer(200, json, std::move(body));
}

}  // namespace

// What was left out, and the first reason.
struct PrometheusApi::LeftOut {
  size_t points = 0;
  std::string reason;
  void Add(size_t n, std::string text) {
    points += n;
    if (reason.empty()) reason = std::move(text);
  }
};

void PrometheusApi::FillFromOtlp(const Call& call, const codec::OtlpRequest& request,
                                 storage::WriteBatch* batch, LeftOut* left) {
  const codec::OtlpSettings settings =
      options_.server.otlp ? options_.server.otlp() : codec::OtlpSettings();
  codec::OtlpTranslated translated = codec::TranslateOtlp(request, settings);
  if (translated.rejected_points > 0) {
    left->Add(translated.rejected_points, translated.errors.front());
  }
  for (codec::OtlpSample& sample : translated.samples) {
    codec::SeriesErrorKind kind{};
    if (std::string text = codec::CheckLabels(sample.labels, options_.label_limits, &kind);
        !text.empty()) {
      left->Add(1, std::move(text));
      continue;
    }
    if (sample.delta) {
      const auto added = deltas_.Add(call.workspace.id(), &sample);
      if (added != DeltaTable::Outcome::kAdded) {
        left->Add(1, fmt::format("{}: {}", sample.labels.ToString(), DeltaTable::Text(added)));
        continue;
      }
    }
    batch->AddSeries(sample.labels);
    if (sample.histogram != nullptr) {
      batch->AddHistogram({sample.time_ms, std::move(sample.histogram), sample.start_ms});
    } else {
      batch->AddSample(sample.time_ms, sample.value, sample.start_ms);
    }
    for (model::Exemplar& exemplar : sample.exemplars) batch->AddExemplar(std::move(exemplar));
  }
  for (model::Metadata& metadata : translated.metadata) batch->AddMetadata(std::move(metadata));
}

net::HttpResponse PrometheusApi::OtlpMetrics(const Call& call) {
  const net::HttpRequest& request = call.request;
  const std::string media = net::MediaType(request.headers.Find("Content-Type"));
  const bool json = media == kJson;
  if (!json && media != kProtobuf) {
    return Error(
        415, false,
        fmt::format("unsupported content type: {}, supported: [{}, {}]", media, kJson, kProtobuf));
  }
  const std::string_view encoding = request.headers.Find("Content-Encoding");
  std::string unpacked;
  std::string_view body = request.body;
  if (EqualsIgnoreCaseAscii(encoding, "gzip")) {
    const absl::Status status =
        GzipDecompress(request.body, options_.write_body_decoded_max, &unpacked);
    if (!status.ok()) {
      return Error(absl::IsResourceExhausted(status) ? 413 : 400, json, Message(status));
    }
    body = unpacked;
  } else if (!encoding.empty() && !EqualsIgnoreCaseAscii(encoding, "identity")) {
    return Error(415, json,
                 fmt::format("unsupported compression: {}. Only \"gzip\" or no compression "
                             "supported",
                             encoding));
  }
  const auto decoded = json ? codec::DecodeOtlpJson(body) : codec::DecodeOtlpProtobuf(body);
  if (!decoded.ok()) return Error(400, json, Message(decoded.status()));
  LeftOut left;
  storage::WriteBatch batch;
  FillFromOtlp(call, *decoded, &batch, &left);
  samples_received_.Add(batch.sample_count() + left.points);
  if (!batch.empty()) {
    if (auto refusal = RateRefusal(call.workspace, batch)) return *std::move(refusal);
    workspace::WriteOutcome limits;
    const auto outcome = WriteWithin(call.workspace, batch, &limits);
    if (!outcome.ok()) {
      const bool bad =
          absl::IsInvalidArgument(outcome.status()) || absl::IsUnimplemented(outcome.status());
      net::HttpResponse response = Error(bad ? 400 : 503, json, Message(outcome.status()));
      if (!bad) response.headers.Set("Retry-After", "1");
      return response;
    }
    if (limits.refused) left.Add(limits.refused_samples, limits.refused->second);
    if (outcome->rejected > 0) {
      left.Add(outcome->rejected, FirstError(call, batch, codec::RemoteWriteOutcome(), *outcome));
    }
  }
  return PartialSuccess(json, left.points, left.reason);
}

}  // namespace hearth::api
