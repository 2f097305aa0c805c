// SPDX-License-Identifier: Apache-2.0
#include "codec/remote_write_v2.h"

#include <gtest/gtest.h>

#include "codec/batch_for_test.h"
#include "codec/histogram_wire.h"
#include "codec/wire.h"

namespace hearth::codec {
namespace {

// Builds a request: symbols first, as every sender does, or last.
class RequestV2 {
 public:
  uint32_t Ref(std::string_view text) {
    for (size_t i = 0; i < symbols_.size(); ++i) {
      if (symbols_[i] == text) return static_cast<uint32_t>(i);
    }
    symbols_.emplace_back(text);
    return static_cast<uint32_t>(symbols_.size() - 1);
  }
  std::string Refs(const std::vector<std::string_view>& texts) {
    std::string packed;
    for (const std::string_view text : texts) wire::AppendVarint(Ref(text), &packed);
    std::string out;
    wire::AppendBytesField(1, packed, &out);
    return out;
  }
  static std::string Sample(double value, int64_t time_ms, int64_t start_ms = 0) {
    std::string sample;
    wire::AppendDoubleField(1, value, &sample);
    wire::AppendVarintField(2, static_cast<uint64_t>(time_ms), &sample);
    if (start_ms != 0) wire::AppendVarintField(3, static_cast<uint64_t>(start_ms), &sample);
    std::string out;
    wire::AppendBytesField(2, sample, &out);
    return out;
  }
  std::string Metadata(uint64_t type, std::string_view help, std::string_view unit) {
    std::string inner;
    wire::AppendVarintField(1, type, &inner);
    wire::AppendVarintField(3, Ref(help), &inner);
    wire::AppendVarintField(4, Ref(unit), &inner);
    std::string out;
    wire::AppendBytesField(5, inner, &out);
    return out;
  }
  void Add(std::string_view series) { wire::AppendBytesField(5, series, &series_); }
  std::string Take(bool symbols_last = false) const {
    std::string symbols;
    for (const std::string& symbol : symbols_) wire::AppendBytesField(4, symbol, &symbols);
    return symbols_last ? series_ + symbols : symbols + series_;
  }

 private:
  std::vector<std::string> symbols_ = {""};
  std::string series_;
};

TEST(RemoteWriteV2, ReadsSamplesStartTimesAndMetadata) {
  for (const bool last : {false, true}) {
    RequestV2 request;
    request.Add(request.Refs({"__name__", "m_total", "job", "x"}) +
                RequestV2::Sample(1.5, 1000, 500) + RequestV2::Sample(2.5, 2000) +
                request.Metadata(1, "what it is", "s"));
    BatchForTest batch;
    const auto outcome = DecodeRemoteWriteV2(request.Take(last), {}, &batch);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_TRUE(outcome->errors.empty());
    ASSERT_EQ(batch.series().size(), 1U);
    EXPECT_EQ(batch.labels(batch.series()[0]).ToString(), "m_total{job=\"x\"}");
    EXPECT_EQ(batch.values(), (std::vector<double>{1.5, 2.5}));
    EXPECT_EQ(batch.start_times_ms(), (std::vector<int64_t>{500, 0}));
    ASSERT_EQ(batch.metadata().size(), 1U);
    EXPECT_EQ(batch.metadata()[0].metric, "m_total");
    EXPECT_EQ(batch.metadata()[0].type, model::MetricType::kCounter);
    EXPECT_EQ(batch.metadata()[0].help, "what it is");
    EXPECT_EQ(batch.metadata()[0].unit, "s");
  }
}

TEST(RemoteWriteV2, BadSeriesAreListedAndGoodOnesKept) {
  const struct {
    std::vector<std::string_view> labels;
    bool sample;
    std::string_view error;
  } rows[] = {
      {{"__name__"}, true, "invalid labelRefs length 1"},
      {{"job", "x"}, true, "sample missing metric name"},
      {{"__name__", "m", "a", "1", "a", "2"}, true, "duplicate label name: \"a\""},
      {{"__name__", "m"}, false, "TimeSeries must contain at least one sample or histogram"},
  };
  for (const auto& row : rows) {
    RequestV2 request;
    request.Add(request.Refs(row.labels) + (row.sample ? RequestV2::Sample(1, 1) : ""));
    request.Add(request.Refs({"__name__", "good"}) + RequestV2::Sample(2, 1));
    BatchForTest batch;
    const auto outcome = DecodeRemoteWriteV2(request.Take(), {}, &batch);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    ASSERT_EQ(outcome->errors.size(), 1U) << row.error;
    EXPECT_NE(outcome->errors[0].text.find(row.error), std::string::npos)
        << outcome->errors[0].text;
    ASSERT_EQ(batch.series().size(), 1U);
    EXPECT_EQ(outcome->discarded, row.sample ? 1U : 0U);
  }
}

TEST(RemoteWriteV2, ExemplarsMayComeInASeriesOfTheirOwn) {
  RequestV2 request;
  std::string references;
  for (const std::string_view text : {"trace_id", "t1"}) {
    wire::AppendVarint(request.Ref(text), &references);
  }
  std::string exemplar;
  wire::AppendBytesField(1, references, &exemplar);
  wire::AppendDoubleField(2, 0.5, &exemplar);
  wire::AppendVarintField(3, 1000, &exemplar);
  std::string series = request.Refs({"__name__", "m_total"});
  wire::AppendBytesField(4, exemplar, &series);
  request.Add(series);
  BatchForTest batch;
  const auto outcome = DecodeRemoteWriteV2(request.Take(), {}, &batch);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_TRUE(outcome->errors.empty());
  ASSERT_EQ(batch.series().size(), 1U);
  ASSERT_EQ(batch.exemplars().size(), 1U);
  EXPECT_EQ(batch.exemplars()[0].exemplar.labels.ToString(), "{trace_id=\"t1\"}");
  EXPECT_EQ(batch.exemplars()[0].exemplar.time_ms, 1000);
}

TEST(RemoteWriteV2, ReferencesOutsideTheTableAreNamed) {
  std::string series;
  std::string packed;
  for (const uint64_t reference : {1, 77}) wire::AppendVarint(reference, &packed);
  wire::AppendBytesField(1, packed, &series);
  RequestV2 request;
  request.Ref("__name__");
  request.Add(series + RequestV2::Sample(1, 1));
  BatchForTest batch;
  const auto outcome = DecodeRemoteWriteV2(request.Take(), {}, &batch);
  ASSERT_TRUE(outcome.ok());
  ASSERT_EQ(outcome->errors.size(), 1U);
  EXPECT_NE(outcome->errors[0].text.find("outside of symbols table (size 2)"), std::string::npos);
}

TEST(RemoteWriteV2, ReadsHistogramsOfBothKinds) {
  auto histogram = std::make_shared<model::NativeHistogram>();
  histogram->schema = 1;
  histogram->count = 3;
  histogram->sum = 4.5;
  histogram->positive_spans = {{-1, 2}};
  histogram->positive_buckets = {1, 2};
  std::string message;
  AppendHistogramMessage({1000, histogram}, &message);
  wire::AppendVarintField(17, 400, &message);
  RequestV2 request;
  std::string series = request.Refs({"__name__", "h"});
  wire::AppendBytesField(3, message, &series);
  request.Add(series);
  BatchForTest batch;
  const auto outcome = DecodeRemoteWriteV2(request.Take(), {}, &batch);
  ASSERT_TRUE(outcome.ok());
  ASSERT_EQ(batch.histograms().size(), 1U);
  EXPECT_EQ(batch.histograms()[0].time_ms, 1000);
  EXPECT_EQ(batch.histograms()[0].start_time_ms, 400);
  EXPECT_TRUE(model::SameBits(*batch.histograms()[0].histogram, *histogram));
}

TEST(RemoteWriteV2, RefusesWhatIsNoMessage) {
  for (const std::string_view bad : {std::string_view("\x2a\xff", 2), std::string_view("\x00", 1),
                                     std::string_view("\x29\x01", 2)}) {
    BatchForTest batch;
    EXPECT_TRUE(absl::IsInvalidArgument(DecodeRemoteWriteV2(bad, {}, &batch).status()));
  }
}

}  // namespace
}  // namespace hearth::codec
