// SPDX-License-Identifier: Apache-2.0
// Kubernetes clusters that were made known (`hearth cluster add`): what the EKS face answers from,
// whose issuer's keys may be given by file, and their Pod Identity associations. Names are unique
// within an account and region.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/amp_workspaces.h"
#include "catalog/catalog.h"

namespace hearth::catalog {

struct EksCluster {
  std::string account;
  std::string region;
  std::string name;
  std::string endpoint;  // of its API server, a URL
  std::string ca_pem;    // certificate authority of the endpoint; "" for the system's
  std::string issuer;    // URL of its OIDC issuer; "" for none
  std::string jwks;      // the issuer's key set, JSON; "": it is asked for at the issuer
  std::string version;   // of Kubernetes, "1.31"
  Tags tags;
  int64_t created_ms = 0;
  int64_t revision = 0;
};

// How scrapers show who they are to a cluster's API server; empty: not at all. Sealed with the root
// key in the row.
struct EksCredentials {
  std::string token;            // of a service account
  std::string certificate_pem;  // a client certificate and its key
  std::string key_pem;
  bool empty() const { return token.empty() && certificate_pem.empty(); }
  friend bool operator==(const EksCredentials&, const EksCredentials&) = default;
};

std::string EksClusterArn(const EksCluster& cluster);

absl::StatusOr<EksCluster> GetEksCluster(Reader& reader, std::string_view account,
                                         std::string_view region, std::string_view name);
absl::StatusOr<std::vector<EksCluster>> ListEksClusters(Reader& reader, std::string_view account,
                                                        std::string_view region);
// In any region. The URL with or without a slash at its end.
absl::StatusOr<EksCluster> FindEksClusterByIssuer(Reader& reader, std::string_view account,
                                                  std::string_view issuer);
absl::Status CreateEksCluster(Transaction& transaction, EksCluster* cluster);
absl::Status UpdateEksCluster(Transaction& transaction, EksCluster* cluster);
// Empty where none were given.
absl::StatusOr<EksCredentials> GetEksCredentials(Reader& reader, const EksCluster& cluster);
// Replaces what was there.
absl::Status PutEksCredentials(Transaction& transaction, const EksCluster& cluster,
                               const EksCredentials& credentials);
// With its associations and credentials.
absl::Status DeleteEksCluster(Transaction& transaction, std::string_view account,
                              std::string_view region, std::string_view name);

// Which role the pods of a service account get.
struct PodIdentityAssociation {
  std::string account;
  std::string region;
  std::string cluster;
  std::string id;  // "a-" and 17 of [a-z0-9]
  std::string namespace_name;
  std::string service_account;
  std::string role_arn;
  Tags tags;
  int64_t created_ms = 0;
  int64_t modified_ms = 0;
  int64_t revision = 0;
};

std::string PodIdentityAssociationArn(const PodIdentityAssociation& association);

absl::StatusOr<PodIdentityAssociation> GetPodIdentityAssociation(Reader& reader,
                                                                 std::string_view account,
                                                                 std::string_view region,
                                                                 std::string_view cluster,
                                                                 std::string_view id);
absl::StatusOr<std::vector<PodIdentityAssociation>> ListPodIdentityAssociations(
    Reader& reader, std::string_view account, std::string_view region, std::string_view cluster);
// Fills id and times. AlreadyExists: the service account has one.
absl::Status CreatePodIdentityAssociation(Transaction& transaction,
                                          PodIdentityAssociation* association);
absl::Status UpdatePodIdentityAssociation(Transaction& transaction,
                                          PodIdentityAssociation* association);
absl::Status DeletePodIdentityAssociation(Transaction& transaction,
                                          const PodIdentityAssociation& association);

}  // namespace hearth::catalog
