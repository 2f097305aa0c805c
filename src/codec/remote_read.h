// SPDX-License-Identifier: Apache-2.0
// Remote read: prometheus.ReadRequest, ReadResponse and the frames of ChunkedReadResponse
// (prometheus/prompb/remote.proto, storage/remote/chunked.go). The same frames carry samples in and
// out of hearth's own import and export, which end them with a frame of totals.
//
//   frame: uvarint size of the message, CRC-32C of the message (big-endian), message
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/prometheus_chunk.h"
#include "model/labels.h"
#include "model/matcher.h"

namespace hearth::codec {

inline constexpr std::string_view kStreamedReadType =
    "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
// As upstream sends them at most, but for a single chunk that is larger.
inline constexpr size_t kReadFrameBytes = 1 << 20;

struct ReadQuery {
  int64_t min_ms = 0;
  int64_t max_ms = 0;  // both included
  std::vector<model::Matcher> matchers;
};
struct ReadRequest {
  std::vector<ReadQuery> queries;
  bool streamed = false;  // STREAMED_XOR_CHUNKS, else SAMPLES
};
inline constexpr size_t kReadQueriesMax = 1000;
inline constexpr size_t kReadMatchersMax = 1000;  // of one query
// InvalidArgument: malformed, a matcher that does not compile, or no response type that we send.
absl::StatusOr<ReadRequest> DecodeReadRequest(std::string_view message);

// One TimeSeries of a QueryResult.
void AppendReadSeries(model::LabelsView labels, const SampleSpans& samples, std::string* result);
// One QueryResult, made of such, of a ReadResponse.
void AppendReadResult(std::string_view result, std::string* response);

// A series' chunks as frames of at most kReadFrameBytes, one after the other.
void AppendChunkFrames(int64_t query, model::LabelsView labels,
                       std::span<const EncodedChunk> chunks, std::string* out);

// What a stream of import or export held, for whoever reads it to compare.
struct StreamTotals {
  uint64_t series = 0;
  uint64_t samples = 0;
  uint64_t checksum = 0;  // storage/sample_checksum.h
  friend bool operator==(const StreamTotals&, const StreamTotals&) = default;
};
void AppendTotalsFrame(const StreamTotals& totals, std::string* out);

// One series of a frame, or the totals. Views are into the bytes given.
struct ReadFrame {
  struct Chunk {
    uint8_t encoding = 0;
    std::string_view data;
  };
  model::Labels labels;
  std::vector<Chunk> chunks;
  bool is_totals = false;
  StreamTotals totals;
};
// Takes the frame at the front of `bytes`. False: there is none that is whole yet (not an error;
// more bytes may come). InvalidArgument: wrong checksum, malformed, or a frame larger than
// kReadFrameMax.
inline constexpr size_t kReadFrameMax = size_t{64} << 20;
absl::StatusOr<bool> TakeReadFrame(std::string_view* bytes, ReadFrame* frame);

}  // namespace hearth::codec
