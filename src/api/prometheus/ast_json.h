// SPDX-License-Identifier: Apache-2.0
// A query's syntax tree as JSON, as Prometheus' /api/v1/parse_query writes it for the tree view of
// its UI (web/api/v1/translate_ast.go): members in alphabetical order. Stateless, thread-safe.
#pragma once

#include <string>

#include "promql/ast.h"

namespace hearth::api {

std::string AstJson(const promql::Expr& expr);

}  // namespace hearth::api
