// SPDX-License-Identifier: Apache-2.0
// Number literals, for the parser and for series descriptions.
#pragma once

#include <absl/status/statusor.h>

#include <string_view>

namespace hearth::promql {

// Go's ParseInt with base 0, then ParseFloat: decimal, hexadecimal, octal by a leading 0,
// underscores, "Inf" and "NaN" in any case. No sign.
absl::StatusOr<double> ParseNumber(std::string_view text);

}  // namespace hearth::promql
