// SPDX-License-Identifier: Apache-2.0
#include "codec/remote_read.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/crc32c.h"
#include "base/status.h"
#include "codec/histogram_wire.h"
#include "codec/wire_fields.h"

namespace hearth::codec {
namespace {

constexpr uint32_t kTotalsField = 1000;  // hearth's own; upstream's fields are 1 and 2
constexpr size_t kLabelsMax = 10'000;
constexpr size_t kChunksMax = size_t{1} << 20;
constexpr uint64_t kStreamedXorChunks = 1;

absl::Status Malformed(std::string_view what) { return InvalidArgument("malformed {}", what); }

absl::StatusOr<model::Matcher> ReadMatcher(std::string_view message) {
  constexpr model::MatchType kTypes[] = {model::MatchType::kEqual, model::MatchType::kNotEqual,
                                         model::MatchType::kRegex, model::MatchType::kNotRegex};
  uint64_t type = 0;
  std::string_view name;
  std::string_view value;
  wire::FieldReader fields(message);
  wire::Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kVarint)) type = field.bits;
    if (field.Is(2, wire::kBytes)) name = field.bytes;
    if (field.Is(3, wire::kBytes)) value = field.bytes;
  }
  if (!fields.good()) return Malformed("matcher");
  if (type >= std::size(kTypes)) return InvalidArgument("invalid matcher type {}", type);
  return model::Matcher::Make(kTypes[type], name, value);
}

absl::StatusOr<ReadQuery> ReadOneQuery(std::string_view message) {
  ReadQuery query;
  wire::FieldReader fields(message);
  wire::Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kVarint)) query.min_ms = field.as_int();
    if (field.Is(2, wire::kVarint)) query.max_ms = field.as_int();
    if (!field.Is(3, wire::kBytes)) continue;
    if (query.matchers.size() >= kReadMatchersMax) {
      return InvalidArgument("a query has more than {} matchers", kReadMatchersMax);
    }
    TRY_ASSIGN(model::Matcher matcher, ReadMatcher(field.bytes));
    query.matchers.push_back(std::move(matcher));
  }
  if (!fields.good()) return Malformed("query");
  return query;
}

void AppendLabelFields(uint32_t number, model::LabelsView labels, std::string* out) {
  std::string pair;
  for (const model::Label& label : labels) {
    pair.clear();
    wire::AppendBytesField(1, label.name, &pair);
    wire::AppendBytesField(2, label.value, &pair);
    wire::AppendBytesField(number, pair, out);
  }
}

absl::Status ReadLabel(std::string_view message, std::vector<model::Label>* labels) {
  if (labels->size() >= kLabelsMax) return InvalidArgument("more than {} labels", kLabelsMax);
  model::Label label;
  wire::FieldReader fields(message);
  wire::Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kBytes)) label.name = field.bytes;
    if (field.Is(2, wire::kBytes)) label.value = field.bytes;
  }
  if (!fields.good() || label.name.empty()) return Malformed("label");
  labels->push_back(label);
  return absl::OkStatus();
}

absl::Status ReadChunk(std::string_view message, ReadFrame* frame) {
  if (frame->chunks.size() >= kChunksMax) {
    return InvalidArgument("a frame has more than {} chunks", kChunksMax);
  }
  ReadFrame::Chunk chunk;
  wire::FieldReader fields(message);
  wire::Field field;
  while (fields.Next(&field)) {
    if (field.Is(3, wire::kVarint)) {
      chunk.encoding = static_cast<uint8_t>(std::min<uint64_t>(field.bits, UINT8_MAX));
    }
    if (field.Is(4, wire::kBytes)) chunk.data = field.bytes;
  }
  if (!fields.good()) return Malformed("chunk");
  frame->chunks.push_back(chunk);
  return absl::OkStatus();
}

absl::Status ReadChunkedSeries(std::string_view message, ReadFrame* frame) {
  std::vector<model::Label> labels;
  wire::FieldReader fields(message);
  wire::Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kBytes)) TRY(ReadLabel(field.bytes, &labels));
    if (field.Is(2, wire::kBytes)) TRY(ReadChunk(field.bytes, frame));
  }
  if (!fields.good()) return Malformed("series");
  for (size_t i = 1; i < labels.size(); ++i) {
    if (labels[i - 1].name >= labels[i].name) {
      return InvalidArgument("the labels of a series are not sorted, or one is there twice ({})",
                             labels[i].name);
    }
  }
  frame->labels = model::Labels::FromPairs(std::move(labels));
  return absl::OkStatus();
}

absl::Status ReadTotals(std::string_view message, ReadFrame* frame) {
  frame->is_totals = true;
  wire::FieldReader fields(message);
  wire::Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kVarint)) frame->totals.series = field.bits;
    if (field.Is(2, wire::kVarint)) frame->totals.samples = field.bits;
    if (field.Is(3, wire::kFixed64)) frame->totals.checksum = field.bits;
  }
  return fields.good() ? absl::OkStatus() : Malformed("totals");
}

void AppendFrame(std::string_view message, std::string* out) {
  wire::AppendVarint(message.size(), out);
  const uint32_t crc = Crc32c(message);
  for (int shift = 24; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(crc >> shift & 0xff));
  }
  *out += message;
}

std::string ChunkMessage(const EncodedChunk& chunk) {
  std::string message;
  message.reserve(chunk.data.size() + 32);
  wire::AppendVarintField(1, static_cast<uint64_t>(chunk.min_ms), &message);
  wire::AppendVarintField(2, static_cast<uint64_t>(chunk.max_ms), &message);
  wire::AppendVarintField(3, static_cast<uint64_t>(chunk.encoding), &message);
  wire::AppendBytesField(4, chunk.data, &message);
  return message;
}

}  // namespace

absl::StatusOr<ReadRequest> DecodeReadRequest(std::string_view message) {
  ReadRequest request;
  std::vector<uint64_t> accepted;
  wire::FieldReader fields(message);
  wire::Field field;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kBytes)) {
      if (request.queries.size() >= kReadQueriesMax) {
        return InvalidArgument("more than {} queries in one request", kReadQueriesMax);
      }
      TRY_ASSIGN(ReadQuery query, ReadOneQuery(field.bytes));
      request.queries.push_back(std::move(query));
    }
    constexpr size_t kTypesMax = 100;
    if (field.number == 2 && !wire::ReadRepeatedVarint(field, kTypesMax, &accepted)) {
      return Malformed("accepted_response_types");
    }
  }
  if (!fields.good()) return Malformed("read request");
  const auto supported = std::find_if(accepted.begin(), accepted.end(),
                                      [](uint64_t type) { return type <= kStreamedXorChunks; });
  if (supported == accepted.end() && !accepted.empty()) {
    return InvalidArgument(
        "server does not support any of the requested response types: {}; supported: SAMPLES, "
        "STREAMED_XOR_CHUNKS",
        accepted.front());
  }
  request.streamed = supported != accepted.end() && *supported == kStreamedXorChunks;
  return request;
}

void AppendReadSeries(model::LabelsView labels, const SampleSpans& samples, std::string* result) {
  std::string series;
  AppendLabelFields(1, labels, &series);
  std::string inner;
  for (size_t i = 0; i < samples.times_ms.size(); ++i) {
    inner.clear();
    wire::AppendDoubleField(1, samples.values[i], &inner);
    wire::AppendVarintField(2, static_cast<uint64_t>(samples.times_ms[i]), &inner);
    wire::AppendBytesField(2, inner, &series);
  }
  for (const model::HistogramSample& sample : samples.histograms) {
    inner.clear();
    AppendHistogramMessage(sample, &inner);
    wire::AppendBytesField(4, inner, &series);
  }
  wire::AppendBytesField(1, series, result);
}

void AppendReadResult(std::string_view result, std::string* response) {
  wire::AppendBytesField(1, result, response);
}

void AppendChunkFrames(int64_t query, model::LabelsView labels,
                       std::span<const EncodedChunk> chunks, std::string* out) {
  std::string head;
  AppendLabelFields(1, labels, &head);
  std::string series = head;
  const auto flush = [&] {
    std::string message;
    wire::AppendBytesField(1, series, &message);
    if (query != 0) wire::AppendVarintField(2, static_cast<uint64_t>(query), &message);
    AppendFrame(message, out);
    series = head;
  };
  for (const EncodedChunk& chunk : chunks) {
    wire::AppendBytesField(2, ChunkMessage(chunk), &series);
    if (series.size() >= kReadFrameBytes) flush();
  }
  if (series.size() > head.size()) flush();
}

void AppendTotalsFrame(const StreamTotals& totals, std::string* out) {
  std::string inner;
  wire::AppendVarintField(1, totals.series, &inner);
  wire::AppendVarintField(2, totals.samples, &inner);
  wire::AppendDoubleField(3, std::bit_cast<double>(totals.checksum), &inner);
  std::string message;
  wire::AppendBytesField(kTotalsField, inner, &message);
  AppendFrame(message, out);
}

absl::StatusOr<bool> TakeReadFrame(std::string_view* bytes, ReadFrame* frame) {
  constexpr size_t kSizeBytesMax = 5;
  constexpr size_t kCrcBytes = 4;
  uint64_t size = 0;
  const char* p = wire::ReadVarint(bytes->data(), bytes->data() + bytes->size(), &size);
  if (p == nullptr) {
    if (bytes->size() <= kSizeBytesMax) return false;
    return InvalidArgument("a frame's size is malformed");
  }
  if (size > kReadFrameMax) {
    return InvalidArgument("a frame of {} bytes exceeds the limit of {}", size, kReadFrameMax);
  }
  const auto header = static_cast<size_t>(p - bytes->data()) + kCrcBytes;
  if (bytes->size() < header + size) return false;
  uint32_t crc = 0;
  for (size_t i = 0; i < kCrcBytes; ++i) crc = crc << 8 | static_cast<unsigned char>(p[i]);
  const std::string_view message = bytes->substr(header, size);
  if (Crc32c(message) != crc) return InvalidArgument("a frame's checksum is wrong");
  *frame = ReadFrame();
  wire::FieldReader fields(message);
  wire::Field field;
  bool found = false;
  while (fields.Next(&field)) {
    if (field.Is(1, wire::kBytes)) {
      if (std::exchange(found, true)) return InvalidArgument("a frame holds several series");
      TRY(ReadChunkedSeries(field.bytes, frame));
    }
    if (field.Is(kTotalsField, wire::kBytes)) TRY(ReadTotals(field.bytes, frame));
  }
  if (!fields.good()) return Malformed("frame");
  bytes->remove_prefix(header + size);
  return true;
}

}  // namespace hearth::codec
