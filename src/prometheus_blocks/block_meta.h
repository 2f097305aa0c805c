// SPDX-License-Identifier: Apache-2.0
// meta.json of a block, and which blocks a Prometheus data directory holds.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/rng.h"

namespace hearth::prometheus_blocks {

struct BlockMeta {
  std::string directory;
  std::string ulid;
  int64_t min_ms = 0;
  int64_t end_ms = 0;  // the first millisecond after it
  uint64_t samples = 0;
  uint64_t series = 0;
  uint64_t chunks = 0;
  uint64_t float_samples = 0;
  uint64_t histogram_samples = 0;
  std::vector<std::string> parents;  // blocks that this one replaces
  // Of a block that hearth wrote: which export, up to when it goes (included), the sum of its
  // samples (storage/sample_checksum.h).
  std::string export_key;
  int64_t export_end_ms = 0;
  uint64_t export_checksum = 0;
};

// FailedPrecondition: a version that is not known. DataLoss: not such a file.
absl::StatusOr<BlockMeta> ParseMeta(std::string_view json);
std::string MetaJson(const BlockMeta& meta);

struct DataDirectory {
  std::vector<BlockMeta> blocks;      // by begin, then ulid; without those that others replace
  std::vector<std::string> replaced;  // those, by ulid
  bool has_log = false;               // wal/: a head that is not in blocks
};
// `directory` is a data directory of Prometheus, a snapshot of one, or a single block.
// FailedPrecondition: it is none of these.
absl::StatusOr<DataDirectory> ReadDirectory(FileSystem& file_system, const std::string& directory);

// 26 characters of Crockford's base 32: 48 bits of time, 80 of chance.
std::string NewUlid(int64_t now_ms, Rng& rng);
bool IsUlid(std::string_view text);

}  // namespace hearth::prometheus_blocks
