// SPDX-License-Identifier: Apache-2.0
#include "promql/query_budget.h"

#include "base/status.h"

namespace hearth::promql {
namespace {

// Rows come by the hundred thousand: a query passes on what it takes in steps of this.
constexpr size_t kStepBytes = 256 << 10;

}  // namespace

QueryBudget::QueryBudget(uint64_t bytes_max, Registry& metrics)
    : bytes_max_(bytes_max),
      metrics_(metrics),
      ended_(metrics.AddCounter("hearth_promql_queries_ended_for_memory_total",
                                "Queries ended because all together took too much memory.")) {
  metrics_.AddCallback(this, "hearth_memory_queries_bytes",
                       "Memory that the intermediate results of all queries take.", false, {},
                       [this] { return static_cast<double>(bytes()); });
  metrics_.AddCallback(this, "hearth_memory_queries_limit_bytes",
                       "The part of --memory-limit that queries may take together.", false, {},
                       [this] { return static_cast<double>(bytes_max_); });
}

QueryBudget::~QueryBudget() { metrics_.RemoveCallbacks(this); }

bool QueryBudget::EndUntil(uint64_t bytes_max) {
  absl::MutexLock lock(&mutex_);
  bool any = false;
  for (;;) {
    // What was chosen before is on its way out.
    uint64_t left = 0;
    Share* largest = nullptr;
    for (Share* share : shares_) {
      if (share->chosen_.load(std::memory_order_relaxed)) continue;
      left += share->bytes_.load(std::memory_order_relaxed);
      if (!share->expendable_) continue;
      if (largest == nullptr || share->bytes_.load(std::memory_order_relaxed) >
                                    largest->bytes_.load(std::memory_order_relaxed)) {
        largest = share;
      }
    }
    if (left <= bytes_max || largest == nullptr || largest->bytes_ == 0) return any;
    largest->chosen_ = true;
    ended_.Add();
    any = true;
    if (bytes_max == 0) return any;
  }
}

bool QueryBudget::EndLargest() { return EndUntil(0); }

QueryBudget::Share::Share(QueryBudget* budget, bool expendable)
    : budget_(budget), expendable_(expendable) {
  if (budget_ == nullptr) return;
  absl::MutexLock lock(&budget_->mutex_);
  budget_->shares_.insert(this);
}

QueryBudget::Share::~Share() {
  if (budget_ == nullptr) return;
  absl::MutexLock lock(&budget_->mutex_);
  budget_->shares_.erase(this);
  budget_->bytes_.fetch_sub(bytes_.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

void QueryBudget::Share::Report(size_t bytes) {
  if (budget_ == nullptr) return;
  const size_t before = bytes_.load(std::memory_order_relaxed);
  if (bytes < before + kStepBytes && before < bytes + kStepBytes) return;
  bytes_.store(bytes, std::memory_order_relaxed);
  const uint64_t all =
      budget_->bytes_.fetch_add(bytes - before, std::memory_order_relaxed) + bytes - before;
  if (bytes > before && all > budget_->bytes_max_) budget_->EndUntil(budget_->bytes_max_);
}

absl::Status QueryBudget::Share::Ended() const {
  return ResourceExhausted(
      "query ended: all queries together would take more than {} bytes of memory, and this one "
      "took "
      "most of it, {} bytes. Ask for fewer series or steps, or when less is asked at a time",
      budget_->bytes_max_, bytes_.load(std::memory_order_relaxed));
}

}  // namespace hearth::promql
