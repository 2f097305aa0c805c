// SPDX-License-Identifier: Apache-2.0
#include "catalog/eks.h"

#include "base/status.h"
#include "base/text.h"
#include "catalog/column_json.h"
#include "catalog/credentials.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kClusterColumns =
    "account, region, name, endpoint, ca_pem, issuer, jwks, version, tags, created_ms, revision";
constexpr std::string_view kAssociationColumns =
    "account, region, cluster, id, namespace_name, service_account, role_arn, tags, created_ms,"
    " modified_ms, revision";
constexpr std::string_view kOne = "account = ? AND region = ? AND name = ?";

EksCluster ClusterFromRow(const sql::Row& row) {
  return {row.Text(0),   row.Text(1),   row.Text(2),
          row.Text(3),   row.Text(4),   row.Text(5),
          row.Text(6),   row.Text(7),   DecodeMap(row.Text(8)),
          row.Number(9), row.Number(10)};
}

PodIdentityAssociation AssociationFromRow(const sql::Row& row) {
  return {row.Text(0),   row.Text(1),   row.Text(2),   row.Text(3),
          row.Text(4),   row.Text(5),   row.Text(6),   DecodeMap(row.Text(7)),
          row.Number(8), row.Number(9), row.Number(10)};
}

std::string CredentialsName(const EksCluster& cluster) {
  return fmt::format("eks-credentials/{}/{}/{}", cluster.account, cluster.region, cluster.name);
}

std::string ClusterWhat(std::string_view name) { return fmt::format("cluster {}", name); }

// Kept and compared without the slash at the end.
std::string_view TrimSlash(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return url;
}

}  // namespace

std::string EksClusterArn(const EksCluster& cluster) {
  return fmt::format("arn:aws:eks:{}:{}:cluster/{}", cluster.region, cluster.account, cluster.name);
}

std::string PodIdentityAssociationArn(const PodIdentityAssociation& association) {
  return fmt::format("arn:aws:eks:{}:{}:podidentityassociation/{}/{}", association.region,
                     association.account, association.cluster, association.id);
}

absl::StatusOr<EksCluster> GetEksCluster(Reader& reader, std::string_view account,
                                         std::string_view region, std::string_view name) {
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne(
                               kClusterColumns, fmt::format("FROM eks_clusters WHERE {}", kOne),
                               {account, region, name}, ClusterWhat(name)));
  return ClusterFromRow(row);
}

absl::StatusOr<std::vector<EksCluster>> ListEksClusters(Reader& reader, std::string_view account,
                                                        std::string_view region) {
  TRY_ASSIGN(
      std::vector<sql::Row> rows,
      reader.session().Select(kClusterColumns,
                              "FROM eks_clusters WHERE account = ? AND region = ? ORDER BY name",
                              {account, region}));
  std::vector<EksCluster> clusters;
  for (const sql::Row& row : rows) clusters.push_back(ClusterFromRow(row));
  return clusters;
}

absl::StatusOr<EksCluster> FindEksClusterByIssuer(Reader& reader, std::string_view account,
                                                  std::string_view issuer) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne(
                 kClusterColumns,
                 "FROM eks_clusters WHERE account = ? AND issuer = ? ORDER BY region, name LIMIT 1",
                 {account, TrimSlash(issuer)}, fmt::format("cluster with issuer {}", issuer)));
  return ClusterFromRow(row);
}

absl::Status CreateEksCluster(Transaction& transaction, EksCluster* cluster) {
  cluster->created_ms = transaction.now_ms();
  cluster->revision = 1;
  cluster->issuer = std::string(TrimSlash(cluster->issuer));
  TRY(transaction.session()
          .Execute("INSERT INTO eks_clusters (account, region, name, endpoint, ca_pem, issuer,"
                   " jwks, version, tags, created_ms, revision)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
                   {cluster->account, cluster->region, cluster->name, cluster->endpoint,
                    cluster->ca_pem, cluster->issuer, cluster->jwks, cluster->version,
                    EncodeMap(cluster->tags), cluster->created_ms})
          .status());
  return transaction.Record("eks_cluster", "create", cluster->account, cluster->name, 1);
}

absl::Status UpdateEksCluster(Transaction& transaction, EksCluster* cluster) {
  cluster->issuer = std::string(TrimSlash(cluster->issuer));
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 fmt::format("UPDATE eks_clusters SET endpoint = ?, ca_pem = ?, issuer = ?,"
                             " jwks = ?, version = ?, tags = ?, revision = revision + 1"
                             " WHERE {} AND revision = ?",
                             kOne),
                 {cluster->endpoint, cluster->ca_pem, cluster->issuer, cluster->jwks,
                  cluster->version, EncodeMap(cluster->tags), cluster->account, cluster->region,
                  cluster->name, cluster->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "eks_clusters", kOne,
                         {cluster->account, cluster->region, cluster->name},
                         ClusterWhat(cluster->name)));
  ++cluster->revision;
  return transaction.Record("eks_cluster", "update", cluster->account, cluster->name,
                            cluster->revision);
}

absl::Status DeleteEksCluster(Transaction& transaction, std::string_view account,
                              std::string_view region, std::string_view name) {
  TRY_ASSIGN(EksCluster cluster, GetEksCluster(transaction, account, region, name));
  TRY(transaction.session()
          .Execute("DELETE FROM eks_pod_identities WHERE account = ? AND region = ?"
                   " AND cluster = ?",
                   {account, region, name})
          .status());
  TRY(PutEksCredentials(transaction, cluster, {}));
  TRY(transaction.session()
          .Execute(fmt::format("DELETE FROM eks_clusters WHERE {}", kOne), {account, region, name})
          .status());
  return transaction.Record("eks_cluster", "delete", account, name, cluster.revision);
}

absl::StatusOr<EksCredentials> GetEksCredentials(Reader& reader, const EksCluster& cluster) {
  const auto sealed = GetSecret(reader, CredentialsName(cluster));
  if (absl::IsNotFound(sealed.status())) return EksCredentials{};
  TRY(sealed.status());
  TRY_ASSIGN(const std::string plain, OpenWithRootKey(reader, *sealed, CredentialsName(cluster)));
  const auto fields = DecodeMap(plain);
  const auto field = [&](const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
  };
  return EksCredentials{field("token"), field("certificate"), field("key")};
}

absl::Status PutEksCredentials(Transaction& transaction, const EksCluster& cluster,
                               const EksCredentials& credentials) {
  if (credentials.empty()) {
    return transaction.session()
        .Execute("DELETE FROM secrets WHERE name = ?", {CredentialsName(cluster)})
        .status();
  }
  const std::map<std::string, std::string> fields = {{"token", credentials.token},
                                                     {"certificate", credentials.certificate_pem},
                                                     {"key", credentials.key_pem}};
  TRY_ASSIGN(const std::string sealed,
             SealWithRootKey(transaction, EncodeMap(fields), CredentialsName(cluster)));
  return PutSecret(transaction, CredentialsName(cluster), sealed);
}

absl::StatusOr<PodIdentityAssociation> GetPodIdentityAssociation(Reader& reader,
                                                                 std::string_view account,
                                                                 std::string_view region,
                                                                 std::string_view cluster,
                                                                 std::string_view id) {
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne(
                               kAssociationColumns,
                               "FROM eks_pod_identities WHERE account = ? AND region = ?"
                               " AND cluster = ? AND id = ?",
                               {account, region, cluster, id}, fmt::format("association {}", id)));
  return AssociationFromRow(row);
}

absl::StatusOr<std::vector<PodIdentityAssociation>> ListPodIdentityAssociations(
    Reader& reader, std::string_view account, std::string_view region, std::string_view cluster) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(kAssociationColumns,
                                     "FROM eks_pod_identities WHERE account = ? AND region = ?"
                                     " AND cluster = ? ORDER BY id",
                                     {account, region, cluster}));
  std::vector<PodIdentityAssociation> associations;
  for (const sql::Row& row : rows) associations.push_back(AssociationFromRow(row));
  return associations;
}

absl::Status CreatePodIdentityAssociation(Transaction& transaction,
                                          PodIdentityAssociation* association) {
  association->id = "a-" + transaction.rng().Text(17, "abcdefghijklmnopqrstuvwxyz0123456789");
  association->created_ms = transaction.now_ms();
  association->modified_ms = transaction.now_ms();
  association->revision = 1;
  TRY(transaction.session()
          .Execute(
              "INSERT INTO eks_pod_identities (account, region, cluster, id, namespace_name,"
              " service_account, role_arn, tags, created_ms, modified_ms, revision)"
              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
              {association->account, association->region, association->cluster, association->id,
               association->namespace_name, association->service_account, association->role_arn,
               EncodeMap(association->tags), association->created_ms, association->modified_ms})
          .status());
  return transaction.Record("eks_pod_identity", "create", association->account, association->id, 1);
}

absl::Status UpdatePodIdentityAssociation(Transaction& transaction,
                                          PodIdentityAssociation* association) {
  association->modified_ms = transaction.now_ms();
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "UPDATE eks_pod_identities SET role_arn = ?, tags = ?, modified_ms = ?,"
                 " revision = revision + 1 WHERE id = ? AND revision = ?",
                 {association->role_arn, EncodeMap(association->tags), association->modified_ms,
                  association->id, association->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "eks_pod_identities", "id = ?",
                         {association->id}, fmt::format("association {}", association->id)));
  ++association->revision;
  return transaction.Record("eks_pod_identity", "update", association->account, association->id,
                            association->revision);
}

absl::Status DeletePodIdentityAssociation(Transaction& transaction,
                                          const PodIdentityAssociation& association) {
  TRY(transaction.session()
          .Execute("DELETE FROM eks_pod_identities WHERE id = ?", {association.id})
          .status());
  return transaction.Record("eks_pod_identity", "delete", association.account, association.id,
                            association.revision);
}

}  // namespace hearth::catalog
