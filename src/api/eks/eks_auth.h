// SPDX-License-Identifier: Apache-2.0
// EKS Auth, rest-json: AssumeRoleForPodIdentity, which the Pod Identity agent of a node calls
// (signed with the node's role) with a pod's service-account token. Source: aws-contract.md §7.4
// and the EKS User Guide, "Learn how EKS Pod Identity grants pods access to AWS services".
// Thread-safe.
#pragma once

#include "access/gate.h"
#include "access/oidc_keys.h"
#include "base/clock.h"
#include "base/rng.h"
#include "catalog/catalog.h"
#include "catalog/eks.h"
#include "net/http.h"

namespace hearth::api {

class EksAuth {
 public:
  EksAuth(const access::Gate& gate, catalog::Catalog& catalog, access::OidcKeys& keys,
          const Clock& clock, Rng& rng)
      : gate_(gate), catalog_(catalog), keys_(keys), clock_(clock), rng_(rng) {}
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  absl::StatusOr<std::string> Run(const net::HttpRequest& request, const access::Caller& caller);
  absl::StatusOr<crypto::Jwt> VerifyToken(const std::string& token,
                                          const catalog::EksCluster& cluster);

  const access::Gate& gate_;
  catalog::Catalog& catalog_;
  access::OidcKeys& keys_;
  const Clock& clock_;
  Rng& rng_;
};

}  // namespace hearth::api
