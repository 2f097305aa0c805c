// SPDX-License-Identifier: Apache-2.0
// Everything that `hearth serve` runs: constructed in order, stopped in reverse.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "access/gate.h"
#include "access/oidc_keys.h"
#include "api/amg/amg.h"
#include "api/aps/aps.h"
#include "api/backup/backup.h"
#include "api/console/console.h"
#include "api/dispatch/dispatch.h"
#include "api/eks/eks.h"
#include "api/eks/eks_auth.h"
#include "api/grafana_http/grafana_http.h"
#include "api/iam/iam.h"
#include "api/prometheus/data_plane.h"
#include "api/prometheus/prometheus_api.h"
#include "api/prometheus/query_log_file.h"
#include "api/sts/sts.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/threads.h"
#include "catalog/catalog.h"
#include "catalog/identity.h"
#include "first_start.h"
#include "flags.h"
#include "grafana/session.h"
#include "housekeeping.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "promql/engine.h"
#include "promql/query_budget.h"
#include "promql/result_cache.h"
#include "promql/tile_pool.h"
#include "rules/notifier.h"
#include "rules/scheduler.h"
#include "scrape/config.h"
#include "scrape/fetcher.h"
#include "scrape/manager.h"
#include "scraper_runner.h"
#include "workspace/manager.h"

namespace hearth::app {

class Server {
 public:
  explicit Server(ServeSettings settings) : settings_(std::move(settings)) {}
  ~Server() { Stop(); }

  // Opens, replays, binds and scrapes; serves when it returns OK.
  absl::Status Start();
  // Configuration and certificates again; what is bad is logged and the old one goes on.
  void Reload();
  // Ends within ten seconds with every acknowledged sample sealed.
  void Stop();

  const std::string& http_url() const { return http_url_; }
  const std::string& https_url() const { return https_url_; }
  // "" but on a first start; `hearth login` makes another at any time.
  const std::string& sign_in_url() const { return sign_in_url_; }

 private:
  absl::Status LockData();
  absl::Status OpenCatalog();
  absl::Status OpenWorkspaces();
  absl::Status Listen();
  void BuildGrafana();
  void BuildFaces();
  api::ApsHooks HooksOfAps();
  void BuildIdentityFaces();
  void AddServices(api::Faces* faces);  // by the service that a request is signed for
  api::ServerView StatusView();
  absl::Status StartCollector();
  void MakeScrapers();
  absl::StatusOr<std::shared_ptr<const scrape::Config>> LoadConfiguration();
  void ApplyConfiguration(std::shared_ptr<const scrape::Config> config);
  void LoadRules(const scrape::Config& config);
  rules::EvaluationSettings RuleSettings() const;
  absl::StatusOr<net::TlsIdentity> LoadTls();
  std::string UrlOf(std::string_view scheme, const net::HostPort& listener, uint16_t port) const;

  const ServeSettings settings_;
  FileSystem& file_system_ = RealFileSystem();
  const Clock& clock_ = SystemClock();
  Rng& rng_ = SystemRng();
  Registry metrics_;
  std::atomic<bool> ready_{false};
  std::string http_url_;
  std::string https_url_;
  std::string sign_in_url_;

  // In the order of construction.
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<catalog::Catalog> catalog_;
  Defaults defaults_;
  std::unique_ptr<catalog::IdentityStore> identities_;
  std::unique_ptr<access::Gate> gate_;
  std::unique_ptr<grafana::Sessions> sessions_;
  std::unique_ptr<promql::QueryBudget> query_budget_;
  std::unique_ptr<promql::TilePool> tile_pool_;
  std::unique_ptr<api::QueryLogFile> query_log_;
  std::unique_ptr<promql::Engine> engine_;
  std::unique_ptr<promql::ResultCache> result_cache_;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<net::HttpClient> watch_client_;
  std::unique_ptr<scrape::Fetcher> fetcher_;
  std::unique_ptr<rules::Notifier> notifier_;
  std::unique_ptr<rules::Scheduler> rule_scheduler_;
  std::unique_ptr<workspace::Manager> workspaces_;
  std::unique_ptr<Housekeeping> housekeeping_;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<api::PrometheusApi> prometheus_;
  std::unique_ptr<api::DataPlane> data_plane_;
  std::unique_ptr<api::Console> console_;
  std::unique_ptr<api::GrafanaHttp> grafana_;
  std::unique_ptr<api::Aps> aps_;
  std::unique_ptr<api::Amg> amg_;
  std::unique_ptr<net::HttpClient> oidc_client_;
  std::unique_ptr<access::OidcKeys> oidc_keys_;
  std::unique_ptr<api::Sts> sts_;
  std::unique_ptr<api::Eks> eks_;
  std::unique_ptr<api::EksAuth> eks_auth_;
  std::unique_ptr<api::Iam> iam_;
  std::unique_ptr<api::Backup> backup_;
  std::unique_ptr<api::Dispatch> dispatch_;
  std::shared_ptr<workspace::Workspace> default_workspace_;
  std::unique_ptr<scrape::Manager> collector_;
  std::unique_ptr<ScraperRunner> scrapers_;

  mutable absl::Mutex status_mutex_;
  std::shared_ptr<const scrape::Config> config_ ABSL_GUARDED_BY(status_mutex_);
  api::ServerView::LastReload last_reload_ ABSL_GUARDED_BY(status_mutex_);
  // Faces are built when the ports are known; until then requests are told to come back.
  std::atomic<api::Dispatch*> serving_{nullptr};
};

}  // namespace hearth::app
