// SPDX-License-Identifier: Apache-2.0
#include "codec/remote_write.h"

#include <gtest/gtest.h>

#include <bit>
#include <memory>

#include "codec/batch_for_test.h"
#include "codec/wire.h"
#include "model/value.h"

namespace hearth::codec {
namespace {

using model::Labels;

std::string LabelMessage(std::string_view name, std::string_view value) {
  std::string label;
  wire::AppendBytesField(1, name, &label);
  wire::AppendBytesField(2, value, &label);
  return label;
}

std::string SampleMessage(int64_t time_ms, double value) {
  std::string sample;
  wire::AppendDoubleField(1, value, &sample);
  wire::AppendVarintField(2, static_cast<uint64_t>(time_ms), &sample);
  return sample;
}

// A request of one series with these labels, as given, and one sample 1 at 1000.
std::string Request(const std::vector<std::pair<std::string, std::string>>& labels) {
  std::string series;
  for (const auto& [name, value] : labels) {
    wire::AppendBytesField(1, LabelMessage(name, value), &series);
  }
  wire::AppendBytesField(2, SampleMessage(1000, 1), &series);
  std::string request;
  wire::AppendBytesField(1, series, &request);
  return request;
}

TEST(RemoteWrite, RoundTripsEverything) {
  BatchForTest batch;
  batch.AddSeries(Labels({{"__name__", "up"}, {"job", "x"}}));
  batch.AddSample(1'700'000'000'000, 1.5);
  batch.AddSample(-5, model::StaleNan());
  batch.AddExemplar({Labels({{"trace_id", "abc"}}), 2.5, 77});
  auto histogram = std::make_shared<model::NativeHistogram>();
  histogram->schema = 3;
  histogram->count = 6;
  histogram->sum = 12.5;
  histogram->zero_threshold = 0.001;
  histogram->zero_count = 1;
  histogram->positive_spans = {{-2, 2}, {3, 1}};
  histogram->positive_buckets = {2, 1, 1};
  histogram->negative_spans = {{0, 1}};
  histogram->negative_buckets = {1};
  histogram->hint = model::CounterResetHint::kNotReset;
  batch.AddSeries(Labels({{"__name__", "h"}}));
  batch.AddHistogram({1000, histogram});
  batch.AddMetadata({"up", model::MetricType::kGauge, "Is it up?", ""});

  BatchForTest read;
  const auto outcome = DecodeRemoteWrite(EncodeRemoteWrite(batch), {}, &read);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->series, 2U);
  EXPECT_EQ(outcome->bad_series, 0U);
  ASSERT_EQ(read.series().size(), 2U);
  EXPECT_EQ(read.labels(read.series()[0]).ToString(), "up{job=\"x\"}");
  EXPECT_EQ(read.times_ms(), batch.times_ms());
  EXPECT_TRUE(model::IsStaleNan(read.values()[1]));
  ASSERT_EQ(read.exemplars().size(), 1U);
  EXPECT_EQ(read.exemplars()[0].exemplar.labels.ToString(), "{trace_id=\"abc\"}");
  EXPECT_EQ(read.exemplars()[0].exemplar.time_ms, 77);
  ASSERT_EQ(read.histograms().size(), 1U);
  const model::NativeHistogram& h = *read.histograms()[0].histogram;
  EXPECT_FALSE(h.is_float);
  EXPECT_EQ(h.positive_spans, histogram->positive_spans);
  EXPECT_EQ(h.positive_buckets, histogram->positive_buckets);
  EXPECT_EQ(h.negative_buckets, histogram->negative_buckets);
  EXPECT_EQ(h.hint, model::CounterResetHint::kNotReset);
  EXPECT_EQ(read.histograms()[0].time_ms, 1000);
  EXPECT_EQ(read.metadata(), batch.metadata());
}

TEST(RemoteWrite, RoundTripsFloatAndCustomBucketHistograms) {
  BatchForTest batch;
  auto histogram = std::make_shared<model::NativeHistogram>();
  histogram->schema = model::kCustomBucketsSchema;
  histogram->is_float = true;
  histogram->count = 3.5;
  histogram->sum = 1;
  histogram->positive_spans = {{0, 2}};
  histogram->positive_buckets = {1.5, 2};
  histogram->custom_values = {0.5};
  batch.AddSeries(Labels({{"__name__", "h"}}));
  batch.AddHistogram({5, histogram});
  BatchForTest read;
  const auto outcome = DecodeRemoteWrite(EncodeRemoteWrite(batch), {}, &read);
  ASSERT_TRUE(outcome.ok());
  ASSERT_EQ(read.histograms().size(), 1U) << outcome->errors[0].text;
  EXPECT_EQ(read.histograms()[0].histogram->custom_values, histogram->custom_values);
  EXPECT_EQ(read.histograms()[0].histogram->positive_buckets, histogram->positive_buckets);
  EXPECT_TRUE(read.histograms()[0].histogram->is_float);
}

TEST(RemoteWrite, SortsLabelsAndDropsEmptyValues) {
  BatchForTest batch;
  ASSERT_TRUE(
      DecodeRemoteWrite(Request({{"z", "1"}, {"e", ""}, {"__name__", "m"}, {"a", "2"}}), {}, &batch)
          .ok());
  ASSERT_EQ(batch.series().size(), 1U);
  EXPECT_EQ(batch.labels(batch.series()[0]).packed(),
            Labels({{"__name__", "m"}, {"a", "2"}, {"z", "1"}}).packed());
}

TEST(RemoteWrite, AcceptsSamplesBeforeLabelsAndUnknownFields) {
  std::string series;
  wire::AppendBytesField(2, SampleMessage(1, 2), &series);
  wire::AppendVarintField(77, 5, &series);
  wire::AppendBytesField(1, LabelMessage("__name__", "m"), &series);
  std::string request;
  wire::AppendVarintField(2, 1, &request);  // Cortex' `source`
  wire::AppendBytesField(1, series, &request);
  BatchForTest batch;
  ASSERT_TRUE(DecodeRemoteWrite(request, {}, &batch).ok());
  ASSERT_EQ(batch.series().size(), 1U);
  EXPECT_EQ(batch.values(), std::vector<double>{2});
}

struct BadSeriesCase {
  const char* what;
  std::vector<std::pair<std::string, std::string>> labels;
  SeriesErrorKind kind;
  std::string text;
};

std::vector<std::pair<std::string, std::string>> ManyLabels(size_t n) {
  std::vector<std::pair<std::string, std::string>> labels = {{"__name__", "m"}};
  while (labels.size() < n) labels.emplace_back("l" + std::to_string(labels.size()), "v");
  return labels;
}

TEST(RemoteWrite, NamesTheBrokenRuleInCortexWords) {
  const std::string long_value(2049, 'v');
  const std::vector<BadSeriesCase> cases = {
      {"no name", {{"job", "x"}}, SeriesErrorKind::kMissingName, "sample missing metric name"},
      {"empty name",
       {{"__name__", ""}},
       SeriesErrorKind::kMissingName,
       "sample missing metric name"},
      {"name not UTF-8",
       {{"__name__", "a\xff"}},
       SeriesErrorKind::kInvalidName,
       "sample invalid metric name: \"a\\xff\""},
      {"value not UTF-8",
       {{"__name__", "m"}, {"a", "\xff"}},
       SeriesErrorKind::kInvalidLabel,
       "sample invalid label: \"a\" metric \"m{a=\\\"\\\\xff\\\"}\""},
      {"empty label name",
       {{"", "v"}, {"__name__", "m"}},
       SeriesErrorKind::kInvalidLabel,
       "sample invalid label: \"\" metric \"m{\\\"\\\"=\\\"v\\\"}\""},
      {"twice",
       {{"__name__", "m"}, {"a", "1"}, {"a", "2"}},
       SeriesErrorKind::kDuplicateLabel,
       "duplicate label name: \"a\" metric \"m{a=\\\"1\\\", a=\\\"2\\\"}\""},
      {"two names",
       {{"__name__", "m"}, {"__name__", "n"}},
       SeriesErrorKind::kDuplicateLabel,
       "duplicate label name: \"__name__\" metric \"m{__name__=\\\"n\\\"}\""},
  };
  for (const auto& row : cases) {
    SCOPED_TRACE(row.what);
    BatchForTest batch;
    const auto outcome = DecodeRemoteWrite(Request(row.labels), {}, &batch);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_TRUE(batch.series().empty());
    ASSERT_EQ(outcome->errors.size(), 1U);
    EXPECT_EQ(outcome->errors[0].kind, row.kind);
    EXPECT_EQ(outcome->errors[0].text, row.text);
    EXPECT_EQ(outcome->discarded, 1U);
  }
}

TEST(RemoteWrite, NamesTheBrokenLimit) {
  const std::string big(1100, 'b');
  std::vector<std::pair<std::string, std::string>> large = {{"__name__", "m"}};
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) large.emplace_back(name, big);
  const std::vector<std::pair<std::vector<std::pair<std::string, std::string>>, std::string>>
      cases = {
          {ManyLabels(151), "series has too many labels (actual: 151, limit: 150) series: 'm{"},
          {{{"__name__", "m"}, {"a", std::string(2049, 'v')}},
           "label value too long for metric (actual: 2049, limit: 2048) metric: \"m{a="},
          {{{"__name__", "m"}, {std::string(1025, 'n'), "v"}},
           "label name too long for metric (actual: 1025, limit: 1024) metric: \"m{nnn"},
          {large, "labels size bytes exceeded for metric (actual: 7716, limit: 7168) metric: \"m{"},
      };
  for (const auto& [labels, prefix] : cases) {
    BatchForTest batch;
    const auto outcome = DecodeRemoteWrite(Request(labels), {}, &batch);
    ASSERT_TRUE(outcome.ok());
    ASSERT_EQ(outcome->errors.size(), 1U);
    EXPECT_EQ(outcome->errors[0].text.substr(0, prefix.size()), prefix);
  }
  BatchForTest batch;
  EXPECT_TRUE(DecodeRemoteWrite(Request(ManyLabels(150)), {}, &batch)->errors.empty());
}

TEST(RemoteWrite, KeepsTheGoodSeriesOfAPartlyBadRequest) {
  const std::string request =
      Request({{"__name__", "a"}}) + Request({{"job", "x"}}) + Request({{"__name__", "b"}});
  BatchForTest batch;
  const auto outcome = DecodeRemoteWrite(request, {}, &batch);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(batch.series().size(), 2U);
  ASSERT_EQ(outcome->errors.size(), 1U);
  EXPECT_EQ(outcome->errors[0].series, 1U);
  EXPECT_EQ(outcome->series, 3U);
  EXPECT_EQ(MetricName(outcome->errors[0].kind), "missing_metric_name");
}

TEST(RemoteWrite, LabelsThatAreDecodedLaterAreJudgedAlike) {
  std::string request = Request({{"job", "x"}}) + Request({{"__name__", "b"}}) +
                        Request({{"z", "1"}, {"__name__", "a"}, {"y", ""}}) +
                        Request({{"a", "1"}, {"__name__", "m"}, {"a", "2"}}) +
                        Request({{"__name__", "long"}, {"a", std::string(200, 'x')}});
  for (int i = 0; i < 150; ++i) request += Request({{"bad", std::to_string(i)}});
  BatchForTest batch;
  const auto outcome = DecodeRemoteWrite(request, {}, &batch);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->errors.size(), kSeriesErrorsMax);
  EXPECT_TRUE(SameWhenRaw<RemoteWriteReader>(request, batch, outcome));
  for (size_t size = 0; size < 100; ++size) {
    const std::string_view cut = std::string_view(request).substr(0, size);
    BatchForTest part;
    const auto of_part = DecodeRemoteWrite(cut, {}, &part);
    EXPECT_TRUE(SameWhenRaw<RemoteWriteReader>(cut, part, of_part)) << size;
  }
}

// What NextRaw takes for labels without looking must come out as if it had looked.
TEST(RemoteWrite, WhatOnlyEndsLikeASampleIsReadWithCare) {
  constexpr int64_t kNow = 1'700'000'000'000;
  const auto field = [](uint32_t number, std::string_view bytes) {
    std::string out;
    wire::AppendBytesField(number, bytes, &out);
    return out;
  };
  const std::string labels =
      field(1, LabelMessage("__name__", "m")) + field(1, LabelMessage("job", "a_long_value"));
  const std::string sample = field(2, SampleMessage(kNow, 1.5));
  std::string zero;  // its value left out
  wire::AppendVarintField(2, kNow, &zero);
  zero = field(2, zero);
  std::string exemplar;
  wire::AppendDoubleField(2, 3, &exemplar);
  const std::string series[] = {
      labels + sample,
      labels + zero,
      labels + sample + sample,
      labels + zero + zero,
      labels + zero + sample,
      labels + field(2, SampleMessage(1000, 1)),
      labels + field(2, SampleMessage(-1, 1)),
      labels + field(2, SampleMessage(int64_t{1} << 50, 1)),
      sample + labels,
      labels + field(3, exemplar) + sample,
      labels + field(9, "unknown") + sample,
      labels + std::string("\x0a\x05", 2) + sample,
      labels + field(1, LabelMessage("z", sample)),
      labels + field(1, LabelMessage("z", zero)),
      field(1, LabelMessage("job", "no_name_but_long_enough")) + sample,
  };
  // Each alone, and between others: one that is refused must not lend its place to exemplars.
  const std::string good = field(1, labels + sample);
  const std::string with_exemplar = field(1, labels + sample + field(3, exemplar));
  for (size_t i = 0; i < std::size(series); ++i) {
    for (const std::string& request :
         {field(1, series[i]), good + field(1, series[i]) + with_exemplar + good}) {
      BatchForTest batch;
      const auto outcome = DecodeRemoteWrite(request, {}, &batch);
      EXPECT_TRUE(SameWhenRaw<RemoteWriteReader>(request, batch, outcome)) << i;
    }
  }
  for (const auto& [bytes, value] : {std::pair(labels + sample, 1.5), {labels + zero, 0.0}}) {
    const std::string request = field(1, bytes);
    RemoteWriteReader reader(request, LabelLimits{});
    BatchForTest batch;
    ASSERT_TRUE(WalkRemoteWrite(&reader, &batch).ok());
    ASSERT_EQ(batch.series().size(), 1U);
    EXPECT_EQ(batch.series()[0].raw_labels(), labels);
    EXPECT_EQ(batch.times_ms(), std::vector<int64_t>{kNow});
    EXPECT_EQ(batch.values(), std::vector<double>{value});
  }
}

TEST(RemoteWrite, RefusesEveryTruncationOfASeries) {
  const std::string request = Request({{"__name__", "m"}, {"a", "b"}});
  for (size_t size = 1; size < request.size(); ++size) {
    BatchForTest batch;
    const auto outcome = DecodeRemoteWrite(std::string_view(request).substr(0, size), {}, &batch);
    EXPECT_EQ(outcome.status().code(), absl::StatusCode::kInvalidArgument) << size;
    EXPECT_NE(Message(outcome.status()).find("at byte "), std::string::npos);
  }
}

TEST(RemoteWrite, RefusesMalformedMessages) {
  for (const std::string_view bad :
       {std::string_view("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11),  // size of 70 bits
        std::string_view("\x08\x01", 2),                                       // series as a number
        std::string_view("\x00\x00", 2), std::string_view("\x0b", 1),          // field 0, a group
        std::string_view("not protobuf at all")}) {
    BatchForTest batch;
    EXPECT_EQ(DecodeRemoteWrite(bad, {}, &batch).status().code(),
              absl::StatusCode::kInvalidArgument)
        << bad;
  }
}

TEST(RemoteWrite, AnEmptyMessageIsAnEmptyRequest) {
  BatchForTest batch;
  const auto outcome = DecodeRemoteWrite("", {}, &batch);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->series, 0U);
}

TEST(RemoteWrite, LeavesOutAHistogramThatDoesNotAddUp) {
  BatchForTest batch;
  auto histogram = std::make_shared<model::NativeHistogram>();
  histogram->count = 7;
  histogram->positive_spans = {{0, 1}};
  histogram->positive_buckets = {2};
  batch.AddSeries(Labels({{"__name__", "h"}}));
  batch.AddHistogram({5, histogram});
  batch.AddSample(6, 1);
  BatchForTest read;
  const auto outcome = DecodeRemoteWrite(EncodeRemoteWrite(batch), {}, &read);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(read.histograms().size(), 0U);
  EXPECT_EQ(read.values().size(), 1U);
  ASSERT_EQ(outcome->errors.size(), 1U);
  EXPECT_EQ(outcome->errors[0].kind, SeriesErrorKind::kInvalidHistogram);
  EXPECT_EQ(outcome->discarded, 1U);
}

}  // namespace
}  // namespace hearth::codec
