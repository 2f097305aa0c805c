// SPDX-License-Identifier: Apache-2.0
#include "scraper_runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "cluster_fetcher.h"

namespace hearth::app {
namespace {

using Json = nlohmann::json;
using catalog::AmpScraper;
using catalog::EksCluster;

constexpr int64_t kNsPerMs = 1'000'000;
// Changes of other processes are seen after so long at most.
constexpr int64_t kLookMs = 1'000;
constexpr int64_t kRenewMs = ScraperRunner::kLeaseMs / 3;
// Scrapes of one scraper under way at once; they mostly wait for the network.
constexpr size_t kThreads = 4;
constexpr size_t kReasonMax = 256;
// Markers of a scraper that ends wait so long at most.
constexpr int64_t kEndingMaxMs = 600'000;

// The text at `path` of a stored JSON object, "" where there is none.
std::string StoredText(std::string_view stored, std::initializer_list<const char*> path) {
  const Json json = Json::parse(stored, nullptr, /*allow_exceptions=*/false);
  const Json* at = &json;
  for (const char* name : path) {
    if (!at->is_object()) return "";
    const auto found = at->find(name);
    if (found == at->end()) return "";
    at = &*found;
  }
  return at->is_string() ? at->get<std::string>() : "";
}

// arn:aws:<service>:<region>:<account>:<kind>/<id>
struct Arn {
  std::string region;
  std::string account;
  std::string id;
};
absl::StatusOr<Arn> ParseArn(std::string_view text, std::string_view service,
                             std::string_view kind) {
  const std::vector<std::string_view> parts = Split(text, ':');
  const std::string prefix = fmt::format("{}/", kind);
  if (parts.size() != 6 || parts[2] != service || !parts[5].starts_with(prefix)) {
    return InvalidArgument("{} is no ARN of a {}", text, kind);
  }
  return Arn{std::string(parts[3]), std::string(parts[4]),
             std::string(parts[5].substr(prefix.size()))};
}

scrape::KubernetesAccess AccessOf(const EksCluster& cluster,
                                  const catalog::EksCredentials& credentials) {
  scrape::KubernetesAccess access;
  access.api_server = cluster.endpoint;
  access.http.tls.ca = cluster.ca_pem;
  access.http.tls.cert = credentials.certificate_pem;
  access.http.tls.key = credentials.key_pem;
  if (!credentials.token.empty()) {
    access.http.authorization_type = "Bearer";
    access.http.credentials = credentials.token;
  }
  return access;
}

bool SameCluster(const EksCluster& a, const EksCluster& b) {
  return a.endpoint == b.endpoint && a.ca_pem == b.ca_pem && a.name == b.name &&
         a.region == b.region && a.account == b.account;
}

// A manager and what it borrows, as long as anybody looks at the manager.
struct Collector {
  std::shared_ptr<workspace::Workspace> destination;
  std::unique_ptr<scrape::Fetcher> fetcher;
  std::unique_ptr<scrape::Manager> manager;
};

std::string LeaseName(const std::string& scraper) { return "amp_scraper/" + scraper; }

}  // namespace

ScraperRunner::ScraperRunner(ScraperRunnerOptions options, catalog::Catalog& catalog,
                             workspace::Manager& workspaces, scrape::Fetcher& fetcher,
                             FileSystem& files, const Clock& clock, Registry& metrics)
    : options_(std::move(options)),
      catalog_(catalog),
      workspaces_(workspaces),
      fetcher_(fetcher),
      files_(files),
      clock_(clock),
      metrics_(metrics),
      running_gauge_(
          metrics.AddGauge("hearth_scrape_scrapers", "AMP scrapers that this process runs.")),
      failures_(metrics.AddCounter("hearth_scrape_scraper_failures_total",
                                   "Looks at the catalog's scrapers that failed.")),
      logs_(options_.log_directory, files, metrics) {}

ScraperRunner::~ScraperRunner() { Stop(); }

void ScraperRunner::Start() {
  thread_ = Thread("scrapers", [this] { Run(); });
}

void ScraperRunner::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    woken_ = true;
    states_.clear();
  }
  thread_.Join();
  for (Ending& ending : ending_) ending.running.manager->Stop();
  ending_.clear();
  for (auto& [id, running] : running_) {
    running.manager->Stop();
    Release(running.lease);
  }
  running_.clear();
  running_gauge_.Set(0);
}

void ScraperRunner::Wake() {
  absl::MutexLock lock(&mutex_);
  woken_ = true;
}

void ScraperRunner::Run() {
  while (true) {
    bool woken = false;
    {
      absl::MutexLock lock(&mutex_);
      clock_.WaitUntil(mutex_, absl::Condition(&woken_), clock_.MonotonicNs() + kLookMs * kNsPerMs);
      if (stopping_) return;
      woken = std::exchange(woken_, false);
    }
    const int64_t now_ns = clock_.MonotonicNs();
    std::erase_if(ending_, [&](const Ending& ending) { return now_ns >= ending.until_ns; });
    const auto event = catalog_.LastEvent();
    const bool changed = event.ok() && *event != seen_event_;
    if (!woken && !changed && now_ns < renew_ns_) continue;
    const absl::Status status = event.ok() ? Reconcile() : event.status();
    renew_ns_ = now_ns + kRenewMs * kNsPerMs;
    if (status.ok()) {
      seen_event_ = *event;
      continue;
    }
    failures_.Add();
    log::Warn("scrapers", "the catalog's scrapers could not be looked at",
              {{"error", Message(status)}});
    GiveWay();
    running_gauge_.Set(static_cast<double>(running_.size()));
  }
}

void ScraperRunner::GiveWay() {
  std::erase_if(running_, [&](auto& entry) {
    if (clock_.NowMs() < entry.second.lease.expires_ms) return false;
    SetProblem(entry.first, "paused: the catalog cannot be written, its lease has ended");
    End(std::move(entry.second), /*with_markers=*/false);
    return true;
  });
}

// The cluster that a scraper reads, and what it shows to it.
absl::Status ScraperRunner::FindSource(catalog::Reader& reader, Wanted* wanted) {
  const std::string text = StoredText(wanted->scraper.source, {"eksConfiguration", "clusterArn"});
  if (text.empty()) {
    return Unimplemented("only sources with an eksConfiguration are scraped");
  }
  TRY_ASSIGN(const Arn arn, ParseArn(text, "eks", "cluster"));
  if (arn.account != wanted->scraper.account) {
    return FailedPrecondition(
        "cluster {} is of account {}, the scraper of {}: credentials are not "
        "lent to another account",
        arn.id, arn.account, wanted->scraper.account);
  }
  auto cluster = catalog::GetEksCluster(reader, arn.account, arn.region, arn.id);
  if (absl::IsNotFound(cluster.status())) {
    return FailedPrecondition(
        "cluster {} is not registered; hearth cluster add {} --api-server URL --ca FILE --token "
        "FILE makes it known",
        arn.id, arn.id);
  }
  TRY(cluster.status());
  if (cluster->endpoint.empty()) {
    return FailedPrecondition("cluster {} was registered without --api-server", cluster->name);
  }
  TRY_ASSIGN(wanted->credentials, catalog::GetEksCredentials(reader, *cluster));
  wanted->cluster = *std::move(cluster);
  return absl::OkStatus();
}

absl::Status ScraperRunner::FindDestination(Wanted* wanted) {
  const std::string text =
      StoredText(wanted->scraper.destination, {"ampConfiguration", "workspaceArn"});
  TRY_ASSIGN(const Arn arn, ParseArn(text, "aps", "workspace"));
  wanted->destination = workspaces_.Find(arn.id);
  const bool open = wanted->destination != nullptr;
  if (open && wanted->destination->account() != wanted->scraper.account) {
    wanted->destination = nullptr;
    return FailedPrecondition("workspace {} is not of the scraper's account {}", arn.id,
                              wanted->scraper.account);
  }
  if (open && wanted->destination->region() == arn.region) return absl::OkStatus();
  return NotFound("workspace {} of {} is not open in this process", arn.id, arn.region);
}

absl::StatusOr<std::vector<ScraperRunner::Wanted>> ScraperRunner::Load() {
  return catalog_.Read([this](catalog::Reader& reader) -> absl::StatusOr<std::vector<Wanted>> {
    TRY_ASSIGN(auto scrapers, catalog::AllAmpScrapers(reader));
    std::vector<Wanted> all;
    size_t runnable = 0;
    for (AmpScraper& scraper : scrapers) {
      Wanted& wanted = all.emplace_back();
      wanted.scraper = std::move(scraper);
      absl::Status status = FindSource(reader, &wanted);
      if (status.ok()) status = FindDestination(&wanted);
      if (status.ok() && ++runnable > kRunningMax) {
        status = ResourceExhausted("there are more than {} scrapers", kRunningMax);
      }
      if (!status.ok()) wanted.problem = "not run: " + Message(status);
    }
    return all;
  });
}

absl::StatusOr<ScraperRunner::Leases> ScraperRunner::Acquire(std::vector<Wanted>* all) {
  Leases leases;
  const bool none = std::all_of(all->begin(), all->end(),
                                [](const Wanted& wanted) { return !wanted.problem.empty(); });
  if (none) return leases;
  const absl::Status written =
      catalog_.Write([&](catalog::Transaction& transaction) -> absl::Status {
        leases.clear();
        for (Wanted& wanted : *all) {
          if (!wanted.problem.empty()) continue;
          const std::string& id = wanted.scraper.id;
          auto lease = catalog::AcquireLease(transaction, LeaseName(id), options_.owner, kLeaseMs);
          if (absl::IsFailedPrecondition(lease.status())) {
            wanted.problem = "run by another process of this catalog";
            continue;
          }
          TRY(lease.status());
          leases.emplace(id, *std::move(lease));
        }
        return absl::OkStatus();
      });
  TRY(written);
  return leases;
}

absl::Status ScraperRunner::Reconcile() {
  TRY_ASSIGN(std::vector<Wanted> all, Load());
  TRY_ASSIGN(const Leases leases, Acquire(&all));
  std::map<std::string, Running> next;
  std::set<std::string, std::less<>> ids;
  std::set<std::string> elsewhere;
  for (Wanted& wanted : all) {
    const std::string id = wanted.scraper.id;
    ids.insert(id);
    if (const auto lease = leases.find(id); lease != leases.end()) {
      const absl::Status status = Keep(std::move(wanted), lease->second, &next);
      if (!status.ok()) SetProblem(id, "not run: " + Message(status));
      continue;
    }
    if (wanted.problem.starts_with("run by")) elsewhere.insert(id);
    SetProblem(id, wanted.problem);
  }
  for (auto& [id, running] : running_) {
    if (next.contains(id)) continue;
    // Whoever runs it now goes on with its series.
    if (!elsewhere.contains(id)) Release(running.lease);
    End(std::move(running), !elsewhere.contains(id));
  }
  running_ = std::move(next);
  running_gauge_.Set(static_cast<double>(running_.size()));
  absl::MutexLock lock(&mutex_);
  std::erase_if(states_, [&](const auto& state) { return !ids.contains(state.first); });
  return absl::OkStatus();
}

absl::Status ScraperRunner::Keep(Wanted wanted, const catalog::Lease& lease,
                                 std::map<std::string, Running>* next) {
  const std::string id = wanted.scraper.id;
  const auto known = running_.find(id);
  const bool goes_on = known != running_.end() &&
                       SameCluster(known->second.wanted.cluster, wanted.cluster) &&
                       known->second.wanted.credentials == wanted.credentials &&
                       known->second.wanted.destination == wanted.destination;
  if (!goes_on) {
    TRY_ASSIGN(Running running, Launch(std::move(wanted), lease));
    SetState(running);
    if (known != running_.end()) End(std::move(known->second), /*with_markers=*/true);
    if (known != running_.end()) running_.erase(known);
    next->emplace(id, std::move(running));
    return absl::OkStatus();
  }
  Running& running = known->second;
  const bool same = running.wanted.scraper.configuration == wanted.scraper.configuration;
  running.wanted = std::move(wanted);
  running.lease = lease;
  ReadLogging(running.wanted.scraper, running.log.get());
  if (!same) TRY(Configure(&running));
  SetState(running);
  next->emplace(id, std::move(running));
  running_.erase(known);
  return absl::OkStatus();
}

absl::Status ScraperRunner::Configure(Running* running) {
  TRY_ASSIGN(scrape::LoadedConfig loaded,
             scrape::ParseConfig(running->wanted.scraper.configuration, "configurationBlob", ""));
  TRY(scrape::RefuseUnsupported(loaded, "configurationBlob"));
  running->interval_max_ms = 0;
  for (const scrape::JobConfig& job : loaded.config.jobs) {
    running->interval_max_ms = std::max(running->interval_max_ms, job.interval_ms);
  }
  running->manager->ApplyConfig(std::make_shared<scrape::Config>(std::move(loaded.config)));
  return absl::OkStatus();
}

absl::StatusOr<ScraperRunner::Running> ScraperRunner::Launch(Wanted wanted,
                                                             const catalog::Lease& lease) {
  Running running;
  running.wanted = std::move(wanted);
  running.lease = lease;
  const std::string& id = running.wanted.scraper.id;
  const scrape::KubernetesAccess access =
      AccessOf(running.wanted.cluster, running.wanted.credentials);
  running.log = std::make_shared<LogTarget>();
  ReadLogging(running.wanted.scraper, running.log.get());
  scrape::ManagerOptions options;
  options.workspace = running.wanted.destination->id();
  options.threads = kThreads;
  options.spread_seed = options_.spread_seed ^ std::hash<std::string>{}(id);
  options.in_cluster = access;
  options.report = [this, log = running.log, id](std::string_view component,
                                                 std::string_view text) {
    Log(*log, id, component, text);
  };
  auto collector = std::make_shared<Collector>();
  collector->destination = running.wanted.destination;
  collector->fetcher = MakeClusterFetcher(fetcher_, access);
  collector->manager = std::make_unique<scrape::Manager>(
      std::move(options), *collector->fetcher, *collector->destination, files_, clock_, metrics_);
  running.manager = std::shared_ptr<scrape::Manager>(collector, collector->manager.get());
  TRY(Configure(&running));
  running.manager->Start();
  log::Info("scrapers", "a scraper begins",
            {{"scraper", id},
             {"cluster", running.wanted.cluster.name},
             {"workspace", running.wanted.destination->id()}});
  return running;
}

void ScraperRunner::End(Running running, bool with_markers) {
  log::Info("scrapers", "a scraper ends", {{"scraper", running.wanted.scraper.id}});
  const bool is_open =
      workspaces_.Find(running.wanted.destination->id()) == running.wanted.destination;
  if (!with_markers || !is_open) {
    running.manager->Stop();
    return;
  }
  running.manager->ApplyConfig(std::make_shared<scrape::Config>());
  // Markers come two intervals and a tenth after the last scrape, a marker's commit a moment later.
  const int64_t wait_ms = std::min(running.interval_max_ms * 22 / 10 + 5'000, kEndingMaxMs);
  ending_.push_back({std::move(running), clock_.MonotonicNs() + wait_ms * kNsPerMs});
}

void ScraperRunner::Release(const catalog::Lease& lease) {
  const absl::Status status = catalog_.Write(
      [&](catalog::Transaction& transaction) { return catalog::ReleaseLease(transaction, lease); });
  if (!status.ok()) {
    log::Warn("scrapers", "a lease was not given up, it ends by itself",
              {{"lease", lease.name}, {"error", Message(status)}});
  }
}

void ScraperRunner::SetState(const Running& running) {
  absl::MutexLock lock(&mutex_);
  states_.insert_or_assign(
      running.wanted.scraper.id,
      State{"", running.wanted.cluster.name, running.wanted.destination->id(), running.manager});
}

void ScraperRunner::SetProblem(const std::string& scraper, std::string reason) {
  absl::MutexLock lock(&mutex_);
  State& state = states_[scraper];
  if (state.problem != reason) {
    log::Info("scrapers", reason, {{"scraper", scraper}});
    state.problem = std::move(reason);
  }
  state.manager.reset();
}

std::string ScraperRunner::Reason(std::string_view scraper) const {
  State state;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = states_.find(scraper);
    if (found == states_.end()) return "not looked at yet";
    state = found->second;
  }
  const auto manager = state.manager.lock();
  if (manager == nullptr) {
    return state.problem.substr(0, kReasonMax);
  }
  const scrape::TargetsSnapshot targets = manager->Targets();
  const auto up =
      std::count_if(targets.active.begin(), targets.active.end(),
                    [](const scrape::TargetStatus& t) { return t.health == scrape::Health::kUp; });
  return fmt::format("scrapes cluster {} into {}: {} targets, {} of them up", state.cluster,
                     state.workspace, targets.active.size(), up)
      .substr(0, kReasonMax);
}

// {"loggingDestination": {"cloudWatchLogs": {"logGroupArn": …}}, "scraperComponents": [{"type":
// …}]}
void ScraperRunner::ReadLogging(const AmpScraper& scraper, LogTarget* target) {
  absl::MutexLock lock(&target->mutex);
  target->group = workspace::LogGroupOfArn(
      StoredText(scraper.logging, {"loggingDestination", "cloudWatchLogs", "logGroupArn"}));
  target->components.clear();
  const Json json = Json::parse(scraper.logging, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("scraperComponents")) return;
  for (const Json& component : json["scraperComponents"]) {
    if (!component.is_object() || !component.contains("type")) continue;
    const Json& type = component["type"];
    if (type.is_string()) target->components.insert(type.get<std::string>());
  }
}

void ScraperRunner::Log(LogTarget& target, std::string_view scraper, std::string_view component,
                        std::string_view text) {
  std::string group;
  {
    absl::MutexLock lock(&target.mutex);
    if (target.group.empty() || !target.components.contains(component)) return;
    group = target.group;
  }
  const nlohmann::ordered_json line = {{"component", component},
                                       {"timestamp", clock_.NowMs()},
                                       {"scraperId", scraper},
                                       {"message", text}};
  logs_.Write(group, scraper,
              line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace hearth::app
