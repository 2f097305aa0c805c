// SPDX-License-Identifier: Apache-2.0
// Where one job's targets come from: its static groups, files that are read again when they change,
// HTTP endpoints that are asked again and again, Kubernetes API servers that are watched. What was
// found last stays when a source fails.
// Not thread-safe: one Refresh at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/metrics.h"
#include "scrape/config.h"
#include "scrape/fetcher.h"
#include "scrape/kubernetes_discovery.h"
#include "scrape/target_groups.h"

namespace hearth::scrape {

// What all jobs' discoveries share; all of it must outlive them.
struct DiscoveryWorld {
  Fetcher& fetcher;
  FileSystem& files;
  KubeWatchPool& kubernetes;
  const std::optional<KubernetesAccess>& in_cluster;
  int64_t file_poll_ms = 0;
  Counter& failures;
};

class Discovery {
 public:
  Discovery(std::shared_ptr<const JobConfig> job, const DiscoveryWorld& world);

  // Reads what is due at `now_ns` (monotonic). What is on the network is left out where `with_http`
  // is false. True if the groups may have changed.
  bool Refresh(int64_t now_ns, bool with_http, const std::atomic<bool>* cancelled);
  // When Refresh has something to do again; kNever for static groups alone.
  int64_t next_ns() const;
  std::vector<TargetGroup> Groups() const;
  // What has gone wrong since the last call, each failure once.
  std::vector<std::string> NewErrors() { return std::exchange(new_errors_, {}); }

  static constexpr int64_t kNever = INT64_MAX;

 private:
  struct ReadFile {
    int64_t modified_ms = -1;
    uint64_t size = 0;
    std::vector<TargetGroup> groups;
    std::string last_error;
  };
  struct FileSource {
    const FileDiscovery* config = nullptr;
    int64_t polled_next_ns = 0;
    int64_t refreshed_next_ns = 0;
    std::map<std::string, ReadFile> files;
  };
  struct HttpSource {
    const HttpDiscovery* config = nullptr;
    int64_t next_ns = 0;
    std::vector<TargetGroup> groups;
    std::string last_error;
  };

  void Failed(const absl::Status& status, std::string* last);
  bool RefreshFiles(int64_t now_ns, FileSource* source);
  bool ReadOne(const std::string& path, bool even_unchanged, ReadFile* file);
  bool RefreshHttp(int64_t now_ns, HttpSource* source, const std::atomic<bool>* cancelled);
  absl::StatusOr<std::vector<TargetGroup>> FetchGroups(const HttpDiscovery& config,
                                                       const std::atomic<bool>* cancelled);

  const std::shared_ptr<const JobConfig> job_;
  const DiscoveryWorld world_;
  std::vector<FileSource> file_sources_;
  std::vector<HttpSource> http_sources_;
  std::vector<KubernetesTargets> kubernetes_;
  std::vector<std::string> kubernetes_errors_;  // of each, the last that was told
  std::vector<std::string> new_errors_;
};

}  // namespace hearth::scrape
