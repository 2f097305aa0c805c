// SPDX-License-Identifier: Apache-2.0
#include "promql/result_cache_extents.h"

#include <iterator>
#include <utility>

namespace hearth::promql {
namespace {

constexpr int64_t kSweepNs = int64_t{60} * 1'000'000'000;
constexpr size_t kItemBytes = 256;  // list, table, shared_ptr

}  // namespace

size_t Extent::bytes() const {
  size_t total = sizeof(Extent) + rows.capacity() * sizeof(Row);
  for (const Row& row : rows) {
    total += row.labels.packed().size() + row.at.capacity() * sizeof(uint32_t) +
             row.values.capacity() * sizeof(double) + 3 * 16;  // what allocating adds
  }
  return total;
}

Extents::Extents(size_t bytes_max, const Clock& clock, Registry& metrics)
    : bytes_max_(bytes_max),
      clock_(clock),
      evicted_(metrics.AddCounter("hearth_promql_result_cache_evictions_total",
                                  "Entries of the query result cache that made room, or that "
                                  "nobody used for an hour.")),
      bytes_gauge_(metrics.AddGauge("hearth_promql_result_cache_bytes",
                                    "Memory that the query result cache takes.")) {}

Extents::~Extents() {
  absl::MutexLock lock(&mutex_);
  bytes_gauge_.Add(-static_cast<double>(bytes_));
}

size_t Extents::bytes() const {
  absl::MutexLock lock(&mutex_);
  return bytes_;
}

std::shared_ptr<const Extent> Extents::Find(uint64_t store, std::string_view key) {
  absl::MutexLock lock(&mutex_);
  const auto owner = owners_.find(store);
  if (owner == owners_.end()) return nullptr;
  const auto at = owner->second->by_key.find(key);
  if (at == owner->second->by_key.end()) return nullptr;
  std::list<Item>& items = owner->second->items;
  items.splice(items.begin(), items, at->second);
  items.front().used_ns = clock_.MonotonicNs();
  return items.front().extent;
}

void Extents::Put(uint64_t store, std::string_view key, std::shared_ptr<const Extent> extent) {
  const size_t bytes = extent->bytes() + key.size() * 2 + kItemBytes;
  if (bytes > bytes_max_ / 4) return;
  const int64_t now_ns = clock_.MonotonicNs();
  std::list<Item> dropped;
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<Owner>& slot = owners_[store];
  if (slot == nullptr) slot = std::make_unique<Owner>();
  Owner& owner = *slot;
  const auto at = owner.by_key.find(key);
  if (at != owner.by_key.end()) {
    owner.bytes -= at->second->bytes;
    bytes_ -= at->second->bytes;
    dropped.splice(dropped.end(), owner.items, at->second);
    owner.by_key.erase(at);
  }
  owner.items.push_front({std::string(key), std::move(extent), bytes, now_ns});
  owner.by_key.emplace(key, owner.items.begin());
  owner.bytes += bytes;
  bytes_ += bytes;
  MakeRoom(&dropped);
  DropIdle(now_ns, &dropped);
  bytes_gauge_.Set(static_cast<double>(bytes_));
}

void Extents::DropLast(Owner* owner, std::list<Item>* dropped) {
  const auto last = std::prev(owner->items.end());
  owner->bytes -= last->bytes;
  bytes_ -= last->bytes;
  owner->by_key.erase(last->key);
  dropped->splice(dropped->end(), owner->items, last);
  evicted_.Add();
}

void Extents::MakeRoom(std::list<Item>* dropped) {
  while (bytes_ > bytes_max_) {
    Owner* largest = nullptr;
    for (const auto& [store, owner] : owners_) {
      if (largest == nullptr || owner->bytes > largest->bytes) largest = owner.get();
    }
    DropLast(largest, dropped);
  }
}

void Extents::DropIdle(int64_t now_ns, std::list<Item>* dropped) {
  if (now_ns - swept_ns_ < kSweepNs) return;
  swept_ns_ = now_ns;
  for (const auto& [store, owner] : owners_) {
    while (!owner->items.empty() && now_ns - owner->items.back().used_ns > kIdleNs) {
      DropLast(owner.get(), dropped);
    }
  }
  absl::erase_if(owners_, [](const auto& entry) { return entry.second->items.empty(); });
}

}  // namespace hearth::promql
