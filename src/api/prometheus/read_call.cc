// SPDX-License-Identifier: Apache-2.0
// Remote read (prometheus/storage/remote/read_handler.go): samples in one answer, or chunks as a
// stream. AMP has no such call; what it gives is what queries give, so it asks for the same action.
#include <fmt/core.h>

#include <utility>

#include "api/prometheus/chunk_stream.h"
#include "api/prometheus/parameters.h"
#include "api/prometheus/prometheus_api.h"
#include "base/compress.h"
#include "base/log.h"
#include "base/status.h"
#include "codec/remote_read.h"

namespace hearth::api {
namespace {

// Of the request: some thousand matchers.
constexpr size_t kRequestBytesMax = 1 << 20;
// Of an answer that is not streamed: it is held in memory, some 20 bytes a sample. Upstream's limit
// is ten times that; Prometheus itself asks for the stream.
constexpr uint64_t kSamplesMax = 5'000'000;

net::HttpResponse Plain(int status, std::string text) {
  return net::TextResponse(status, std::move(text) + "\n");
}

net::HttpResponse Failed(const absl::Status& status) {
  if (absl::IsResourceExhausted(status)) return Plain(400, Message(status));
  return Plain(absl::IsUnavailable(status) ? 503 : 500, Message(status));
}

// One QueryResult. ResourceExhausted: more than `left` samples.
absl::StatusOr<std::string> ReadSamples(const codec::ReadQuery& query,
                                        const model::Labels& external,
                                        const storage::Querier& querier,
                                        const std::atomic<bool>* cancelled, uint64_t* samples) {
  storage::SelectRequest request;
  request.range = {query.min_ms, query.max_ms};
  request.matchers = StoredMatchers(query.matchers, external);
  request.cancelled = cancelled;
  TRY_ASSIGN(const auto set, querier.Select(request));
  storage::ColumnBatch batch;
  std::string result;
  for (;;) {
    TRY_ASSIGN(const bool more, set->Next(&batch));
    if (!more) break;
    for (const storage::SeriesColumns& series : batch.series) {
      *samples += series.times_ms.size() + series.histograms.size();
      if (*samples > kSamplesMax) {
        return ResourceExhausted(
            "exceeded sample limit ({}); ask for less, or accept STREAMED_XOR_CHUNKS, which has no "
            "such limit",
            kSamplesMax);
      }
      codec::AppendReadSeries(
          external.empty() ? model::Labels(series.labels) : WithExternal(series.labels, external),
          {series.times_ms, series.values, series.histograms}, &result);
    }
  }
  for (const std::string& warning : set->warnings()) {
    log::Warn("api", "while reading for remote read", {{"warning", warning}});
  }
  return result;
}

}  // namespace

net::HttpResponse PrometheusApi::RemoteRead(const Call& call, const Parameters&) {
  std::string message;
  if (const absl::Status status = SnappyDecompress(call.request.body, kRequestBytesMax, &message);
      !status.ok()) {
    return Plain(400, Message(status));
  }
  auto request = codec::DecodeReadRequest(message);
  if (!request.ok()) return Plain(400, Message(request.status()));
  // The configuration's external labels are those of the workspace that it fills.
  model::Labels external;
  if (call.collector != nullptr && call.collector->config) {
    if (const auto config = call.collector->config()) external = config->external_labels;
  }
  const storage::Querier& querier = call.workspace.querier();
  if (request->streamed) {
    ChunkStream::Options options;
    options.queries = std::move(request->queries);
    options.external = std::move(external);
    options.cancelled = call.request.cancelled;
    return Stream(std::move(options), querier);
  }
  std::string answer;
  uint64_t samples = 0;
  for (const codec::ReadQuery& query : request->queries) {
    const auto result =
        ReadSamples(query, external, querier, call.request.cancelled.get(), &samples);
    if (!result.ok()) return Failed(result.status());
    codec::AppendReadResult(*result, &answer);
  }
  call.workspace.CountQuery(static_cast<int64_t>(samples));
  net::HttpResponse response;
  response.headers.Set("Content-Type", "application/x-protobuf");
  response.headers.Set("Content-Encoding", "snappy");
  response.body = SnappyCompress(answer);
  return response;
}

net::HttpResponse PrometheusApi::Stream(ChunkStream::Options options,
                                        const storage::Querier& querier) {
  options.lease = streams_.Take();
  if (options.lease == nullptr) {
    net::HttpResponse response = Plain(503, "too many remote reads and exports are under way");
    response.headers.Set("Retry-After", "1");
    return response;
  }
  auto stream = std::make_shared<ChunkStream>(std::move(options), querier);
  net::HttpResponse response;
  response.headers.Set("Content-Type", codec::kStreamedReadType);
  response.producer = [stream](std::string* out) { return stream->Produce(out); };
  return response;
}

}  // namespace hearth::api
