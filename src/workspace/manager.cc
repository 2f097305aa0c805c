// SPDX-License-Identifier: Apache-2.0
#include "workspace/manager.h"

#include <malloc.h>

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
// Stores that are opened or closed at a time: each waits for the disk more than it computes, and a
// disk syncs for many about as fast as for one.
constexpr size_t kOpenThreads = 16;
// Of the process' memory (engine.md 3.3): the heads' part, and where the process as a whole puts
// the stores under pressure, whatever takes the memory.
constexpr double kHeadsShare = 0.55;
constexpr double kProcessSealShare = 0.75;
constexpr double kProcessEvictShare = 0.82;
constexpr double kProcessRefuseShare = 0.90;
constexpr double kProcessEndQueryShare = 0.95;
constexpr double kProcessRefuseWritesShare = 0.98;
constexpr int64_t kTrimNs = 10'000'000'000;
// Blocks go from here on, until this is undercut; blocks that end within the last two hours stay.
constexpr double kDropFrom = 0.97;
constexpr double kDropTo = 0.93;
constexpr int64_t kKeepNewestMs = int64_t{2} * 3600 * 1000;
// Blocks dropped at one look; the next look is a second away.
constexpr int kDropsAtOnce = 16;
// Of the ten seconds that a stop has: as long as this, stores also merge what was sealed lately.
constexpr int64_t kCloseMergeNs = 3'000'000'000;

uint64_t HeadsBytes(uint64_t memory_limit_bytes) {
  if (memory_limit_bytes == 0) return uint64_t{1} << 50;
  return static_cast<uint64_t>(kHeadsShare * static_cast<double>(memory_limit_bytes));
}

// Indexes and pages of blocks that all stores together keep, and what was found in them: an eighth
// of the limit, between what one store did with alone and what no query suite fills.
constexpr uint64_t kCacheBytesMin = 64 << 20;
constexpr uint64_t kCacheBytesMax = 512 << 20;
uint64_t CacheBytes(uint64_t memory_limit_bytes) {
  if (memory_limit_bytes == 0) return kCacheBytesMax;
  return std::clamp(memory_limit_bytes / 8, kCacheBytesMin, kCacheBytesMax);
}

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
      memory_(HeadsBytes(options_.memory_limit_bytes)),
      block_cache_(tsdb::MakeBlockCache(CacheBytes(options_.memory_limit_bytes))),
      background_({"background", kBackgroundThreads, kBackgroundQueueMax}),
      rule_settings_(options_.rule_settings) {
  metrics_.AddCallback(this, "hearth_workspace_disk_full",
                       "1 while writes are refused because the volume is over --disk-limit.", false,
                       {}, [this] { return guard_.disk_full ? 1.0 : 0.0; });
  const auto add = [this](std::string_view name, std::string_view help,
                          std::function<double()> read) {
    metrics_.AddCallback(this, name, help, false, {}, std::move(read));
  };
  add("hearth_memory_limit_bytes", "What the process may take (--memory-limit); 0: unlimited.",
      [this] { return static_cast<double>(options_.memory_limit_bytes); });
  add("hearth_memory_heads_bytes", "Memory that the heads of all stores take.",
      [this] { return static_cast<double>(memory_.heads_bytes()); });
  add("hearth_memory_heads_limit_bytes", "The part of --memory-limit that heads may take.",
      [this] { return static_cast<double>(memory_.heads_bytes_max()); });
  add("hearth_memory_pressure",
      "0: none, 1: heads are sealed early, 2: idle series leave, 3: new series are refused.",
      [this] { return static_cast<double>(memory_.pressure()); });
  add("hearth_workspace_memory_full",
      "1 while writes are refused because the process is at --memory-limit.",
      [this] { return guard_.memory_full ? 1.0 : 0.0; });
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
  TRY(manager->OpenAll(std::move(all)));
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

absl::Status Manager::OpenAll(std::vector<Settings> all) {
  std::vector<absl::StatusOr<std::shared_ptr<Workspace>>> opened(all.size());
  {
    ThreadPool pool({"open", std::min(kOpenThreads, all.size()), all.size() + 1});
    pool.ParallelFor(all.size(), [&](size_t i) { opened[i] = OpenStore(std::move(all[i])); });
  }
  absl::MutexLock lock(&mutex_);
  for (auto& workspace : opened) {
    TRY(workspace.status());
    (*workspace)->ConfigureRules(rule_settings_);
    workspaces_.insert_or_assign((*workspace)->id(), *workspace);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Workspace>> Manager::OpenStore(Settings settings) {
  const catalog::AmpWorkspace& row = settings.row;
  tsdb::Options store = StoreOptions(row);
  store.memory = &memory_;
  store.block_cache = block_cache_;
  store.head_bytes_max =
      std::max(std::min(store.head_bytes_max, memory_.heads_bytes_max()), store.seal_bytes);
  auto db = tsdb::Db::Open(std::move(store), file_system_, clock_, metrics_, &background_);
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
  const int64_t retention_ms = StoreOptions(settings.row).retention_ms;
  auto workspace = std::make_shared<Workspace>(std::move(settings), *std::move(db), around);
  workspace->SetRetention(retention_ms);
  if (options_.rule_scheduler != nullptr) {
    workspace->OpenRules(std::make_unique<rules::RuleBook>(
        workspace->id(), *options_.rule_scheduler, workspace->querier(), *workspace,
        options_.alert_sink, metrics_));
    // The workspace outlives its rules.
    workspace->rules()->set_failure_sink(
        [of = workspace.get()](const rules::RuleFailure& failure) { of->LogRuleFailure(failure); });
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
  // Read and set as one: of two changes the later one stays in force.
  absl::MutexLock opening(&opening_mutex_);
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
  workspace->SetRetention(store.retention_ms);
  workspace->db().SetOutOfOrderWindow(store.out_of_order_window_ms);
  workspace->SetRuleQueryOffset(settings.row.config.rule_query_offset_seconds);
}

bool Manager::DiskUse(uint64_t* used, uint64_t* limit, uint64_t* ours) const {
  *ours = 0;
  for (const auto& workspace : All()) *ours += workspace->db().stats().disk_bytes;
  if (options_.disk_limit_bytes > 0) {
    *used = *ours;
    *limit = options_.disk_limit_bytes;
    return true;
  }
  const auto space = file_system_.Space(options_.directory);
  if (!space.ok() || space->total_bytes == 0) return false;
  *used = space->total_bytes - space->free_bytes;
  *limit =
      static_cast<uint64_t>(options_.disk_limit_share * static_cast<double>(space->total_bytes));
  return true;
}

void Manager::WatchDisk() {
  uint64_t used = 0;
  uint64_t limit = 0;
  uint64_t ours = 0;
  if (!DiskUse(&used, &limit, &ours)) return;
  const auto share = [&](double part) {
    return static_cast<uint64_t>(part * static_cast<double>(limit));
  };
  if (used >= share(kDropFrom) && ours >= used / 2) {
    FreeDisk(used - share(kDropTo));
    if (!DiskUse(&used, &limit, &ours)) return;
  }
  const bool full = used >= limit;
  if (!full) KeepReserve();
  if (full != guard_.disk_full.exchange(full)) {
    log::Warn("workspace",
              full ? "over --disk-limit: writes are refused"
                   : "below --disk-limit: writes are accepted again",
              {{"used_bytes", used}, {"limit_bytes", limit}, {"ours_bytes", ours}});
  }
}

void Manager::FreeDisk(uint64_t excess) {
  uint64_t freed = 0;
  for (int i = 0; i < kDropsAtOnce && freed < excess; ++i) {
    auto dropped = DropOneBlock();
    if (absl::IsResourceExhausted(dropped.status()) && file_system_.Exists(reserve_path())) {
      log::Warn("workspace", "the volume is full: the reserve is given up to drop a block",
                {{"reserve", reserve_path()}});
      if (file_system_.Remove(reserve_path()).ok()) dropped = DropOneBlock();
    }
    if (!dropped.ok()) {
      log::Error("workspace", "cannot drop a block for --disk-limit; tried again in a second",
                 {{"error", Message(dropped.status())}});
      return;
    }
    if (*dropped == 0) return;
    freed += *dropped;
  }
}

// Of the workspace that holds most and has one that may go.
absl::StatusOr<uint64_t> Manager::DropOneBlock() {
  const int64_t before_ms = clock_.NowMs() - kKeepNewestMs;
  std::shared_ptr<Workspace> largest;
  uint64_t most = 0;
  for (const auto& workspace : All()) {
    if (workspace->db().oldest_block_end_ms() >= before_ms) continue;
    const uint64_t bytes = workspace->db().stats().disk_bytes;
    if (largest == nullptr || bytes > most) {
      largest = workspace;
      most = bytes;
    }
  }
  if (largest == nullptr) return 0;
  return largest->db().DropOldestBlock(before_ms);
}

void Manager::KeepReserve() {
  if (options_.disk_reserve_bytes == 0 || file_system_.Exists(reserve_path())) return;
  const std::string zeros(options_.disk_reserve_bytes, '\0');
  // It is tried again every second: a volume that is full has none.
  file_system_.WriteFileAtomic(reserve_path(), zeros).IgnoreError();
}

void Manager::WatchMemory() {
  if (options_.memory_limit_bytes == 0 || !options_.resident_bytes) return;
  const double share = static_cast<double>(options_.resident_bytes()) /
                       static_cast<double>(options_.memory_limit_bytes);
  const tsdb::Pressure pressure = share >= kProcessRefuseShare  ? tsdb::Pressure::kRefuse
                                  : share >= kProcessEvictShare ? tsdb::Pressure::kEvict
                                  : share >= kProcessSealShare  ? tsdb::Pressure::kSeal
                                                                : tsdb::Pressure::kNone;
  memory_.SetProcessPressure(pressure);
  const bool full = share >= kProcessRefuseWritesShare;
  if (full != guard_.memory_full.exchange(full)) {
    log::Warn("workspace",
              full ? "at --memory-limit: writes are refused"
                   : "below --memory-limit: writes are accepted again",
              {{"limit_bytes", options_.memory_limit_bytes}});
  }
  if (pressure < tsdb::Pressure::kEvict) return;
  if (share >= kProcessEndQueryShare && options_.end_largest_query &&
      options_.end_largest_query()) {
    log::Warn("workspace", "near --memory-limit: the largest query was ended");
  }
  // What was freed in small pieces stays with malloc until it is told to give it back.
  const int64_t now_ns = clock_.MonotonicNs();
  if (now_ns - last_trim_ns_ < kTrimNs) return;
  last_trim_ns_ = now_ns;
  malloc_trim(0);
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
    WatchMemory();
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
  std::vector<Workspace*> stores;
  for (const auto& [id, workspace] : closing) {
    workspace->StopRules();
    stores.push_back(workspace.get());
  }
  ThreadPool pool({"close", std::min(kOpenThreads, stores.size()), stores.size() + 1});
  const int64_t start_ns = clock_.MonotonicNs();
  pool.ParallelFor(stores.size(), [&](size_t i) {
    const bool merge = clock_.MonotonicNs() - start_ns < kCloseMergeNs;
    if (const absl::Status status = stores[i]->db().Close(merge); !status.ok()) {
      log::Error("workspace", "store not sealed; its log is replayed at the next start",
                 {{"workspace", stores[i]->id()}, {"error", Message(status)}});
    }
  });
}

}  // namespace hearth::workspace
