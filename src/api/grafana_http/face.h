// SPDX-License-Identifier: Apache-2.0
// What handlers of Grafana's API work on, and the way of a request to its handler. Private to
// api/grafana_http.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "api/grafana_http/call.h"
#include "api/grafana_http/grafana_http.h"
#include "base/string_map.h"
#include "grafana/bearer.h"
#include "net/http_client.h"

namespace hearth::api::grafana_http {

class Face {
 public:
  Face(GrafanaHttpOptions options, catalog::Catalog& catalog, const access::Gate& gate,
       catalog::IdentityStore& identities, grafana::Sessions& sessions, OwnQuery own_query,
       Page page, Registry& metrics);

  net::HttpResponse Handle(const net::HttpRequest& request,
                           const catalog::GrafanaWorkspace& workspace, std::string_view path);

  const GrafanaHttpOptions& options() const { return options_; }
  catalog::Catalog& catalog() { return catalog_; }
  catalog::IdentityStore& identities() { return identities_; }
  const OwnQuery& own_query() const { return own_query_; }
  net::HttpClient& client() { return client_; }  // for data sources that are other servers

 private:
  // A route cut at its slashes.
  struct Entry {
    Route route;
    std::vector<std::string_view> pieces;
  };
  absl::StatusOr<User> Identify(const net::HttpRequest& request,
                                const catalog::GrafanaWorkspace& workspace);
  absl::StatusOr<User> IdentifyToken(const std::string& token,
                                     const catalog::GrafanaWorkspace& workspace) const;
  absl::StatusOr<User> Known(const catalog::GrafanaWorkspace& workspace, std::string_view login,
                             Role role);
  net::HttpResponse HandleApi(const net::HttpRequest& request,
                              const catalog::GrafanaWorkspace& workspace, std::string_view path);
  net::HttpResponse Run(Call call, const std::vector<std::string>& segments);

  const GrafanaHttpOptions options_;
  catalog::Catalog& catalog_;
  const access::Gate& gate_;
  catalog::IdentityStore& identities_;
  grafana::Sessions& sessions_;
  const grafana::Bearer bearer_;
  const OwnQuery own_query_;
  const Page page_;
  net::HttpClient client_;
  StringMap<std::vector<Entry>> routes_;  // by their first piece
};

}  // namespace hearth::api::grafana_http
