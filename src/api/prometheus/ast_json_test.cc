// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/ast_json.h"

#include <gtest/gtest.h>

#include "promql/parser.h"

namespace hearth::api {
namespace {

std::string Tree(std::string_view query) {
  const auto expr = promql::ParseExpr(query, promql::ParserOptions::AllFeatures());
  EXPECT_TRUE(expr.ok()) << query;
  return expr.ok() ? AstJson(**expr) : "";
}

constexpr std::string_view kUp =
    R"({"anchored":false,"matchers":[{"name":"__name__","type":"=","value":"up"}],"name":"up",)"
    R"("offset":0,"offsetExpr":null,"smoothed":false,"startOrEnd":null,"timestamp":null,)"
    R"("type":"vectorSelector"})";

TEST(AstJson, WritesEveryKindAsUpstream) {
  const std::pair<std::string_view, std::string> rows[] = {
      {"up", std::string(kUp)},
      {"1e3", R"({"type":"numberLiteral","val":"1000"})"},
      {"\"a<b\"", R"({"type":"stringLiteral","val":"a\u003cb"})"},
      {"-up", R"({"expr":)" + std::string(kUp) + R"(,"op":"-","type":"unaryExpr"})"},
      {"(up)", R"({"expr":)" + std::string(kUp) + R"(,"type":"parenExpr"})"},
      {"sum by (a) (up)",
       R"({"expr":)" + std::string(kUp) +
           R"(,"grouping":["a"],"op":"sum","param":null,"type":"aggregation","without":false})"},
      {"up > bool 1",
       R"({"bool":true,"lhs":)" + std::string(kUp) +
           R"(,"matching":null,"op":"\u003e","rhs":{"type":"numberLiteral","val":"1"},)"
           R"("type":"binaryExpr"})"},
      {"up and on (a) up",
       R"({"bool":false,"lhs":)" + std::string(kUp) +
           R"(,"matching":{"card":"many-to-many","fillValues":{"lhs":null,"rhs":null},)"
           R"("include":[],"labels":["a"],"on":true},"op":"and","rhs":)" +
           std::string(kUp) + R"(,"type":"binaryExpr"})"},
      {"abs(up)", R"({"args":[)" + std::string(kUp) +
                      R"(],"func":{"argTypes":["vector"],"name":"abs","returnType":"vector",)"
                      R"("variadic":0},"type":"call"})"},
      {"up[5m] @ end() offset 1m",
       R"({"anchored":false,"matchers":[{"name":"__name__","type":"=","value":"up"}],)"
       R"("name":"up","offset":60000,"offsetExpr":null,"range":300000,"rangeExpr":null,)"
       R"("smoothed":false,"startOrEnd":"end","timestamp":null,"type":"matrixSelector"})"},
      {"up[1h:5m] @ 1.5",
       R"({"expr":)" + std::string(kUp) +
           R"(,"offset":0,"offsetExpr":null,"range":3600000,"rangeExpr":null,"startOrEnd":null,)"
           R"("step":300000,"stepExpr":null,"timestamp":1500,"type":"subquery"})"},
  };
  for (const auto& [query, want] : rows) EXPECT_EQ(Tree(query), want) << query;
}

}  // namespace
}  // namespace hearth::api
