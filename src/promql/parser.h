// SPDX-License-Identifier: Apache-2.0
// Text to syntax tree: the whole grammar of Prometheus 3.14 (promql/parser/generated_parser.y),
// with its type checks, its error texts and its positions ("1:5: parse error: …"). Pure functions,
// thread-safe; hostile input ends in an error (nesting and size are limited).
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "model/duration.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "promql/ast.h"

namespace hearth::promql {

// Defaults are those of a Prometheus 3.14 server without feature flags.
struct ParserOptions {
  bool experimental_functions = false;    // promql-experimental-functions
  bool duration_expressions = true;       // arithmetic in [] and after offset
  bool extended_range_selectors = false;  // anchored, smoothed
  bool fill_modifiers = false;            // fill, fill_left, fill_right
  // Nested parentheses, calls, operators: deeper trees would need a deep stack to walk.
  int depth_max = 256;
  size_t bytes_max = 1 << 20;  // longer queries are refused before they are read
  static ParserOptions AllFeatures();
};

struct ParseError {
  PosRange pos;
  std::string message;
};

// Errors are InvalidArgument; the text is that of the first error, with its position. `errors`, if
// given, receives all of them.
absl::StatusOr<ExprPtr> ParseExpr(std::string_view input, const ParserOptions& options = {},
                                  std::vector<ParseError>* errors = nullptr);
// `name{a="b",…}`, as match[] parameters are written.
absl::StatusOr<std::vector<model::Matcher>> ParseMetricSelector(std::string_view input);
// `name{a="b",…}` with plain values: one series' labels.
absl::StatusOr<model::Labels> ParseMetric(std::string_view input);

// Durations as queries write them are model's.
using model::FormatDurationMs;
using model::ParseDurationMs;
// A quoted PromQL string ("…", '…' or `…`) to what it stands for.
absl::StatusOr<std::string> Unquote(std::string_view quoted);

}  // namespace hearth::promql
