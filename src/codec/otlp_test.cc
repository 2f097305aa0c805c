// SPDX-License-Identifier: Apache-2.0
#include "codec/otlp.h"

#include <gtest/gtest.h>

#include "codec/otlp_histogram.h"
#include "codec/otlp_translate.h"
#include "codec/wire.h"
#include "model/value.h"

namespace hearth::codec {
namespace {

std::string Lines(const OtlpTranslated& translated) {
  std::string out;
  for (const OtlpSample& sample : translated.samples) {
    out += sample.labels.ToString() + " " + std::to_string(sample.time_ms) + " " +
           (model::IsStaleNan(sample.value) ? "stale" : OtlpDoubleText(sample.value)) +
           (sample.delta ? " delta" : "") + "\n";
  }
  return out;
}

OtlpTranslated FromJson(std::string_view json, const OtlpSettings& settings = {}) {
  const auto request = DecodeOtlpJson(json);
  EXPECT_TRUE(request.ok()) << request.status();
  return request.ok() ? TranslateOtlp(*request, settings) : OtlpTranslated();
}

std::string Metrics(std::string_view metric) {
  return R"({"resourceMetrics":[{"resource":{"attributes":[
    {"key":"service.name","value":{"stringValue":"shop"}},
    {"key":"service.namespace","value":{"stringValue":"eu"}},
    {"key":"service.instance.id","value":{"stringValue":"i-1"}},
    {"key":"host.name","value":{"stringValue":"h"}}]},
    "scopeMetrics":[{"scope":{"name":"lib","version":"1"},"metrics":[)" +
         std::string(metric) + "]}]}]}";
}

TEST(Otlp, SumsAndGaugesBecomeSeriesWithTargetInfo) {
  const OtlpTranslated counter = FromJson(Metrics(
      R"({"name":"http.requests","unit":"{request}","description":"d","sum":{
        "aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
        {"asInt":"7","startTimeUnixNano":"1000000","timeUnixNano":"2000000",
         "attributes":[{"key":"http.method","value":{"stringValue":"GET"}}]}]}})"));
  EXPECT_EQ(Lines(counter),
            "http_requests_total{http_method=\"GET\", instance=\"i-1\", job=\"eu/shop\"} 2 7\n"
            "target_info{host_name=\"h\", instance=\"i-1\", job=\"eu/shop\"} 2 1\n");
  EXPECT_EQ(counter.samples[0].start_ms, 1);
  ASSERT_EQ(counter.metadata.size(), 2U);
  EXPECT_EQ(counter.metadata[0].type, model::MetricType::kCounter);
  OtlpSettings promoted;
  promoted.promote_resource_attributes = {"host.name"};
  const OtlpTranslated gauge =
      FromJson(Metrics(R"({"name":"room.temperature","unit":"Cel","gauge":{"dataPoints":[
        {"asDouble":21.5,"timeUnixNano":3000000},{"flags":1,"timeUnixNano":4000000}]}})"),
               promoted);
  EXPECT_EQ(Lines(gauge),
            "room_temperature_celsius{host_name=\"h\", instance=\"i-1\", job=\"eu/shop\"} 3 21.5\n"
            "room_temperature_celsius{host_name=\"h\", instance=\"i-1\", job=\"eu/shop\"} 4 stale\n"
            "target_info{host_name=\"h\", instance=\"i-1\", job=\"eu/shop\"} 3 1\n"
            "target_info{host_name=\"h\", instance=\"i-1\", job=\"eu/shop\"} 4 1\n");
}

TEST(Otlp, HistogramsAndSummariesBecomeClassicSeries) {
  const OtlpTranslated histogram = FromJson(
      R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"d","unit":"s","histogram":{
        "aggregationTemporality":1,"dataPoints":[{"timeUnixNano":"1000000","count":"6","sum":3.5,
        "explicitBounds":[0.1,1],"bucketCounts":["1","2","3"],"exemplars":[
        {"asDouble":0.5,"timeUnixNano":"500000","traceId":"0A","spanId":"00"}]}]}},
        {"name":"s","summary":{"dataPoints":[{"timeUnixNano":"1000000","count":"2","sum":3,
        "quantileValues":[{"quantile":0.5,"value":1.5}]}]}}]}]}]})");
  EXPECT_EQ(Lines(histogram),
            "d_seconds_sum 1 3.5 delta\n"
            "d_seconds_count 1 6 delta\n"
            "d_seconds_bucket{le=\"0.1\"} 1 1 delta\n"
            "d_seconds_bucket{le=\"1\"} 1 3 delta\n"
            "d_seconds_bucket{le=\"+Inf\"} 1 6 delta\n"
            "s_sum 1 3\ns_count 1 2\ns{quantile=\"0.5\"} 1 1.5\n");
  ASSERT_EQ(histogram.samples[3].exemplars.size(), 1U);
  EXPECT_EQ(histogram.samples[3].exemplars[0].labels.ToString(), "{trace_id=\"0a\"}");
}

TEST(Otlp, ExponentialHistogramsBecomeNativeOnes) {
  OtlpPoint point;
  point.scale = 1;
  point.count = 8;
  point.has_sum = true;
  point.sum = 9;
  point.zero_count = 1;
  point.positive = {-2, {1, 0, 0, 0, 2, 1}};
  point.negative = {3, {3}};
  const auto histogram = OtlpExponentialHistogram(point);
  ASSERT_TRUE(histogram.ok()) << histogram.status();
  EXPECT_EQ((*histogram)->schema, 1);
  EXPECT_EQ((*histogram)->positive_spans, (std::vector<model::HistogramSpan>{{-1, 1}, {3, 2}}));
  EXPECT_EQ((*histogram)->positive_buckets, (std::vector<double>{1, 2, 1}));
  EXPECT_EQ((*histogram)->negative_spans, (std::vector<model::HistogramSpan>{{4, 1}}));
  // Two buckets of scale 9 make one of 8.
  point.scale = 9;
  point.positive = {0, {1, 2, 1}};
  const auto merged = OtlpExponentialHistogram(point);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ((*merged)->schema, 8);
  EXPECT_EQ((*merged)->positive_buckets, (std::vector<double>{3, 1}));
  point.scale = -5;
  EXPECT_FALSE(OtlpExponentialHistogram(point).ok());
}

TEST(Otlp, NamesAreTranslatedAsTheStrategySays) {
  const struct {
    const char* name;
    const char* unit;
    OtlpMetric::Kind kind;
    bool monotonic;
    OtlpNaming naming;
    const char* want;
  } rows[] = {
      {"a.b", "ms", OtlpMetric::Kind::kGauge, false, OtlpNaming::kUnderscoreEscapingWithSuffixes,
       "a_b_milliseconds"},
      {"disk.io.bytes", "By", OtlpMetric::Kind::kSum, true,
       OtlpNaming::kUnderscoreEscapingWithSuffixes, "disk_io_bytes_total"},
      {"speed", "m/s", OtlpMetric::Kind::kGauge, false, OtlpNaming::kUnderscoreEscapingWithSuffixes,
       "speed_meters_per_second"},
      {"cpu", "1", OtlpMetric::Kind::kGauge, false, OtlpNaming::kUnderscoreEscapingWithSuffixes,
       "cpu_ratio"},
      {"2xx", "", OtlpMetric::Kind::kGauge, false, OtlpNaming::kUnderscoreEscapingWithSuffixes,
       "_2xx"},
      {"a..b", "s", OtlpMetric::Kind::kSum, true, OtlpNaming::kUnderscoreEscapingWithoutSuffixes,
       "a_b"},
      {"a.b", "s", OtlpMetric::Kind::kSum, true, OtlpNaming::kNoUtf8EscapingWithSuffixes,
       "a.b_seconds_total"},
      {"a.b", "s", OtlpMetric::Kind::kSum, true, OtlpNaming::kNoTranslation, "a.b"},
      {"...", "", OtlpMetric::Kind::kGauge, false, OtlpNaming::kUnderscoreEscapingWithSuffixes, ""},
  };
  for (const auto& row : rows) {
    OtlpMetric metric;
    metric.name = row.name;
    metric.unit = row.unit;
    metric.kind = row.kind;
    metric.monotonic = row.monotonic;
    EXPECT_EQ(OtlpMetricName(metric, row.naming), row.want) << row.name;
  }
  EXPECT_EQ(OtlpLabelName("a.b", OtlpNaming::kUnderscoreEscapingWithSuffixes, true, true), "a_b");
  EXPECT_EQ(OtlpLabelName("_a", OtlpNaming::kUnderscoreEscapingWithSuffixes, true, true), "key_a");
  EXPECT_EQ(OtlpLabelName("1a", OtlpNaming::kUnderscoreEscapingWithSuffixes, true, true), "key_1a");
  EXPECT_EQ(OtlpLabelName("a..b", OtlpNaming::kUnderscoreEscapingWithSuffixes, false, false),
            "a_b");
  EXPECT_EQ(OtlpUnitName("By/s"), "bytes_per_second");
}

TEST(Otlp, ProtobufAndJsonReadTheSame) {
  std::string any;
  wire::AppendBytesField(1, "v", &any);
  std::string attribute;
  wire::AppendBytesField(1, "k", &attribute);
  wire::AppendBytesField(2, any, &attribute);
  std::string point;
  const auto fixed = [](uint32_t field, uint64_t bits, std::string* out) {
    wire::AppendTag(field, wire::kFixed64, out);
    out->append(reinterpret_cast<const char*>(&bits), sizeof bits);
  };
  fixed(3, 5'000'000, &point);
  wire::AppendDoubleField(4, 2.5, &point);
  wire::AppendBytesField(7, attribute, &point);
  std::string gauge;
  wire::AppendBytesField(1, point, &gauge);
  std::string metric;
  wire::AppendBytesField(1, "m", &metric);
  wire::AppendBytesField(5, gauge, &metric);
  std::string scope;
  wire::AppendBytesField(2, metric, &scope);
  std::string resource;
  wire::AppendBytesField(2, scope, &resource);
  std::string request;
  wire::AppendBytesField(1, resource, &request);
  const auto decoded = DecodeOtlpProtobuf(request);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(Lines(TranslateOtlp(*decoded, {})), "m{k=\"v\"} 5 2.5\n");
  EXPECT_FALSE(DecodeOtlpProtobuf("\x0a\xff").ok());
  EXPECT_FALSE(DecodeOtlpJson("[]").ok());
  EXPECT_FALSE(DecodeOtlpJson(std::string(1000, '[')).ok());
}

TEST(Otlp, WhatCannotBeTranslatedIsCounted) {
  const OtlpTranslated translated = FromJson(
      R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"name":"m","sum":{"dataPoints":[{"asInt":1},{"asInt":2}]}},
        {"name":"n","gauge":{"dataPoints":[{"asInt":1,"timeUnixNano":"1000000"}]}}]}]}]})");
  EXPECT_EQ(translated.rejected_points, 2U);
  ASSERT_EQ(translated.errors.size(), 1U);
  EXPECT_EQ(translated.errors[0], "invalid temporality and type combination for metric \"m\"");
  EXPECT_EQ(Lines(translated), "n 1 1\n");
}

}  // namespace
}  // namespace hearth::codec
