// SPDX-License-Identifier: Apache-2.0
#include "promql/tile_pool.h"

#include <algorithm>
#include <utility>

namespace hearth::promql {
namespace {

constexpr int64_t kBackOffNs = 100'000'000;

}  // namespace

TilePool::TilePool(const Options& options, const Clock& clock, Registry& metrics)
    : options_(options),
      clock_(clock),
      metrics_(metrics),
      tiles_(metrics.AddCounter("hearth_promql_helper_tiles_total",
                                "Tiles of series that other threads than a query's own made "
                                "rows of.")),
      pool_({"query", std::max<size_t>(options.threads, 1) - 1, options.threads}) {
  metrics_.AddCallback(this, "hearth_promql_helpers", "Threads that help large queries now.", false,
                       {}, [this] { return static_cast<double>(helping_.load()); });
}

TilePool::~TilePool() { metrics_.RemoveCallbacks(this); }

bool TilePool::idle() const {
  return queries_.load(std::memory_order_relaxed) + helping_.load(std::memory_order_relaxed) <
             options_.threads &&
         clock_.MonotonicNs() >= not_before_ns_.load(std::memory_order_relaxed);
}

bool TilePool::TryHelp(std::function<void()> task) {
  if (queries_.load(std::memory_order_relaxed) + helping_.fetch_add(1) >= options_.threads ||
      !pool_.TrySubmit([this, task = std::move(task)] {
        task();
        helping_.fetch_sub(1);
      })) {
    helping_.fetch_sub(1);
    return false;
  }
  return true;
}

void TilePool::BackOff() {
  not_before_ns_.store(clock_.MonotonicNs() + kBackOffNs, std::memory_order_relaxed);
}

}  // namespace hearth::promql
