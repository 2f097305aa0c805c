// SPDX-License-Identifier: Apache-2.0
// Parts of an expression's text that one-line and many-line printing share.
#pragma once

#include <string>

#include "promql/ast.h"

namespace hearth::promql {

std::string MatchingText(const VectorMatching& matching);  // " on (a) group_left (b)"
std::string AggregateHead(const AggregateExpr& expr);      // "sum by (a) "
std::string SubquerySuffix(const SubqueryExpr& subquery);  // "[5m:1m] @ start() offset 1h"

}  // namespace hearth::promql
