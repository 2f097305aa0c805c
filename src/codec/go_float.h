// SPDX-License-Identifier: Apache-2.0
// Go's strconv.ParseFloat and FormatFloat with the shortest precision, bit for bit. Thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hearth::codec {

// Decimal numbers, [+-]inf, [+-]infinity and nan in any case; no hex, no underscores (Prometheus
// refuses those). False where `text` is no such number or overflows. NaN is model::NormalNan().
bool ParseGoFloat(std::string_view text, double* value);

// FormatFloat(value, verb, -1, 64) with the verbs 'f', 'e' and 'g' (the latter has an exponent
// below 1e-4 and from 1e6 on). NaN, +Inf, -Inf as Go.
void AppendGoFixed(double value, std::string* out);
void AppendGoExponent(double value, std::string* out);
void AppendGoGeneral(double value, std::string* out);
// The same as AppendGoFixed, faster, for numbers of usual size (IsShortFixed): writes at `out` and
// returns the end of what it wrote, at most kShortFixedMax bytes. `*decimals` is how many digits
// behind the point the number before had, 0 at first: neighbours in a column mostly have as many.
inline constexpr size_t kShortFixedMax = 32;
bool IsShortFixed(double value);
char* WriteShortFixed(double value, int* decimals, char* out);
std::string FormatGoFixed(double value);
std::string FormatGoGeneral(double value);  // also what fmt prints for %v

// labels.FormatOpenMetricsFloat: 'g', with ".0" where that has neither point nor exponent.
std::string FormatOpenMetricsFloat(double value);

}  // namespace hearth::codec
