// SPDX-License-Identifier: Apache-2.0
#include "codec/exposition_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "codec/wire_fields.h"

namespace hearth::codec {
namespace {

using Type = ExpositionWriter::Type;

std::string Text(NameEscaping escaping, const std::function<void(ExpositionWriter*)>& write) {
  std::string out;
  ExpositionWriter writer({ExpositionFormat::kText, escaping}, &out);
  write(&writer);
  writer.Finish();
  return out;
}

TEST(NegotiateExposition, ChoosesAsExpfmt) {
  const struct {
    std::string_view accept;
    std::string_view content_type;
  } rows[] = {
      {"", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
      {"*/*", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
      {"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4",
       "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8"},
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
       "q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.2",
       "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
       "encoding=delimited; escaping=underscores"},
      {"text/plain;q=0.9,application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
       "encoding=delimited;escaping=values",
       "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
       "encoding=delimited; escaping=values"},
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
       "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
      {";;,=;/q=x,,", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(NegotiateExposition(row.accept).ContentType(), row.content_type) << row.accept;
  }
}

TEST(EscapeName, EscapesAsUpstream) {
  const struct {
    std::string_view name;
    std::string_view underscores;
    std::string_view dots;
    std::string_view values;
  } rows[] = {
      {"no:escaping_required", "no:escaping_required", "no:escaping_required",
       "no:escaping_required"},
      {"mysystem.prod.west.cpu.load", "mysystem_prod_west_cpu_load",
       "mysystem_dot_prod_dot_west_dot_cpu_dot_load", "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load"},
      {"http.status:sum_", "http_status:sum_", "http_dot_status:sum__", "U__http_2e_status:sum__"},
      {"label with 😱", "label_with__", "label__with____", "U__label_20_with_20__1f631_"},
      {"1a", "_a", "__a", "U___31_a"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(EscapeName(row.name, NameEscaping::kAllowUtf8), row.name);
    EXPECT_EQ(EscapeName(row.name, NameEscaping::kUnderscores), row.underscores);
    EXPECT_EQ(EscapeName(row.name, NameEscaping::kDots), row.dots);
    EXPECT_EQ(EscapeName(row.name, NameEscaping::kValues), row.values);
  }
}

TEST(ExpositionWriter, WritesText) {
  const auto write = [](ExpositionWriter* writer) {
    writer->BeginFamily("a_total", Type::kUntyped);
    writer->AddUntyped({}, 1234567, 5);
    writer->AddUntyped({{"x", "a\\b\n\"c\""}, {"i.j", ""}}, -0.0, -6);
    writer->AddUntyped({{"x", "y"}}, std::nan(""), 7);
    writer->BeginFamily("b.c", Type::kUntyped);
    writer->AddUntyped({}, -HUGE_VAL, 8);
    writer->AddUntyped({{"x", "y"}}, 0.1, 8);
  };
  EXPECT_EQ(Text(NameEscaping::kAllowUtf8, write),
            "# TYPE a_total untyped\n"
            "a_total 1.234567e+06 5\n"
            "a_total{x=\"a\\\\b\\n\\\"c\\\"\",\"i.j\"=\"\"} 0 -6\n"
            "a_total{x=\"y\"} NaN 7\n"
            "# TYPE \"b.c\" untyped\n"
            "{\"b.c\"} -Inf 8\n"
            "{\"b.c\",x=\"y\"} 0.1 8\n");
  EXPECT_EQ(Text(NameEscaping::kUnderscores,
                 [](ExpositionWriter* writer) {
                   writer->BeginFamily("b.c", Type::kUntyped);
                   writer->AddUntyped({{"i.j", "k"}}, 2, 8);
                 }),
            "# TYPE b_c untyped\nb_c{i_j=\"k\"} 2 8\n");
}

model::NativeHistogram Custom() {
  model::NativeHistogram histogram;
  histogram.schema = model::kCustomBucketsSchema;
  histogram.custom_values = {0.5, 1, 10};
  histogram.positive_spans = {{0, 1}, {1, 2}};  // buckets 0, 2 and the one above all bounds
  histogram.positive_buckets = {2, 3, 1};
  histogram.count = 6;
  histogram.sum = 12.5;
  return histogram;
}

TEST(ExpositionWriter, WritesCustomBucketsAsClassic) {
  EXPECT_EQ(Text(NameEscaping::kUnderscores,
                 [](ExpositionWriter* writer) {
                   writer->BeginFamily("h", Type::kGaugeHistogram);
                   writer->AddHistogram({{"a", "b"}}, Custom(), 9);
                 }),
            "# TYPE h histogram\n"
            "h_bucket{a=\"b\",le=\"0.5\"} 2 9\n"
            "h_bucket{a=\"b\",le=\"1\"} 2 9\n"
            "h_bucket{a=\"b\",le=\"10\"} 5 9\n"
            "h_bucket{a=\"b\",le=\"+Inf\"} 6 9\n"
            "h_sum{a=\"b\"} 12.5 9\n"
            "h_count{a=\"b\"} 6 9\n");
  EXPECT_TRUE(ExpositionWriter::CanWrite(ExpositionFormat::kText, Custom()));
  EXPECT_FALSE(ExpositionWriter::CanWrite(ExpositionFormat::kText, {}));
  EXPECT_TRUE(ExpositionWriter::CanWrite(ExpositionFormat::kProtobuf, {}));
}

// Field numbers of the message, with the sizes of what is in bytes.
std::vector<std::pair<uint32_t, uint64_t>> Fields(std::string_view message) {
  std::vector<std::pair<uint32_t, uint64_t>> fields;
  wire::FieldReader reader(message);
  wire::Field field;
  while (reader.Next(&field)) {
    fields.emplace_back(field.number, field.type == wire::kBytes ? field.bytes.size() : field.bits);
  }
  EXPECT_TRUE(reader.good());
  return fields;
}

TEST(ExpositionWriter, WritesDelimitedFamilies) {
  std::string out;
  ExpositionWriter writer({ExpositionFormat::kProtobuf, NameEscaping::kAllowUtf8}, &out);
  writer.BeginFamily("ab", Type::kUntyped);
  writer.AddUntyped({{"x", "y"}}, 1, 3);
  writer.BeginFamily("h", Type::kGaugeHistogram);
  model::NativeHistogram histogram;
  histogram.positive_spans = {{-1, 2}};
  histogram.positive_buckets = {1, 2};
  histogram.count = 3;
  writer.AddHistogram({}, histogram, 3);
  writer.Finish();
  const char* p = out.data();
  const char* const end = p + out.size();
  std::string_view first;
  std::string_view second;
  p = wire::ReadBytes(p, end, &first);
  p = wire::ReadBytes(p, end, &second);
  EXPECT_EQ(p, end);
  // name, type UNTYPED, metric of label (8), untyped (11) and time (2)
  using Want = std::vector<std::pair<uint32_t, uint64_t>>;
  EXPECT_EQ(Fields(first), (Want{{1, 2}, {3, 3}, {4, 21}}));
  // GAUGE_HISTOGRAM; sum, count, schema, zero threshold and count, a span, two buckets
  EXPECT_EQ(Fields(second), (Want{{1, 1}, {3, 5}, {4, 66}}));
  const std::string_view metric = second.substr(second.size() - 66);
  EXPECT_EQ(Fields(metric), (Want{{6, 3}, {7, 62}}));
  EXPECT_EQ(Fields(metric.substr(4, 62)).size(), 8U);
}

}  // namespace
}  // namespace hearth::codec
