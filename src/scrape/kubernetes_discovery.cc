// SPDX-License-Identifier: Apache-2.0
#include "scrape/kubernetes_discovery.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "scrape/kubernetes_access.h"

namespace hearth::scrape {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// Watches are looked at this often, and more often while the first lists come in.
constexpr int64_t kPollMs = 1'000;
constexpr int64_t kFirstPollMs = 100;
// Changes are taken over together (prometheus/discovery Manager's updatert).
constexpr int64_t kBuildMs = 5'000;
// A kubeconfig that cannot be read, or no cluster around us.
constexpr int64_t kAccessRetryMs = 30'000;

KubeResource ResourceOf(std::string_view role) {
  if (role == "node") return KubeResource::kNodes;
  if (role == "service") return KubeResource::kServices;
  if (role == "endpoints") return KubeResource::kEndpoints;
  if (role == "endpointslice") return KubeResource::kEndpointSlices;
  if (role == "ingress") return KubeResource::kIngresses;
  return KubeResource::kPods;
}

std::string_view RoleOf(KubeResource resource) {
  switch (resource) {
    case KubeResource::kPods:
      return "pod";
    case KubeResource::kNodes:
      return "node";
    case KubeResource::kServices:
      return "service";
    case KubeResource::kEndpoints:
      return "endpoints";
    case KubeResource::kEndpointSlices:
      return "endpointslice";
    case KubeResource::kIngresses:
      return "ingress";
    default:
      return "";  // read for its metadata, never selected
  }
}

}  // namespace

std::shared_ptr<KubeWatch> KubeWatchPool::Get(KubeWatchOptions options) {
  const std::string key = fmt::format("{}{}\n{}\n{}", options.access.api_server,
                                      KubePath(options.resource, options.name_space),
                                      options.label_selector, options.field_selector);
  absl::MutexLock lock(&mutex_);
  std::erase_if(watches_, [](const auto& entry) { return entry.second.watch.expired(); });
  const auto [begin, end] = watches_.equal_range(key);
  for (auto at = begin; at != end; ++at) {
    if (at->second.access != options.access) continue;
    if (auto watch = at->second.watch.lock()) return watch;
  }
  KubernetesAccess access = options.access;
  auto watch = std::make_shared<KubeWatch>(std::move(options), fetcher_, metrics_);
  watches_.emplace(key, Entry{std::move(access), watch});
  return watch;
}

absl::StatusOr<KubernetesAccess> KubernetesTargets::FindAccess() const {
  if (!config_.kubeconfig_file.empty()) {
    TRY_ASSIGN(const std::string text, files_.ReadFile(config_.kubeconfig_file));
    return ParseKubeconfig(text, DirectoryOf(config_.kubeconfig_file));
  }
  if (!config_.api_server.empty()) return KubernetesAccess{config_.api_server, config_.http, ""};
  if (in_cluster_) return *in_cluster_;
  return FailedPrecondition(
      "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and "
      "KUBERNETES_SERVICE_PORT must be defined");
}

std::shared_ptr<KubeWatch> KubernetesTargets::Watch(const KubernetesAccess& access,
                                                    KubeResource resource,
                                                    const std::string& name_space) {
  KubeWatchOptions options{access, resource, name_space, "", ""};
  for (const KubernetesSelector& selector : config_.selectors) {
    if (selector.role != RoleOf(resource)) continue;
    options.label_selector = selector.label;
    options.field_selector = selector.field;
  }
  return pool_.Get(std::move(options));
}

absl::Status KubernetesTargets::OpenWatches() {
  TRY_ASSIGN(const KubernetesAccess access, FindAccess());
  role_ = ResourceOf(config_.role);
  std::vector<std::string> namespaces = config_.namespaces;
  if (config_.own_namespace && !access.own_namespace.empty()) {
    namespaces.push_back(access.own_namespace);
  }
  if (namespaces.empty() || role_ == KubeResource::kNodes) namespaces = {""};
  const bool endpoints =
      role_ == KubeResource::kEndpoints || role_ == KubeResource::kEndpointSlices;
  const bool pods = endpoints || role_ == KubeResource::kPods;
  if (config_.attach_node && pods) shared_.push_back(Watch(access, KubeResource::kNodes, ""));
  if (config_.attach_namespace && role_ != KubeResource::kNodes) {
    shared_.push_back(Watch(access, KubeResource::kNamespaces, ""));
  }
  for (const std::string& name_space : namespaces) {
    Cell& cell = cells_.emplace_back();
    cell.primary = Watch(access, role_, name_space);
    const auto also = [&](KubeResource resource) {
      cell.others.push_back(Watch(access, resource, name_space));
    };
    if (endpoints) {
      also(KubeResource::kServices);
      also(KubeResource::kPods);
    }
    if (pods && config_.attach_deployment) also(KubeResource::kReplicaSets);
    if (pods && (config_.attach_job || config_.attach_cronjob)) also(KubeResource::kJobs);
  }
  return absl::OkStatus();
}

uint64_t KubernetesTargets::VersionOf(const std::vector<std::shared_ptr<KubeWatch>>& watches) {
  uint64_t version = 0;  // each of them only grows, and so does their sum
  for (const auto& watch : watches) version += watch->version();
  return version;
}

uint64_t KubernetesTargets::Version() const {
  uint64_t version = VersionOf(shared_);
  for (const Cell& cell : cells_) version += cell.primary->version() + VersionOf(cell.others);
  return version;
}

bool KubernetesTargets::Refresh(int64_t now_ns) {
  if (now_ns < next_ns_) return false;
  if (cells_.empty()) {
    const absl::Status status = OpenWatches();
    if (!status.ok()) {
      next_ns_ = now_ns + kAccessRetryMs * kNsPerMs;
      if (status != status_) {
        log::Warn("scrape", "a Kubernetes cluster is not known how to reach",
                  {{"role", config_.role}, {"error", Message(status)}});
      }
      status_ = status;
      return false;
    }
    status_ = absl::OkStatus();
  }
  bool synced = true;
  const auto poll = [&](const std::shared_ptr<KubeWatch>& watch) {
    watch->Poll(now_ns);
    synced &= watch->synced();
  };
  for (const auto& watch : shared_) poll(watch);
  for (const Cell& cell : cells_) {
    poll(cell.primary);
    for (const auto& watch : cell.others) poll(watch);
  }
  next_ns_ = now_ns + (synced ? kPollMs : kFirstPollMs) * kNsPerMs;
  const uint64_t version = Version();
  const bool due = built_ns_ == INT64_MIN || now_ns >= built_ns_ + kBuildMs * kNsPerMs;
  if (version == built_version_ || !due) return false;
  const auto is_synced = [](const auto& watch) { return watch->synced(); };
  if (!std::all_of(shared_.begin(), shared_.end(), is_synced)) return false;
  bool built = false;
  for (Cell& cell : cells_) {
    if (!cell.primary->synced()) continue;
    if (!std::all_of(cell.others.begin(), cell.others.end(), is_synced)) continue;
    Build(&cell);
    built = true;
  }
  if (!built) return false;
  built_version_ = version;
  built_ns_ = now_ns;
  return true;
}

void KubernetesTargets::Build(Cell* cell) const {
  const uint64_t surroundings = VersionOf(shared_) + VersionOf(cell->others);
  std::map<std::string, std::shared_ptr<const KubeObject>> objects;
  cell->primary->ForEach(
      [&](const std::string& key, const auto& object) { objects.emplace(key, object); });
  std::vector<std::shared_ptr<const KubeObject>> held;  // while a group is built
  const auto find = [&](KubeResource resource, std::string_view key) -> const KubeObject* {
    for (const auto* watches : {&shared_, &std::as_const(cell->others)}) {
      for (const auto& watch : *watches) {
        if (watch->resource() != resource) continue;
        if (auto object = watch->Find(key)) {
          held.push_back(std::move(object));
          return held.back().get();
        }
      }
    }
    return nullptr;
  };
  const KubeSurroundings around{find,
                                config_.attach_node,
                                config_.attach_namespace,
                                config_.attach_deployment,
                                config_.attach_job,
                                config_.attach_cronjob};
  std::erase_if(cell->groups, [&](const auto& entry) { return !objects.contains(entry.first); });
  for (auto& [key, object] : objects) {
    CachedGroup& cached = cell->groups[key];
    if (cached.object == object && cached.surroundings == surroundings) continue;
    held.clear();
    cached.group = BuildKubeGroup(role_, *object, around);
    cached.object = std::move(object);
    cached.surroundings = surroundings;
  }
}

std::string KubernetesTargets::Error() const {
  if (!status_.ok()) return Message(status_);
  const auto of = [](const KubeWatch& watch) {
    const std::string error = watch.error();
    return error.empty() ? error : fmt::format("{}: {}", watch.path(), error);
  };
  for (const auto& watch : shared_) {
    if (std::string error = of(*watch); !error.empty()) return error;
  }
  for (const Cell& cell : cells_) {
    if (std::string error = of(*cell.primary); !error.empty()) return error;
    for (const auto& watch : cell.others) {
      if (std::string error = of(*watch); !error.empty()) return error;
    }
  }
  return "";
}

std::vector<TargetGroup> KubernetesTargets::Groups() const {
  std::vector<TargetGroup> groups;
  for (const Cell& cell : cells_) {
    for (const auto& [key, cached] : cell.groups) groups.push_back(cached.group);
  }
  return groups;
}

}  // namespace hearth::scrape
