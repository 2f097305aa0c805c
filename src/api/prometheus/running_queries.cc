// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/running_queries.h"

#include "api/prometheus/json_object.h"

namespace hearth::api {

RunningQueries::RunningQueries(const Clock& clock, Registry& metrics)
    : clock_(clock),
      running_gauge_(
          metrics.AddGauge("hearth_api_queries_running", "Queries that are evaluated right now.")),
      cancelled_(metrics.AddCounter("hearth_api_queries_cancelled_total",
                                    "Queries ended by a call to /api/v1/status/queries.")) {}

std::unique_ptr<RunningQueries::Handle> RunningQueries::Add(Entry entry) {
  entry.query = Shortened(entry.query, kQueryTextMax);
  entry.started_ms = clock_.NowMs();
  entry.started_ns = clock_.MonotonicNs();
  absl::MutexLock lock(&mutex_);
  entry.id = next_id_++;
  const uint64_t id = entry.id;
  entries_.emplace(id, std::move(entry));
  running_gauge_.Set(static_cast<double>(entries_.size()));
  return std::make_unique<Handle>(*this, id);
}

void RunningQueries::Remove(uint64_t id) {
  absl::MutexLock lock(&mutex_);
  entries_.erase(id);
  running_gauge_.Set(static_cast<double>(entries_.size()));
}

std::vector<RunningQueries::Entry> RunningQueries::List(std::string_view workspace) const {
  std::vector<Entry> list;
  absl::MutexLock lock(&mutex_);
  for (const auto& [id, entry] : entries_) {
    if (entry.workspace == workspace) list.push_back(entry);
  }
  return list;
}

bool RunningQueries::Cancel(std::string_view workspace, uint64_t id) {
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.workspace != workspace) return false;
  if (found->second.cancelled != nullptr) found->second.cancelled->store(true);
  cancelled_.Add();
  return true;
}

}  // namespace hearth::api
