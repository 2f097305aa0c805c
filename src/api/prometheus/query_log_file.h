// SPDX-License-Identifier: Apache-2.0
// Prometheus' query log (`global: {query_log_file: …}`): a line of JSON for every query that was
// evaluated, those of the API and those of rules, of all workspaces. Members are upstream's
// (promql/engine.go exec): time, level, msg, params, error, stats, and httpRequest or ruleGroup.
//
//   <path>      64 MiB, then …
//   <path>.1    … the one before; older is dropped
//
// A line that cannot be written is counted and forgotten: logs never hold up a query. Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/rolling_file.h"
#include "promql/engine.h"

namespace hearth::api {

class QueryLogFile : public promql::QueryObserver {
 public:
  static constexpr uint64_t kFileBytesMax = uint64_t{64} << 20;
  // Of a query's text; the rest becomes "…".
  static constexpr size_t kQueryBytesMax = size_t{64} << 10;

  QueryLogFile(FileSystem& files, const Clock& clock, Registry& metrics);

  // "": no log. Opens the file anew even where the path is the same, for whoever moved it aside.
  // After an error there is no log.
  absl::Status SetPath(const std::string& path);
  void OnQuery(const promql::QueryEvent& event) override;

 private:
  FileSystem& files_;
  const Clock& clock_;
  Counter& lost_;
  std::atomic<bool> on_{false};
  absl::Mutex mutex_;
  std::unique_ptr<RollingFile> file_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hearth::api
