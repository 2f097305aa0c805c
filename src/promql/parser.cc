// SPDX-License-Identifier: Apache-2.0
#include "promql/parser.h"

#include "base/status.h"
#include "promql/syntax.h"

namespace hearth::promql {
namespace {

absl::Status ToStatus(std::string_view input, const ParseError& error) {
  return InvalidArgument("{}: parse error: {}", PositionText(input, error.pos.start),
                         error.message);
}

absl::Status CheckSize(std::string_view input, const ParserOptions& options) {
  if (input.size() <= options.bytes_max) return absl::OkStatus();
  return InvalidArgument("1:1: parse error: the query has {} bytes, the limit is {}", input.size(),
                         options.bytes_max);
}

}  // namespace

ParserOptions ParserOptions::AllFeatures() {
  ParserOptions options;
  options.experimental_functions = true;
  options.duration_expressions = true;
  options.extended_range_selectors = true;
  options.fill_modifiers = true;
  return options;
}

absl::StatusOr<ExprPtr> ParseExpr(std::string_view input, const ParserOptions& options,
                                  std::vector<ParseError>* errors) {
  TRY(CheckSize(input, options));
  SyntaxParser parser(input, options);
  ExprPtr expr = parser.ParseWhole();
  std::vector<ParseError> found = parser.errors();
  if (found.empty()) CheckTypes(input, expr.get(), &found);
  if (errors != nullptr) *errors = found;
  if (!found.empty()) return ToStatus(input, found.front());
  return expr;
}

absl::StatusOr<std::vector<model::Matcher>> ParseMetricSelector(std::string_view input) {
  const ParserOptions options;
  TRY(CheckSize(input, options));
  SyntaxParser parser(input, options);
  std::optional<std::vector<model::Matcher>> matchers = parser.ParseSelectorOnly();
  if (!parser.errors().empty()) return ToStatus(input, parser.errors().front());
  return *std::move(matchers);
}

absl::StatusOr<model::Labels> ParseMetric(std::string_view input) {
  const ParserOptions options;
  TRY(CheckSize(input, options));
  SyntaxParser parser(input, options);
  std::optional<model::Labels> labels = parser.ParseLabelsOnly();
  if (!parser.errors().empty()) return ToStatus(input, parser.errors().front());
  return *std::move(labels);
}

}  // namespace hearth::promql
