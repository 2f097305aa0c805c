// SPDX-License-Identifier: Apache-2.0
// Range queries whose steps were evaluated before and whose samples have not changed since: a
// dashboard that is looked at again evaluates the few steps at its end.
//
//   steps of the query   ├─────────────────────────────────────────────┤
//   kept from before   ├──────────────────────────────────────────┤
//   changed since                                              ├────────
//   before retention   ├──┤
//   evaluated now        ├┤                                    ├───────┤
//   taken from before      ├──────────────────────────────────┤
//
// The answer is byte for byte the one of an evaluation of the whole: which expressions may be taken
// apart is in result_cache_footprint.h, how a change is known in storage/changes.h, and why that is
// enough in docs/adr/0007. What has warnings, infos or histograms, or fails, is evaluated whole.
//
// Statistics are those of what was evaluated. Thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "promql/engine.h"
#include "storage/changes.h"

namespace hearth::promql {

class Extents;
struct Extent;
struct LabelsSeen;

class ResultCache {
 public:
  // `engine` evaluates; `observer` (may be null) is told of queries that were answered in part from
  // here, the engine's own of the others. 0 bytes: everything is evaluated. All must outlive it.
  ResultCache(const Engine& engine, size_t bytes_max, const Clock& clock, Registry& metrics,
              QueryObserver* observer);
  ~ResultCache();

  // As Engine::Range; `changes` are those of what `querier` reads.
  absl::StatusOr<Result> Range(const storage::Querier& querier, const storage::Changes& changes,
                               std::string_view query, int64_t start_ms, int64_t end_ms,
                               int64_t step_ms, const QueryContext& context);

 private:
  struct Ask;
  // Steps [begin, end) of a query.
  struct Run {
    size_t begin = 0;
    size_t end = 0;
    size_t size() const { return end - begin; }
  };
  struct Part;
  bool Prepare(Ask* ask) const;
  static Run Reusable(const Ask& ask, const Extent& extent);
  absl::StatusOr<Result> Whole(const Ask& ask);
  absl::StatusOr<std::optional<Result>> Stitched(const Ask& ask, const Extent& extent, Run run);
  absl::StatusOr<Part> EvaluatePart(const Ask& ask, Run run, int64_t timeout_ms) const;
  void Keep(const Ask& ask, const Result& result, int64_t peak_samples, int64_t series,
            LabelsSeen seen);

  const Engine& engine_;
  const Engine quiet_;  // for parts: nobody is told of them
  const size_t bytes_max_;
  const Clock& clock_;
  QueryObserver* const observer_;
  const std::unique_ptr<Extents> extents_;
  Counter& hits_;
  Counter& partial_hits_;
  Counter& misses_;
  Counter& not_kept_;
};

}  // namespace hearth::promql
