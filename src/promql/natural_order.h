// SPDX-License-Identifier: Apache-2.0
// The order in which people expect names: runs of digits compare as numbers (node2 before node10).
// The rules of github.com/facette/natsort, which sort_by_label() uses upstream.
#pragma once

#include <string_view>

namespace hearth::promql {

bool NaturalLess(std::string_view a, std::string_view b);

}  // namespace hearth::promql
