// SPDX-License-Identifier: Apache-2.0
// AWS STS, query protocol (form in, XML out): GetCallerIdentity (also as a presigned GET, which is
// what an EKS token is), AssumeRole, AssumeRoleWithWebIdentity (unsigned: the token is the proof),
// GetSessionToken, GetAccessKeyInfo, DecodeAuthorizationMessage. What hearth cannot do
// (AssumeRoleWithSAML, GetFederationToken) says so and names the way out. Sessions are sealed, not
// stored: they survive a restart and end with their role. Source: aws-contract.md §1.5, §7.
// Thread-safe.
#pragma once

#include "access/gate.h"
#include "access/oidc_keys.h"
#include "base/clock.h"
#include "base/rng.h"
#include "catalog/catalog.h"
#include "net/http.h"

namespace hearth::api {

class Sts {
 public:
  Sts(const access::Gate& gate, catalog::Catalog& catalog, access::OidcKeys& keys,
      const Clock& clock, Rng& rng)
      : gate_(gate), catalog_(catalog), keys_(keys), clock_(clock), rng_(rng) {}
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  const access::Gate& gate_;
  catalog::Catalog& catalog_;
  access::OidcKeys& keys_;
  const Clock& clock_;
  Rng& rng_;
};

}  // namespace hearth::api
