// SPDX-License-Identifier: Apache-2.0
#include "codec/prometheus_chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>

#include "base/status.h"
#include "codec/bit_stream.h"
#include "codec/chunk_bits.h"

namespace hearth::codec {
namespace {

using model::CounterResetHint;
using model::NativeHistogram;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out.push_back(static_cast<char>(value));
  return out;
}

ChunkSamples RoundTrip(const ChunkSamples& samples, size_t* chunks = nullptr,
                       bool with_starts = false) {
  std::vector<EncodedChunk> encoded;
  EncodeChunks(SpansOf(samples), with_starts, &encoded);
  ChunkSamples decoded;
  uint64_t counted = 0;
  int64_t before = INT64_MIN;
  for (const EncodedChunk& chunk : encoded) {
    EXPECT_GT(chunk.min_ms, before);
    EXPECT_LE(chunk.min_ms, chunk.max_ms);
    before = chunk.max_ms;
    counted += chunk.samples;
    EXPECT_TRUE(DecodeChunk(static_cast<uint8_t>(chunk.encoding), chunk.data, &decoded).ok());
  }
  EXPECT_EQ(counted, samples.size());
  if (chunks != nullptr) *chunks = encoded.size();
  return decoded;
}

void ExpectSame(const ChunkSamples& a, const ChunkSamples& b) {
  EXPECT_EQ(a.times_ms, b.times_ms);
  ASSERT_EQ(a.values.size(), b.values.size());
  for (size_t i = 0; i < a.values.size(); ++i)
    EXPECT_TRUE(model::SameBits(a.values[i], b.values[i]));
  ASSERT_EQ(a.histograms.size(), b.histograms.size());
  for (size_t i = 0; i < a.histograms.size(); ++i) {
    EXPECT_EQ(a.histograms[i].time_ms, b.histograms[i].time_ms);
    NativeHistogram x = *a.histograms[i].histogram;
    NativeHistogram y = *b.histograms[i].histogram;
    // The first of a chunk has no hint that counts.
    if (x.hint != CounterResetHint::kGauge && y.hint != CounterResetHint::kGauge) x.hint = y.hint;
    EXPECT_TRUE(SameBits(x, y)) << i;
  }
}

NativeHistogram Example(int scale, bool is_float) {
  NativeHistogram h;
  h.is_float = is_float;
  h.schema = 3;
  h.zero_threshold = 0x1p-128;
  h.zero_count = scale;
  h.positive_spans = {{-2, 2}, {3, 1}};
  h.positive_buckets = {1.0 * scale, 5.0 * scale, 0};
  h.negative_spans = {{0, 1}};
  h.negative_buckets = {2.0 * scale};
  h.count = 9.0 * scale;
  h.sum = 0.25 * scale;
  if (is_float) h.positive_buckets[1] += 0.5;
  h.hint = scale == 1 ? CounterResetHint::kUnknown : CounterResetHint::kNotReset;
  return h;
}

model::HistogramSample At(int64_t time_ms, NativeHistogram h) {
  return {time_ms, std::make_shared<const NativeHistogram>(std::move(h))};
}

// By hand from docs/format/chunks.md: 1000 → 2 (varint 0xd0 0x0f), delta 1000, dod 0.
TEST(PrometheusChunk, XorBytesAreAsDocumented) {
  ChunkSamples samples;
  samples.times_ms = {1000, 2000, 3000};
  samples.values = {1, 1, 1};
  std::vector<EncodedChunk> chunks;
  EncodeChunks(SpansOf(samples), false, &chunks);
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(chunks[0].data, Bytes({0, 3, 0xd0, 0x0f, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0,  // 1000, 1.0
                                   0xe8, 0x07, 0}));  // +1000, same value, dod 0, same value
}

TEST(PrometheusChunk, FloatsComeBackBitByBit) {
  ChunkSamples samples;
  const double values[] = {0,
                           -0.0,
                           1.5,
                           std::numeric_limits<double>::denorm_min(),
                           std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity(),
                           model::StaleNan(),
                           model::NormalNan(),
                           1e300,
                           3,
                           3};
  const int64_t steps[] = {1, 8192, -8191, 8193, 65'536, -65'535, 70'000, 524'288, 600'000, 1, 0};
  int64_t time_ms = -5'000'000;
  for (int i = 0; i < 500; ++i) {
    samples.times_ms.push_back(time_ms);
    samples.values.push_back(values[i % 11]);
    time_ms += 1'000'000 + steps[i % 11];
  }
  size_t chunks = 0;
  ExpectSame(RoundTrip(samples, &chunks), samples);
  EXPECT_EQ(chunks, 5U);  // of 120 samples
}

TEST(PrometheusChunk, TimesFarApartComeBack) {
  ChunkSamples samples;
  samples.times_ms = {INT64_MIN / 2, -1, 0, INT64_MAX / 2};
  samples.values = {1, 2, 3, 4};
  ExpectSame(RoundTrip(samples), samples);
}

TEST(PrometheusChunk, HistogramsComeBackBitByBit) {
  for (const bool is_float : {false, true}) {
    ChunkSamples samples;
    for (int i = 1; i <= 300; ++i)
      samples.histograms.push_back(At(i * 15'000, Example(i, is_float)));
    samples.histograms.push_back({301 * 15'000, model::StaleHistogram()});
    samples.histograms.push_back({302 * 15'000, model::StaleHistogram()});
    samples.histograms.push_back(At(303 * 15'000, Example(1, is_float)));
    ExpectSame(RoundTrip(samples), samples);
  }
}

TEST(PrometheusChunk, CustomBoundsComeBack) {
  ChunkSamples samples;
  NativeHistogram h;
  h.schema = model::kCustomBucketsSchema;
  h.custom_values = {0.005, 0.1, 1, 33'554.430, 33'554.431, 1e9, 1.0 / 3};
  std::sort(h.custom_values.begin(), h.custom_values.end());
  h.positive_spans = {{0, 2}};
  h.positive_buckets = {1, 2};
  h.count = 3;
  h.sum = 4;
  h.hint = CounterResetHint::kGauge;
  samples.histograms = {At(1, h), At(2, h)};
  size_t chunks = 0;
  ExpectSame(RoundTrip(samples, &chunks), samples);
  EXPECT_EQ(chunks, 1U);
}

TEST(PrometheusChunk, NewLayoutHintOrKindIsANewChunk) {
  ChunkSamples samples;
  NativeHistogram wider = Example(3, false);
  wider.positive_spans = {{-2, 4}};
  wider.positive_buckets = {3, 15, 0, 1};
  NativeHistogram reset = Example(1, false);
  reset.hint = CounterResetHint::kReset;
  samples.histograms = {At(10, Example(1, false)), At(20, Example(2, false)), At(30, wider),
                        At(50, reset), At(60, Example(2, true))};
  samples.times_ms = {40};
  samples.values = {7};
  size_t chunks = 0;
  ExpectSame(RoundTrip(samples, &chunks), samples);
  EXPECT_EQ(chunks, 5U);
}

TEST(PrometheusChunk, StartTimesComeBackWhereTheyAreAskedFor) {
  for (const int changes_every : {1, 7, 1000}) {
    ChunkSamples samples;
    for (int i = 0; i < 400; ++i) {
      samples.times_ms.push_back(i * 15'000 + (i % 5 == 0 ? i * 3 : 0));
      samples.values.push_back(i % 11 == 3 ? model::StaleNan() : (i / 4) * 0.1);
      samples.start_times_ms.push_back(i < 3 ? 0 : (i / changes_every) * 1000 + 1);
    }
    for (const bool is_float : {false, true}) {
      for (int i = 1; i < 200; ++i) {
        samples.histograms.push_back(
            At((is_float ? 20'000'000 : 10'000'000) + i * 15'000, Example(i, is_float)));
        samples.histograms.back().start_time_ms = (i / changes_every) * 500;
      }
    }
    const ChunkSamples back = RoundTrip(samples, nullptr, true);
    ExpectSame(back, samples);
    EXPECT_EQ(back.start_times_ms, samples.start_times_ms);
    for (size_t i = 0; i < samples.histograms.size(); ++i) {
      EXPECT_EQ(back.histograms[i].start_time_ms, samples.histograms[i].start_time_ms);
    }
    const ChunkSamples without = RoundTrip(samples);
    ExpectSame(without, samples);
    EXPECT_TRUE(without.start_times_ms.empty());
  }
}

// By hand, as docs/format/chunks.md has it.
TEST(PrometheusChunk, ReadsXor2WithStartTimesAndStaleness) {
  std::string data("\x00\x05\x82", 3);  // 5 samples, first start known, changes on sample 2
  BitWriter out(&data);
  out.Varint(1000);
  out.Bits(std::bit_cast<uint64_t>(2.0), 64);
  out.Varint(1000 - 400);  // start 400
  out.Uvarint(10);         // 1010
  out.Bit(false);          // same value
  out.Bit(false);          // 1020, same value
  WriteVarbitInt(1010 - 1015, &out);
  out.Bits(0b11111, 5);  // 1030, stale
  WriteVarbitInt(1020 - 1015 - (1010 - 1015), &out);
  out.Bits(0b110, 3);  // dod of 13 bits
  out.Bits(static_cast<uint64_t>(-3), 13);
  out.Bit(false);  // the value before the marker
  WriteVarbitInt(1030 - 1015 - (1020 - 1015), &out);
  ChunkSamples samples;
  ASSERT_TRUE(DecodeChunk(4, data, &samples).ok());
  EXPECT_THAT(samples.times_ms, ElementsAre(1000, 1010, 1020, 1030, 1037));
  EXPECT_THAT(samples.start_times_ms, ElementsAre(400, 400, 1015, 1015, 1015));
  EXPECT_EQ(samples.values[2], 2.0);
  EXPECT_TRUE(model::IsStaleNan(samples.values[3]));
  EXPECT_EQ(samples.values[4], 2.0);
}

TEST(PrometheusChunk, TrimsToARange) {
  ChunkSamples samples;
  samples.times_ms = {1, 2, 3, 4};
  samples.values = {1, 2, 3, 4};
  samples.start_times_ms = {7, 8};
  samples.histograms = {At(0, Example(1, false)), At(5, Example(1, false))};
  samples.Trim(2, 4);
  EXPECT_THAT(samples.times_ms, ElementsAre(2, 3, 4));
  EXPECT_THAT(samples.values, ElementsAre(2, 3, 4));
  EXPECT_THAT(samples.start_times_ms, ElementsAre(8));
  EXPECT_TRUE(samples.histograms.empty());
}

// Some KiB that say 65,535 histograms of 60,000 empty spans, or bounds, each.
TEST(PrometheusChunk, RefusesLayoutsThatAreManyTimesTheirBytes) {
  constexpr uint64_t kMany = 60'000;
  for (const bool spans : {true, false}) {
    std::string data = Bytes({0xff, 0xff, 0});
    BitWriter out(&data);
    out.Bits(0, 8);  // zero threshold
    WriteVarbitInt(spans ? 0 : model::kCustomBucketsSchema, &out);
    WriteVarbitUint(spans ? kMany : 0, &out);
    for (uint64_t i = 0; spans && i < kMany; ++i) out.Bits(0, 2);  // length and offset
    WriteVarbitUint(0, &out);
    if (!spans) {
      WriteVarbitUint(kMany, &out);
      for (uint64_t i = 0; i < kMany; ++i) WriteVarbitUint(1, &out);
    }
    ChunkSamples samples;
    EXPECT_THAT(Message(DecodeChunk(2, data, &samples)), HasSubstr("are more than")) << spans;
  }
}

TEST(PrometheusChunk, RefusesWhatIsMalformed) {
  struct Row {
    uint8_t encoding;
    std::string data;
    std::string says;
  };
  const Row rows[] = {
      {7, "", "encoding 7 is not known"},
      {0, "", "encoding 0 is not known"},
      {1, Bytes({0}), "has no header"},
      {1, Bytes({0, 1}), "ends early"},
      {1, Bytes({0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), "not after"},
      {2, Bytes({0, 1}), "has no header"},
      {2, Bytes({0, 1, 0}), "malformed"},
      {2, Bytes({0, 1, 0, 0, 0xc4, 0x80}), "schema 9 is not known"},
      {3, Bytes({0, 1, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}),
       "layout"},
  };
  for (const Row& row : rows) {
    ChunkSamples samples;
    samples.times_ms = {1};
    samples.values = {1};
    const absl::Status status = DecodeChunk(row.encoding, row.data, &samples);
    EXPECT_THAT(Message(status), HasSubstr(row.says)) << static_cast<int>(row.encoding);
    EXPECT_EQ(samples.size(), 1U);
  }
}

}  // namespace
}  // namespace hearth::codec
