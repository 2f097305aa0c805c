// SPDX-License-Identifier: Apache-2.0
// Binary operators on one pair of elements.
#pragma once

#include "promql/annotations.h"
#include "promql/ast.h"
#include "promql/float_histogram.h"

namespace hearth::promql {

// Between two scalars; comparisons give 1 or 0.
double ScalarOperation(TokenType op, double left, double right);

struct Element {
  double value = 0;
  HistogramPtr histogram;  // null: a float
};
struct ElementResult {
  Element element;    // comparisons: the left one
  bool keep = false;  // false: nothing comes out (a comparison that fails)
  bool valid = true;  // false: types do not fit each other; a note has been made
};
ElementResult ElementOperation(TokenType op, const Element& left, const Element& right,
                               PosRange pos, Annotations* notes);

// The arithmetic ones: what comes out is no longer the metric.
bool ChangesMeaning(TokenType op);

}  // namespace hearth::promql
