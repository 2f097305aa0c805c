// SPDX-License-Identifier: Apache-2.0
// Scrapes that were really made, as text one after the other, each begun by
// `##SCRAPE <target> <unix ms>`; and every series of them as a column of values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hearth::bench {

struct CapturedSeries {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;  // without the name; by name
  size_t target = 0;
  bool cumulative = false;     // by its name: _total, _count, _sum, _bucket
  std::vector<double> values;  // one a scrape of its target; kAbsent where it was not in it
};

struct CapturedTarget {
  std::string name;                // the job
  std::vector<int64_t> scrape_ms;  // when each scrape was made
};

struct Capture {
  std::vector<CapturedTarget> targets;
  std::vector<CapturedSeries> series;  // by target, then in the order of the text
};

bool IsAbsent(double value);

// Nothing where the file cannot be read or is no capture.
std::optional<Capture> ReadCapture(const std::string& path);

}  // namespace hearth::bench
