// SPDX-License-Identifier: Apache-2.0
// Runs the AMP scrapers of the catalog whose cluster is registered and whose destination is a
// workspace of this process: each has a collector of its own (scrape/manager.h), whose samples go
// straight to the workspace, under its limits. Which of several processes on one catalog runs a
// scraper is decided by a lease; one that ends is taken over within kLeaseMs.
//
// A scraper whose configuration, cluster or destination changes goes on with the new one; what is
// deleted ends, with staleness markers. Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/threads.h"
#include "catalog/amp_scrapers.h"
#include "catalog/catalog.h"
#include "catalog/eks.h"
#include "catalog/leases.h"
#include "scrape/fetcher.h"
#include "scrape/manager.h"
#include "workspace/manager.h"
#include "workspace/vended_logs.h"

namespace hearth::app {

struct ScraperRunnerOptions {
  std::string owner;          // of leases: unique among the processes on one catalog
  std::string log_directory;  // of vended logs
  uint64_t spread_seed = 0;
};

class ScraperRunner {
 public:
  static constexpr int64_t kLeaseMs = 30'000;
  // More would starve the machine; what is beyond says so in its statusReason.
  static constexpr size_t kRunningMax = 200;

  // All must outlive it.
  ScraperRunner(ScraperRunnerOptions options, catalog::Catalog& catalog,
                workspace::Manager& workspaces, scrape::Fetcher& fetcher, FileSystem& files,
                const Clock& clock, Registry& metrics);
  ~ScraperRunner();  // Stop()

  void Start();
  // Ends every scraper and gives the leases up. Writes no staleness markers, as at a restart.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);
  // Looks at the catalog soon: something was changed by this process.
  void Wake() ABSL_LOCKS_EXCLUDED(mutex_);
  // What DescribeScraper says of it beside ACTIVE; at most 256 characters.
  std::string Reason(std::string_view scraper) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Where a scraper's log lines go, as its logging configuration has it now.
  struct LogTarget {
    absl::Mutex mutex;
    std::string group ABSL_GUARDED_BY(mutex);  // "" for none
    std::set<std::string, std::less<>> components ABSL_GUARDED_BY(mutex);
  };
  // Everything that a scraper runs by.
  struct Wanted {
    catalog::AmpScraper scraper;
    catalog::EksCluster cluster;
    catalog::EksCredentials credentials;
    std::shared_ptr<workspace::Workspace> destination;
    std::string problem;  // why it cannot run; the rest does not count then
  };
  struct Running {
    Wanted wanted;
    catalog::Lease lease;
    std::shared_ptr<LogTarget> log;
    std::shared_ptr<scrape::Manager> manager;  // with all that it borrows
    int64_t interval_max_ms = 0;
  };
  // A collector that has nothing to scrape any more; it writes its markers.
  struct Ending {
    Running running;
    int64_t until_ns = 0;
  };
  using Leases = std::map<std::string, catalog::Lease>;

  void Run();
  absl::Status Reconcile();
  absl::StatusOr<std::vector<Wanted>> Load();
  absl::Status FindSource(catalog::Reader& reader, Wanted* wanted);
  absl::Status FindDestination(Wanted* wanted);
  // Of those that can run; a problem where another process has it.
  absl::StatusOr<Leases> Acquire(std::vector<Wanted>* all);
  void GiveWay();  // the catalog cannot be written: leases end
  // Goes on with what runs, or begins it. A status says why it does not run.
  absl::Status Keep(Wanted wanted, const catalog::Lease& lease,
                    std::map<std::string, Running>* next);
  absl::StatusOr<Running> Launch(Wanted wanted, const catalog::Lease& lease);
  absl::Status Configure(Running* running);
  void End(Running running, bool with_markers);
  void Release(const catalog::Lease& lease);
  void SetState(const Running& running) ABSL_LOCKS_EXCLUDED(mutex_);
  void SetProblem(const std::string& scraper, std::string reason) ABSL_LOCKS_EXCLUDED(mutex_);
  void Log(LogTarget& target, std::string_view scraper, std::string_view component,
           std::string_view text);
  static void ReadLogging(const catalog::AmpScraper& scraper, LogTarget* target);

  const ScraperRunnerOptions options_;
  catalog::Catalog& catalog_;
  workspace::Manager& workspaces_;
  scrape::Fetcher& fetcher_;
  FileSystem& files_;
  const Clock& clock_;
  Registry& metrics_;
  Gauge& running_gauge_;
  Counter& failures_;
  workspace::VendedLogs logs_;

  // Of the thread.
  std::map<std::string, Running> running_;  // by scraper id
  std::vector<Ending> ending_;
  int64_t seen_event_ = -1;
  int64_t renew_ns_ = 0;

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  struct State {
    std::string problem;  // "" while it runs
    std::string cluster;
    std::string workspace;
    std::weak_ptr<scrape::Manager> manager;
  };
  std::map<std::string, State, std::less<>> states_ ABSL_GUARDED_BY(mutex_);
  Thread thread_;
};

}  // namespace hearth::app
