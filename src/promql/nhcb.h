// SPDX-License-Identifier: Apache-2.0
// Classic histogram series (_bucket, _count, _sum) to native histograms with custom buckets, as
// `load_with_nhcb` of test scripts asks for (prometheus/util/convertnhcb).
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "model/histogram.h"
#include "model/labels.h"

namespace hearth::promql {

class NhcbBuilder {
 public:
  // Samples of other series are ignored.
  void Add(const model::Labels& labels, int64_t time_ms, double value);
  std::vector<std::pair<model::Labels, model::HistogramSample>> Build() const;

 private:
  struct Classic {
    std::map<double, double> buckets;  // cumulative, by upper bound
    double count = 0;
    bool has_count = false;
    double sum = 0;
  };
  std::map<model::Labels, std::map<int64_t, Classic>> histograms_;
};

}  // namespace hearth::promql
