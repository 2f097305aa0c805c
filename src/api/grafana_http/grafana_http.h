// SPDX-License-Identifier: Apache-2.0
// Grafana's HTTP API of one workspace, the part that reading dashboards needs, and the UI's page
// for every other path below the workspace. Shapes: Grafana's public HTTP API reference and
// aws-contract.md §13. Errors have Grafana's form: {"message": …}. Thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "access/gate.h"
#include "catalog/catalog.h"
#include "catalog/grafana_objects.h"
#include "catalog/identity.h"
#include "grafana/bearer.h"
#include "grafana/session.h"
#include "net/http.h"

namespace hearth::api {

struct GrafanaHttpOptions {
  std::string version;                // shown as Grafana's
  std::vector<std::string> own_urls;  // "http://127.0.0.1:9320": endpoints of our own data plane
  bool aws_fidelity = false;
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
              Page page);

  // `path` is what follows the workspace's base path: "/api/search", "/d/uid/slug".
  net::HttpResponse Handle(const net::HttpRequest& request,
                           const catalog::GrafanaWorkspace& workspace, std::string_view path);

 private:
  struct User {
    std::string login;
    std::string role;  // Admin, Editor, Viewer
  };
  struct Call {
    const net::HttpRequest& request;
    const catalog::GrafanaWorkspace& workspace;
    const User& user;
    std::vector<net::Parameter> query;
    std::string_view Parameter(std::string_view name) const;
  };

  // Who; or the refusal in Grafana's form.
  absl::StatusOr<User> Identify(const net::HttpRequest& request,
                                const catalog::GrafanaWorkspace& workspace) const;
  net::HttpResponse Route(const Call& call, const std::vector<std::string>& segments,
                          std::string_view raw_path);
  net::HttpResponse FrontendSettings(const Call& call);
  net::HttpResponse CurrentUser(const Call& call);
  net::HttpResponse Search(const Call& call);
  net::HttpResponse Folders(const Call& call, const std::vector<std::string>& segments);
  net::HttpResponse Dashboard(const Call& call, std::string_view uid);
  net::HttpResponse DataSources(const Call& call, const std::vector<std::string>& segments,
                                std::string_view raw_path);
  net::HttpResponse Proxy(const Call& call, const catalog::DataSource& source,
                          std::string_view rest);

  const GrafanaHttpOptions options_;
  catalog::Catalog& catalog_;
  const access::Gate& gate_;
  catalog::IdentityStore& identities_;
  grafana::Sessions& sessions_;
  const grafana::Bearer bearer_;
  const OwnQuery own_query_;
  const Page page_;
};

}  // namespace hearth::api
