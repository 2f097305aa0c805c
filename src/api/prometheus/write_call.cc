// SPDX-License-Identifier: Apache-2.0
// Remote write 1.0 and 2.0 (prometheus/storage/remote/write_handler.go; texts for AMP: aws-contract
// §11.2).
//
// Good samples of a partly bad request are stored and the answer is 400 with the first error: the
// sender does not repeat it, nothing is lost. A poison request is a 4xx, an overload 503.
#include <absl/time/time.h>
#include <fmt/core.h>

#include <type_traits>

#include "api/prometheus/answers.h"
#include "api/prometheus/prometheus_api.h"
#include "api/prometheus/write_limits.h"
#include "base/compress.h"
#include "base/status.h"
#include "base/text.h"
#include "codec/remote_write_v2.h"
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

// `explosion` says what makes so many series, where new ones are refused.
std::string RejectionText(const storage::Rejection& rejection, model::LabelsView labels,
                          bool workspace_plane, const std::string& user, size_t series_max,
                          std::string_view explosion) {
  const bool new_series =
      rejection.reason == RejectReason::kSeriesLimit || rejection.reason == RejectReason::kMemory;
  const std::string cause =
      new_series && !explosion.empty() ? fmt::format("; most of them: {}", explosion) : "";
  if (!workspace_plane) {
    return fmt::format("{}: series={}, timestamp={}{}", RootText(rejection.reason),
                       SeriesText(labels), rejection.time_ms, cause);
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
          "it. (series: {}{})",
          user, series_max, SeriesText(labels), cause);
    default:
      return fmt::format(
          "user={}: err: {}. timestamp={}, series={}", user, RootText(rejection.reason),
          absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", absl::FromUnixMillis(rejection.time_ms),
                           absl::UTCTimeZone()),
          SeriesText(labels));
  }
}

// What the body is, by its headers (spec of remote write 2.0, "Protocol"; client_golang's
// remoteapi). No headers at all are those of the first 1.0 senders.
struct Content {
  bool v2 = false;
  std::string refusal;  // the text of a 415
};

Content ContentOf(const net::HttpRequest& request) {
  Content content;
  const std::string_view type = request.headers.Find("Content-Type");
  const std::string media = net::MediaType(type);
  if (!media.empty() && media != "application/x-protobuf") {
    content.refusal =
        fmt::format("content type {} is not accepted; send application/x-protobuf", media);
    return content;
  }
  std::string_view message = codec::kRemoteWriteV1;
  for (const std::string_view parameter : Split(type, ';')) {
    std::string_view text = TrimSpace(parameter);
    if (!ToLowerAscii(text.substr(0, 6)).starts_with("proto=")) continue;
    message = text.substr(6);
    if (message.size() >= 2 && message.front() == '"' && message.back() == '"') {
      message = message.substr(1, message.size() - 2);
    }
  }
  content.v2 = message == codec::kRemoteWriteV2;
  if (!content.v2 && message != codec::kRemoteWriteV1) {
    content.refusal =
        fmt::format("{} protobuf message is not accepted by this server; only {} and {} are",
                    message, codec::kRemoteWriteV1, codec::kRemoteWriteV2);
    return content;
  }
  const std::string_view encoding = request.headers.Find("Content-Encoding");
  if (!encoding.empty() && !EqualsIgnoreCaseAscii(encoding, "snappy")) {
    content.refusal = fmt::format(
        "{} encoding (compression) is not accepted by this server; only snappy is acceptable",
        encoding);
  }
  return content;
}

// How much of the request was stored; a sender of 2.0 needs it even where the answer is an error.
// A repeated sample is written: it is there.
void SetWritten(const storage::AppendOutcome& outcome, net::HttpResponse* response) {
  const size_t histograms = outcome.stored_histograms + outcome.duplicate_histograms;
  const size_t samples = outcome.stored + outcome.duplicates - histograms;
  const auto set = [response](std::string_view what, size_t count) {
    response->headers.Set(fmt::format("X-Prometheus-Remote-Write-{}-Written", what),
                          std::to_string(count));
  };
  set("Samples", samples);
  set("Histograms", histograms);
  set("Exemplars", outcome.stored_exemplars);
}

net::HttpResponse StoreFailed(const absl::Status& status) {
  if (absl::IsInvalidArgument(status) || absl::IsUnimplemented(status)) {
    return Plain(400, Message(status));
  }
  net::HttpResponse response = Plain(503, Message(status));
  response.headers.Set("Retry-After", "1");
  return response;
}

}  // namespace

// The first error in the order of the request, "" where there is none. Validation leaves series out
// of the batch, so a rejection's index is smaller than its place in the request by those left out
// before it.
std::string PrometheusApi::FirstError(const Call& call, const storage::WriteBatch& batch,
                                      const codec::RemoteWriteOutcome& decoded,
                                      const storage::AppendOutcome& outcome) const {
  const bool rejected = !outcome.rejections.empty();
  if (!decoded.errors.empty() &&
      (!rejected || decoded.errors.front().series <= outcome.rejections.front().series)) {
    return decoded.errors.front().text;
  }
  if (!rejected) return decoded.missing_metadata_names > 0 ? "metadata missing metric name" : "";
  storage::Rejection first = outcome.rejections.front();
  // A limit on age comes before the out-of-order window, and has words of its own at AMP.
  if (first.reason == RejectReason::kTooOld && options_.sample_age_max_ms > 0 &&
      first.time_ms < clock_.NowMs() - options_.sample_age_max_ms) {
    first.reason = RejectReason::kBeforeRetention;
  }
  const std::string user = call.workspace.account() + "_" + call.workspace.id();
  return RejectionText(first, batch.labels(batch.series()[first.series]),
                       call.plane == Plane::kWorkspace, user, options_.series_max,
                       outcome.explosion);
}

net::HttpResponse PrometheusApi::Write(const Call& call) {
  const net::HttpRequest& request = call.request;
  const Content content = ContentOf(request);
  if (!content.refusal.empty()) return Plain(415, content.refusal);
  if (options_.aws_fidelity && request.body.size() > kAwsRequestBytesMax) {
    return Plain(413, fmt::format("request of {} bytes exceeds the limit of {} bytes",
                                  request.body.size(), kAwsRequestBytesMax));
  }
  const WriteScratchPool::Lease scratch(&scratches_);
  if (const absl::Status status =
          SnappyDecompress(request.body, options_.write_body_decoded_max, &scratch->message);
      !status.ok()) {
    return Plain(absl::IsResourceExhausted(status) ? 413 : 400, Message(status));
  }
  if (content.v2) {
    codec::RemoteWriteV2Reader reader(scratch->message, options_.label_limits);
    return Store(call, &reader, &scratch->batch);
  }
  codec::RemoteWriteReader reader(scratch->message, options_.label_limits);
  return Store(call, &reader, &scratch->batch);
}

// Most series of a request are known to the store by the bytes of their labels, which are then
// never decoded.
template <typename Reader>
net::HttpResponse PrometheusApi::Store(const Call& call, Reader* reader,
                                       storage::WriteBatch* batch) {
  constexpr bool kV2 = std::is_same_v<Reader, codec::RemoteWriteV2Reader>;
  absl::Status status = codec::WalkRemoteWrite(reader, batch);
  if (status.ok()) {
    call.workspace.Resolve(batch);
    status = codec::DecodeUnknown(reader, batch);
  }
  if (!status.ok()) return Plain(400, Message(status));
  const codec::RemoteWriteOutcome& decoded = reader->outcome();
  samples_received_.Add(batch->sample_count() + decoded.discarded);
  if (auto refusal = RateRefusal(call.workspace, *batch)) return *std::move(refusal);
  workspace::WriteOutcome limits;
  auto outcome = WriteWithin(call.workspace, *batch, &limits);
  if (absl::IsAborted(outcome.status())) {
    batch->ForgetKnown();
    if (status = codec::DecodeUnknown(reader, batch); !status.ok()) {
      return Plain(400, Message(status));
    }
    outcome = WriteWithin(call.workspace, *batch, &limits);
  }
  if (!outcome.ok()) return StoreFailed(outcome.status());
  CountDiscarded(metrics_, decoded, *outcome, limits, clock_.NowMs() - options_.sample_age_max_ms);
  if (auto answer = LimitAnswer(call.workspace, limits, *outcome, decoded)) {
    if (kV2) SetWritten(*outcome, &*answer);
    return *std::move(answer);
  }
  net::HttpResponse response;
  response.status = call.plane == Plane::kWorkspace ? 200 : 204;  // AMP answers 200, Prometheus 204
  if (!outcome->rejections.empty()) {
    codec::DecodeLabels(reader, outcome->rejections.front().series, batch);
  }
  if (std::string error = FirstError(call, *batch, decoded, *outcome); !error.empty()) {
    response = Plain(400, std::move(error));
  }
  if (kV2) SetWritten(*outcome, &response);
  return response;
}

}  // namespace hearth::api
