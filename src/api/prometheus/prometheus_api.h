// SPDX-License-Identifier: Apache-2.0
// Prometheus' HTTP API over one AMP workspace: remote write, queries, labels, series, metadata,
// targets, rules. The same code serves the data plane under /workspaces/ws-…/ and the stock paths
// at the root. Sources: prometheus/web/api/v1/api.go, storage/remote/write_handler.go (3.14), and
// for texts and codes of AMP aws-contract.md §10 and §11.
//
// Thread-safe; what it borrows must outlive it. The producer of an answer reads the workspace:
// whoever sends it keeps the workspace meanwhile.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/gate.h"
#include "api/prometheus/chunk_stream.h"
#include "api/prometheus/delta_table.h"
#include "api/prometheus/running_queries.h"
#include "api/prometheus/server_view.h"
#include "api/prometheus/write_scratch.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "codec/remote_write.h"
#include "net/http.h"
#include "promql/engine.h"
#include "promql/result_cache.h"
#include "workspace/workspace.h"

namespace hearth::api {

class Parameters;

struct PrometheusApiOptions {
  bool aws_fidelity = false;  // --fidelity aws: AMP's request size and query range limits
  size_t write_body_decoded_max = size_t{128} << 20;
  codec::LabelLimits label_limits;
  int64_t query_range_max_ms = int64_t{95} * 24 * 3600 * 1000;  // AMP's quota, both fidelities
  // What the stores enforce, for the words of their refusals.
  size_t series_max = 0;
  int64_t sample_age_max_ms = 0;  // 0: none
  std::string version;
  std::string revision;
  ServerView server;
  // Snapshots are made below it, one folder a workspace: <directory>/<ws-id>/<name>.
  std::string snapshot_directory;
  promql::ResultCache* result_cache = nullptr;  // null: every query is evaluated
  FileSystem* files = nullptr;                  // null: no snapshots
  Rng* rng = nullptr;                           // likewise; thread-safe
};

// Where a request came in: under /workspaces/ (AMP's texts and limits) or at a stock path.
enum class Plane { kWorkspace, kRoot };

class PrometheusApi {
 public:
  PrometheusApi(PrometheusApiOptions options, const access::Gate& gate,
                const promql::Engine& engine, const Clock& clock, Registry& metrics);

  // `path` begins with /api/v1/ (or is /federate); `collector` is null for all but the default
  // workspace.
  net::HttpResponse Handle(const net::HttpRequest& request, std::string_view path, Plane plane,
                           const access::Caller& caller, workspace::Workspace& workspace,
                           const CollectorView* collector);

  // True where `path` is one of the stock paths that answer at the root.
  static bool IsRootPath(std::string_view path);
  static bool IsWrite(std::string_view path);

 private:
  struct Call {
    const net::HttpRequest& request;
    Plane plane;
    const access::Caller& caller;
    workspace::Workspace& workspace;
    const CollectorView* collector;
  };
  using Method = net::HttpResponse (PrometheusApi::*)(const Call&, const Parameters&);
  struct Route;
  static const Route* FindRoute(std::string_view path, std::string* label_name);

  net::HttpResponse Write(const Call& call);
  template <typename Reader>  // of remote write 1.0 or 2.0
  net::HttpResponse Store(const Call& call, Reader* reader, storage::WriteBatch* batch);
  net::HttpResponse OtlpMetrics(const Call& call);
  struct LeftOut;
  void FillFromOtlp(const Call& call, const codec::OtlpRequest& request, storage::WriteBatch* batch,
                    LeftOut* left);
  std::string FirstError(const Call& call, const storage::WriteBatch& batch,
                         const codec::RemoteWriteOutcome& decoded,
                         const storage::AppendOutcome& outcome) const;
  // The value of a query, from the result cache where that may be.
  absl::StatusOr<promql::Result> ValueOf(const Call& call, const Parameters& parameters,
                                         const RunningQueries::Entry& range,
                                         const promql::QueryContext& context) const;
  // One evaluation as the running queries, the metrics and the usage see it.
  net::HttpResponse Evaluate(const Call& call, const Parameters& parameters,
                             RunningQueries::Entry entry, promql::QueryContext context,
                             size_t limit);
  net::HttpResponse Query(const Call& call, const Parameters& parameters);
  net::HttpResponse QueryRange(const Call& call, const Parameters& parameters);
  net::HttpResponse FormatQuery(const Call& call, const Parameters& parameters);
  // format_query and parse_query: one expression, as text or as a tree.
  net::HttpResponse ParsedQuery(const Parameters& parameters, bool as_tree) const;
  net::HttpResponse ParseQuery(const Call& call, const Parameters& parameters);
  net::HttpResponse QueryExemplars(const Call& call, const Parameters& parameters);
  net::HttpResponse Federate(const Call& call, const Parameters& parameters);
  net::HttpResponse Labels(const Call& call, const Parameters& parameters);
  net::HttpResponse LabelValues(const Call& call, const Parameters& parameters);
  net::HttpResponse Series(const Call& call, const Parameters& parameters);
  net::HttpResponse Metadata(const Call& call, const Parameters& parameters);
  net::HttpResponse BuildInfo(const Call& call, const Parameters& parameters);
  net::HttpResponse StatusConfig(const Call& call, const Parameters& parameters);
  net::HttpResponse StatusFlags(const Call& call, const Parameters& parameters);
  net::HttpResponse RuntimeInfo(const Call& call, const Parameters& parameters);
  net::HttpResponse StatusTsdb(const Call& call, const Parameters& parameters);
  net::HttpResponse StatusQueries(const Call& call, const Parameters& parameters);
  net::HttpResponse CancelQuery(const Call& call, const Parameters& parameters);
  net::HttpResponse WalReplay(const Call& call, const Parameters& parameters);
  net::HttpResponse FeatureList(const Call& call, const Parameters& parameters);
  net::HttpResponse Notifications(const Call& call, const Parameters& parameters);
  net::HttpResponse NotificationsLive(const Call& call, const Parameters& parameters);
  net::HttpResponse DeleteSeries(const Call& call, const Parameters& parameters);
  net::HttpResponse CleanTombstones(const Call& call, const Parameters& parameters);
  net::HttpResponse Snapshot(const Call& call, const Parameters& parameters);
  net::HttpResponse RemoteRead(const Call& call, const Parameters& parameters);
  // `options` without a lease.
  net::HttpResponse Stream(ChunkStream::Options options, const storage::Querier& querier);
  net::HttpResponse Export(const Call& call, const Parameters& parameters);
  net::HttpResponse Import(const Call& call, const Parameters& parameters);
  net::HttpResponse Targets(const Call& call, const Parameters& parameters);
  net::HttpResponse TargetMetadata(const Call& call, const Parameters& parameters);
  net::HttpResponse ScrapePools(const Call& call, const Parameters& parameters);
  net::HttpResponse ScrapePoolConfig(const Call& call, const Parameters& parameters);
  net::HttpResponse RelabelSteps(const Call& call, const Parameters& parameters);
  net::HttpResponse Rules(const Call& call, const Parameters& parameters);
  net::HttpResponse Alerts(const Call& call, const Parameters& parameters);
  net::HttpResponse Alertmanagers(const Call& call, const Parameters& parameters);

  const PrometheusApiOptions options_;
  const access::Gate& gate_;
  const promql::Engine& engine_;
  const Clock& clock_;
  // Empty where the admin endpoints may be used; else why not.
  std::string AdminRefusal() const;

  StreamCount streams_;
  Registry& metrics_;
  RunningQueries running_;
  DeltaTable deltas_;
  WriteScratchPool scratches_;
  Counter& samples_received_;
  Histogram& query_seconds_;
  Counter& federation_errors_;
};

}  // namespace hearth::api
