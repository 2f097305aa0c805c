// SPDX-License-Identifier: Apache-2.0
// Series as tests write them (`up{job="a"} 1+1x5 _ stale {{count:3}}`): promtool's rule tests and
// the .test files. Grammar: Prometheus' documentation, configuration/unit_testing_rules, "series".
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string_view>
#include <vector>

#include "model/histogram.h"
#include "model/labels.h"

namespace hearth::promql {

struct SequenceValue {
  bool omitted = false;
  double value = 0;
  std::shared_ptr<const model::NativeHistogram> histogram;  // null: a float
  bool hint_given = false;                                  // counter_reset_hint was written out
};

struct SeriesDescription {
  model::Labels labels;
  std::vector<SequenceValue> values;
};
// Sequences longer than this are refused: `1x999999999` must not fill the memory.
inline constexpr size_t kSequenceMax = 1'000'000;

absl::StatusOr<SeriesDescription> ParseSeriesDescription(std::string_view text);

}  // namespace hearth::promql
