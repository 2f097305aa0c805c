// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/delta_table.h"

#include <gtest/gtest.h>

namespace hearth::api {
namespace {

codec::OtlpSample Delta(int64_t start_ms, int64_t time_ms, double value) {
  codec::OtlpSample sample;
  sample.labels = model::Labels{{"__name__", "m"}};
  sample.start_ms = start_ms;
  sample.time_ms = time_ms;
  sample.value = value;
  sample.delta = true;
  return sample;
}

TEST(DeltaTable, AddsUpAndKeepsTheFirstStart) {
  ManualClock clock;
  Registry metrics;
  DeltaTable table({}, clock, metrics);
  codec::OtlpSample first = Delta(1000, 2000, 3);
  codec::OtlpSample second = Delta(2000, 3000, 4);
  codec::OtlpSample other = Delta(2000, 3000, 4);
  EXPECT_EQ(table.Add("a", &first), DeltaTable::Outcome::kAdded);
  EXPECT_EQ(table.Add("a", &second), DeltaTable::Outcome::kAdded);
  EXPECT_EQ(table.Add("b", &other), DeltaTable::Outcome::kAdded);
  EXPECT_EQ(second.value, 7);
  EXPECT_EQ(second.start_ms, 1000);
  EXPECT_FALSE(second.delta);
  EXPECT_EQ(other.value, 4);
}

TEST(DeltaTable, RefusesWhatIsNotLaterAndWhatIsTooMuch) {
  ManualClock clock;
  Registry metrics;
  DeltaTable table({.series_max = 1}, clock, metrics);
  codec::OtlpSample first = Delta(1000, 2000, 3);
  codec::OtlpSample again = Delta(1000, 2000, 3);
  codec::OtlpSample elsewhere = Delta(1000, 2000, 3);
  EXPECT_EQ(table.Add("a", &first), DeltaTable::Outcome::kAdded);
  EXPECT_EQ(table.Add("a", &again), DeltaTable::Outcome::kOutOfOrder);
  EXPECT_EQ(table.Add("b", &elsewhere), DeltaTable::Outcome::kFull);
  EXPECT_EQ(again.value, 3);
}

TEST(DeltaTable, ForgetsWhatFellSilent) {
  ManualClock clock;
  Registry metrics;
  DeltaTable table({}, clock, metrics);
  codec::OtlpSample first = Delta(1000, 2000, 3);
  table.Add("a", &first);
  clock.Advance(6 * 60 * 1000);
  codec::OtlpSample later = Delta(400'000, 500'000, 5);
  EXPECT_EQ(table.Add("a", &later), DeltaTable::Outcome::kAdded);
  EXPECT_EQ(later.value, 5);
  EXPECT_EQ(later.start_ms, 400'000);
}

TEST(DeltaTable, AddsHistogramsBucketByBucket) {
  ManualClock clock;
  Registry metrics;
  DeltaTable table({}, clock, metrics);
  auto histogram = std::make_shared<model::NativeHistogram>();
  histogram->count = 3;
  histogram->sum = 4;
  histogram->positive_spans = {{0, 2}};
  histogram->positive_buckets = {1, 2};
  for (int i = 1; i <= 2; ++i) {
    codec::OtlpSample sample = Delta(1000, 1000 + i, 0);
    sample.histogram = histogram;
    ASSERT_EQ(table.Add("a", &sample), DeltaTable::Outcome::kAdded);
    EXPECT_EQ(sample.histogram->count, 3 * i);
    EXPECT_EQ(sample.histogram->positive_buckets, (std::vector<double>{1.0 * i, 2.0 * i}));
    EXPECT_FALSE(sample.histogram->is_float);
    EXPECT_TRUE(model::Validate(*sample.histogram).ok());
  }
}

}  // namespace
}  // namespace hearth::api
