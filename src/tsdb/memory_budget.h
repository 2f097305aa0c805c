// SPDX-License-Identifier: Apache-2.0
// What the heads of all stores of a process may take together, and how near to it they are. The
// order of defence (engine.md 3.3): seal early, evict idle series and drop caches, refuse new
// series. Samples of series that are known are taken all the while. Thread-safe.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace hearth::tsdb {

enum class Pressure : uint8_t { kNone, kSeal, kEvict, kRefuse };

class MemoryBudget {
 public:
  // Shares of the budget at which a step begins. Sealing takes a while, so it begins early; what
  // is above the last one is room for the samples of series that are known.
  static constexpr double kSealShare = 0.55;
  static constexpr double kEvictShare = 0.70;
  static constexpr double kRefuseShare = 0.85;

  explicit MemoryBudget(uint64_t heads_bytes_max) : heads_bytes_max_(heads_bytes_max) {}

  void Add(int64_t bytes) { bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  // From the process as a whole, by whoever can see it; counts where it is higher.
  void SetProcessPressure(Pressure pressure) { process_ = pressure; }
  Pressure pressure() const {
    const auto used = static_cast<double>(heads_bytes());
    const auto max = static_cast<double>(heads_bytes_max_);
    const Pressure heads = used >= max * kRefuseShare  ? Pressure::kRefuse
                           : used >= max * kEvictShare ? Pressure::kEvict
                           : used >= max * kSealShare  ? Pressure::kSeal
                                                       : Pressure::kNone;
    return std::max(heads, process_.load(std::memory_order_relaxed));
  }
  uint64_t heads_bytes() const {
    return static_cast<uint64_t>(std::max<int64_t>(bytes_.load(std::memory_order_relaxed), 0));
  }
  uint64_t heads_bytes_max() const { return heads_bytes_max_; }

 private:
  const uint64_t heads_bytes_max_;
  std::atomic<int64_t> bytes_{0};
  std::atomic<Pressure> process_{Pressure::kNone};
};

}  // namespace hearth::tsdb
