// SPDX-License-Identifier: Apache-2.0
#include "model/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "base/status.h"

namespace hearth::model {
namespace {

NativeHistogram Exponential() {
  NativeHistogram h;
  h.schema = 1;
  h.count = 10;
  h.zero_count = 2;
  h.zero_threshold = 0.001;
  h.sum = 3.5;
  h.positive_spans = {{-3, 2}, {1, 1}};
  h.positive_buckets = {1, 2, 3};
  h.negative_spans = {{0, 1}};
  h.negative_buckets = {2};
  return h;
}

NativeHistogram Custom() {
  NativeHistogram h;
  h.schema = kCustomBucketsSchema;
  h.count = 6;
  h.sum = 3.5;
  h.positive_spans = {{0, 3}};
  h.positive_buckets = {1, 2, 3};
  h.custom_values = {0.1, 1};
  return h;
}

TEST(Histogram, ValidOnesPass) {
  EXPECT_TRUE(Validate(Exponential()).ok());
  EXPECT_TRUE(Validate(Custom()).ok());
  EXPECT_TRUE(Validate(*StaleHistogram()).ok());
  EXPECT_TRUE(IsStale(*StaleHistogram()));
  NativeHistogram nan = Exponential();
  nan.sum = NormalNan();
  nan.count = 11;  // observations that are NaN are in no bucket
  EXPECT_TRUE(Validate(nan).ok());
  NativeHistogram floats = Exponential();
  floats.is_float = true;
  floats.count = 3.25;
  EXPECT_TRUE(Validate(floats).ok());
}

TEST(Histogram, BadOnesSayWhy) {
  struct Row {
    const char* error;
    bool custom;
    std::function<void(NativeHistogram*)> spoil;
  };
  const Row rows[] = {
      {"got schema 9", false, [](auto* h) { h->schema = 9; }},
      {"got schema -5", false, [](auto* h) { h->schema = -5; }},
      {"positive side: spans need 3 buckets, have 2", false,
       [](auto* h) { h->positive_buckets.pop_back(); }},
      {"span number 2 with offset -1", false, [](auto* h) { h->positive_spans[1].offset = -1; }},
      {"negative side: bucket number 1", false, [](auto* h) { h->negative_buckets[0] = -1; }},
      {"11 observations found in buckets, but the Count field is 10", false,
       [](auto* h) { h->zero_count = 3; }},
      {"at least the number", false,
       [](auto* h) {
         h->sum = NAN;
         h->zero_count = 3;
       }},
      {"must not have custom bounds", false, [](auto* h) { h->custom_values = {1}; }},
      {"observation count is  -1", false, [](auto* h) { h->count = -1; }},
      {"only 1 custom bounds", true, [](auto* h) { h->custom_values.pop_back(); }},
      {"must not be NaN", true, [](auto* h) { h->custom_values[0] = NAN; }},
      {"strictly increasing", true, [](auto* h) { h->custom_values[1] = 0.1; }},
      {"must be finite", true, [](auto* h) { h->custom_values[1] = INFINITY; }},
      {"zero count of 0", true, [](auto* h) { h->zero_count = 1; }},
      {"zero threshold of 0", true, [](auto* h) { h->zero_threshold = 1; }},
      {"must not have negative spans", true,
       [](auto* h) {
         h->negative_spans = {{0, 1}};
       }},
      {"whose offset is negative", true, [](auto* h) { h->positive_spans[0].offset = -1; }},
  };
  for (const Row& row : rows) {
    NativeHistogram h = row.custom ? Custom() : Exponential();
    row.spoil(&h);
    const absl::Status status = Validate(h);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << row.error;
    EXPECT_NE(Message(status).find(row.error), std::string::npos) << Message(status);
  }
}

TEST(Histogram, SameBitsLooksAtEveryField) {
  const NativeHistogram h = Exponential();
  EXPECT_TRUE(SameBits(h, Exponential()));
  const std::function<void(NativeHistogram*)> changes[] = {
      [](auto* c) { c->is_float = true; },
      [](auto* c) { c->hint = CounterResetHint::kGauge; },
      [](auto* c) { c->schema = 2; },
      [](auto* c) { c->zero_threshold = 0; },
      [](auto* c) { c->zero_count = 1; },
      [](auto* c) { c->count = 1; },
      [](auto* c) { c->sum = -0.0; },
      [](auto* c) { c->positive_spans[0].offset = 5; },
      [](auto* c) { c->negative_spans.clear(); },
      [](auto* c) { c->positive_buckets[1] = 7; },
      [](auto* c) { c->negative_buckets.push_back(1); },
      [](auto* c) { c->custom_values = {1}; },
  };
  for (const auto& change : changes) {
    NativeHistogram changed = h;
    change(&changed);
    EXPECT_FALSE(SameBits(h, changed));
  }
}

}  // namespace
}  // namespace hearth::model
