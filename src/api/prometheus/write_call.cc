// SPDX-License-Identifier: Apache-2.0
// Remote write 1.0 (prometheus/storage/remote/write_handler.go; texts for AMP: aws-contract §11.2).
//
// Good samples of a partly bad request are stored and the answer is 400 with the first error: the
// sender does not repeat it, nothing is lost. A poison request is a 4xx, an overload 503.
#include <absl/time/time.h>
#include <fmt/core.h>

#include "api/prometheus/answers.h"
#include "api/prometheus/prometheus_api.h"
#include "api/prometheus/write_limits.h"
#include "base/compress.h"
#include "base/status.h"
#include "storage/write_batch.h"

namespace hearth::api {
namespace {

using storage::RejectReason;

// AMP's quota on the size of a request, kept under --fidelity aws.
constexpr size_t kAwsRequestBytesMax = 1 << 20;

net::HttpResponse Plain(int status, std::string text) {
  text += '\n';
  return net::TextResponse(status, std::move(text));
}

// {__name__="m", a="b"}: how Cortex prints a series in an error.
std::string SeriesText(model::LabelsView labels) {
  std::string out = "{";
  for (const model::Label& label : labels) {
    if (out.size() > 1) out += ", ";
    out += fmt::format("{}={}", label.name, model::QuoteGo(label.value));
  }
  return out + "}";
}

std::string_view RootText(RejectReason reason) {
  switch (reason) {
    case RejectReason::kOutOfOrder:
      return "out of order sample";
    case RejectReason::kTooOld:
      return "too old sample";
    case RejectReason::kDuplicate:
      return "duplicate sample for timestamp";
    case RejectReason::kTooFarInFuture:
    case RejectReason::kBeforeRetention:
      return "out of bounds";
    case RejectReason::kSeriesLimit:
      return "series limit exceeded: no new series is accepted, existing ones go on";
    case RejectReason::kMemory:
      return "memory limit reached: no new series is accepted, existing ones go on";
    case RejectReason::kHistogramInvalid:
      return "invalid native histogram";
  }
  return "sample refused";
}

std::string RejectionText(const storage::Rejection& rejection, model::LabelsView labels,
                          bool workspace_plane, const std::string& user, size_t series_max) {
  if (!workspace_plane) {
    return fmt::format("{}: series={}, timestamp={}", RootText(rejection.reason),
                       SeriesText(labels), rejection.time_ms);
  }
  switch (rejection.reason) {
    case RejectReason::kTooFarInFuture:
      return fmt::format("timestamp too new: {} metric: \"{}\"", rejection.time_ms,
                         labels.metric_name());
    case RejectReason::kBeforeRetention:
      return fmt::format("timestamp too old: {} metric: \"{}\"", rejection.time_ms,
                         labels.metric_name());
    case RejectReason::kSeriesLimit:
    case RejectReason::kMemory:
      return fmt::format(
          "user={}: per-user series limit of {} exceeded, please contact administrator to raise "
          "it. "
          "(series: {})",
          user, series_max, SeriesText(labels));
    default:
      return fmt::format(
          "user={}: err: {}. timestamp={}, series={}", user, RootText(rejection.reason),
          absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", absl::FromUnixMillis(rejection.time_ms),
                           absl::UTCTimeZone()),
          SeriesText(labels));
  }
}

// What the headers say must be remote write 1.0; empty where it is, else the answer's text (415).
std::string UnsupportedContent(const net::HttpRequest& request) {
  const std::string_view type = request.headers.Find("Content-Type");
  const std::string media = net::MediaType(type);
  if (!media.empty() && media != "application/x-protobuf") {
    return fmt::format("content type {} is not accepted; send application/x-protobuf", media);
  }
  if (type.find("io.prometheus.write.v2.Request") != std::string_view::npos) {
    return "io.prometheus.write.v2.Request protobuf message is not accepted by this server; only "
           "prometheus.WriteRequest is";
  }
  const std::string_view encoding = request.headers.Find("Content-Encoding");
  if (!encoding.empty() && !EqualsIgnoreCaseAscii(encoding, "snappy")) {
    return fmt::format(
        "{} encoding (compression) is not accepted by this server; only snappy is acceptable",
        encoding);
  }
  return "";
}

// What the decoder fills: native histograms are counted and left out, because the store does not
// take them yet and would refuse the whole request for their sake.
class FloatBatch {
 public:
  explicit FloatBatch(storage::WriteBatch* batch) : batch_(*batch) {}
  std::string& arena() { return batch_.arena(); }
  void AddSeriesAt(size_t labels_offset) { batch_.AddSeriesAt(labels_offset); }
  void AddSample(int64_t time_ms, double value) { batch_.AddSample(time_ms, value); }
  void AddHistogram(model::HistogramSample) { ++histograms_; }
  void AddExemplar(model::Exemplar exemplar) { batch_.AddExemplar(std::move(exemplar)); }
  void AddMetadata(model::Metadata metadata) { batch_.AddMetadata(std::move(metadata)); }
  size_t histograms() const { return histograms_; }

 private:
  storage::WriteBatch& batch_;
  size_t histograms_ = 0;
};

net::HttpResponse StoreFailed(const absl::Status& status) {
  if (absl::IsInvalidArgument(status) || absl::IsUnimplemented(status)) {
    return Plain(400, Message(status));
  }
  net::HttpResponse response = Plain(503, Message(status));
  response.headers.Set("Retry-After", "1");
  return response;
}

}  // namespace

net::HttpResponse PrometheusApi::Write(const Call& call) {
  const net::HttpRequest& request = call.request;
  const bool workspace_plane = call.plane == Plane::kWorkspace;
  if (request.method != "POST") {
    net::HttpResponse response = Plain(405, "remote write is POST");
    response.headers.Set("Allow", "POST");
    return response;
  }
  if (std::string text = UnsupportedContent(request); !text.empty()) {
    return Plain(415, std::move(text));
  }
  if (options_.aws_fidelity && request.body.size() > kAwsRequestBytesMax) {
    return Plain(413, fmt::format("request of {} bytes exceeds the limit of {} bytes",
                                  request.body.size(), kAwsRequestBytesMax));
  }
  std::string message;
  if (const absl::Status status =
          SnappyDecompress(request.body, options_.write_body_decoded_max, &message);
      !status.ok()) {
    return Plain(absl::IsResourceExhausted(status) ? 413 : 400, Message(status));
  }
  storage::WriteBatch batch;
  FloatBatch floats(&batch);
  const auto decoded = codec::DecodeRemoteWrite(message, options_.label_limits, &floats);
  if (!decoded.ok()) return Plain(400, Message(decoded.status()));
  samples_received_.Add(batch.sample_count() + decoded->discarded);
  if (auto refusal = RateRefusal(call.workspace, batch)) return *std::move(refusal);
  workspace::WriteOutcome limits;
  const auto outcome = WriteWithin(call.workspace, batch, &limits);
  if (!outcome.ok()) return StoreFailed(outcome.status());
  CountDiscarded(metrics_, *decoded, *outcome, limits,
                 clock_.NowMs() - options_.sample_age_max_ms);
  if (auto answer = LimitAnswer(call.workspace, limits, *outcome, *decoded)) {
    return *std::move(answer);
  }
  // The first error in the order of the request. Validation leaves series out of the batch, so a
  // rejection's index is smaller than its place in the request by those left out before it.
  const bool invalid = !decoded->errors.empty();
  const bool rejected = !outcome->rejections.empty();
  if (invalid &&
      (!rejected || decoded->errors.front().series <= outcome->rejections.front().series)) {
    return Plain(400, decoded->errors.front().text);
  }
  if (decoded->missing_metadata_names > 0 && !rejected) {
    return Plain(400, "metadata missing metric name");
  }
  if (rejected) {
    storage::Rejection first = outcome->rejections.front();
    // A limit on age comes before the out-of-order window, and has words of its own at AMP.
    if (first.reason == RejectReason::kTooOld && options_.sample_age_max_ms > 0 &&
        first.time_ms < clock_.NowMs() - options_.sample_age_max_ms) {
      first.reason = RejectReason::kBeforeRetention;
    }
    const std::string user = call.workspace.account() + "_" + call.workspace.id();
    return Plain(400, RejectionText(first, batch.labels(batch.series()[first.series]),
                                    workspace_plane, user, options_.series_max));
  }
  if (floats.histograms() > 0) {
    return Plain(400, fmt::format("{} native histograms were left out: this version of hearth does "
                                  "not store them. The float samples of the request are stored",
                                  floats.histograms()));
  }
  net::HttpResponse response;
  response.status = workspace_plane ? 200 : 204;  // AMP answers 200, Prometheus 204
  return response;
}

}  // namespace hearth::api
