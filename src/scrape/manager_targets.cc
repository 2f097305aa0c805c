// SPDX-License-Identifier: Apache-2.0
// Which targets there are: configuration, discovery, relabelling, limits.
#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "base/status.h"
#include "scrape/manager_impl.h"

namespace hearth::scrape {
namespace {

// Dropped targets kept for the targets page, where the job sets no keep_dropped_targets.
constexpr size_t kDroppedKeptMax = 1'000;

std::string KeyOf(std::string_view job, const TargetIdentity& identity) {
  return fmt::format("{}\n{}", job, identity.Key());
}

bool SameSources(const JobConfig& a, const JobConfig& b) {
  return a.static_groups == b.static_groups && a.file_discovery == b.file_discovery &&
         a.http_discovery == b.http_discovery && a.kubernetes_discovery == b.kubernetes_discovery;
}

}  // namespace

void Manager::Impl::AddSelf(std::string address, std::function<std::string()> read) {
  self_.insert_or_assign(std::move(address), std::move(read));
}

void Manager::Impl::ShowTargetCountLocked(size_t count) {
  metrics_.targets.Add(static_cast<double>(count) - static_cast<double>(shown_target_count_));
  shown_target_count_ = count;
}

void Manager::Impl::ApplyConfig(std::shared_ptr<const Config> config) {
  absl::MutexLock lock(&mutex_);
  std::map<std::string, Job> jobs;
  for (const JobConfig& job_config : config->jobs) {
    const auto old = jobs_.find(job_config.job_name);
    const bool unchanged = old != jobs_.end() && *old->second.config == job_config;
    Job job;
    if (old != jobs_.end()) {
      job = std::move(old->second);
      jobs_.erase(old);
    }
    // What was found stays where it is looked for as before.
    const bool same_sources = job.config != nullptr && SameSources(*job.config, job_config);
    // Shares ownership of the whole configuration: no copy of the job's rules.
    if (!unchanged) job.config = std::shared_ptr<const JobConfig>(config, &job_config);
    if (!same_sources) {
      job.discovery = std::make_shared<Discovery>(
          job.config, DiscoveryWorld{fetcher_, files_, kubernetes_, options_.in_cluster,
                                     options_.file_poll_ms, metrics_.discovery_failures});
      job.discovering = false;
      job.discovery->Refresh(clock_.MonotonicNs(), /*with_http=*/false, nullptr);
      job.discovery_due_ns = job.discovery->next_ns();
      job.groups = job.discovery->Groups();
    }
    auto [at, is_new] = jobs.emplace(job_config.job_name, std::move(job));
    if (is_new && !unchanged) SyncLocked(&at->second);
  }
  for (auto& [name, job] : jobs_) {
    for (auto& [key, target] : job.targets) EndTargetLocked(target);
  }
  jobs_ = std::move(jobs);
  ShowTargetCountLocked(target_count_);
  woken_ = true;
}

void Manager::Impl::Discover(const std::string& job_name) {
  std::shared_ptr<Discovery> discovery;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = jobs_.find(job_name);
    if (found == jobs_.end()) return;
    discovery = found->second.discovery;
  }
  const bool changed = discovery->Refresh(clock_.MonotonicNs(), /*with_http=*/true, &cancelled_);
  for (const std::string& error : discovery->NewErrors()) {
    Report("SERVICE_DISCOVERY", fmt::format("{}: {}", job_name, error));
  }
  std::vector<TargetGroup> groups;
  if (changed) groups = discovery->Groups();
  absl::MutexLock lock(&mutex_);
  const auto found = jobs_.find(job_name);
  if (found == jobs_.end() || found->second.discovery != discovery) return;  // reloaded meanwhile
  Job& job = found->second;
  job.discovering = false;
  job.discovery_due_ns = discovery->next_ns();
  woken_ = true;
  if (changed) {
    job.groups = std::move(groups);
    SyncLocked(&job);
  }
  ShowTargetCountLocked(target_count_);
}

void Manager::Impl::SyncLocked(Job* job) {
  std::map<std::string, TargetPtr> targets;
  job->dropped.clear();
  job->dropped_count = 0;
  const uint64_t keep = job->config->limits.dropped_targets_kept;
  const size_t kept_max = keep == 0 ? kDroppedKeptMax : static_cast<size_t>(keep);
  for (const TargetGroup& group : job->groups) {
    for (const model::Labels& address : group.targets) {
      auto identity = MakeTarget(*job->config, group, address);
      if (!identity.ok()) {
        log::Warn("scrape", "a target cannot be scraped",
                  {{"job", job->config->job_name},
                   {"source", group.source},
                   {"target", address.ToString()},
                   {"error", Message(identity.status())}});
      } else if (identity->dropped) {
        ++job->dropped_count;
        if (job->dropped.size() < kept_max) {
          job->dropped.push_back({job->config->job_name, std::move(identity->discovered)});
        }
      } else {
        PlaceTargetLocked(job, *std::move(identity), &targets);
      }
    }
  }
  for (auto& [key, target] : job->targets) {
    if (!targets.contains(key)) EndTargetLocked(target);
  }
  const size_t before = std::exchange(job->targets, std::move(targets)).size();
  ApplyLimitLocked(job);
  if (before != job->targets.size()) {
    Report("SERVICE_DISCOVERY",
           fmt::format("{}: {} targets, {} dropped by relabelling", job->config->job_name,
                       job->targets.size(), job->dropped_count));
  }
}

void Manager::Impl::PlaceTargetLocked(Job* job, TargetIdentity identity,
                                      std::map<std::string, TargetPtr>* targets) {
  std::string key = KeyOf(job->config->job_name, identity);
  if (const auto twice = targets->find(key); twice != targets->end()) {
    twice->second->identity.discovered = std::move(identity.discovered);  // the last is shown
    return;
  }
  TargetPtr target;
  if (const auto known = job->targets.find(key); known != job->targets.end()) {
    target = known->second;
  } else if (const auto ending = ending_.find(key); ending != ending_.end()) {
    target = ending->second;
    ending_.erase(ending);
    std::erase_if(due_, [&](const auto& entry) { return entry.second == target; });
    target->ended = false;
    ++target_count_;
    if (!target->running) ScheduleFirstLocked(target);
  } else {
    if (target_count_ >= options_.targets_max) {
      log::Warn("scrape", "too many targets, the rest is left out",
                {{"job", job->config->job_name}, {"max", options_.targets_max}});
      return;
    }
    target = std::make_shared<Target>();
    target->key = key;
    target->identity = std::move(identity);
    target->job = job->config;
    ++target_count_;
    ScheduleFirstLocked(target);
    targets->emplace(std::move(key), std::move(target));
    return;
  }
  // Equal keys have equal labels and URLs; those may be in use by a scrape.
  const bool same_times = target->identity.interval_ms == identity.interval_ms;
  target->identity.discovered = std::move(identity.discovered);
  target->identity.interval_ms = identity.interval_ms;
  target->identity.timeout_ms = identity.timeout_ms;
  target->identity.histograms = identity.histograms;
  target->job = job->config;
  if (!same_times && !target->running) {
    due_.erase({target->due_ns, target});
    ScheduleFirstLocked(target);
  }
  targets->emplace(std::move(key), std::move(target));
}

void Manager::Impl::EndTargetLocked(const TargetPtr& target) {
  if (target->ended) return;
  --target_count_;
  target->ended = true;
  if (!target->running) {
    due_.erase({target->due_ns, target});
    if (target->last_scrape_ms == 0) return;  // it left nothing
    ScheduleEndLocked(target);
  }
  ending_.insert_or_assign(target->key, target);
}

// As Prometheus: beyond target_limit every scrape of the job fails, so that it is seen.
void Manager::Impl::ApplyLimitLocked(Job* job) {
  const uint64_t limit = job->config->limits.targets;
  std::string error;
  if (limit != 0 && job->targets.size() > limit) {
    error = fmt::format("target_limit exceeded (number of targets: {}, limit: {})",
                        job->targets.size(), limit);
  }
  for (auto& [key, target] : job->targets) target->forced_error = error;
}

TargetsSnapshot Manager::Impl::Targets() const {
  absl::MutexLock lock(&mutex_);
  TargetsSnapshot snapshot;
  for (const auto& [name, job] : jobs_) {
    for (const auto& [key, target] : job.targets) {
      TargetStatus status;
      status.job = name;
      status.discovered = target->identity.discovered;
      status.labels = target->identity.labels;
      status.scrape_url = target->identity.url;
      status.global_url = target->identity.url;
      status.last_error = target->last_error;
      status.last_scrape_ms = target->last_scrape_ms;
      status.last_duration_seconds = target->last_duration_seconds;
      status.health = target->health;
      status.interval_ms = target->identity.interval_ms;
      status.timeout_ms = target->identity.timeout_ms;
      status.samples = target->last_samples;
      snapshot.active.push_back(std::move(status));
    }
    snapshot.dropped.insert(snapshot.dropped.end(), job.dropped.begin(), job.dropped.end());
    snapshot.dropped_counts.emplace_back(name, job.dropped_count);
  }
  return snapshot;
}

std::vector<TargetMetadata> Manager::Impl::Metadata() const {
  std::vector<std::pair<model::Labels, std::shared_ptr<const std::vector<model::Metadata>>>> held;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, job] : jobs_) {
      for (const auto& [key, target] : job.targets) {
        if (target->metadata != nullptr) {
          held.emplace_back(target->identity.labels, target->metadata);
        }
      }
    }
  }
  std::vector<TargetMetadata> all;
  all.reserve(held.size());
  for (auto& [labels, metadata] : held) all.push_back({std::move(labels), *metadata});
  return all;
}

}  // namespace hearth::scrape
