// SPDX-License-Identifier: Apache-2.0
#include "codec/remote_read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "codec/wire.h"

namespace hearth::codec {
namespace {

using model::Labels;
using ::testing::HasSubstr;

std::string QueryMessage(int64_t min_ms, int64_t max_ms, uint64_t type, std::string_view name,
                         std::string_view value) {
  std::string matcher;
  wire::AppendVarintField(1, type, &matcher);
  wire::AppendBytesField(2, name, &matcher);
  wire::AppendBytesField(3, value, &matcher);
  std::string query;
  wire::AppendVarintField(1, static_cast<uint64_t>(min_ms), &query);
  wire::AppendVarintField(2, static_cast<uint64_t>(max_ms), &query);
  wire::AppendBytesField(3, matcher, &query);
  std::string request;
  wire::AppendBytesField(1, query, &request);
  return request;
}

TEST(RemoteRead, DecodesARequest) {
  const auto request = DecodeReadRequest(QueryMessage(-5, 7, 2, "job", "a.*"));
  ASSERT_TRUE(request.ok());
  ASSERT_EQ(request->queries.size(), 1U);
  EXPECT_EQ(request->queries[0].min_ms, -5);
  EXPECT_EQ(request->queries[0].max_ms, 7);
  ASSERT_EQ(request->queries[0].matchers.size(), 1U);
  EXPECT_EQ(request->queries[0].matchers[0].ToString(), R"(job=~"a.*")");
  EXPECT_FALSE(request->streamed);
}

TEST(RemoteRead, TakesTheFirstResponseTypeItKnows) {
  struct Row {
    std::vector<uint64_t> accepted;
    bool ok;
    bool streamed;
  };
  for (const Row& row :
       {Row{{}, true, false}, Row{{0}, true, false}, Row{{1, 0}, true, true},
        Row{{0, 1}, true, false}, Row{{9, 1}, true, true}, Row{{9}, false, false}}) {
    std::string packed;
    for (const uint64_t type : row.accepted) wire::AppendVarint(type, &packed);
    std::string message;
    wire::AppendBytesField(2, packed, &message);
    const auto request = DecodeReadRequest(message);
    ASSERT_EQ(request.ok(), row.ok);
    if (row.ok) {
      EXPECT_EQ(request->streamed, row.streamed);
    }
  }
}

TEST(RemoteRead, RefusesWhatItCannotAnswer) {
  EXPECT_THAT(Message(DecodeReadRequest("\x0a\x05").status()), HasSubstr("malformed"));
  EXPECT_THAT(Message(DecodeReadRequest(QueryMessage(0, 1, 4, "a", "b")).status()),
              HasSubstr("matcher type 4"));
  EXPECT_FALSE(DecodeReadRequest(QueryMessage(0, 1, 2, "a", "(")).ok());
}

TEST(RemoteRead, FramesComeBackWhole) {
  std::vector<int64_t> times;
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) {
    times.push_back(i * 15'000);
    values.push_back(i * 0.1);
  }
  std::vector<EncodedChunk> chunks;
  EncodeChunks({times, values, {}}, false, &chunks);
  const Labels labels({{"__name__", "up"}, {"job", "x"}});
  std::string stream;
  AppendChunkFrames(3, labels, chunks, &stream);
  AppendTotalsFrame({1, 1000, 0x1234567890abcdef}, &stream);

  std::string_view rest = stream;
  ReadFrame frame;
  ASSERT_TRUE(*TakeReadFrame(&rest, &frame));
  EXPECT_EQ(frame.labels, labels);
  ChunkSamples samples;
  for (const ReadFrame::Chunk& chunk : frame.chunks) {
    ASSERT_TRUE(DecodeChunk(chunk.encoding, chunk.data, &samples).ok());
  }
  EXPECT_EQ(samples.times_ms, times);
  EXPECT_EQ(samples.values, values);
  ASSERT_TRUE(*TakeReadFrame(&rest, &frame));
  EXPECT_TRUE(frame.is_totals);
  EXPECT_EQ(frame.totals, (StreamTotals{1, 1000, 0x1234567890abcdef}));
  EXPECT_TRUE(rest.empty());
}

TEST(RemoteRead, WaitsForAFrameThatIsNotWhole) {
  std::string stream;
  AppendTotalsFrame({1, 2, 3}, &stream);
  ReadFrame frame;
  for (size_t size = 0; size < stream.size(); ++size) {
    std::string_view part = std::string_view(stream).substr(0, size);
    EXPECT_FALSE(*TakeReadFrame(&part, &frame));
  }
}

TEST(RemoteRead, NoticesEveryFlippedByteOfAFrame) {
  std::string stream;
  AppendTotalsFrame({1, 2, 3}, &stream);
  ReadFrame frame;
  for (size_t i = 0; i < stream.size(); ++i) {
    std::string damaged = stream;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    std::string_view rest = damaged;
    const auto taken = TakeReadFrame(&rest, &frame);
    EXPECT_FALSE(taken.ok() && *taken) << i;
  }
}

TEST(RemoteRead, SplitsASeriesOverFramesOfAMebibyte) {
  std::vector<EncodedChunk> chunks(40);
  for (EncodedChunk& chunk : chunks) chunk.data.assign(100'000, 'x');
  std::string stream;
  AppendChunkFrames(0, Labels({{"a", "b"}}), chunks, &stream);
  std::string_view rest = stream;
  ReadFrame frame;
  size_t frames = 0;
  size_t found = 0;
  while (*TakeReadFrame(&rest, &frame)) {
    ++frames;
    found += frame.chunks.size();
    EXPECT_EQ(frame.labels.Get("a"), "b");
  }
  EXPECT_EQ(frames, 4U);
  EXPECT_EQ(found, 40U);
}

}  // namespace
}  // namespace hearth::codec
