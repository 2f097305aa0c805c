// SPDX-License-Identifier: Apache-2.0
// Any bytes parse or are refused; what parses prints to text that parses to the same text.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "promql/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using hearth::promql::ParserOptions;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const ParserOptions options = ParserOptions::AllFeatures();
  const auto expr = hearth::promql::ParseExpr(input, options);
  hearth::promql::ParseMetricSelector(input).status().IgnoreError();
  hearth::promql::ParseMetric(input).status().IgnoreError();
  if (!expr.ok()) return 0;
  (*expr)->Dump();
  const std::string printed = (*expr)->String();
  const auto again = hearth::promql::ParseExpr(printed, options);
  // Sub-millisecond durations print as 0s and long texts grow: those may be refused.
  if (again.ok()) CHECK((*(*again)->Clone()).String() == (*again)->String());
  return 0;
}
