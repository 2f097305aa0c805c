// SPDX-License-Identifier: Apache-2.0
// Grafana's HTTP API of one workspace, and the UI's page for every other path below the workspace.
// Shapes: Grafana's public HTTP API reference and aws-contract.md §13. Errors have Grafana's form:
// {"message": …}. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/gate.h"
#include "catalog/catalog.h"
#include "catalog/grafana_objects.h"
#include "catalog/identity.h"
#include "grafana/session.h"
#include "net/address_policy.h"
#include "net/http.h"

namespace hearth::api {

namespace grafana_http {
class Face;
}

struct GrafanaHttpOptions {
  std::string version;                // shown as Grafana's
  std::vector<std::string> own_urls;  // "http://127.0.0.1:9320": endpoints of our own data plane
  bool aws_fidelity = false;
  // Where data sources may point to, beside our own workspaces.
  net::AddressPolicy data_source_addresses;
};

// A query of a data source to one of our own AMP workspaces, in process.
using OwnQuery =
    std::function<net::HttpResponse(const net::HttpRequest& request, std::string_view workspace,
                                    std::string_view path, const access::Caller& caller)>;
using Page = std::function<net::HttpResponse(const net::HttpRequest& request)>;

class GrafanaHttp {
 public:
  GrafanaHttp(GrafanaHttpOptions options, catalog::Catalog& catalog, const access::Gate& gate,
              catalog::IdentityStore& identities, grafana::Sessions& sessions, OwnQuery own_query,
              Page page, Registry& metrics);
  ~GrafanaHttp();

  // `path` is what follows the workspace's base path: "/api/search", "/d/uid/slug".
  net::HttpResponse Handle(const net::HttpRequest& request,
                           const catalog::GrafanaWorkspace& workspace, std::string_view path);

 private:
  std::unique_ptr<grafana_http::Face> face_;
};

}  // namespace hearth::api
