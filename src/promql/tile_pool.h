// SPDX-License-Identifier: Apache-2.0
// Threads that help a large query where cores are idle. A query is evaluated on the thread that
// asks; helpers come beside it, a tile of series at a time (tile_run.h), and only while fewer
// queries are evaluated than there are threads: other queries, rules and, by the helpers' priority,
// ingest come first. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/threads.h"

namespace hearth::promql {

class TilePool {
 public:
  struct Options {
    // That evaluate queries at a time, a query's own included, before none has a helper.
    size_t threads = 1;
    // Work is about a sample decoded or a step computed: 2 to 5 ns. Below it nobody helps.
    size_t work_min = 500'000;
    size_t tile_work = 65'536;  // of one tile
    size_t probe_series = 256;  // that are read first, to see how much work one is
  };
  // The helpers have the priority of the calling thread. `clock` and `metrics` must outlive it.
  TilePool(const Options& options, const Clock& clock, Registry& metrics);
  ~TilePool();
  TilePool(const TilePool&) = delete;
  TilePool& operator=(const TilePool&) = delete;

  // A query that is evaluated, for as long as it lives. `tile_pool` may be null.
  class Query {
   public:
    explicit Query(TilePool* tile_pool) : tile_pool_(tile_pool) {
      if (tile_pool_ != nullptr) tile_pool_->queries_.fetch_add(1, std::memory_order_relaxed);
    }
    ~Query() {
      if (tile_pool_ != nullptr) tile_pool_->queries_.fetch_sub(1, std::memory_order_relaxed);
    }
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

   private:
    TilePool* const tile_pool_;
  };

  // Runs `task` beside the caller where a core is idle; false: there is none. It may begin late, or
  // after the caller has lost interest.
  [[nodiscard]] bool TryHelp(std::function<void()> task);
  // Whether TryHelp is worth asking.
  bool idle() const;
  // Whether a helper should leave: more queries came than there are threads.
  bool crowded() const {
    return queries_.load(std::memory_order_relaxed) + helping_.load(std::memory_order_relaxed) >
           options_.threads;
  }
  // A helper did not get its core: nobody helps for a moment.
  void BackOff();
  void CountTile() { tiles_.Add(); }
  const Options& options() const { return options_; }

 private:
  const Options options_;
  const Clock& clock_;
  Registry& metrics_;
  Counter& tiles_;
  std::atomic<size_t> queries_{0};
  std::atomic<size_t> helping_{0};
  std::atomic<int64_t> not_before_ns_{0};  // of MonotonicNs()
  ThreadPool pool_;                        // last: its tasks use the rest
};

}  // namespace hearth::promql
