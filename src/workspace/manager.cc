// SPDX-License-Identifier: Apache-2.0
#include "workspace/manager.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "catalog/amp_rules.h"
#include "rules/rule_book.h"

namespace hearth::workspace {
namespace {

constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;
// Seal and compaction jobs at once; they share the machine with ingest and queries.
constexpr size_t kBackgroundThreads = 1;
constexpr size_t kBackgroundQueueMax = 4096;

}  // namespace

Manager::Manager(Options options, catalog::Catalog& catalog, FileSystem& file_system,
                 const Clock& clock, Registry& metrics)
    : options_(std::move(options)),
      catalog_(catalog),
      file_system_(file_system),
      clock_(clock),
      metrics_(metrics),
      logs_(options_.log_directory.empty() ? JoinPath(DirectoryOf(options_.directory), "logs")
                                           : options_.log_directory,
            file_system, metrics),
      background_({"background", kBackgroundThreads, kBackgroundQueueMax}),
      rule_settings_(options_.rule_settings) {
  metrics_.AddCallback(this, "hearth_workspace_disk_full",
                       "1 while writes are refused because the volume is over --disk-limit.", false,
                       {}, [this] { return guard_.disk_full ? 1.0 : 0.0; });
  metrics_.AddCallback(this, "hearth_workspace_workspaces", "AMP workspaces that are open.", false,
                       {}, [this] {
                         absl::MutexLock lock(&mutex_);
                         return static_cast<double>(workspaces_.size());
                       });
}

absl::StatusOr<std::unique_ptr<Manager>> Manager::Open(Options options, catalog::Catalog& catalog,
                                                       FileSystem& file_system, const Clock& clock,
                                                       Registry& metrics) {
  TRY(file_system.MakeDirectories(options.directory));
  auto manager = std::unique_ptr<Manager>(
      new Manager(std::move(options), catalog, file_system, clock, metrics));
  TRY_ASSIGN(std::vector<Settings> all,
             catalog.Read([](catalog::Reader& reader) -> absl::StatusOr<std::vector<Settings>> {
               std::vector<Settings> found;
               TRY_ASSIGN(const auto rows, catalog::AllAmpWorkspaces(reader));
               for (const catalog::AmpWorkspace& row : rows) {
                 TRY_ASSIGN(Settings settings, LoadSettings(reader, row.id));
                 found.push_back(std::move(settings));
               }
               return found;
             }));
  for (Settings& settings : all) TRY(manager->Open(std::move(settings)));
  for (const auto& workspace : manager->All()) {
    TRY(manager->LoadRuleNamespaces(*workspace));
    if (workspace->rules() != nullptr) workspace->rules()->FinishOpening();
  }
  manager->WatchDisk();
  manager->maintenance_ = Thread("maintenance", [m = manager.get()] { m->MaintainLoop(); });
  return manager;
}

Manager::~Manager() {
  Close();
  metrics_.RemoveCallbacks(this);
}

tsdb::Options Manager::StoreOptions(const catalog::AmpWorkspace& row) const {
  tsdb::Options store = options_.store;
  store.directory = JoinPath(options_.directory, row.id);
  if (row.config.retention_days) store.retention_ms = *row.config.retention_days * kDayMs;
  if (row.config.out_of_order_window_seconds) {
    store.out_of_order_window_ms = *row.config.out_of_order_window_seconds * 1000;
  }
  return store;
}

absl::StatusOr<std::shared_ptr<Workspace>> Manager::OpenStore(Settings settings) {
  const catalog::AmpWorkspace& row = settings.row;
  auto db = tsdb::Db::Open(StoreOptions(row), file_system_, clock_, metrics_, &background_);
  if (!db.ok()) return Annotate(db.status(), "opening workspace " + row.id);
  const tsdb::Stats stats = (*db)->stats();
  if (stats.replayed_samples > 0 || stats.quarantined_frames > 0) {
    log::Info("workspace", "log replayed",
              {{"workspace", row.id},
               {"samples", stats.replayed_samples},
               {"took_ms", stats.replay_ms},
               {"quarantined", stats.quarantined_frames}});
  }
  const Surroundings around{guard_, clock_, &catalog_, &logs_, options_.rates};
  const auto rule_offset = settings.row.config.rule_query_offset_seconds;
  auto workspace = std::make_shared<Workspace>(std::move(settings), *std::move(db), around);
  if (options_.rule_scheduler != nullptr) {
    workspace->OpenRules(std::make_unique<rules::RuleBook>(
        workspace->id(), *options_.rule_scheduler, workspace->querier(), *workspace,
        options_.alert_sink, metrics_));
    workspace->SetRuleQueryOffset(rule_offset);
  }
  return workspace;
}

absl::Status Manager::LoadRuleNamespaces(Workspace& workspace) {
  if (workspace.rules() == nullptr) return absl::OkStatus();
  TRY_ASSIGN(const auto namespaces, catalog_.Read([&](catalog::Reader& reader) {
    return catalog::ListRuleNamespaces(reader, workspace.id());
  }));
  std::vector<rules::RuleText> texts;
  for (const catalog::RuleNamespace& rules : namespaces) {
    texts.push_back({rules.name, rules.data, ""});
  }
  workspace.rules()->SetNamespaces(texts);
  return absl::OkStatus();
}

absl::Status Manager::ReloadRuleNamespaces(std::string_view id) {
  const auto workspace = Find(id);
  if (workspace == nullptr) return NotFound("workspace {} is not open", id);
  return LoadRuleNamespaces(*workspace);
}

void Manager::ConfigureRules(const rules::EvaluationSettings& settings) {
  {
    absl::MutexLock lock(&mutex_);
    rule_settings_ = settings;
  }
  for (const auto& workspace : All()) workspace->ConfigureRules(settings);
}

absl::Status Manager::Add(const catalog::AmpWorkspace& row) {
  Settings settings;
  settings.row = row;
  TRY(Open(std::move(settings)));
  // A new workspace has no past that rules could restore.
  const auto workspace = Find(row.id);
  if (workspace != nullptr && workspace->rules() != nullptr) workspace->rules()->FinishOpening();
  return absl::OkStatus();
}

absl::Status Manager::Open(Settings settings) {
  // One at a time: whoever made the row and whoever follows the catalog may both come.
  absl::MutexLock opening(&opening_mutex_);
  if (Find(settings.row.id) != nullptr) return absl::OkStatus();
  TRY_ASSIGN(auto workspace, OpenStore(std::move(settings)));
  absl::MutexLock lock(&mutex_);
  if (stopping_) return Unavailable("the server is stopping");
  workspace->ConfigureRules(rule_settings_);
  workspaces_.insert_or_assign(workspace->id(), workspace);
  return absl::OkStatus();
}

std::shared_ptr<Workspace> Manager::Find(std::string_view id) const {
  absl::MutexLock lock(&mutex_);
  const auto found = workspaces_.find(id);
  return found == workspaces_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Workspace>> Manager::All() const {
  std::vector<std::shared_ptr<Workspace>> all;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, workspace] : workspaces_) all.push_back(workspace);
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a->id() < b->id(); });
  return all;
}

absl::Status Manager::Remove(std::string_view id) {
  absl::MutexLock opening(&opening_mutex_);
  std::shared_ptr<Workspace> workspace;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = workspaces_.find(id);
    if (found == workspaces_.end()) return NotFound("workspace {} is not open", id);
    workspace = std::move(found->second);
    workspaces_.erase(found);
  }
  const std::string directory = JoinPath(options_.directory, id);
  logs_.Forget(id);
  workspace->StopRules();
  TRY(workspace->db().Close());
  // Whoever still reads holds open files; their bytes go when they are closed.
  return file_system_.RemoveTree(directory);
}

void Manager::Configure(const Settings& settings) {
  const auto workspace = Find(settings.row.id);
  if (workspace == nullptr) return;
  workspace->Configure(settings);
  const tsdb::Options store = StoreOptions(settings.row);
  workspace->db().SetRetention(store.retention_ms);
  workspace->db().SetOutOfOrderWindow(store.out_of_order_window_ms);
  workspace->SetRuleQueryOffset(settings.row.config.rule_query_offset_seconds);
}

void Manager::WatchDisk() {
  if (options_.disk_limit_bytes > 0) {
    uint64_t used = 0;
    for (const auto& workspace : All()) used += workspace->db().stats().disk_bytes;
    guard_.disk_full = used >= options_.disk_limit_bytes;
    return;
  }
  const auto space = file_system_.Space(options_.directory);
  if (!space.ok() || space->total_bytes == 0) return;
  const double used_share =
      1.0 - static_cast<double>(space->free_bytes) / static_cast<double>(space->total_bytes);
  const bool full = used_share >= options_.disk_limit_share;
  if (full != guard_.disk_full.exchange(full)) {
    log::Warn("workspace",
              full ? "volume over --disk-limit: writes are refused"
                   : "volume below --disk-limit: writes are accepted again",
              {{"used_share", used_share}, {"limit", options_.disk_limit_share}});
  }
}

void Manager::MaintainLoop() {
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    const int64_t deadline_ns = clock_.MonotonicNs() + options_.maintain_every_ms * 1'000'000;
    if (clock_.WaitUntil(mutex_, absl::Condition(&stopping_), deadline_ns)) return;
    std::vector<std::shared_ptr<Workspace>> all;
    for (const auto& [id, workspace] : workspaces_) all.push_back(workspace);
    mutex_.Unlock();
    for (const auto& workspace : all) workspace->db().Maintain();
    all.clear();
    WatchDisk();
    mutex_.Lock();
  }
}

void Manager::Close() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  maintenance_.Join();
  StringMap<std::shared_ptr<Workspace>> closing;
  {
    absl::MutexLock lock(&mutex_);
    closing.swap(workspaces_);
  }
  for (const auto& [id, workspace] : closing) workspace->StopRules();
  for (const auto& [id, workspace] : closing) {
    if (const absl::Status status = workspace->db().Close(); !status.ok()) {
      log::Error("workspace", "store not sealed; its log is replayed at the next start",
                 {{"workspace", id}, {"error", Message(status)}});
    }
  }
}

}  // namespace hearth::workspace
