// SPDX-License-Identifier: Apache-2.0
// The EKS face, rest-json: clusters that were made known to hearth are listed and described as
// Terraform's aws_eks_cluster data source reads them; tags; Pod Identity associations. hearth makes
// no clusters: CreateCluster and its like say so.
//
// One operation is hearth's own, signed and authorised (eks:RegisterCluster) as the others:
//   POST /hearth/clusters {name, endpoint, certificateAuthority: {data}, issuer, jwks, version,
//   tags, credentials: {token | clientCertificate, clientKey}}
// makes a cluster known or changes it; `hearth cluster add` calls it. The credentials are what
// scrapers show to the cluster's API server; nothing ever answers with them. DeregisterCluster is
// AWS's.
// Source: aws-contract.md §6.6, §7.4 and the service model. Thread-safe.
#pragma once

#include <absl/functional/function_ref.h>

#include <string>

#include "access/gate.h"
#include "access/rest_json.h"
#include "base/rng.h"
#include "catalog/catalog.h"
#include "catalog/eks.h"
#include "net/http.h"

namespace hearth::api {

class Eks {
 public:
  Eks(const access::Gate& gate, catalog::Catalog& catalog, Rng& rng)
      : gate_(gate), catalog_(catalog), rng_(rng) {}
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  struct Call {
    const net::HttpRequest& request;
    const access::Caller& caller;
    const access::RestMatch& match;
    access::RestInput input;
  };
  absl::StatusOr<std::string> Run(const net::HttpRequest& request, const access::Caller& caller,
                                  const access::RestMatch& match);
  // eks:<operation> on `resource`, which has these tags.
  absl::Status Authorize(const Call& call, std::string_view resource,
                         const catalog::Tags& tags = {});
  // On a cluster, as it is (or is not) registered.
  absl::Status AuthorizeCluster(const Call& call, std::string_view name);
  // Who gives the keys of an issuer can sign for every role that trusts it: that takes
  // iam:UpdateOpenIDConnectProviderThumbprint on its provider, as changing its TLS trust does.
  absl::Status AuthorizeKeys(const Call& call);
  absl::Status CheckRoom(catalog::Reader& reader, const Call& call);
  // iam:PassRole on the role that an association gives to pods.
  absl::Status AuthorizePods(const Call& call, std::string_view role_arn);
  std::string ClusterArn(const access::Caller& caller, std::string_view name) const;
  absl::StatusOr<catalog::EksCluster> Find(catalog::Reader& reader, const access::Caller& caller,
                                           std::string_view name);

  // One transaction for all attempts of the call (access/replay.h).
  absl::StatusOr<std::string> Once(
      const Call& call, absl::FunctionRef<absl::StatusOr<std::string>(catalog::Transaction&)> body);

  absl::StatusOr<std::string> ListClusters(const Call& call);
  absl::StatusOr<std::string> DescribeCluster(const Call& call);
  absl::StatusOr<std::string> RegisterCluster(const Call& call);
  absl::StatusOr<std::string> DeregisterCluster(const Call& call);
  absl::StatusOr<std::string> Tags(const Call& call);
  absl::StatusOr<std::string> CreateAssociation(const Call& call);
  absl::StatusOr<std::string> ListAssociations(const Call& call);
  absl::StatusOr<std::string> Association(const Call& call);  // describe, update, delete

  const access::Gate& gate_;
  catalog::Catalog& catalog_;
  Rng& rng_;
};

}  // namespace hearth::api
