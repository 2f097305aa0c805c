// SPDX-License-Identifier: Apache-2.0
// AWS IAM, query protocol: users, groups, roles, access keys, inline and managed policies with
// versions, OIDC providers, tags, boundaries, and the policy simulator. What IAM has and hearth
// has no use for (passwords, devices, certificates, instance profiles) is listed empty or refused
// by name. Source: aws-contract.md §1.5, §1.6, §6, §15.1.
//
// A call that changes something runs in one transaction together with its record in the replay
// cache: a client that lost the answer and repeats the call (same amz-sdk-invocation-id, same body)
// gets the first answer and makes nothing twice. Thread-safe.
#pragma once

#include "access/gate.h"
#include "base/rng.h"
#include "catalog/catalog.h"
#include "net/http.h"

namespace hearth::api {

class Iam {
 public:
  Iam(const access::Gate& gate, catalog::Catalog& catalog, Rng& rng)
      : gate_(gate), catalog_(catalog), rng_(rng) {}
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  const access::Gate& gate_;
  catalog::Catalog& catalog_;
  Rng& rng_;
};

}  // namespace hearth::api
