// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>

#include "base/fair_pool.h"
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "catalog/credentials.h"
#include "grafana/provision.h"
#include "process_metrics.h"
#include "rules/rule_book.h"
#include "version.h"

namespace hearth::app {
namespace {

// Requests under way may take so long at a stop; the rest of the ten seconds is for sealing.
constexpr int64_t kDrainMs = 4000;
// Watches of one API server: the lists of every role of many jobs and namespaces.
constexpr size_t kWatchesMax = 512;
// What the process holds that is not a file's: resident pages without the shared ones.
uint64_t ResidentBytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long total = 0;  // NOLINT(google-runtime-int): fscanf's type
  unsigned long resident = 0;
  unsigned long shared = 0;
  const int read = std::fscanf(file, "%lu %lu %lu", &total, &resident, &shared);
  std::fclose(file);
  if (read != 3 || resident < shared) return 0;
  return uint64_t{resident - shared} * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Of the memory budget (engine.md §3.3): what the intermediate results of one query may take, and
// of all that run at a time.
constexpr double kQueryShare = 0.08;
constexpr double kQueriesShare = 0.25;
// Queries that wait for one of the few that run; beyond it they are told to come back.
constexpr size_t kQueriesWaitingMax = 256;
// Queries give way to ingest and rules: whoever asks can wait, whoever writes must not.
constexpr int kQueryNice = 19;
// Of threads that help large queries: whatever else there is to do comes first.
constexpr int kHelperNice = 19;

// The cluster around us: what Kubernetes gives to every pod (client-go rest.InClusterConfig).
std::optional<scrape::KubernetesAccess> InCluster(FileSystem& files) {
  const char* const host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* const port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr || *host == '\0' || *port == '\0') return std::nullopt;
  scrape::KubernetesAccess access;
  const bool is_ipv6 = std::string_view(host).find(':') != std::string_view::npos;
  access.api_server = is_ipv6 ? fmt::format("https://[{}]:{}", host, port)
                              : fmt::format("https://{}:{}", host, port);
  access.http.authorization_type = "Bearer";
  access.http.credentials_file = scrape::kServiceAccountToken;
  access.http.tls.ca_file = scrape::kServiceAccountCa;
  const auto name = files.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace");
  if (name.ok()) access.own_namespace = TrimSpace(*name);
  return access;
}

// What the AWS API says of where a Grafana workspace is: no scheme, as AWS has none (product.md,
// URLs). Under a domain each has a name of its own, else a path below the TLS listener.
std::string GrafanaEndpoint(const catalog::GrafanaWorkspace& workspace, const ServeFlags& flags,
                            std::string_view https_url) {
  std::string place(https_url.substr(https_url.find("://") + 3));
  if (!flags.domain.empty()) {
    const std::string authority = place.substr(0, place.find('/'));
    const size_t port = authority.rfind(':');
    return fmt::format("{}.grafana-workspace.{}.{}{}", workspace.id, workspace.region, flags.domain,
                       port == std::string::npos ? "" : authority.substr(port));
  }
  constexpr std::string_view kLoopback = "127.0.0.1:";
  if (flags.external_tls_url.empty() && place.starts_with(kLoopback)) {
    place.replace(0, kLoopback.size(), "localhost:");
  }
  return fmt::format("{}/{}", place, workspace.id);
}

void ReloadRules(workspace::Manager& workspaces, std::string_view id) {
  const absl::Status status = workspaces.ReloadRuleNamespaces(id);
  // One that is not open here yet is loaded when housekeeping opens it.
  if (status.ok() || absl::IsNotFound(status)) return;
  log::Error("rules", "rule groups namespaces not read again",
             {{"workspace", id}, {"error", Message(status)}});
}

}  // namespace

absl::Status Server::Start() {
  TRY(LockData());
  TRY(OpenCatalog());
  TRY(OpenWorkspaces());
  TRY(Listen());
  workspaces_->ConfigureRules(RuleSettings());  // the URL is known now
  BuildFaces();
  TRY(EnsureDefaultDataSource(*catalog_, defaults_, http_url_, settings_.flags.region));
  TRY(WriteAwsFiles(file_system_, settings_.flags.data, defaults_.root, settings_.flags.region,
                    http_url_));
  TRY(StartCollector());
  scrapers_->Start();
  if (defaults_.first_start) {
    TRY_ASSIGN(sign_in_url_, NewSignInUrl(*catalog_, settings_.flags, http_url_));
  }
  housekeeping_->Start();
  serving_ = dispatch_.get();
  ready_ = true;
  return absl::OkStatus();
}

absl::Status Server::LockData() {
  const std::string& data = settings_.flags.data;
  TRY(file_system_.MakeDirectories(data));
  auto lock = file_system_.Lock(JoinPath(data, "lock"));
  if (absl::IsFailedPrecondition(lock.status())) {
    return FailedPrecondition(
        "another hearth runs on --data {}: {}. Stop it, or name another "
        "directory",
        data, Message(lock.status()));
  }
  TRY(lock.status());
  lock_ = *std::move(lock);
  return api::Backup::RemoveLeftovers(file_system_, data);
}

absl::Status Server::OpenCatalog() {
  const ServeFlags& flags = settings_.flags;
  catalog::Catalog::Options options;
  options.url = CatalogUrl(flags.data, flags.catalog);
  TRY_ASSIGN(catalog_, catalog::Catalog::Open(options, clock_, rng_, &metrics_));
  TRY_ASSIGN(defaults_, EnsureDefaults(*catalog_, flags));
  identities_ =
      std::make_unique<catalog::IdentityStore>(*catalog_, catalog::IdentityStore::Options{});
  TRY_ASSIGN(std::string session_key, catalog_->Write([](catalog::Transaction& transaction) {
    return catalog::EnsureRandomKey(transaction, catalog::kSessionKeyName);
  }));
  gate_ = std::make_unique<access::Gate>(
      access::Gate::Options{settings_.auth, flags.account, flags.region, std::move(session_key)},
      *identities_, clock_, metrics_);
  TRY_ASSIGN(auto sessions, grafana::Sessions::Open(*catalog_, clock_, rng_));
  sessions_ = std::make_unique<grafana::Sessions>(std::move(sessions));
  return absl::OkStatus();
}

absl::Status Server::OpenWorkspaces() {
  workspace::Options options;
  options.directory = JoinPath(settings_.flags.data, "workspaces");
  options.store.wal_fsync = settings_.wal_fsync;
  options.store.out_of_order_window_ms = settings_.aws_fidelity ? 60'000 : 3'600'000;
  options.store.max_sample_age_ms = settings_.aws_fidelity ? 3'600'000 : 0;
  options.rule_query_offset_ms = settings_.aws_fidelity ? 60'000 : 0;
  if (settings_.aws_fidelity) {
    // AMP's first quota of 2 M series gives a thirtieth of it in samples a second.
    options.rates.samples_per_second = 2'000'000.0 / 30;
    options.rates.calls = true;
  }
  // New series are refused by the memory that they take; this is where a store stops altogether.
  options.store.head_bytes_max = std::max(settings_.memory_limit_bytes, options.store.seal_bytes);
  options.memory_limit_bytes = settings_.memory_limit_bytes;
  options.resident_bytes = ResidentBytes;
  options.disk_limit_share = settings_.disk_limit.share;
  options.disk_limit_bytes = settings_.disk_limit.bytes;
  const size_t threads = std::max(1U, std::thread::hardware_concurrency());
  // Threads have the priority of the one that begins them.
  Thread("query-pool", [this] {
    LowerThreadPriority(kHelperNice);
    tile_pool_ = std::make_unique<promql::TilePool>(
        promql::TilePool::Options{.threads = settings_.query_threads}, clock_, metrics_);
  }).Join();
  const auto memory = static_cast<double>(settings_.memory_limit_bytes);
  const uint64_t cache_bytes = settings_.query_cache_bytes;
  const auto queries_bytes = static_cast<uint64_t>(kQueriesShare * memory);
  query_budget_ = std::make_unique<promql::QueryBudget>(
      queries_bytes - std::min(queries_bytes / 2, cache_bytes), metrics_);
  options.end_largest_query = [this] { return query_budget_->EndLargest(); };
  promql::Options engine = settings_.query;
  engine.budget = query_budget_.get();
  engine.memory_bytes_max =
      std::min(engine.memory_bytes_max, static_cast<size_t>(kQueryShare * memory));
  query_log_ = std::make_unique<api::QueryLogFile>(file_system_, clock_, metrics_);
  engine_ = std::make_unique<promql::Engine>(engine, &clock_, tile_pool_.get());
  engine_->set_observer(query_log_.get());
  result_cache_ = std::make_unique<promql::ResultCache>(*engine_, cache_bytes, clock_, metrics_,
                                                        query_log_.get());
  client_ = std::make_unique<net::HttpClient>(net::HttpClientOptions{}, metrics_);
  // Watches of Kubernetes API servers hold their connections for minutes.
  net::HttpClientOptions watches;
  watches.name = "watch";
  watches.connections_per_host_max = kWatchesMax;
  watch_client_ = std::make_unique<net::HttpClient>(watches, metrics_);
  fetcher_ = scrape::MakeHttpFetcher(*client_, *watch_client_, file_system_);
  notifier_ =
      std::make_unique<rules::Notifier>(rules::NotifierOptions{}, *fetcher_, clock_, metrics_);
  rule_scheduler_ = std::make_unique<rules::Scheduler>(rules::SchedulerOptions{threads}, *engine_,
                                                       clock_, metrics_);
  options.rule_scheduler = rule_scheduler_.get();
  options.rule_settings = RuleSettings();
  // The configuration's Alertmanagers belong to the default workspace.
  options.alert_sink = [this](std::string_view id, const std::vector<rules::AlertNotice>& alerts) {
    if (id == defaults_.amp.id) notifier_->Send(alerts);
  };
  TRY_ASSIGN(const int64_t seen, catalog_->LastEvent());
  TRY_ASSIGN(workspaces_,
             workspace::Manager::Open(options, *catalog_, file_system_, clock_, metrics_));
  housekeeping_ = std::make_unique<Housekeeping>(*catalog_, *workspaces_, clock_, seen);
  default_workspace_ = workspaces_->Find(defaults_.amp.id);
  return absl::OkStatus();
}

absl::StatusOr<net::TlsIdentity> Server::LoadTls() {
  const ServeFlags& flags = settings_.flags;
  // The self-made CA is always there: clients of Grafana workspaces are pointed at it.
  TRY_ASSIGN(net::TlsIdentity identity,
             EnsureTls(*catalog_, file_system_, clock_, flags.data, settings_.listen_tls.host));
  if (flags.tls_cert.empty()) return identity;
  TRY_ASSIGN(identity.server_pem, file_system_.ReadFile(flags.tls_cert));
  TRY_ASSIGN(identity.server_key_pem, file_system_.ReadFile(flags.tls_key));
  return identity;
}

std::string Server::UrlOf(std::string_view scheme, const net::HostPort& listener,
                          uint16_t port) const {
  const bool any = listener.host.empty() || listener.host == "0.0.0.0" || listener.host == "::";
  return fmt::format("{}://{}", scheme,
                     net::FormatHostPort(any ? "127.0.0.1" : listener.host, port));
}

absl::Status Server::Listen() {
  net::HttpServerOptions options;
  options.listeners = {{settings_.listen.host, settings_.listen.port, false},
                       {settings_.listen_tls.host, settings_.listen_tls.port, true}};
  options.limits.drain_ms = kDrainMs;
  options.pools = {
      {"main", 4, 256}, {"ingest", 8, 256}, {"query", 4, kQueriesWaitingMax, kQueryNice}};
  options.classify = api::Dispatch::Classify;
  options.owner_of = api::Dispatch::OwnerOf;
  options.render_error = api::Dispatch::RenderError;
  options.load_tls = [this] { return LoadTls(); };
  const auto handle = [this](const net::HttpRequest& request) {
    if (api::Dispatch* dispatch = serving_.load()) return dispatch->Handle(request);
    if (request.path == "/-/healthy") return net::TextResponse(200, "hearth is healthy.\n");
    net::HttpResponse response = net::TextResponse(503, "hearth is starting\n");
    response.headers.Set("Retry-After", "1");
    return response;
  };
  http_ = std::make_unique<net::HttpServer>(std::move(options), handle, clock_, metrics_);
  TRY_ASSIGN(const std::vector<uint16_t> ports, http_->Start());
  const ServeFlags& flags = settings_.flags;
  const auto given = [](std::string url) {
    while (url.ends_with('/')) url.pop_back();
    return url;
  };
  http_url_ = flags.external_url.empty() ? UrlOf("http", settings_.listen, ports[0])
                                         : given(flags.external_url);
  https_url_ = flags.external_tls_url.empty() ? UrlOf("https", settings_.listen_tls, ports[1])
                                              : given(flags.external_tls_url);
  return absl::OkStatus();
}

api::ServerView Server::StatusView() {
  api::ServerView view;
  view.start_time_ms = clock_.NowMs();
  view.cpus = std::max(1U, std::thread::hardware_concurrency());
  view.memory_limit_bytes = settings_.memory_limit_bytes;
  view.flags = ShownFlags(settings_.flags);
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) == 0) view.host_name = name;
  if (getcwd(name, sizeof name) != nullptr) view.working_directory = name;
  view.otlp = [this] {
    absl::MutexLock lock(&status_mutex_);
    return config_ == nullptr ? codec::OtlpSettings() : config_->otlp;
  };
  view.last_reload = [this] {
    absl::MutexLock lock(&status_mutex_);
    return last_reload_;
  };
  return view;
}

void Server::BuildIdentityFaces() {
  // Issuers are named by users: link-local and metadata addresses stay out of reach.
  net::HttpClientOptions client;
  client.name = "oidc";
  oidc_client_ = std::make_unique<net::HttpClient>(client, metrics_);
  oidc_keys_ = std::make_unique<access::OidcKeys>(access::OidcKeys::Options{}, *oidc_client_,
                                                  clock_, metrics_);
  sts_ = std::make_unique<api::Sts>(*gate_, *catalog_, *oidc_keys_, clock_, rng_);
  iam_ = std::make_unique<api::Iam>(*gate_, *catalog_, rng_);
  eks_ = std::make_unique<api::Eks>(*gate_, *catalog_, rng_);
  eks_auth_ = std::make_unique<api::EksAuth>(*gate_, *catalog_, *oidc_keys_, clock_, rng_);
}

void Server::BuildGrafana() {
  api::GrafanaHttpOptions options;
  options.version = kGrafanaVersion;
  options.own_urls = {http_url_, https_url_};
  options.aws_fidelity = settings_.aws_fidelity;
  options.data_source_addresses = settings_.data_source_addresses;
  grafana_ = std::make_unique<api::GrafanaHttp>(
      std::move(options), *catalog_, *gate_, *identities_, *sessions_,
      [this](const net::HttpRequest& request, std::string_view workspace, std::string_view path,
             const access::Caller& caller) {
        return data_plane_->HandleAs(request, workspace, path, caller);
      },
      api::Console::Shell, metrics_);
}

void Server::AddServices(api::Faces* faces) {
  faces->services["grafana"] = [this](const net::HttpRequest& r) { return amg_->Handle(r); };
  faces->services["aps"] = [this](const net::HttpRequest& r) { return aps_->Handle(r); };
  faces->services["eks"] = [this](const net::HttpRequest& r) { return eks_->Handle(r); };
  faces->services["eks-auth"] = [this](const net::HttpRequest& r) { return eks_auth_->Handle(r); };
  faces->services["hearth"] = [this](const net::HttpRequest& r) { return backup_->Handle(r); };
  faces->services["iam"] = [this](const net::HttpRequest& r) { return iam_->Handle(r); };
  faces->services["sts"] = [this](const net::HttpRequest& r) { return sts_->Handle(r); };
}

api::ApsHooks Server::HooksOfAps() {
  api::ApsHooks hooks;
  hooks.rules_changed = [this](std::string_view id) { ReloadRules(*workspaces_, id); };
  hooks.scrapers_changed = [this] { scrapers_->Wake(); };
  hooks.scraper_reason = [this](std::string_view id) { return scrapers_->Reason(id); };
  return hooks;
}

void Server::BuildFaces() {
  MakeScrapers();
  const ServeFlags& flags = settings_.flags;
  api::PrometheusApiOptions prometheus;
  prometheus.aws_fidelity = settings_.aws_fidelity;
  prometheus.series_max = workspaces_->options().store.series_max;
  prometheus.sample_age_max_ms = workspaces_->options().store.max_sample_age_ms;
  prometheus.version = kVersion;
  prometheus.revision = kRevision;
  prometheus.server = StatusView();
  prometheus.snapshot_directory = JoinPath(flags.data, "snapshots");
  prometheus.result_cache = result_cache_.get();
  prometheus.files = &file_system_;
  prometheus.rng = &rng_;
  prometheus_ =
      std::make_unique<api::PrometheusApi>(prometheus, *gate_, *engine_, clock_, metrics_);
  api::CollectorView view;
  view.targets = [this] {
    return collector_ == nullptr ? scrape::TargetsSnapshot{} : collector_->Targets();
  };
  view.alertmanagers = [this] {
    return api::AlertmanagersView{notifier_->Alertmanagers(), notifier_->DroppedAlertmanagers()};
  };
  view.target_metadata = [this] {
    return collector_ == nullptr ? std::vector<scrape::TargetMetadata>() : collector_->Metadata();
  };
  view.config = [this] {
    absl::MutexLock lock(&status_mutex_);
    return config_;
  };
  data_plane_ = std::make_unique<api::DataPlane>(*prometheus_, *gate_, *workspaces_,
                                                 defaults_.amp.id, std::move(view));
  console_ = std::make_unique<api::Console>(api::ConsoleOptions{"/" + defaults_.grafana.id + "/"},
                                            *gate_, *sessions_, metrics_, ready_);
  BuildGrafana();
  aps_ = std::make_unique<api::Aps>(
      api::ApsOptions{http_url_, settings_.aws_fidelity, HooksOfAps(), engine_->options().parser},
      *gate_, *catalog_, *workspaces_, rng_);
  amg_ = std::make_unique<api::Amg>(
      api::AmgOptions{[this](const catalog::GrafanaWorkspace& workspace) {
                        return GrafanaEndpoint(workspace, settings_.flags, https_url_);
                      },
                      settings_.aws_fidelity},
      *gate_, *catalog_, rng_);
  BuildIdentityFaces();
  backup_ = std::make_unique<api::Backup>(
      api::BackupOptions{flags.data, CatalogUrl(flags.data, flags.catalog)}, *gate_, *workspaces_,
      file_system_, clock_, rng_, metrics_);

  api::Faces faces;
  faces.root = [this](const net::HttpRequest& r) { return data_plane_->HandleRoot(r); };
  faces.workspace = [this](const net::HttpRequest& r, std::string_view id, std::string_view path) {
    return data_plane_->HandleWorkspace(r, id, path);
  };
  faces.grafana = [this](const net::HttpRequest& r, const catalog::GrafanaWorkspace& workspace,
                         std::string_view path) { return grafana_->Handle(r, workspace, path); };
  faces.console_serves = api::Console::Serves;
  faces.console = [this](const net::HttpRequest& r) { return console_->Handle(r); };
  AddServices(&faces);
  dispatch_ = std::make_unique<api::Dispatch>(
      api::DispatchOptions{flags.account, flags.region, flags.domain}, *catalog_, std::move(faces));
  AddProcessMetrics(metrics_);
}

absl::StatusOr<std::shared_ptr<const scrape::Config>> Server::LoadConfiguration() {
  const std::string& path = settings_.flags.config;
  if (path.empty()) return std::make_shared<const scrape::Config>();
  TRY_ASSIGN(scrape::LoadedConfig loaded, scrape::LoadConfig(file_system_, path));
  TRY(scrape::RefuseUnsupported(loaded, path));
  for (const std::string& warning : loaded.warnings) log::Warn("config", warning);
  return std::make_shared<const scrape::Config>(std::move(loaded.config));
}

rules::EvaluationSettings Server::RuleSettings() const {
  rules::EvaluationSettings settings;
  settings.external_url = http_url_;
  // AMP looks one minute back by default, so that samples that come late still count.
  settings.query_offset_ms = settings_.aws_fidelity ? 60'000 : 0;
  return settings;
}

void Server::LoadRules(const scrape::Config& config) {
  rules::EvaluationSettings settings = RuleSettings();
  settings.external_labels = config.external_labels;
  if (config.rule_query_offset_ms > 0) settings.query_offset_ms = config.rule_query_offset_ms;
  default_workspace_->ConfigureRules(settings);
  notifier_->ApplyConfig(config.alerting, config.external_labels);
  std::vector<rules::RuleText> texts;
  for (const std::string& pattern : config.rule_files) {
    const auto files = scrape::Glob(file_system_, pattern);
    if (!files.ok()) {
      texts.push_back({pattern, "", Message(files.status())});
      continue;
    }
    if (files->empty()) log::Warn("rules", "no file matches rule_files", {{"pattern", pattern}});
    for (const std::string& path : *files) {
      auto text = file_system_.ReadFile(path);
      texts.push_back({path, text.ok() ? *text : "", text.ok() ? "" : Message(text.status())});
    }
  }
  default_workspace_->rules()->SetFiles(texts, config.evaluation_interval_ms);
}

void Server::ApplyConfiguration(std::shared_ptr<const scrape::Config> config) {
  LoadRules(*config);
  std::vector<std::string> errors;
  grafana::ProvisionDashboards(*catalog_, file_system_, defaults_.grafana.id,
                               config->hearth.dashboards, &errors);
  for (const scrape::DataSourceConfig& given : config->hearth.data_sources) {
    catalog::DataSource source;
    source.workspace = defaults_.grafana.id;
    source.name = given.name;
    source.uid = given.uid;
    source.type = given.type;
    source.url = given.url;
    source.is_default = given.is_default;
    source.basic_auth = given.basic_auth;
    source.basic_auth_user = given.user;
    source.read_only = true;
    if (!given.password.empty()) source.secure_json_data["basicAuthPassword"] = given.password;
    const absl::Status status = catalog_->Write([&](catalog::Transaction& transaction) {
      return catalog::EnsureDataSource(transaction, &source);
    });
    if (!status.ok()) errors.push_back("data source " + given.name + ": " + Message(status));
  }
  if (const absl::Status status = query_log_->SetPath(config->query_log_file); !status.ok()) {
    errors.push_back(fmt::format("query_log_file {}: {}; queries are not logged",
                                 config->query_log_file, Message(status)));
  }
  for (const std::string& error : errors) log::Error("provision", error);
  {
    absl::MutexLock lock(&status_mutex_);
    config_ = config;
    last_reload_ = {true, clock_.NowMs()};
  }
  collector_->ApplyConfig(std::move(config));
}

// Before the faces, which ask it; it begins once all is there.
void Server::MakeScrapers() {
  ScraperRunnerOptions options;
  // Names of processes need no secret, only to differ.
  options.owner = fmt::format("{:016x}", rng_.Next());
  options.log_directory = JoinPath(settings_.flags.data, "logs");
  options.spread_seed = rng_.Next();
  scrapers_ = std::make_unique<ScraperRunner>(std::move(options), *catalog_, *workspaces_,
                                              *fetcher_, file_system_, clock_, metrics_);
}

absl::Status Server::StartCollector() {
  TRY_ASSIGN(auto config, LoadConfiguration());
  scrape::ManagerOptions options;
  options.workspace = defaults_.amp.id;
  options.spread_seed = rng_.Next();
  options.in_cluster = InCluster(file_system_);
  collector_ = std::make_unique<scrape::Manager>(options, *fetcher_, *default_workspace_,
                                                 file_system_, clock_, metrics_);
  for (const std::string& url : {http_url_, https_url_}) {
    collector_->AddSelf(url.substr(url.find("://") + 3), [this] { return metrics_.Text(); });
  }
  ApplyConfiguration(std::move(config));
  collector_->Start();
  return absl::OkStatus();
}

void Server::Reload() {
  const auto config = LoadConfiguration();
  if (config.ok()) {
    ApplyConfiguration(*config);
    log::Info("config", "reloaded", {{"file", settings_.flags.config}});
  } else {
    log::Error("config", "not reloaded, the old configuration goes on",
               {{"error", Message(config.status())}});
    absl::MutexLock lock(&status_mutex_);
    last_reload_.success = false;
  }
  if (const absl::Status status = http_->ReloadCertificates(); !status.ok()) {
    log::Error("tls", "certificates not reloaded, the old ones go on",
               {{"error", Message(status)}});
  }
}

void Server::Stop() {
  ready_ = false;
  if (collector_ != nullptr) collector_->Stop();
  if (http_ != nullptr) http_->Stop();
  if (scrapers_ != nullptr) scrapers_->Stop();
  if (housekeeping_ != nullptr) housekeeping_->Stop();
  default_workspace_.reset();
  if (workspaces_ != nullptr) workspaces_->Close();
  if (notifier_ != nullptr) notifier_->Stop();
}

}  // namespace hearth::app
