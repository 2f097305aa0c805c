// SPDX-License-Identifier: Apache-2.0
// Adds up points of delta temporality, so that Prometheus' functions can read them: what
// OpenTelemetry sends as "3 since last time" is stored as a counter. One running total a series, in
// memory: after a restart totals begin anew, which readers see as a counter reset, with a start
// time.
//
// Rules as the collector's deltatocumulative processor has them, which Prometheus 3.14 embeds.
// Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/string_map.h"
#include "codec/otlp_translate.h"
#include "promql/float_histogram.h"

namespace hearth::api {

struct DeltaTableOptions {
  size_t series_max = 500'000;       // totals held, of all workspaces; about 300 bytes each
  int64_t stale_ms = 5 * 60 * 1000;  // a total that got nothing for so long is forgotten
};

class DeltaTable {
 public:
  DeltaTable(DeltaTableOptions options, const Clock& clock, Registry& metrics);

  enum class Outcome : uint8_t { kAdded, kOutOfOrder, kFull };
  // Turns `sample`, a delta, into its running total. Else it is left as it was: drop it.
  Outcome Add(std::string_view workspace, codec::OtlpSample* sample);

  static std::string_view Text(Outcome outcome);

 private:
  struct Total {
    int64_t start_ms = 0;
    int64_t last_ms = 0;
    int64_t used_ms = 0;  // of the clock
    double value = 0;
    std::unique_ptr<promql::FloatHistogram> histogram;
  };
  void ForgetStale(int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void AddTo(Total* total, codec::OtlpSample* sample);

  const DeltaTableOptions options_;
  const Clock& clock_;
  Gauge& series_;
  Counter& refused_;
  absl::Mutex mutex_;
  StringMap<Total> totals_ ABSL_GUARDED_BY(mutex_);  // by workspace and packed labels
  int64_t swept_ms_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace hearth::api
