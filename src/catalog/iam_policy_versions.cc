// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "base/text.h"
#include "catalog/column_json.h"
#include "catalog/iam.h"
#include "catalog/iam_rows.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

bool IsAwsManaged(const ManagedPolicy& policy) { return policy.account == "aws"; }

absl::Status Touch(Transaction& transaction, std::string_view arn, const ManagedPolicy& policy) {
  TRY(transaction.session()
          .Execute("UPDATE iam_policies SET default_version = ?, versions_made = ?, tags = ?,"
                   " updated_ms = ?, revision = revision + 1 WHERE arn = ?",
                   {policy.default_version, policy.versions_made, EncodeMap(policy.tags),
                    transaction.now_ms(), arn})
          .status());
  return transaction.Record("iam_policy", "update", policy.account, arn, policy.revision + 1);
}

// The rows of `table` ("iam_roles") that answer `where`, as entities.
absl::Status AddEntities(Reader& reader, PolicyOwner kind, std::string_view table,
                         std::string_view where, const sql::Values& values,
                         std::vector<PolicyEntity>* entities) {
  TRY_ASSIGN(
      std::vector<sql::Row> rows,
      reader.session().Select(
          "name, id", fmt::format("FROM {} WHERE {} ORDER BY name_key", table, where), values));
  for (const sql::Row& row : rows) entities->push_back({kind, row.Text(0), row.Text(1)});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<PolicyVersion>> ListPolicyVersions(Reader& reader,
                                                              std::string_view arn) {
  TRY_ASSIGN(ManagedPolicy policy, GetManagedPolicy(reader, arn));
  std::vector<PolicyVersion> versions;
  if (IsAwsManaged(policy)) {
    versions.push_back({policy.default_version, policy.document, policy.updated_ms});
    return versions;
  }
  // v10 after v9: by time, then by the length of the number.
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select("version, document, created_ms",
                                     "FROM iam_policy_versions WHERE arn = ?"
                                     " ORDER BY LENGTH(version), version",
                                     {arn}));
  for (const sql::Row& row : rows) {
    versions.push_back({row.Text(0), row.Text(1), row.Number(2)});
  }
  return versions;
}

absl::StatusOr<PolicyVersion> GetPolicyVersion(Reader& reader, std::string_view arn,
                                               std::string_view version) {
  TRY_ASSIGN(std::vector<PolicyVersion> versions, ListPolicyVersions(reader, arn));
  for (PolicyVersion& found : versions) {
    if (found.version == version) return std::move(found);
  }
  return NotFound("policy {} version {} does not exist", arn, version);
}

absl::StatusOr<PolicyVersion> CreatePolicyVersion(Transaction& transaction, std::string_view arn,
                                                  std::string_view document, bool set_default) {
  TRY_ASSIGN(ManagedPolicy policy, GetManagedPolicy(transaction, arn));
  TRY_ASSIGN(std::vector<PolicyVersion> versions, ListPolicyVersions(transaction, arn));
  if (versions.size() >= kPolicyVersionsMax) {
    return ResourceExhausted(
        "A managed policy can have up to {} versions. Before you create a new version, you must "
        "delete an existing version.",
        kPolicyVersionsMax);
  }
  ++policy.versions_made;
  PolicyVersion version{fmt::format("v{}", policy.versions_made), std::string(document),
                        transaction.now_ms()};
  TRY(transaction.session()
          .Execute("INSERT INTO iam_policy_versions (arn, version, document, created_ms, revision)"
                   " VALUES (?, ?, ?, ?, 1)",
                   {arn, version.version, version.document, version.created_ms})
          .status());
  if (set_default) policy.default_version = version.version;
  TRY(Touch(transaction, arn, policy));
  return version;
}

absl::Status SetDefaultPolicyVersion(Transaction& transaction, std::string_view arn,
                                     std::string_view version) {
  TRY_ASSIGN(ManagedPolicy policy, GetManagedPolicy(transaction, arn));
  TRY(GetPolicyVersion(transaction, arn, version));
  policy.default_version = std::string(version);
  return Touch(transaction, arn, policy);
}

absl::Status DeletePolicyVersion(Transaction& transaction, std::string_view arn,
                                 std::string_view version) {
  TRY_ASSIGN(ManagedPolicy policy, GetManagedPolicy(transaction, arn));
  TRY(GetPolicyVersion(transaction, arn, version));
  if (policy.default_version == version) {
    return FailedPrecondition("Cannot delete the default version of a policy.");
  }
  TRY(transaction.session()
          .Execute("DELETE FROM iam_policy_versions WHERE arn = ? AND version = ?", {arn, version})
          .status());
  return Touch(transaction, arn, policy);
}

absl::Status SetPolicyTags(Transaction& transaction, std::string_view arn, const Tags& tags) {
  TRY_ASSIGN(ManagedPolicy policy, GetManagedPolicy(transaction, arn));
  policy.tags = tags;
  return Touch(transaction, arn, policy);
}

absl::StatusOr<std::vector<PolicyEntity>> ListPolicyEntities(Reader& reader,
                                                             std::string_view account,
                                                             std::string_view arn, bool boundary) {
  std::vector<PolicyEntity> entities;
  if (boundary) {
    constexpr std::string_view kBoundary = "account = ? AND boundary_arn = ?";
    TRY(AddEntities(reader, PolicyOwner::kUser, "iam_users", kBoundary, {account, arn}, &entities));
    TRY(AddEntities(reader, PolicyOwner::kRole, "iam_roles", kBoundary, {account, arn}, &entities));
    return entities;
  }
  constexpr std::string_view kAttached =
      "account = ? AND name_key IN (SELECT owner_key FROM iam_attachments WHERE account = ?"
      " AND kind = ? AND policy_arn = ?)";
  const std::pair<PolicyOwner, std::string_view> kinds[] = {{PolicyOwner::kUser, "iam_users"},
                                                            {PolicyOwner::kGroup, "iam_groups"},
                                                            {PolicyOwner::kRole, "iam_roles"}};
  for (const auto& [kind, table] : kinds) {
    TRY(AddEntities(reader, kind, table, kAttached, {account, account, PolicyOwnerName(kind), arn},
                    &entities));
  }
  return entities;
}

}  // namespace hearth::catalog
