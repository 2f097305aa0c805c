// SPDX-License-Identifier: Apache-2.0
// Targets of one kubernetes_sd_configs entry: the lists that its role needs, watched, and the
// groups that they make. Entries that ask the same server for the same list share one watch.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "scrape/kubernetes_targets.h"
#include "scrape/kubernetes_watch.h"

namespace hearth::scrape {

// Watches by what they watch, as long as somebody holds them. Thread-safe.
class KubeWatchPool {
 public:
  KubeWatchPool(Fetcher& fetcher, Registry& registry) : fetcher_(fetcher), metrics_(registry) {}
  std::shared_ptr<KubeWatch> Get(KubeWatchOptions options) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    KubernetesAccess access;
    std::weak_ptr<KubeWatch> watch;
  };
  Fetcher& fetcher_;
  KubeMetrics metrics_;
  absl::Mutex mutex_;
  std::multimap<std::string, Entry> watches_ ABSL_GUARDED_BY(mutex_);  // by list and selectors
};

// Not thread-safe. `config` must outlive it.
class KubernetesTargets {
 public:
  // `in_cluster`: how to reach the cluster that hearth runs in, where it runs in one.
  KubernetesTargets(const KubernetesDiscovery& config,
                    const std::optional<KubernetesAccess>& in_cluster, KubeWatchPool& pool,
                    FileSystem& files)
      : config_(config), in_cluster_(in_cluster), pool_(pool), files_(files) {}

  // Goes on with the watches, without waiting. True: groups() has changed.
  bool Refresh(int64_t now_ns);
  int64_t next_ns() const { return next_ns_; }
  // By source. What has been listed once stays while the server cannot be reached.
  std::vector<TargetGroup> Groups() const;
  // What does not work: no access, or the first list that fails; "" while all is well.
  std::string Error() const;

 private:
  struct CachedGroup {
    std::shared_ptr<const KubeObject> object;
    uint64_t surroundings = 0;  // their version when it was built
    TargetGroup group;
  };
  // The lists of one namespace, or of all.
  struct Cell {
    std::shared_ptr<KubeWatch> primary;
    std::vector<std::shared_ptr<KubeWatch>> others;
    std::map<std::string, CachedGroup> groups;
  };

  absl::StatusOr<KubernetesAccess> FindAccess() const;
  absl::Status OpenWatches();
  std::shared_ptr<KubeWatch> Watch(const KubernetesAccess& access, KubeResource resource,
                                   const std::string& name_space);
  uint64_t Version() const;
  static uint64_t VersionOf(const std::vector<std::shared_ptr<KubeWatch>>& watches);
  void Build(Cell* cell) const;

  const KubernetesDiscovery& config_;
  const std::optional<KubernetesAccess>& in_cluster_;
  KubeWatchPool& pool_;
  FileSystem& files_;
  absl::Status status_;
  KubeResource role_ = KubeResource::kPods;
  std::vector<Cell> cells_;
  std::vector<std::shared_ptr<KubeWatch>> shared_;  // nodes, namespaces: of all cells
  int64_t next_ns_ = 0;
  int64_t built_ns_ = INT64_MIN;
  uint64_t built_version_ = 0;
};

}  // namespace hearth::scrape
