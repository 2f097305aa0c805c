// SPDX-License-Identifier: Apache-2.0
// The logs that AMP sends to CloudWatch, as files of JSON lines: what a workspace's logging and
// query-logging configurations ask for.
//
//   <directory>/<log group, '/' as %2F>/<workspace>.jsonl      64 MiB, then …
//   <directory>/<log group>/<workspace>.1.jsonl                … the one before; older is dropped
//
// A line that cannot be written is counted and forgotten: logs never hold up a query. Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/metrics.h"
#include "base/rolling_file.h"
#include "base/string_map.h"

namespace hearth::workspace {

class VendedLogs {
 public:
  static constexpr uint64_t kFileBytesMax = uint64_t{64} << 20;
  static constexpr size_t kFilesMax = 256;  // open at once; all are closed when there are more

  VendedLogs(std::string directory, FileSystem& file_system, Registry& metrics);
  // `line` is one JSON object, without its end of line.
  void Write(std::string_view log_group, std::string_view workspace, std::string_view line);
  // Where that goes, for people and tests.
  std::string PathOf(std::string_view log_group, std::string_view workspace) const;
  // Closes files of a workspace that is gone.
  void Forget(std::string_view workspace);

 private:
  absl::Status Append(const std::string& path, std::string_view line)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const std::string directory_;
  FileSystem& file_system_;
  Counter& lost_;
  absl::Mutex mutex_;
  StringMap<std::unique_ptr<RollingFile>> files_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hearth::workspace
