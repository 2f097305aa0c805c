// SPDX-License-Identifier: Apache-2.0
// query_exemplars: the exemplars of every selector of a query (web/api/v1/api.go).
#include "api/prometheus/answers.h"
#include "api/prometheus/json_object.h"
#include "api/prometheus/parameters.h"
#include "api/prometheus/prometheus_api.h"
#include "base/status.h"
#include "codec/json_writer.h"
#include "promql/parser.h"

namespace hearth::api {
namespace {

using promql::As;
using promql::ExprKind;

// The matchers of every selector, as promql/parser ExtractSelectors has them.
void ExtractSelectors(const promql::Expr& expr,
                      std::vector<std::vector<model::Matcher>>* selectors) {
  if (expr.kind == ExprKind::kVectorSelector) {
    selectors->push_back(As<promql::VectorSelector>(expr).matchers);
    return;
  }
  if (expr.kind == ExprKind::kMatrixSelector) {
    selectors->push_back(As<promql::MatrixSelector>(expr).selector().matchers);
    return;
  }
  for (const promql::Expr* child : expr.Children()) ExtractSelectors(*child, selectors);
}

void AppendExemplar(const model::Exemplar& exemplar, std::string* out) {
  *out += R"({"labels":)";
  codec::AppendLabels(exemplar.labels, out);
  *out += R"(,"value":")";
  codec::AppendFloat(exemplar.value, out);
  *out += R"(","timestamp":)";
  codec::AppendTime(exemplar.time_ms, out);
  *out += '}';
}

}  // namespace

net::HttpResponse PrometheusApi::QueryExemplars(const Call& call, const Parameters& parameters) {
  const auto range = parameters.Range();
  if (!range.ok()) return BadData(range.status());
  if (range->max_ms < range->min_ms) {
    return BadData(InvalidArgument("end timestamp must not be before start timestamp"));
  }
  const auto expr = promql::ParseExpr(parameters.Get("query"), engine_.options().parser);
  if (!expr.ok()) return BadData(expr.status());
  std::vector<std::vector<model::Matcher>> selectors;
  ExtractSelectors(**expr, &selectors);
  if (selectors.empty()) {
    net::HttpResponse response;
    response.status = 204;
    return response;
  }
  const auto found = call.workspace.querier().Exemplars(*range, selectors);
  if (!found.ok()) return QueryError(found.status());
  std::string data = "[";
  for (const storage::SeriesExemplars& series : *found) {
    if (data.size() > 1) data += ',';
    data += R"({"seriesLabels":)";
    codec::AppendLabels(series.labels, &data);
    data += R"(,"exemplars":[)";
    for (const model::Exemplar& exemplar : series.exemplars) {
      if (data.back() != '[') data += ',';
      AppendExemplar(exemplar, &data);
    }
    data += "]}";
  }
  return Success(data + "]");
}

}  // namespace hearth::api
