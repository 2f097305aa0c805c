// SPDX-License-Identifier: Apache-2.0
// The door by which samples enter a store. Remote write, the collector and rules use the same one.
#pragma once

#include <absl/status/statusor.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/write_batch.h"

namespace hearth::storage {

// A point of a store's log. A query that is given one sees at least everything up to it.
struct Position {
  uint64_t epoch = 0;
  uint64_t lsn = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

// Who wrote. `source` and `sequence` let a log tell a repeated batch from a new one.
struct Origin {
  std::string_view workspace;
  std::string_view source;  // "remote_write", "scrape/<job>", "rule/<group>", …
  uint64_t sequence = 0;    // 0 where the source has none
  // Samples older than their series' newest are refused whatever the out-of-order window says:
  // staleness markers that come late must not land between newer samples (Prometheus'
  // AppendOptions.DiscardOutOfOrder).
  bool refuse_late = false;
};

enum class RejectReason : uint8_t {
  kOutOfOrder,        // older than the series' newest, and no out-of-order window
  kTooOld,            // older than the out-of-order window
  kDuplicate,         // same time, other value
  kTooFarInFuture,    // further than Options allow ahead of the clock
  kBeforeRetention,   // the store would drop it at once
  kSeriesLimit,       // a new series, and the store may hold no more
  kMemory,            // a new series, and the memory budget is spent
  kHistogramInvalid,  // a native histogram that model::Validate refuses
};
std::string_view MetricName(RejectReason reason);  // reason label of discarded-samples metrics

struct Rejection {
  RejectReason reason;
  uint32_t series = 0;  // index into WriteBatch::series()
  int64_t time_ms = 0;
  bool histogram = false;
};

struct AppendOutcome {
  Position position;      // of the frame that made it durable
  size_t stored = 0;      // float samples and histograms
  size_t duplicates = 0;  // same time, same value: accepted silently; both kinds
  // Of `stored` and of `duplicates`, those that are histograms (remote write 2.0 counts apart).
  size_t stored_histograms = 0;
  size_t duplicate_histograms = 0;
  size_t new_series = 0;
  size_t rejected = 0;
  // Exemplars never fail a write: one that is out of order, repeated or of an unknown series is
  // left out and counted here.
  size_t stored_exemplars = 0;
  size_t refused_exemplars = 0;
  std::vector<Rejection> rejections;  // the first kRejectionsMax, in the batch's order
  // Where new series were refused: what makes so many of them, for whoever reads the error:
  // `metric "x" of job "y" has 12345 series, 9999 values of label "z"`. Else empty.
  std::string explosion;
};
inline constexpr size_t kRejectionsMax = 100;

// Thread-safe.
class Appender {
 public:
  virtual ~Appender() = default;
  // Stores the good samples of `batch` and returns once they are as durable as the store promises;
  // samples that cannot be stored are in the outcome. A status means that nothing was stored:
  // ResourceExhausted (disk full, read-only for want of space), Unavailable (log broken, stopping).
  virtual absl::StatusOr<AppendOutcome> Commit(const WriteBatch& batch, const Origin& origin) = 0;
};

}  // namespace hearth::storage
