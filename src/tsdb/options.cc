// SPDX-License-Identifier: Apache-2.0
#include "tsdb/options.h"

#include <string_view>
#include <utility>

#include "base/status.h"
#include "tsdb/block_cache.h"

namespace hearth::tsdb {

std::shared_ptr<BlockCache> MakeBlockCache(uint64_t bytes_max) {
  return std::make_shared<BlockCache>(bytes_max);
}

absl::Status Options::Validate() const {
  if (directory.empty()) return InvalidArgument("tsdb: directory is empty");
  const std::pair<std::string_view, int64_t> positive[] = {
      {"retention_ms", retention_ms},
      {"seal_interval_ms", seal_interval_ms},
      {"sync_interval_ms", sync_interval_ms},
      {"idle_series_ms", idle_series_ms},
      {"seal_bytes", static_cast<int64_t>(seal_bytes)},
      {"wal_segment_bytes", static_cast<int64_t>(wal_segment_bytes)},
  };
  for (const auto& [name, value] : positive) {
    if (value <= 0) return InvalidArgument("tsdb: {} is {}, must be above 0", name, value);
  }
  const std::pair<std::string_view, int64_t> not_negative[] = {
      {"out_of_order_window_ms", out_of_order_window_ms},
      {"future_limit_ms", future_limit_ms},
      {"max_sample_age_ms", max_sample_age_ms},
      {"group_commit_delay_us", group_commit_delay_us},
  };
  for (const auto& [name, value] : not_negative) {
    if (value < 0) return InvalidArgument("tsdb: {} is {}, must not be below 0", name, value);
  }
  if (head_bytes_max < seal_bytes) {
    return InvalidArgument("tsdb: head_bytes_max {} is below seal_bytes {}", head_bytes_max,
                           seal_bytes);
  }
  return absl::OkStatus();
}

}  // namespace hearth::tsdb
