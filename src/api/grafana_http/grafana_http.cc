// SPDX-License-Identifier: Apache-2.0
#include "api/grafana_http/grafana_http.h"

#include "api/grafana_http/face.h"

namespace hearth::api {

GrafanaHttp::GrafanaHttp(GrafanaHttpOptions options, catalog::Catalog& catalog,
                         const access::Gate& gate, catalog::IdentityStore& identities,
                         grafana::Sessions& sessions, OwnQuery own_query, Page page,
                         Registry& metrics)
    : face_(std::make_unique<grafana_http::Face>(std::move(options), catalog, gate, identities,
                                                 sessions, std::move(own_query), std::move(page),
                                                 metrics)) {}
GrafanaHttp::~GrafanaHttp() = default;

net::HttpResponse GrafanaHttp::Handle(const net::HttpRequest& request,
                                      const catalog::GrafanaWorkspace& workspace,
                                      std::string_view path) {
  return face_->Handle(request, workspace, path);
}

}  // namespace hearth::api
