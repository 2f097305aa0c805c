// SPDX-License-Identifier: Apache-2.0
// A recording of scrapes, played in a loop as one exporter's /metrics.
//
// The format is text: `##SCRAPE <target> <unix ms>` opens a frame, then the exposition's sample
// lines as they came. At any time since the start, Render gives the latest frame of every target.
// Counters (names ending in _total, _bucket, _sum, _count) go on growing from loop to loop: each
// round adds what the series grew by in one round. Immutable after Parse, so thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::replay {

class Recording {
 public:
  // InvalidArgument names the line that is not of the format.
  static absl::StatusOr<Recording> Parse(std::string_view text);

  // One exposition in text format 0.0.4, samples of a metric together, with TYPE lines.
  std::string Render(int64_t elapsed_ms) const;

  // How long one round takes: from the first frame to the last, and one usual gap.
  int64_t duration_ms() const { return duration_ms_; }
  size_t series_count() const { return series_.size(); }
  size_t frame_count() const { return frame_count_; }

 private:
  struct Series {
    std::string id;  // Name and labels as recorded.
    bool counter = false;
    double growth = 0;  // In one round, the sum of all increases.
    double last = 0;    // While parsing: the latest value.
    bool seen = false;
  };
  struct Sample {
    uint32_t series;
    double value;
  };
  struct Frame {
    int64_t at_ms;  // Since the recording's first frame.
    std::vector<Sample> samples;
  };
  struct Target {
    std::string name;
    std::vector<Frame> frames;
  };

  std::vector<Series> series_;
  std::vector<Target> targets_;
  int64_t duration_ms_ = 0;
  size_t frame_count_ = 0;
};

}  // namespace hearth::replay
