// SPDX-License-Identifier: Apache-2.0
// Which face a request is for (product.md, URLs). One host and port serve all: AWS calls are told
// apart by the service in their credential scope, everything else by its path.
//
//   /workspaces/<id>/api/v1/…, /workspaces/<id>/alertmanager/…   data plane of that workspace
//   /api/v1/…, /federate                                         data plane of the default one
//   /g-xxxxxxxxxx/…, /grafana/<name>/…                           a Grafana workspace
//   /, /login…, /logout, /metrics, /-/…, /public/…               console
//   a SigV4 scope                                                the AWS service of that scope
//
// Thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/string_map.h"
#include "catalog/catalog.h"
#include "catalog/grafana_objects.h"
#include "net/http.h"
#include "net/http_server.h"

namespace hearth::api {

struct Faces {
  std::function<net::HttpResponse(const net::HttpRequest&)> root;  // stock Prometheus paths
  std::function<net::HttpResponse(const net::HttpRequest&, std::string_view workspace,
                                  std::string_view path)>
      workspace;
  std::function<net::HttpResponse(const net::HttpRequest&, const catalog::GrafanaWorkspace&,
                                  std::string_view path)>
      grafana;
  std::function<bool(std::string_view path)> console_serves;
  std::function<net::HttpResponse(const net::HttpRequest&)> console;
  // By the signing name: "aps", "sts".
  StringMap<std::function<net::HttpResponse(const net::HttpRequest&)>> services;
};

struct DispatchOptions {
  std::string account;
  std::string region;
  std::string domain;  // --domain: workspaces are g-….grafana-workspace.<region>.<domain>
};

// Pools of the server, by index: ingest must not wait behind slow queries, nor health behind
// either.
enum Pool : size_t { kPoolMain = 0, kPoolIngest = 1, kPoolQuery = 2 };

class Dispatch {
 public:
  Dispatch(DispatchOptions options, catalog::Catalog& catalog, Faces faces)
      : options_(std::move(options)), catalog_(catalog), faces_(std::move(faces)) {}

  net::HttpResponse Handle(const net::HttpRequest& request);
  static size_t Classify(const net::HttpRequest& head);
  // Whose turn a request takes in its pool: the workspace's that its path names, "" where it names
  // none. Nobody is authenticated yet: it is for turns alone.
  static std::string_view OwnerOf(const net::HttpRequest& head);
  // What the server refuses by itself, in the form of the face it was meant for.
  static net::HttpResponse RenderError(const net::ServerError& error, const net::HttpRequest& head);

 private:
  net::HttpResponse Route(const net::HttpRequest& request);
  net::HttpResponse Service(const net::HttpRequest& request);
  net::HttpResponse GrafanaById(const net::HttpRequest& request, std::string_view id,
                                std::string_view path);
  net::HttpResponse GrafanaByName(const net::HttpRequest& request, std::string_view encoded,
                                  std::string_view path);

  const DispatchOptions options_;
  catalog::Catalog& catalog_;
  const Faces faces_;
};

}  // namespace hearth::api
