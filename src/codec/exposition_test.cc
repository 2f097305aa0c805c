// SPDX-License-Identifier: Apache-2.0
#include "codec/exposition.h"

#include <gtest/gtest.h>

#include "base/compress.h"
#include "base/file_system.h"
#include "base/status.h"
#include "codec/go_float.h"
#include "model/value.h"

namespace hearth::codec {
namespace {

constexpr auto kText = ExpositionFormat::kText;
constexpr auto kOpenMetrics = ExpositionFormat::kOpenMetrics;

// What a body parses to, one line an entry; an error ends it.
std::string Dump(std::string_view body, ExpositionFormat format) {
  ExpositionParser parser(body, format);
  std::string out;
  while (true) {
    const auto entry = parser.Next();
    if (!entry.ok()) return out + "error: " + Message(entry.status()) + "\n";
    switch (*entry) {
      case ExpositionEntry::kHistogram:  // text formats have none
      case ExpositionEntry::kEnd:
        return out;
      case ExpositionEntry::kType:
        out += "type " + std::string(parser.metric()) + " " + std::string(Name(parser.type()));
        break;
      case ExpositionEntry::kHelp:
        out += "help " + std::string(parser.metric()) + " " + std::string(parser.text());
        break;
      case ExpositionEntry::kUnit:
        out += "unit " + std::string(parser.metric()) + " " + std::string(parser.text());
        break;
      case ExpositionEntry::kSample: {
        out += model::Labels::FromPairs(parser.labels()).ToString() + " ";
        AppendGoFixed(parser.value(), &out);
        if (parser.has_time()) out += " @" + std::to_string(parser.time_ms());
        if (model::Exemplar exemplar; parser.NextExemplar(&exemplar)) {
          out += " # " + exemplar.labels.ToString() + " ";
          AppendGoFixed(exemplar.value, &out);
          out += " @" + std::to_string(exemplar.time_ms);
        }
      }
    }
    out += "\n";
  }
}

struct Case {
  const char* what;
  const char* body;
  const char* dump;
};

class ExpositionText : public testing::TestWithParam<Case> {};
TEST_P(ExpositionText, Parses) { EXPECT_EQ(Dump(GetParam().body, kText), GetParam().dump); }

INSTANTIATE_TEST_SUITE_P(
    Rows, ExpositionText,
    testing::Values(
        Case{"nothing", "", ""}, Case{"blank lines", "\n  \n\t\n", ""},
        Case{"plain", "up 1\n", "up 1\n"}, Case{"no final newline", "up 1", "up 1\n"},
        Case{"time", "up 1 1700000000123\n", "up 1 @1700000000123\n"},
        Case{"labels", "m{a=\"1\",b=\"2\"} 3\n", "m{a=\"1\", b=\"2\"} 3\n"},
        Case{"blanks", " m { a = \"1\" , b=\"2\" , }\t 3 5 \n", "m{a=\"1\", b=\"2\"} 3 @5\n"},
        Case{"no labels", "m{} 3\n", "m 3\n"},
        Case{"escapes", "m{a=\"x\\\\y\\\"z\\nw\\q\"} 1\n", "m{a=\"x\\\\y\\\"z\\nw\\\\q\"} 1\n"},
        Case{"brace in a value", "m{a=\"}{ 7\"} 1\n", "m{a=\"}{ 7\"} 1\n"},
        Case{"quoted name", "{\"a.b\",x=\"y\"} 1\n", "{\"a.b\", x=\"y\"} 1\n"},
        Case{"quoted label", "m{\"a.b\"=\"y\"} 1\n", "m{\"a.b\"=\"y\"} 1\n"},
        Case{"numbers", "a +Inf\nb -inf\nc NaN\nd 1e-3\ne -0\nf .5\n",
             "a +Inf\nb -Inf\nc NaN\nd 0.001\ne -0\nf 0.5\n"},
        Case{"metadata",
             "# HELP m A \\\\ text\\nof two lines.\n# TYPE m counter\n#comment\n# x\nm 1\n",
             "help m A \\ text\nof two lines.\ntype m counter\nm 1\n"},
        Case{"empty help", "# HELP m\n# HELP n \n", "help m \nhelp n \n"},
        Case{"untyped", "# TYPE m untyped\n", "type m unknown\n"},
        Case{"buckets as OpenMetrics spells them",
             "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n"
             "# TYPE s summary\ns{quantile=\"1\"} 3\ns{le=\"1\"} 3\n",
             "type h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\n"
             "type s summary\ns{quantile=\"1.0\"} 3\ns{le=\"1\"} 3\n"},
        Case{"no value", "a 1\nm\n",
             "a 1\nerror: line 2: expected a value after the metric in \"m\"\n"},
        Case{"bad value", "m 1x\n", "error: line 1: \"1x\" is no number in \"m 1x\"\n"},
        Case{"hex", "m 0x1p3\n", "error: line 1: \"0x1p3\" is no number in \"m 0x1p3\"\n"},
        Case{"bad start", "1m 1\n",
             "error: line 1: expected a metric name or a comment in \"1m 1\"\n"},
        Case{"open brace", "m{a=\"1\" 3\n",
             "error: line 1: expected a label name in \"m{a=\\\"1\\\" 3\"\n"},
        Case{"open quote", "m{a=\"1} 3\n",
             "error: line 1: expected a quoted label value in \"m{a=\\\"1} 3\"\n"},
        Case{"no equals", "m{a} 3\n",
             "error: line 1: expected = after a label name in \"m{a} 3\"\n"},
        Case{"no name", "{a=\"1\"} 3\n", "error: line 1: no metric name in \"{a=\\\"1\\\"} 3\"\n"},
        Case{"two names", "m{\"n\"} 3\n",
             "error: line 1: the metric name is given twice in \"m{\\\"n\\\"} 3\"\n"},
        Case{"bad UTF-8", "m{a=\"\xff\"} 3\n",
             "error: line 1: a label value is not valid UTF-8 in \"m{a=\\\"\\xff\\\"} 3\"\n"},
        Case{"bad time", "m 3 x\n",
             "error: line 1: expected a timestamp or a new line, got \"x\" in \"m 3 x\"\n"},
        Case{"tail", "m 3 4 5\n",
             "error: line 1: expected a new line after the timestamp in \"m 3 4 5\"\n"},
        Case{"bad type", "# TYPE m thing\n",
             "error: line 1: invalid metric type \"thing\" in \"# TYPE m thing\"\n"},
        Case{"lines inside a value count", "m{a=\"1\n2\"} 3\nx\n",
             "m{a=\"1\\n2\"} 3\nerror: line 3: expected a value after the metric in \"x\"\n"}),
    [](const auto& param) {
      std::string name;
      for (const char c : std::string_view(param.param.what)) {
        name.push_back(isalnum(c) != 0 ? c : '_');
      }
      return name;
    });

class OpenMetrics : public testing::TestWithParam<Case> {};
TEST_P(OpenMetrics, Parses) { EXPECT_EQ(Dump(GetParam().body, kOpenMetrics), GetParam().dump); }

INSTANTIATE_TEST_SUITE_P(
    Rows, OpenMetrics,
    testing::Values(
        Case{"nothing", "# EOF\n", ""}, Case{"eof without newline", "# EOF", ""},
        Case{"seconds", "m 1 1520879607.789\n# EOF\n", "m 1 @1520879607789\n"},
        Case{"metadata",
             "# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds A \\\"x\\\"\n"
             "a_seconds_total{b=\"c\"} 2\n# EOF\n",
             "type a_seconds counter\nunit a_seconds seconds\nhelp a_seconds A \"x\"\n"
             "a_seconds_total{b=\"c\"} 2\n"},
        Case{"types",
             "# TYPE a unknown\n# TYPE b info\n# TYPE c stateset\n# TYPE d gaugehistogram\n# EOF",
             "type a unknown\ntype b info\ntype c stateset\ntype d gaugehistogram\n"},
        Case{"exemplar",
             "a_total 1 # {id=\"x\"} 0.5\nb_total 1 2 # {id=\"x\",n=\"1\"} 0.5 3.25\n# EOF\n",
             "a_total 1 # {id=\"x\"} 0.5 @0\nb_total 1 @2000 # {id=\"x\", n=\"1\"} 0.5 @3250\n"},
        Case{"no eof", "m 1\n", "m 1\nerror: line 2: the data does not end with # EOF in \"\"\n"},
        Case{"cut", "m 1", "error: line 1: the data does not end with # EOF in \"m 1\"\n"},
        Case{"after eof", "# EOF\nm 1\n",
             "error: line 1: unexpected data after # EOF in \"# EOF\"\n"},
        Case{"blank line", "\n# EOF\n",
             "error: line 1: expected a metric name or a comment in \"\"\n"},
        Case{"comment", "# a comment\n# EOF\n",
             "error: line 1: expected HELP, TYPE, UNIT or EOF after # in \"# a comment\"\n"},
        Case{"two blanks", "m  1\n# EOF\n", "error: line 1: \"\" is no number in \"m  1\"\n"},
        Case{"untyped", "# TYPE m untyped\n# EOF\n",
             "error: line 1: invalid metric type \"untyped\" in \"# TYPE m untyped\"\n"},
        Case{"foreign unit", "# UNIT m bytes\n# EOF\n",
             "error: line 1: unit \"bytes\" not a suffix of metric \"m\" in \"# UNIT m bytes\"\n"},
        Case{"time is nan", "m 1 NaN\n# EOF\n",
             "error: line 1: timestamp NaN is out of range in \"m 1 NaN\"\n"},
        Case{"exemplar without value", "m 1 # {a=\"b\"}\n# EOF\n",
             "error: line 1: expected a blank and a value after the exemplar's labels in "
             "\"m 1 # {a=\\\"b\\\"}\"\n"}),
    [](const auto& param) {
      std::string name;
      for (const char c : std::string_view(param.param.what)) {
        name.push_back(isalnum(c) != 0 ? c : '_');
      }
      return name;
    });

TEST(Exposition, SeriesTextIsTheSeriesAsWritten) {
  ExpositionParser parser("m{a=\"1\",} 5\nn 6\n", kText);
  ASSERT_TRUE(parser.Next().ok());
  EXPECT_EQ(parser.series_text(), "m{a=\"1\",}");
  EXPECT_EQ(parser.metric(), "m");
  ASSERT_TRUE(parser.Next().ok());
  EXPECT_EQ(parser.series_text(), "n");
}

TEST(Exposition, NanHasPrometheusBits) {
  ExpositionParser parser("m nan\n", kText);
  ASSERT_TRUE(parser.Next().ok());
  EXPECT_TRUE(model::SameBits(parser.value(), model::NormalNan()));
}

TEST(Exposition, ChoosesTheFormatByContentType) {
  EXPECT_EQ(FormatOf("text/plain; version=0.0.4", {})->format, kText);
  EXPECT_EQ(FormatOf("application/openmetrics-text; version=1.0.0; charset=utf-8", {})->format,
            kOpenMetrics);
  EXPECT_EQ(FormatOf("", {}).status().message(),
            "non-compliant scrape target sending blank Content-Type and no "
            "fallback_scrape_protocol specified for target");
  EXPECT_EQ(FormatOf("", kText)->format, kText);
  EXPECT_NE(FormatOf("", kText)->warning, "");
  EXPECT_EQ(FormatOf("text/html", {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FormatOf("text/html", kOpenMetrics)->format, kOpenMetrics);
  EXPECT_EQ(FormatOf("Application/vnd.google.protobuf; proto=x", kText)->format,
            ExpositionFormat::kProtobuf);
}

// Our own recording of real exporters, only where the shared data is present.
TEST(Exposition, ReadsEveryRecordedScrape) {
  const auto packed =
      RealFileSystem().ReadFile(HEARTH_ROOT_DIR "/../shared/data/real-scrapes.txt.gz");
  if (!packed.ok()) GTEST_SKIP() << packed.status();
  std::string text;
  ASSERT_TRUE(GzipDecompress(*packed, size_t{1} << 30, &text).ok());
  ExpositionParser parser(text, kText);
  size_t samples = 0;
  while (samples < 200'000) {
    const auto entry = parser.Next();
    ASSERT_TRUE(entry.ok()) << entry.status();
    if (*entry == ExpositionEntry::kEnd) break;
    if (*entry == ExpositionEntry::kSample) ++samples;
  }
  EXPECT_GT(samples, 1000U);
}

}  // namespace
}  // namespace hearth::codec
