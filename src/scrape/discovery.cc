// SPDX-License-Identifier: Apache-2.0
#include "scrape/discovery.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "scrape/config_yaml.h"

namespace hearth::scrape {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// One list of targets; Prometheus' own documentation speaks of thousands of targets, not millions.
constexpr size_t kListBytesMax = 32 << 20;
constexpr int64_t kHttpTimeoutMs = 30'000;

void AddLabel(std::string_view name, std::string_view value, std::vector<TargetGroup>* groups) {
  for (TargetGroup& group : *groups) {
    model::LabelsBuilder labels(group.labels);
    labels.Set(name, value);
    group.labels = labels.Build();
  }
}

}  // namespace

Discovery::Discovery(std::shared_ptr<const JobConfig> job, const DiscoveryWorld& world)
    : job_(std::move(job)), world_(world) {
  for (const FileDiscovery& config : job_->file_discovery) {
    file_sources_.emplace_back().config = &config;
  }
  for (const HttpDiscovery& config : job_->http_discovery) {
    http_sources_.emplace_back().config = &config;
  }
  for (const KubernetesDiscovery& config : job_->kubernetes_discovery) {
    kubernetes_.emplace_back(config, world_.in_cluster, world_.kubernetes, world_.files);
  }
}

// A source that stays broken is said once, not at every look.
void Discovery::Failed(const absl::Status& status, std::string* last) {
  world_.failures.Add();
  std::string message = Message(status);
  if (message == *last) return;
  log::Warn("scrape", "discovery failed, the targets found last stay",
            {{"job", job_->job_name}, {"error", message}});
  *last = message;
  new_errors_.push_back(std::move(message));
}

bool Discovery::Refresh(int64_t now_ns, bool with_http, const std::atomic<bool>* cancelled) {
  bool changed = false;
  for (FileSource& source : file_sources_) changed |= RefreshFiles(now_ns, &source);
  if (!with_http) return changed;
  for (HttpSource& source : http_sources_) changed |= RefreshHttp(now_ns, &source, cancelled);
  kubernetes_errors_.resize(kubernetes_.size());
  for (size_t i = 0; i < kubernetes_.size(); ++i) {
    changed |= kubernetes_[i].Refresh(now_ns);
    // It has logged and counted its failure itself.
    std::string error = kubernetes_[i].Error();
    if (error == kubernetes_errors_[i]) continue;
    if (!error.empty()) new_errors_.push_back(error);
    kubernetes_errors_[i] = std::move(error);
  }
  return changed;
}

int64_t Discovery::next_ns() const {
  int64_t next = kNever;
  for (const FileSource& source : file_sources_) next = std::min(next, source.polled_next_ns);
  for (const HttpSource& source : http_sources_) next = std::min(next, source.next_ns);
  for (const KubernetesTargets& source : kubernetes_) next = std::min(next, source.next_ns());
  return next;
}

std::vector<TargetGroup> Discovery::Groups() const {
  std::vector<TargetGroup> groups;
  for (size_t i = 0; i < job_->static_groups.size(); ++i) {
    groups.push_back(GroupOf(job_->static_groups[i], fmt::format("static_configs[{}]", i)));
  }
  for (const FileSource& source : file_sources_) {
    for (const auto& [path, file] : source.files) {
      groups.insert(groups.end(), file.groups.begin(), file.groups.end());
    }
  }
  for (const HttpSource& source : http_sources_) {
    groups.insert(groups.end(), source.groups.begin(), source.groups.end());
  }
  for (const KubernetesTargets& source : kubernetes_) {
    for (TargetGroup& group : source.Groups()) groups.push_back(std::move(group));
  }
  return groups;
}

bool Discovery::RefreshFiles(int64_t now_ns, FileSource* source) {
  if (now_ns < source->polled_next_ns) return false;
  const bool all = now_ns >= source->refreshed_next_ns;
  source->polled_next_ns = now_ns + world_.file_poll_ms * kNsPerMs;
  if (all) source->refreshed_next_ns = now_ns + source->config->refresh_interval_ms * kNsPerMs;
  std::map<std::string, ReadFile> files;
  bool changed = false;
  for (const std::string& pattern : source->config->files) {
    const auto paths = Glob(world_.files, pattern);
    if (!paths.ok()) continue;
    for (const std::string& path : *paths) {
      if (files.contains(path)) continue;
      const auto known = source->files.find(path);
      ReadFile file = known == source->files.end() ? ReadFile{} : std::move(known->second);
      changed |= ReadOne(path, all, &file);
      files.emplace(path, std::move(file));
    }
  }
  changed |= files.size() != source->files.size();
  for (const auto& [path, file] : source->files) changed |= !files.contains(path);
  source->files = std::move(files);
  return changed;
}

bool Discovery::ReadOne(const std::string& path, bool even_unchanged, ReadFile* file) {
  const auto info = world_.files.Stat(path);
  if (!info.ok()) return false;
  const bool same = info->modified_ms == file->modified_ms && info->size == file->size;
  if (same && !even_unchanged) return false;
  file->modified_ms = info->modified_ms;
  file->size = info->size;
  const auto read = [&]() -> absl::StatusOr<std::vector<TargetGroup>> {
    if (info->size > kListBytesMax) {
      return ResourceExhausted("{} has {} bytes, at most {} are allowed", path, info->size,
                               kListBytesMax);
    }
    TRY_ASSIGN(const std::string text, world_.files.ReadFile(path));
    const bool json = ToLowerAscii(path).ends_with(".json");
    return json ? ParseJsonGroups(text, path) : ParseYamlGroups(text, path);
  };
  auto groups = read();
  if (!groups.ok()) {
    Failed(groups.status(), &file->last_error);
    return false;
  }
  file->last_error.clear();
  file->groups = *std::move(groups);
  AddLabel("__meta_filepath", path, &file->groups);
  return true;
}

bool Discovery::RefreshHttp(int64_t now_ns, HttpSource* source,
                            const std::atomic<bool>* cancelled) {
  if (now_ns < source->next_ns) return false;
  source->next_ns = now_ns + source->config->refresh_interval_ms * kNsPerMs;
  auto groups = FetchGroups(*source->config, cancelled);
  if (!groups.ok()) {
    Failed(groups.status(), &source->last_error);
    return false;
  }
  source->last_error.clear();
  source->groups = *std::move(groups);
  AddLabel("__meta_url", source->config->url, &source->groups);
  return true;
}

absl::StatusOr<std::vector<TargetGroup>> Discovery::FetchGroups(
    const HttpDiscovery& config, const std::atomic<bool>* cancelled) {
  FetchRequest request;
  request.url = config.url;
  request.http = &config.http;
  request.timeout_ms = std::min(kHttpTimeoutMs, config.refresh_interval_ms);
  request.body_bytes_max = kListBytesMax;
  request.cancelled = cancelled;
  const double seconds = static_cast<double>(config.refresh_interval_ms) / 1000;
  request.headers = {{"Accept", "application/json"},
                     {"X-Prometheus-Refresh-Interval-Seconds", fmt::format("{:g}", seconds)}};
  TRY_ASSIGN(const FetchResult result, world_.fetcher.Fetch(request));
  // In messages without what may be secret: a password, and a token of the query.
  const std::string shown = WithoutPassword(config.url.substr(0, config.url.find_first_of("?#")));
  if (result.status != 200) {
    return Unavailable("{}: server returned HTTP status {}", shown, result.status_text);
  }
  const std::string type = ToLowerAscii(
      TrimSpace(std::string_view(result.content_type).substr(0, result.content_type.find(';'))));
  if (type != "application/json") {
    return InvalidArgument("{}: unsupported content type {}", shown,
                           model::QuoteGo(result.content_type));
  }
  return ParseJsonGroups(result.body, shown);
}

}  // namespace hearth::scrape
