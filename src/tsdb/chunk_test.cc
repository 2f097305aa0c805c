// SPDX-License-Identifier: Apache-2.0
#include "tsdb/chunk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "base/rng.h"
#include "model/value.h"

namespace hearth::tsdb {
namespace {

struct Point {
  int64_t time_ms;
  double value;
};

class Builder {
 public:
  bool Append(int64_t time_ms, uint64_t value_bits) {
    const Sample sample{time_ms, value_bits};
    if (!AppendToChunk(last_, sample, &arena_, &chunk_)) return false;
    last_ = sample;
    return true;
  }
  Chunk Finish() { return FinishChunk(last_.time_ms, &arena_, &chunk_); }
  bool empty() const { return chunk_.empty(); }
  uint32_t bytes() const { return chunk_.bytes(); }

 private:
  ChunkArena arena_;
  OpenChunk chunk_;
  Sample last_;
};

void ExpectRoundTrip(const std::vector<Point>& points) {
  Builder builder;
  for (const Point& point : points) {
    ASSERT_TRUE(builder.Append(point.time_ms, std::bit_cast<uint64_t>(point.value)));
  }
  const Chunk chunk = builder.Finish();
  ASSERT_EQ(chunk.count, points.size());
  std::vector<int64_t> times(chunk.count);
  std::vector<double> values(chunk.count);
  DecodeChunk(chunk.data.get(), chunk.count, times.data(), values.data());
  for (size_t i = 0; i < points.size(); ++i) {
    ASSERT_EQ(times[i], points[i].time_ms) << i;
    ASSERT_EQ(std::bit_cast<uint64_t>(values[i]), std::bit_cast<uint64_t>(points[i].value)) << i;
  }
  EXPECT_EQ(chunk.shape.marked, std::any_of(values.begin(), values.end(), model::IsStaleNan));
  EXPECT_TRUE(builder.empty());
  if (!chunk.shape.regular) return;
  std::vector<int64_t> even(chunk.count);
  RegularTimes(chunk.first_ms, chunk.last_ms, chunk.count, even.data());
  EXPECT_EQ(even, times);
  std::vector<double> again(chunk.count);
  DecodeRegularChunk(chunk.data.get(), chunk.count, again.data());
  for (size_t i = 0; i < chunk.count; ++i) {
    ASSERT_EQ(std::bit_cast<uint64_t>(again[i]), std::bit_cast<uint64_t>(values[i])) << i;
  }
}

TEST(Chunk, KeepsAwkwardValuesBitForBit) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double values[] = {0.0,
                           -0.0,
                           1,
                           model::StaleNan(),
                           model::StaleNan(),
                           2,
                           model::NormalNan(),
                           infinity,
                           -infinity,
                           0.1,
                           9007199254740992.0,
                           -9007199254740992.0,
                           9007199254740994.0,
                           std::numeric_limits<double>::denorm_min(),
                           std::numeric_limits<double>::max(),
                           std::bit_cast<double>(uint64_t{0xfff8dead00000001}),
                           3};
  std::vector<Point> points;
  int64_t time = std::numeric_limits<int64_t>::min();
  for (const double a : values) {
    for (const double b : {1.0, a, 7.5}) points.push_back({time += 1, b});
  }
  ExpectRoundTrip(points);
}

TEST(Chunk, KeepsWideSpacing) {
  constexpr int64_t kWidest = std::numeric_limits<int32_t>::max();
  ExpectRoundTrip({{std::numeric_limits<int64_t>::min(), 1},
                   {std::numeric_limits<int64_t>::min() + 1, 2},
                   {std::numeric_limits<int64_t>::min() + 1 + kWidest, 3},
                   {std::numeric_limits<int64_t>::min() + 2 + kWidest, 4}});
}

TEST(Chunk, LeavesWiderSpacingToANewOne) {
  Builder builder;
  ASSERT_TRUE(builder.Append(std::numeric_limits<int64_t>::min(), 1));
  EXPECT_FALSE(builder.Append(std::numeric_limits<int64_t>::max(), 1));
  EXPECT_FALSE(builder.Append(0, 1));
  EXPECT_TRUE(builder.Append(std::numeric_limits<int64_t>::min() + 1, 1));
}

TEST(Chunk, KeepsRandomWalks) {
  SeededRng rng(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Point> points;
    int64_t time = 1'700'000'000'000;
    double value = static_cast<double>(rng.Below(1000));
    const size_t n = 1 + rng.Below(kChunkSamplesMax);
    for (size_t i = 0; i < n; ++i) {
      time += 15'000 + (round % 3 == 0 ? 0 : static_cast<int64_t>(rng.Below(50)));
      switch (round % 5) {
        case 0:
          value += static_cast<double>(rng.Below(100));
          break;
        case 1:
          value = rng.Below(4) == 0 ? static_cast<double>(rng.Below(10)) : value;
          break;
        case 2:
          value += 0.01;
          break;
        case 3:
          value = std::bit_cast<double>(rng.Next());
          break;
        default:
          value = rng.Below(2) == 0 ? 1e15 : -0.5;
      }
      points.push_back({time, value});
    }
    ExpectRoundTrip(points);
  }
}

TEST(Chunk, IsSmallForWhatScrapesBring) {
  Builder counter;
  Builder constant;
  for (int i = 0; i < 120; ++i) {
    ASSERT_TRUE(counter.Append(i * 15'000, std::bit_cast<uint64_t>(1e6 + 37.0 * i)));
    ASSERT_TRUE(constant.Append(i * 15'000, std::bit_cast<uint64_t>(0.1)));
  }
  EXPECT_LE(counter.bytes(), 16 + 4 + 120);
  EXPECT_LE(constant.bytes(), 16 + 4 + 15);
}

TEST(Chunk, KnowsItsShape) {
  const uint64_t one = std::bit_cast<uint64_t>(1.0);
  Builder builder;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(builder.Append(7 + i * 15'000, one + i % 2));
  const Chunk even = builder.Finish();
  EXPECT_TRUE(even.shape.regular);
  EXPECT_FALSE(even.shape.marked);
  for (const int64_t time_ms : {0, 15'000, 30'001}) ASSERT_TRUE(builder.Append(time_ms, one));
  ASSERT_TRUE(builder.Append(45'002, model::kStaleNanBits));
  const Chunk uneven = builder.Finish();
  EXPECT_FALSE(uneven.shape.regular);
  EXPECT_TRUE(uneven.shape.marked);
  // The next chunk starts without either.
  ASSERT_TRUE(builder.Append(60'000, one));
  const Chunk next = builder.Finish();
  EXPECT_TRUE(next.shape.regular);
  EXPECT_FALSE(next.shape.marked);
}

TEST(Chunk, RefusesMoreThanItsMaximum) {
  Builder builder;
  for (uint32_t i = 0; i < kChunkSamplesMax; ++i) ASSERT_TRUE(builder.Append(i, i));
  EXPECT_FALSE(builder.Append(kChunkSamplesMax, 0));
}

}  // namespace
}  // namespace hearth::tsdb
