// SPDX-License-Identifier: Apache-2.0
// The way into a workspace's data: finds out who asks, which workspace is meant, and hands over to
// PrometheusApi. Serves /workspaces/ws-…/api/v1/… and, for the default workspace, the stock paths.
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "access/gate.h"
#include "api/prometheus/prometheus_api.h"
#include "net/http.h"
#include "workspace/manager.h"

namespace hearth::api {

class DataPlane {
 public:
  DataPlane(PrometheusApi& api, const access::Gate& gate, const workspace::Manager& workspaces,
            std::string default_workspace, CollectorView collector)
      : api_(api),
        gate_(gate),
        workspaces_(workspaces),
        default_workspace_(std::move(default_workspace)),
        collector_(std::move(collector)) {}

  // A stock path at the root: the default workspace.
  net::HttpResponse HandleRoot(const net::HttpRequest& request);
  // /workspaces/<id><path>.
  net::HttpResponse HandleWorkspace(const net::HttpRequest& request, std::string_view id,
                                    std::string_view path);
  // In process, for a caller that was identified elsewhere (a Grafana workspace's data source).
  net::HttpResponse HandleAs(const net::HttpRequest& request, std::string_view id,
                             std::string_view path, const access::Caller& caller);

 private:
  net::HttpResponse Serve(const net::HttpRequest& request, std::string_view id,
                          std::string_view path, Plane plane, const access::Caller& caller);
  net::HttpResponse Alertmanager(const net::HttpRequest& request, std::string_view path,
                                 const access::Caller& caller,
                                 const workspace::Workspace& workspace);

  PrometheusApi& api_;
  const access::Gate& gate_;
  const workspace::Manager& workspaces_;
  const std::string default_workspace_;
  const CollectorView collector_;
};

}  // namespace hearth::api
