// SPDX-License-Identifier: Apache-2.0
#include "codec/exposition_protobuf.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/status.h"
#include "codec/wire.h"

namespace hearth::codec {
namespace {

using testing::HasSubstr;

// ---- Messages, field by field ----

class Fields {
 public:
  Fields& Bytes(uint32_t field, std::string_view bytes) {
    wire::AppendBytesField(field, bytes, &bytes_);
    return *this;
  }
  Fields& Bytes(uint32_t field, const Fields& inner) { return Bytes(field, inner.bytes_); }
  Fields& Number(uint32_t field, uint64_t number) {
    wire::AppendVarintField(field, number, &bytes_);
    return *this;
  }
  Fields& Signed(uint32_t field, int64_t number) { return Number(field, wire::UnZigZag(number)); }
  Fields& Double(uint32_t field, double value) {
    wire::AppendDoubleField(field, value, &bytes_);
    return *this;
  }
  Fields& Deltas(uint32_t field, std::initializer_list<int64_t> deltas) {
    std::string packed;
    for (const int64_t delta : deltas) wire::AppendVarint(wire::UnZigZag(delta), &packed);
    return Bytes(field, packed);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

Fields Label(std::string_view name, std::string_view value) {
  return Fields().Bytes(1, name).Bytes(2, value);
}
Fields Time(uint64_t seconds, uint64_t nanos) {
  return Fields().Number(1, seconds).Number(2, nanos);
}
Fields Exemplar(std::string_view id, double value, bool has_time) {
  Fields message = Fields().Bytes(1, Label("id", id)).Double(2, value);
  return has_time ? message.Bytes(3, Time(7, 5'000'000)) : message;
}
Fields Bucket(uint64_t count, double bound) { return Fields().Number(1, count).Double(2, bound); }
Fields Span(int64_t offset, uint64_t length) {
  return Fields().Signed(1, offset).Number(2, length);
}
std::string Family(std::string_view name, uint64_t type, const std::vector<Fields>& metrics) {
  Fields family;
  family.Bytes(1, name).Bytes(2, "Help.").Number(3, type);
  for (const Fields& metric : metrics) family.Bytes(4, metric);
  std::string out;
  wire::AppendVarint(family.bytes().size(), &out);
  return out + family.bytes();
}

// 17 observations: 2 zero, 6 negative, 9 positive.
Fields NativeParts() {
  return Fields()
      .Number(1, 17)
      .Double(2, 18.5)
      .Signed(5, 2)
      .Double(6, 0.001)
      .Number(7, 2)
      .Bytes(9, Span(-2, 2))
      .Deltas(10, {3, 0})
      .Bytes(12, Span(0, 3))
      .Bytes(12, Span(4, 1))
      .Deltas(13, {2, -2, 3, 1});
}

std::string SideText(const std::vector<model::HistogramSpan>& spans,
                     const std::vector<double>& buckets) {
  std::string out;
  for (const auto& span : spans) out += fmt::format("{}+{} ", span.offset, span.length);
  return fmt::format("[{}{}]", out, fmt::join(buckets, " "));
}

std::string HistogramText(const model::NativeHistogram& h) {
  std::string out = fmt::format("{}schema {} count {} sum {} zero {}<={} pos {} neg {}",
                                h.is_float ? "float " : "", h.schema, h.count, h.sum, h.zero_count,
                                h.zero_threshold, SideText(h.positive_spans, h.positive_buckets),
                                SideText(h.negative_spans, h.negative_buckets));
  if (!h.custom_values.empty()) out += fmt::format(" bounds {}", fmt::join(h.custom_values, " "));
  if (h.hint == model::CounterResetHint::kGauge) out += " gauge";
  return out;
}

// Everything that a scrape would see, a line an entry.
std::string Read(std::string_view body, const ExpositionOptions& options) {
  const auto reader = MakeExpositionReader(body, options);
  std::string out;
  while (true) {
    const auto entry = reader->Next();
    if (!entry.ok()) return out + "error: " + hearth::Message(entry.status()) + "\n";
    switch (*entry) {
      case ExpositionEntry::kEnd:
        return out;
      case ExpositionEntry::kHelp:
        continue;
      case ExpositionEntry::kUnit:
        out += fmt::format("UNIT {} {}\n", reader->metric(), reader->text());
        continue;
      case ExpositionEntry::kType:
        out += fmt::format("TYPE {} {}\n", reader->metric(), model::Name(reader->type()));
        continue;
      default:
        break;
    }
    const auto labels = reader->Labels();
    if (!labels.ok()) return out + "error: " + hearth::Message(labels.status()) + "\n";
    out += model::Labels::FromPairs(**labels).ToString() + " ";
    out += *entry == ExpositionEntry::kHistogram ? HistogramText(*reader->histogram())
                                                 : fmt::format("{}", reader->value());
    if (reader->has_time()) out += fmt::format(" at {}", reader->time_ms());
    if (reader->start_time_ms() != 0) out += fmt::format(" since {}", reader->start_time_ms());
    model::Exemplar exemplar;
    while (reader->NextExemplar(&exemplar)) {
      out +=
          fmt::format(" # {} {} {}", exemplar.labels.ToString(), exemplar.value, exemplar.time_ms);
    }
    out += "\n";
  }
}

constexpr ExpositionOptions kPlain = {ExpositionFormat::kProtobuf, false, false, false};
constexpr ExpositionOptions kNative = {ExpositionFormat::kProtobuf, true, false, false};
constexpr ExpositionOptions kBoth = {ExpositionFormat::kProtobuf, true, true, false};
constexpr ExpositionOptions kCustom = {ExpositionFormat::kProtobuf, true, false, true};

TEST(ExpositionProtobuf, ReadsPlainFamilies) {
  const std::string body =
      Family("c", 0,
             {Fields()
                  .Bytes(1, Label("b", "2"))
                  .Bytes(1, Label("a", "1"))
                  .Bytes(3, Fields()
                                .Double(1, 5)
                                .Bytes(2, Exemplar("x", 0.5, true))
                                .Bytes(3, Time(3, 0)))}) +
      Family("nothing", 1, {}) +
      Family("g", 1, {Fields().Bytes(2, Fields().Double(1, -1.5)).Number(6, 1234)}) +
      Family("u", 3, {Fields().Bytes(5, Fields().Double(1, 2))}) +
      Family("s", 2,
             {Fields().Bytes(4, Fields()
                                    .Number(1, 4)
                                    .Double(2, 6)
                                    .Bytes(3, Fields().Double(1, 0.5).Double(2, 1))
                                    .Bytes(3, Fields().Double(1, 1).Double(2, 3)))});
  EXPECT_EQ(Read(body, kPlain),
            "TYPE c counter\n"
            "c{a=\"1\", b=\"2\"} 5 since 3000 # {id=\"x\"} 0.5 7005\n"
            "TYPE g gauge\n"
            "g -1.5 at 1234\n"
            "TYPE u unknown\n"
            "u 2\n"
            "TYPE s summary\n"
            "s_count 4\n"
            "s_sum 6\n"
            "s{quantile=\"0.5\"} 1\n"
            "s{quantile=\"1.0\"} 3\n");
}

TEST(ExpositionProtobuf, ReadsHistogramsAsTheyAreWanted) {
  Fields parts = NativeParts();
  parts.Bytes(3, Bucket(8, 0.5)).Bytes(3, Bucket(17, std::numeric_limits<double>::infinity()));
  parts.Bytes(16, Exemplar("late", 3, true)).Bytes(16, Exemplar("timeless", 4, false));
  const std::string body = Family("h", 4, {Fields().Bytes(7, parts)});
  const std::string native =
      "h schema 2 count 17 sum 18.5 zero 2<=0.001 pos [0+1 1+1 4+1 2 3 4] neg [-2+2 3 3]"
      " # {id=\"late\"} 3 7005\n";
  const std::string classic =
      "h_count 17\nh_sum 18.5\nh_bucket{le=\"0.5\"} 8\nh_bucket{le=\"+Inf\"} 17\n";
  EXPECT_EQ(Read(body, kNative), "TYPE h histogram\n" + native);
  EXPECT_EQ(Read(body, kBoth), "TYPE h histogram\n" + native + classic);
  EXPECT_EQ(Read(body, kPlain), "TYPE h histogram\n" + classic);
  EXPECT_EQ(Read(body, kCustom), "TYPE h histogram\n" + native);
  EXPECT_EQ(Read(body, {ExpositionFormat::kProtobuf, false, false, true}),
            "TYPE h histogram\nh schema -53 count 17 sum 18.5 zero 0<=0 pos [0+2 8 9] neg []"
            " bounds 0.5 # {id=\"late\"} 3 7005\n");
}

TEST(ExpositionProtobuf, ConvertsClassicHistograms) {
  Fields parts = Fields().Number(1, 3).Double(2, 9);
  parts.Bytes(3, Fields().Number(1, 1).Double(2, 1).Bytes(3, Exemplar("b", 0.5, true)));
  parts.Bytes(3, Bucket(1, 2)).Bytes(3, Bucket(3, 4));
  const std::string body = Family(
      "h", 5, {Fields().Bytes(7, parts), Fields().Bytes(1, Label("a", "1")).Bytes(7, parts)});
  EXPECT_EQ(Read(body, kCustom),
            "TYPE h gaugehistogram\n"
            "h schema -53 count 3 sum 9 zero 0<=0 pos [0+3 1 0 2] neg [] bounds 1 2 4 gauge"
            " # {id=\"b\"} 0.5 7005\n"
            "h{a=\"1\"} schema -53 count 3 sum 9 zero 0<=0 pos [0+3 1 0 2] neg [] bounds 1 2 4"
            " gauge # {id=\"b\"} 0.5 7005\n");
  const std::string both = Read(body, {ExpositionFormat::kProtobuf, true, true, true});
  EXPECT_THAT(both, HasSubstr("h_bucket{le=\"1.0\"} 1 # {id=\"b\"} 0.5 7005\n"
                              "h_bucket{le=\"2.0\"} 1\n"
                              "h_bucket{le=\"4.0\"} 3\n"
                              "h_bucket{le=\"+Inf\"} 3\n"
                              "h schema -53"));
}

TEST(ExpositionProtobuf, ReadsFloatAndEmptyNativeHistograms) {
  const Fields floats = Fields()
                            .Double(4, 2.5)
                            .Double(2, 1)
                            .Double(8, 0.5)
                            .Bytes(12, Span(1, 2))
                            .Double(14, 0.5)
                            .Double(14, 1.5);
  EXPECT_EQ(Read(Family("f", 4, {Fields().Bytes(7, floats)}), kNative),
            "TYPE f histogram\n"
            "f float schema 0 count 2.5 sum 1 zero 0.5<=0 pos [1+2 0.5 1.5] neg []\n");
  const Fields nothing = Fields().Bytes(12, Span(0, 0));
  EXPECT_EQ(Read(Family("e", 4, {Fields().Bytes(7, nothing)}), kNative),
            "TYPE e histogram\ne schema 0 count 0 sum 0 zero 0<=0 pos [] neg []\n");
}

TEST(ExpositionProtobuf, SameSeriesHasTheSameText) {
  const auto text = [](const Fields& metric) {
    const std::string body = Family("c", 0, {metric});
    ProtobufExposition reader(body, kPlain);
    std::string found;
    for (auto entry = reader.Next(); *entry != ExpositionEntry::kEnd; entry = reader.Next()) {
      if (*entry == ExpositionEntry::kSample) found = reader.series_text();
    }
    return found;
  };
  const auto metric = [](std::string_view value, double number) {
    return Fields().Bytes(1, Label("a", value)).Bytes(3, Fields().Double(1, number));
  };
  EXPECT_EQ(text(metric("1", 1)), text(metric("1", 2)));
  EXPECT_NE(text(metric("1", 1)), text(metric("2", 1)));
}

TEST(ExpositionProtobuf, RefusesWhatIsBroken) {
  const Fields value = Fields().Bytes(2, Fields().Double(1, 1));
  Fields too_few = NativeParts();
  too_few.Bytes(12, Span(0, 1));
  Fields falling = Fields().Number(1, 3).Bytes(3, Bucket(2, 1)).Bytes(3, Bucket(1, 2));
  const struct {
    std::string body;
    std::string error;
  } rows[] = {
      {Family("g", 1, {value}).substr(0, 9), "malformed or cut off"},
      {Family("", 1, {value}), "invalid metric name: \"\""},
      {Family("\xff", 1, {value}), "invalid metric name"},
      {Family("g", 6, {value}), "metric family \"g\": unknown metric type 6"},
      {Family("g", 1, {Fields().Bytes(2, "\x09")}), "metric family \"g\": a metric is malformed"},
      {Family("g", 1, {Fields(value).Bytes(1, Label("", "x"))}), "invalid label name: \"\""},
      {Family("g", 1, {Fields(value).Bytes(1, Label("x", "\xff"))}), "invalid label value"},
      {Family("h", 4, {Fields().Bytes(7, too_few)}),
       "metric family \"h\": positive side: spans require 5 buckets, have 4"},
      {Family("h", 4, {Fields().Bytes(7, falling)}), "count is not cumulative: 1 < 2"},
  };
  for (const auto& row : rows) EXPECT_THAT(Read(row.body, kCustom), HasSubstr(row.error));
}

// The text formats, converted.
constexpr ExpositionOptions kTextCustom = {ExpositionFormat::kText, false, false, true};

TEST(Nhcb, ReplacesClassicSeriesOfTextFormats) {
  const std::string_view body =
      "# TYPE h histogram\n"
      "h_bucket{a=\"1\",le=\"1\"} 1\nh_bucket{a=\"1\",le=\"+Inf\"} 4\n"
      "h_sum{a=\"1\"} 10\nh_count{a=\"1\"} 4\n"
      "h_bucket{a=\"2\",le=\"+Inf\"} 0.5\nh_count{a=\"2\"} 0.5\nh_sum{a=\"2\"} 1\n"
      "h_other 7\n"
      "# TYPE c counter\n"
      "c_count 5\n";
  const std::string first =
      "h{a=\"1\"} schema -53 count 4 sum 10 zero 0<=0 pos [0+2 1 3] neg [] bounds 1\n";
  const std::string second =
      "h{a=\"2\"} float schema -53 count 0.5 sum 1 zero 0<=0 pos [0+1 0.5] neg []\n";
  EXPECT_EQ(Read(body, kTextCustom),
            "TYPE h histogram\n" + first + second + "h_other 7\nTYPE c counter\nc_count 5\n");
  const std::string both = Read(body, {ExpositionFormat::kText, false, true, true});
  EXPECT_THAT(both,
              HasSubstr("h_count{a=\"1\"} 4\n" + first + "h_bucket{a=\"2\", le=\"+Inf\"} 0.5"));
  EXPECT_THAT(both, HasSubstr("h_sum{a=\"2\"} 1\n" + second + "h_other 7\n"));
}

TEST(Nhcb, TakesBucketsInAnyOrder) {
  NhcbBuilder builder;
  builder.SetBucket(3, 5);
  builder.SetBucket(1, 2);
  builder.SetBucket(2, 4);
  builder.SetBucket(1, 9);  // given twice: the first counts
  builder.SetCount(6);
  const auto histogram = builder.Convert();
  ASSERT_TRUE(histogram.ok()) << histogram.status();
  EXPECT_THAT((*histogram)->custom_values, testing::ElementsAre(1, 2, 3));
  EXPECT_THAT((*histogram)->positive_buckets, testing::ElementsAre(2, 2, 1, 1));
  builder.Reset();
  builder.SetBucket(2, 1);
  builder.SetBucket(1, 2);
  EXPECT_EQ(Message(builder.Convert().status()), "count is not cumulative: 1 < 2");
  // So many that one by one would take hours.
  builder.Reset();
  constexpr int kMany = 2'000'000;
  for (int i = kMany; i > 0; --i) builder.SetBucket(i, i);
  ASSERT_TRUE(builder.Convert().ok());
}

TEST(Nhcb, HandsOutTheLastHistogramAndLeavesOutWhatDoesNotConvert) {
  EXPECT_EQ(Read("# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_count 4\n"
                 "# TYPE i histogram\ni_bucket{le=\"+Inf\"} 3\n",
                 kTextCustom),
            "TYPE h histogram\nTYPE i histogram\n"
            "i schema -53 count 3 sum 0 zero 0<=0 pos [0+1 3] neg []\n");
}

TEST(Nhcb, TakesTheExemplarsOfItsBuckets) {
  EXPECT_EQ(Read("# TYPE h histogram\n"
                 "h_bucket{le=\"1\"} 1 # {id=\"x\"} 0.5 3\nh_bucket{le=\"+Inf\"} 2\n# EOF\n",
                 {ExpositionFormat::kOpenMetrics, false, false, true}),
            "TYPE h histogram\n"
            "h schema -53 count 2 sum 0 zero 0<=0 pos [0+2 1 1] neg [] bounds 1"
            " # {id=\"x\"} 0.5 3000\n");
}

}  // namespace
}  // namespace hearth::codec
