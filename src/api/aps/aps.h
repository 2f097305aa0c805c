// SPDX-License-Identifier: Apache-2.0
// The control plane of Amazon Managed Prometheus, rest-json: workspaces are listed, described, made
// and deleted, and their tags read. Every other operation answers an explicit error that names it.
// Source: aws-contract.md §1, §4.1, §8.1, §9. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "access/gate.h"
#include "base/rng.h"
#include "catalog/amp_workspaces.h"
#include "catalog/catalog.h"
#include "net/http.h"
#include "workspace/manager.h"

namespace hearth::api {

struct ApsOptions {
  std::string endpoint;  // what prometheusEndpoint begins with: "http://127.0.0.1:9320"
  bool aws_fidelity = false;
};

class Aps {
 public:
  Aps(ApsOptions options, const access::Gate& gate, catalog::Catalog& catalog,
      workspace::Manager& workspaces, Rng& rng)
      : options_(std::move(options)),
        gate_(gate),
        catalog_(catalog),
        workspaces_(workspaces),
        rng_(rng) {}
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  net::HttpResponse Route(const net::HttpRequest& request, const access::Caller& caller,
                          const std::vector<std::string>& segments);
  net::HttpResponse List(const net::HttpRequest& request, const access::Caller& caller);
  net::HttpResponse Create(const net::HttpRequest& request, const access::Caller& caller);
  net::HttpResponse Describe(const access::Caller& caller, std::string_view id);
  net::HttpResponse Delete(const access::Caller& caller, std::string_view id);
  net::HttpResponse ListTags(const access::Caller& caller, std::string_view arn);
  // The workspace of that id in the caller's region, or the answer in its place.
  absl::StatusOr<catalog::AmpWorkspace> Find(const access::Caller& caller, std::string_view id);

  const ApsOptions options_;
  const access::Gate& gate_;
  catalog::Catalog& catalog_;
  workspace::Manager& workspaces_;
  Rng& rng_;
};

}  // namespace hearth::api
