// SPDX-License-Identifier: Apache-2.0
#include "promql/parser.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace hearth::promql {
namespace {

std::string Printed(std::string_view input) {
  const auto expr = ParseExpr(input, ParserOptions::AllFeatures());
  return expr.ok() ? (*expr)->String() : Message(expr.status());
}

TEST(Parser, PrintsCanonicalText) {
  const struct {
    std::string_view input;
    std::string_view want;
  } rows[] = {
      {"1", "1"},
      {"-1^2", "-1 ^ 2"},
      {"0x1F", "31"},
      {"017", "15"},
      {"1_000", "1000"},
      {"1e3", "1000"},
      {"+INF", "+Inf"},
      {"nAn", "NaN"},
      {"5m", "5m"},
      {"1h30m", "1h30m"},
      {"90m", "1h30m"},
      {".5", "0.5"},
      {"'a\\'b'", "\"a'b\""},
      {"`raw\\n`", "\"raw\\\\n\""},
      {"foo", "foo"},
      {"foo{}", "foo"},
      {"sum", "sum"},
      {"by{on='x'}", "by{on=\"x\"}"},
      {"{\"my.metric\", \"a b\"=~\"x|y\"}", "{\"a b\"=~\"x|y\",__name__=\"my.metric\"}"},
      {"foo{b!=\"2\",a=\"1\",}", "foo{a=\"1\",b!=\"2\"}"},
      {"foo # comment\n + bar", "foo + bar"},
      {"a + b * c ^ d ^ e", "a + b * c ^ d ^ e"},
      {"a or b and c unless d == 1 atan2 2", "a or b and c unless d == 1 atan2 2"},
      {"a * on(x,\"y z\") group_left(w) b", "a * on (x, \"y z\") group_left (w) b"},
      {"a > bool ignoring() b", "a > bool b"},
      {"a / on() b", "a / on () b"},
      {"a + fill(1) b", "a + fill (1) b"},
      {"a + fill_right(-2) fill_left(1) b", "a + fill_left (1) fill_right (-2) b"},
      {"fill + fill_left", "fill + fill_left"},
      {"h </ 5 >/ 1", "h </ 5 >/ 1"},
      {"sum(foo) by (a)", "sum by (a) (foo)"},
      {"sum by () (foo)", "sum(foo)"},
      {"SUM WITHOUT(sum, by) (foo)", "sum without (sum, by) (foo)"},
      {"topk(5, foo)", "topk(5, foo)"},
      {"count_values('v', foo)", "count_values(\"v\", foo)"},
      {"rate(foo[5m] offset 1h)", "rate(foo[5m] offset 1h)"},
      {"foo offset -5m @ 1.5", "foo @ 1.500 offset -5m"},
      {"foo @ end() offset 1w", "foo @ end() offset 1w"},
      {"foo[1h:5m] @ start()", "foo[1h:5m] @ start()"},
      {"foo[1h:] offset 30s", "foo[1h:] offset 30s"},
      {"rate(foo[5m])[1h:1m]", "rate(foo[5m])[1h:1m]"},
      {"foo[300]", "foo[5m]"},
      {"foo[5m * 2]", "foo[5m * 2]"},
      {"foo[step()+1]", "foo[step() + 1]"},
      {"foo offset (1h / 2)", "foo offset (1h / 2)"},
      {"foo offset -min_of(step(), 5m)", "foo offset -min_of(step(), 5m)"},
      {"foo offset -2^2", "foo offset -2s ^ 2"},
      {"rate(foo[5m] anchored)", "rate(foo[5m] anchored)"},
      {"foo smoothed", "foo smoothed"},
      {"-foo", "-foo"},
      {"--foo", "--foo"},
      {"(((1)))", "(((1)))"},
      {"time() - start()", "time() - start()"},
      {"label_join(a, \"b\", \",\")", "label_join(a, \"b\", \",\")"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Printed(row.input), row.want) << row.input;
    // What is printed parses to the same tree.
    EXPECT_EQ(Printed(row.want), row.want) << row.input;
  }
}

TEST(Parser, ErrorsHaveTextAndPositionOfPrometheus) {
  const struct {
    std::string_view input;
    std::string_view want;
  } rows[] = {
      {"", "unknown position: parse error: no expression found in input"},
      {" ", "1:1: parse error: no expression found in input"},
      {"1 +", "1:4: parse error: unexpected end of input"},
      {"1 + \n )", "2:3: parse error: unexpected right parenthesis ')'"},
      {"foo bar", "1:5: parse error: unexpected identifier \"bar\""},
      {"(1", "1:3: parse error: unclosed left parenthesis"},
      {"foo{", "1:5: parse error: unexpected end of input inside braces"},
      {"foo{a}",
       "1:6: parse error: unexpected \"}\" in label matching, expected label matching "
       "operator"},
      {"foo{a=b}",
       "1:7: parse error: unexpected identifier \"b\" in label matching, expected string"},
      {"foo{a=\"b\" c=\"d\"}",
       "1:11: parse error: unexpected identifier \"c\" in label matching, expected \",\" or \"}\""},
      {"foo{1=\"a\"}", "1:5: parse error: unexpected character inside braces: '1'"},
      {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"{x=~\".*\"}",
       "1:1: parse error: vector selector must contain at least one non-empty "
       "matcher"},
      {"foo{__name__=\"bar\"}",
       "1:1: parse error: metric name must not be set twice: \"foo\" or "
       "\"bar\""},
      {"sum(foo", "1:8: parse error: unclosed left parenthesis"},
      {"sum(foo bar)", "1:9: parse error: unexpected identifier \"bar\" in aggregation"},
      {"sum by foo (bar)",
       "1:8: parse error: unexpected identifier \"foo\" in grouping opts, expected \"(\""},
      {"sum by (1) (bar)",
       "1:9: parse error: unexpected number \"1\" in grouping opts, expected label"},
      {"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
      {"topk(foo)",
       "1:1: parse error: wrong number of arguments for aggregate expression "
       "provided, expected 2, got 1"},
      {"topk(foo, bar)",
       "1:6: parse error: expected type scalar in aggregation parameter, got "
       "instant vector"},
      {"nope(foo)", "1:1: parse error: unknown function with name \"nope\""},
      {"rate(foo)",
       "1:6: parse error: expected type range vector in call to function \"rate\", "
       "got instant vector"},
      {"rate(foo[5m], 1)", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 2"},
      {"round()", "1:1: parse error: expected at least 1 argument(s) in call to \"round\", got 0"},
      {"abs(foo,)", "1:8: parse error: trailing commas not allowed in function call args"},
      {"foo[5m] + 1",
       "1:1: parse error: binary expression must contain only scalar and instant "
       "vector types"},
      {"1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
      {"foo + bool bar",
       "1:5: parse error: bool modifier can only be used on comparison "
       "operators"},
      {"foo and 1",
       "1:1: parse error: set operator \"and\" not allowed in binary scalar "
       "expression"},
      {"a and on(x) group_left b", "1:1: parse error: no grouping allowed for \"and\" operation"},
      {"a + on(x) group_left(x) b",
       "1:3: parse error: label \"x\" must not occur in ON and GROUP clause at once"},
      {"foo[5]m", "1:7: parse error: unexpected identifier \"m\""},
      {"foo[", "1:5: parse error: unexpected end of input in duration expression"},
      {"foo[]",
       "1:5: parse error: unexpected \"]\" in subquery or range selector, expected number, "
       "duration, step(), or range()"},
      {"foo[0m]", "1:5: parse error: duration must be greater than 0"},
      {"foo[5m", "1:7: parse error: unclosed left bracket"},
      {"foo[5m][5m]", "1:8: parse error: ranges only allowed for vector selectors"},
      {"foo offset 1m[5m]", "1:14: parse error: no offset modifiers allowed before range"},
      {"foo @ 1[5m]", "1:8: parse error: no @ modifiers allowed before range"},
      {"foo offset",
       "1:11: parse error: unexpected end of input in offset, expected number, "
       "duration, step(), or range()"},
      {"foo offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times"},
      {"1 offset 1m",
       "1:1: parse error: offset modifier must be preceded by an instant vector "
       "selector or range vector selector or a subquery"},
      {"foo @ x", "1:7: parse error: unexpected identifier \"x\" in @, expected timestamp"},
      {"foo @ Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"},
      {"foo offset 5m2h", "1:12: parse error: not a valid duration string: \"5m2h\""},
      {"\"a\" + 1",
       "1:1: parse error: binary expression must contain only scalar and instant "
       "vector types"},
      {"\"a", "1:1: parse error: unterminated quoted string"},
      {"foo $ bar", "1:5: parse error: unexpected character: '$'"},
      {"1.2.3", "1:1: parse error: bad number or duration syntax: \"1.2.\""},
      {"5m[1h]", "1:3: parse error: ranges only allowed for vector selectors"},
      {"foo ! bar", "1:5: parse error: unexpected character after '!': ' '"},
  };
  for (const auto& row : rows) EXPECT_EQ(Printed(row.input), row.want) << row.input;
}

TEST(Parser, FeaturesAreOffByDefault) {
  const std::string_view inputs[] = {"limitk(1, foo)", "mad_over_time(foo[5m])",
                                     "rate(foo[5m] anchored)", "a + fill(1) b"};
  for (const std::string_view input : inputs) EXPECT_FALSE(ParseExpr(input).ok()) << input;
  EXPECT_EQ(Message(ParseExpr("limitk(1, foo)").status()),
            "1:1: parse error: limitk() is experimental and must be enabled with "
            "--enable-feature=promql-experimental-functions");
  EXPECT_TRUE(ParseExpr("foo[5m * 2]").ok());
}

TEST(Parser, DeepAndLargeInputEndsInAnError) {
  const std::string deep = std::string(100'000, '(') + "1";
  EXPECT_FALSE(ParseExpr(deep).ok());
  std::string chain = "1";
  for (int i = 0; i < 100'000; ++i) chain += "+1";
  EXPECT_FALSE(ParseExpr(chain).ok());
  std::string minus(100'000, '-');
  EXPECT_FALSE(ParseExpr(minus + "1").ok());
  EXPECT_FALSE(ParseExpr("foo[" + minus + "1]").ok());
  EXPECT_FALSE(ParseExpr(std::string(2 << 20, ' ')).ok());
}

TEST(Parser, DumpShowsKindsAndPositions) {
  const auto expr = ParseExpr("sum by (a) (rate(foo{x=\"y\"}[5m])) / 2");
  ASSERT_TRUE(expr.ok());
  EXPECT_EQ((*expr)->Dump(),
            "BinaryExpr [0,37) sum by (a) (rate(foo{x=\"y\"}[5m])) / 2\n"
            "  AggregateExpr [0,33) sum by (a) (rate(foo{x=\"y\"}[5m]))\n"
            "    Call [12,32) rate(foo{x=\"y\"}[5m])\n"
            "      MatrixSelector [17,31) foo{x=\"y\"}[5m]\n"
            "        VectorSelector [17,27) foo{x=\"y\"}\n"
            "  NumberLiteral [36,37) 2\n");
}

TEST(Parser, ReadsSelectorsAndLabelSets) {
  const auto matchers = ParseMetricSelector("up{job=~\"a.*\"}");
  ASSERT_TRUE(matchers.ok());
  EXPECT_EQ(matchers->size(), 2u);
  EXPECT_FALSE(ParseMetricSelector("up[5m]").ok());
  EXPECT_FALSE(ParseMetricSelector("1").ok());
  const auto labels = ParseMetric("up{b=\"2\", a=\"1\"}");
  ASSERT_TRUE(labels.ok());
  EXPECT_EQ(labels->ToString(), "up{a=\"1\", b=\"2\"}");
  EXPECT_FALSE(ParseMetric("up{b=~\"2\"}").ok());
}

}  // namespace
}  // namespace hearth::promql
