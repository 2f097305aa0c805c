// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_records.h"

#include <bit>

#include "base/compress.h"
#include "base/status.h"
#include "tsdb/coding.h"
#include "tsdb/histogram_codec.h"
#include "tsdb/wal.h"

namespace hearth::tsdb {
namespace {

// A decoded series frame: every label set of a request, which had at most 128 MiB.
constexpr size_t kSeriesBytesMax = 512 << 20;
// Enough that looking one up can wait for memory while the others are read.
constexpr size_t kSeriesTogether = 64;

constexpr size_t kVarintMax = 10;       // bytes of any varint
constexpr size_t kSeriesChangeMax = 5;  // of the change of a 32-bit number

char* WriteVarint(uint64_t value, char* at) {
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(value | 0x80);
  *at++ = static_cast<char>(value);
  return at;
}

// So many bytes more, and where they begin.
char* Extend(size_t bytes, std::string* out) {
  const size_t size = out->size();
  out->resize(size + bytes);
  return out->data() + size;
}

void Shrink(const char* end, std::string* out) {
  out->resize(static_cast<size_t>(end - out->data()));
}

unsigned HighBytes(uint64_t value) {
  return value == 0 ? 0 : 8 - static_cast<unsigned>(std::countr_zero(value)) / 8;
}

}  // namespace

void SeriesFrame::Start(uint32_t generation) {
  generation_ = generation;
  count_ = 0;
  body_.clear();
}

void SeriesFrame::Add(uint32_t series, model::LabelsView labels) {
  PutVarint(series, &body_);
  PutBytes(labels.packed(), &body_);
  ++count_;
}

std::string_view SeriesFrame::Finish() {
  payload_.clear();
  PutVarint(generation_, &payload_);
  PutVarint(count_, &payload_);
  payload_ += SnappyCompress(body_);
  return payload_;
}

absl::Status DecodeSeries(std::string_view payload,
                          absl::FunctionRef<void(uint32_t, std::span<const SeriesRecord>)> visit) {
  ByteReader head(payload);
  const auto generation = static_cast<uint32_t>(head.Varint());
  const uint64_t count = head.Varint();
  std::string body;
  TRY(SnappyDecompress(head.Take(head.left()), kSeriesBytesMax, &body));
  ByteReader reader(body);
  std::vector<SeriesRecord> records;
  uint64_t read = 0;
  for (; read < count; ++read) {
    const auto series = static_cast<uint32_t>(reader.Varint());
    const std::string_view packed = reader.Bytes();
    if (!reader.ok() || !model::IsWellFormedPacked(packed)) break;
    records.push_back({series, model::LabelsView(packed)});
    if (records.size() < kSeriesTogether) continue;
    visit(generation, records);
    records.clear();
  }
  if (!records.empty()) visit(generation, records);
  return read == count ? absl::OkStatus() : DataLoss("series frame does not parse");
}

// Columns: varint generation, varint n; per sample zigzag change of the series number; zigzag
// change of the time; then how many high bytes of the value are not zero (two to a byte); those.
void EncodeSamples(uint32_t generation, const std::vector<SampleRecord>& samples,
                   std::string* payload) {
  payload->clear();
  PutVarint(generation, payload);
  PutVarint(samples.size(), payload);
  // Room for a column at a time, taken back as far as it was not needed.
  char* at = Extend(samples.size() * kSeriesChangeMax, payload);
  int64_t series = 0;
  for (const SampleRecord& sample : samples) {
    at = WriteVarint(Zigzag(int64_t{sample.series} - series), at);
    series = sample.series;
  }
  Shrink(at, payload);
  at = Extend(samples.size() * kVarintMax, payload);
  int64_t time = 0;
  for (const SampleRecord& sample : samples) {
    at = WriteVarint(Zigzag(WrappingSub(sample.time_ms, time)), at);
    time = sample.time_ms;
  }
  Shrink(at, payload);
  const size_t pairs = (samples.size() + 1) / 2;
  char* sizes = Extend(pairs + samples.size() * 8, payload);
  at = sizes + pairs;
  for (size_t i = 0; i < samples.size(); ++i) {
    const unsigned size = HighBytes(samples[i].value_bits);
    // High bytes first, so that eight can be stored and only the used ones counted.
    const uint64_t swapped = __builtin_bswap64(samples[i].value_bits);
    std::memcpy(at, &swapped, 8);
    at += size;
    if ((i & 1) == 0) {
      *sizes = static_cast<char>(size);
    } else {
      *sizes = static_cast<char>(static_cast<unsigned char>(*sizes) | size << 4);
      ++sizes;
    }
  }
  Shrink(at, payload);
}

absl::Status DecodeSamples(std::string_view payload,
                           absl::FunctionRef<void(uint32_t, const SampleRecord&)> visit) {
  ByteReader reader(payload);
  const auto generation = static_cast<uint32_t>(reader.Varint());
  const size_t count = reader.Count(2);
  std::vector<SampleRecord> samples(count);
  int64_t series = 0;
  for (SampleRecord& sample : samples) {
    series = WrappingAdd(series, reader.SignedVarint());
    sample.series = static_cast<uint32_t>(series);
  }
  int64_t time = 0;
  for (SampleRecord& sample : samples) {
    time = WrappingAdd(time, reader.SignedVarint());
    sample.time_ms = time;
  }
  const std::string_view sizes = reader.Take((count + 1) / 2);
  for (size_t i = 0; i < count && reader.ok(); ++i) {
    const auto pair = static_cast<unsigned char>(sizes[i / 2]);
    const unsigned size = (i & 1) != 0 ? pair >> 4 : pair & 15;
    const std::string_view bytes = reader.Take(size);
    if (size > 8 || !reader.ok()) return DataLoss("samples frame does not parse");
    uint64_t value = 0;
    std::memcpy(&value, bytes.data(), size);
    samples[i].value_bits = __builtin_bswap64(value);
  }
  if (!reader.ok() || !reader.done()) return DataLoss("samples frame does not parse");
  for (const SampleRecord& sample : samples) visit(generation, sample);
  return absl::OkStatus();
}

// varint size of a samples frame's payload, that; then of each sample its start's zigzag change.
void EncodeStartedSamples(uint32_t generation, const std::vector<SampleRecord>& samples,
                          const std::vector<int64_t>& starts, std::string* payload) {
  std::string columns;
  EncodeSamples(generation, samples, &columns);
  payload->clear();
  PutBytes(columns, payload);
  int64_t before = 0;
  for (const int64_t start : starts) {
    PutZigzag(WrappingSub(start, before), payload);
    before = start;
  }
}

absl::Status DecodeStartedSamples(
    std::string_view payload,
    absl::FunctionRef<void(uint32_t, const SampleRecord&, int64_t)> visit) {
  ByteReader reader(payload);
  const std::string_view columns = reader.Bytes();
  int64_t start = 0;
  TRY(DecodeSamples(columns, [&](uint32_t generation, const SampleRecord& record) {
    start = WrappingAdd(start, reader.SignedVarint());
    if (reader.ok()) visit(generation, record, start);
  }));
  return reader.ok() && reader.done() ? absl::OkStatus() : DataLoss("start times do not parse");
}

// varint generation, varint n; then of each the zigzag change of the series number, and the
// histogram, coded against the one before.
void EncodeHistograms(uint32_t generation, const std::vector<HistogramRecord>& histograms,
                      std::string* payload) {
  payload->clear();
  PutVarint(generation, payload);
  PutVarint(histograms.size(), payload);
  HistogramEncoder encoder;
  int64_t series = 0;
  for (const HistogramRecord& record : histograms) {
    PutZigzag(int64_t{record.series} - series, payload);
    series = record.series;
    encoder.Append(record.sample, payload);
  }
}

absl::Status DecodeHistogramsFrame(
    std::string_view payload, absl::FunctionRef<void(uint32_t, const HistogramRecord&)> visit) {
  ByteReader reader(payload);
  const auto generation = static_cast<uint32_t>(reader.Varint());
  HistogramDecoder decoder;
  int64_t series = 0;
  for (size_t n = reader.Count(3); n > 0; --n) {
    HistogramRecord record;
    series = WrappingAdd(series, reader.SignedVarint());
    record.series = static_cast<uint32_t>(series);
    if (!reader.ok() || !decoder.Next(&reader, &record.sample)) {
      return DataLoss("histograms frame does not parse");
    }
    visit(generation, record);
  }
  return reader.ok() && reader.done() ? absl::OkStatus()
                                      : DataLoss("histograms frame does not parse");
}

// varint generation before, varint generation now, varint n; then of each run the varints of the
// number before, the number now, and how many.
void EncodeCarried(uint32_t before, uint32_t now, std::span<const CarriedRun> runs,
                   std::string* payload) {
  payload->clear();
  PutVarint(before, payload);
  PutVarint(now, payload);
  PutVarint(runs.size(), payload);
  for (const CarriedRun& run : runs) {
    PutVarint(run.before, payload);
    PutVarint(run.now, payload);
    PutVarint(run.count, payload);
  }
}

absl::Status DecodeCarried(
    std::string_view payload,
    absl::FunctionRef<void(uint32_t, uint32_t, std::span<const CarriedRun>)> visit) {
  ByteReader reader(payload);
  const auto before = static_cast<uint32_t>(reader.Varint());
  const auto now = static_cast<uint32_t>(reader.Varint());
  std::vector<CarriedRun> runs(reader.Count(3));
  uint64_t series = 0;
  for (CarriedRun& run : runs) {
    run.before = static_cast<uint32_t>(reader.Varint());
    run.now = static_cast<uint32_t>(reader.Varint());
    run.count = static_cast<uint32_t>(reader.Varint());
    series += run.count;
  }
  if (!reader.ok() || !reader.done() || series > kCarriedMax) {
    return DataLoss("carried series do not parse");
  }
  visit(before, now, runs);
  return absl::OkStatus();
}

void EncodeMetadata(const std::vector<model::Metadata>& metadata, std::string* payload) {
  payload->clear();
  PutVarint(metadata.size(), payload);
  for (const model::Metadata& entry : metadata) {
    PutBytes(entry.metric, payload);
    PutVarint(static_cast<uint64_t>(entry.type), payload);
    PutBytes(entry.help, payload);
    PutBytes(entry.unit, payload);
  }
}

absl::Status DecodeMetadata(std::string_view payload,
                            absl::FunctionRef<void(model::Metadata)> visit) {
  ByteReader reader(payload);
  const size_t count = reader.Count(4);
  for (size_t i = 0; i < count; ++i) {
    model::Metadata entry;
    entry.metric = reader.Bytes();
    const uint64_t type = reader.Varint();
    entry.help = reader.Bytes();
    entry.unit = reader.Bytes();
    if (!reader.ok()) return DataLoss("metadata does not parse");
    entry.type = type <= static_cast<uint64_t>(model::MetricType::kStateset)
                     ? static_cast<model::MetricType>(type)
                     : model::MetricType::kUnknown;
    visit(std::move(entry));
  }
  return reader.ok() ? absl::OkStatus() : DataLoss("metadata does not parse");
}

}  // namespace hearth::tsdb
