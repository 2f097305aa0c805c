// SPDX-License-Identifier: Apache-2.0
// Numbers and times as Prometheus' API writes them (engine.md §6, trap 16). Thread-safe.
#pragma once

#include <cstdint>
#include <string>

namespace hearth::promql {

// Go's shortest form: fixed notation unless |value| < 1e-6 or >= 1e21, then an exponent of at least
// two digits (1e-07, 1e+21). NaN, +Inf, -Inf.
std::string FormatValue(double value);
void AppendValue(double value, std::string* out);
// Always fixed notation, shortest (count_values, number literals).
std::string FormatFixed(double value);
// Go's %g and %v: an exponent below 1e-4 and from 1e6 on.
std::string FormatShortest(double value);
// Seconds; with exactly three decimals where the time is no whole second: 1435781451.781.
std::string FormatTime(int64_t time_ms);
void AppendTime(int64_t time_ms, std::string* out);

}  // namespace hearth::promql
