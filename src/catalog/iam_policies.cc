// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "base/text.h"
#include "catalog/column_json.h"
#include "catalog/iam.h"
#include "catalog/iam_rows.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kPolicyColumns =
    "p.account, p.name, p.path, p.id, p.description, v.document, p.default_version,"
    " p.versions_made, p.tags, p.created_ms, p.updated_ms, p.revision";
constexpr std::string_view kPolicyFrom =
    "FROM iam_policies p JOIN iam_policy_versions v ON v.arn = p.arn"
    " AND v.version = p.default_version";
constexpr std::string_view kProviderColumns =
    "account, url, client_ids, thumbprints, tags, created_ms, revision";

constexpr std::string_view kAwsPolicyPrefix = "arn:aws:iam::aws:policy/";

ManagedPolicy PolicyFromRow(const sql::Row& row) {
  return {row.Text(0),   row.Text(1),    row.Text(2),
          row.Text(3),   row.Text(4),    row.Text(5),
          row.Text(6),   row.Number(7),  DecodeMap(row.Text(8)),
          row.Number(9), row.Number(10), row.Number(11)};
}

OidcProvider ProviderFromRow(const sql::Row& row) {
  return {row.Text(0),
          row.Text(1),
          DecodeList(row.Text(2)),
          DecodeList(row.Text(3)),
          DecodeMap(row.Text(4)),
          row.Number(5),
          row.Number(6)};
}

std::string OwnerObject(PolicyOwner kind, std::string_view owner, std::string_view policy) {
  return fmt::format("{}/{}/{}", PolicyOwnerName(kind), owner, policy);
}

}  // namespace

std::string ManagedPolicyArn(const ManagedPolicy& policy) {
  return fmt::format("arn:aws:iam::{}:policy{}{}", policy.account, policy.path, policy.name);
}

std::string OidcProviderArn(std::string_view account, std::string_view url) {
  return fmt::format("arn:aws:iam::{}:oidc-provider/{}", account, url);
}

absl::Status PutInlinePolicy(Transaction& transaction, PolicyOwner kind, std::string_view account,
                             std::string_view owner, std::string_view name,
                             std::string_view document) {
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "UPDATE iam_inline_policies SET document = ?, revision = revision + 1"
                 " WHERE account = ? AND kind = ? AND owner_key = ? AND name = ?",
                 {document, account, PolicyOwnerName(kind), NameKey(owner), name}));
  if (changed == 0) {
    TRY(transaction.session()
            .Execute("INSERT INTO iam_inline_policies (document, account, kind, owner_key, name,"
                     " revision) VALUES (?, ?, ?, ?, ?, 1)",
                     {document, account, PolicyOwnerName(kind), NameKey(owner), name})
            .status());
  }
  return transaction.Record("iam_inline_policy", changed == 0 ? "create" : "update", account,
                            OwnerObject(kind, owner, name), 1);
}

absl::StatusOr<InlinePolicy> GetInlinePolicy(Reader& reader, PolicyOwner kind,
                                             std::string_view account, std::string_view owner,
                                             std::string_view name) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne(
                 "name, document",
                 "FROM iam_inline_policies WHERE account = ? AND kind = ? AND owner_key = ?"
                 " AND name = ?",
                 {account, PolicyOwnerName(kind), NameKey(owner), name},
                 fmt::format("policy {} of {} {}", name, PolicyOwnerName(kind), owner)));
  return InlinePolicy{row.Text(0), row.Text(1)};
}

absl::StatusOr<std::vector<InlinePolicy>> ListInlinePolicies(Reader& reader, PolicyOwner kind,
                                                             std::string_view account,
                                                             std::string_view owner) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(
                 "name, document",
                 "FROM iam_inline_policies WHERE account = ? AND kind = ? AND owner_key = ?"
                 " ORDER BY name",
                 {account, PolicyOwnerName(kind), NameKey(owner)}));
  std::vector<InlinePolicy> policies;
  for (const sql::Row& row : rows) policies.push_back({row.Text(0), row.Text(1)});
  return policies;
}

absl::Status DeleteInlinePolicy(Transaction& transaction, PolicyOwner kind,
                                std::string_view account, std::string_view owner,
                                std::string_view name) {
  TRY_ASSIGN(int64_t changed, transaction.session().Execute(
                                  "DELETE FROM iam_inline_policies WHERE account = ? AND kind = ?"
                                  " AND owner_key = ? AND name = ?",
                                  {account, PolicyOwnerName(kind), NameKey(owner), name}));
  if (changed == 0) {
    return NotFound("policy {} of {} {} does not exist", name, PolicyOwnerName(kind), owner);
  }
  return transaction.Record("iam_inline_policy", "delete", account, OwnerObject(kind, owner, name),
                            1);
}

absl::StatusOr<ManagedPolicy> GetManagedPolicy(Reader& reader, std::string_view arn) {
  if (arn.starts_with(kAwsPolicyPrefix)) {
    for (const ManagedPolicy& policy : AwsManagedPolicies()) {
      if (ManagedPolicyArn(policy) == arn) return policy;
    }
    return NotFound("policy {} does not exist", arn);
  }
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne(
                               kPolicyColumns, fmt::format("{} WHERE p.arn = ?", kPolicyFrom),
                               {arn}, fmt::format("policy {}", arn)));
  return PolicyFromRow(row);
}

absl::StatusOr<std::vector<ManagedPolicy>> ListManagedPolicies(Reader& reader,
                                                               std::string_view account) {
  TRY_ASSIGN(
      std::vector<sql::Row> rows,
      reader.session().Select(
          kPolicyColumns, fmt::format("{} WHERE p.account = ? ORDER BY p.name_key", kPolicyFrom),
          {account}));
  std::vector<ManagedPolicy> policies;
  for (const sql::Row& row : rows) policies.push_back(PolicyFromRow(row));
  return policies;
}

absl::Status CreateManagedPolicy(Transaction& transaction, ManagedPolicy* policy) {
  policy->id = NewUniqueId("ANPA", transaction.rng());
  policy->created_ms = transaction.now_ms();
  policy->updated_ms = transaction.now_ms();
  policy->default_version = "v1";
  policy->versions_made = 1;
  policy->revision = 1;
  std::string arn = ManagedPolicyArn(*policy);
  TRY(transaction.session()
          .Execute(
              "INSERT INTO iam_policies (arn, account, name_key, name, path, id, description,"
              " default_version, versions_made, tags, created_ms, updated_ms, revision)"
              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
              {arn, policy->account, NameKey(policy->name), policy->name, policy->path, policy->id,
               policy->description, policy->default_version, policy->versions_made,
               EncodeMap(policy->tags), policy->created_ms, policy->updated_ms, policy->revision})
          .status());
  TRY(transaction.session()
          .Execute("INSERT INTO iam_policy_versions (arn, version, document, created_ms, revision)"
                   " VALUES (?, 'v1', ?, ?, 1)",
                   {arn, policy->document, policy->created_ms})
          .status());
  return transaction.Record("iam_policy", "create", policy->account, arn, 1);
}

absl::Status DeleteManagedPolicy(Transaction& transaction, std::string_view arn) {
  TRY_ASSIGN(ManagedPolicy policy, GetManagedPolicy(transaction, arn));
  TRY_ASSIGN(std::vector<sql::Row> attached,
             transaction.session().Select(
                 "account", "FROM iam_attachments WHERE policy_arn = ? LIMIT 1", {arn}));
  if (!attached.empty()) {
    return FailedPrecondition("Cannot delete a policy attached to entities.");
  }
  TRY(transaction.session()
          .Execute("DELETE FROM iam_policy_versions WHERE arn = ?", {arn})
          .status());
  TRY(transaction.session().Execute("DELETE FROM iam_policies WHERE arn = ?", {arn}).status());
  return transaction.Record("iam_policy", "delete", policy.account, arn, policy.revision);
}

absl::Status AttachPolicy(Transaction& transaction, PolicyOwner kind, std::string_view account,
                          std::string_view owner, std::string_view policy_arn) {
  TRY_ASSIGN(std::vector<std::string> attached,
             ListAttachedPolicies(transaction, kind, account, owner));
  for (const std::string& arn : attached) {
    if (arn == policy_arn) return absl::OkStatus();
  }
  TRY(transaction.session()
          .Execute("INSERT INTO iam_attachments (account, kind, owner_key, policy_arn, revision)"
                   " VALUES (?, ?, ?, ?, 1)",
                   {account, PolicyOwnerName(kind), NameKey(owner), policy_arn})
          .status());
  return transaction.Record("iam_attachment", "create", account,
                            OwnerObject(kind, owner, policy_arn), 1);
}

absl::Status DetachPolicy(Transaction& transaction, PolicyOwner kind, std::string_view account,
                          std::string_view owner, std::string_view policy_arn) {
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "DELETE FROM iam_attachments WHERE account = ? AND kind = ? AND owner_key = ?"
                 " AND policy_arn = ?",
                 {account, PolicyOwnerName(kind), NameKey(owner), policy_arn}));
  if (changed == 0) {
    return NotFound("policy {} is not attached to {} {}", policy_arn, PolicyOwnerName(kind), owner);
  }
  return transaction.Record("iam_attachment", "delete", account,
                            OwnerObject(kind, owner, policy_arn), 1);
}

absl::StatusOr<std::vector<std::string>> ListAttachedPolicies(Reader& reader, PolicyOwner kind,
                                                              std::string_view account,
                                                              std::string_view owner) {
  TRY_ASSIGN(std::vector<sql::Row> rows,
             reader.session().Select(
                 "policy_arn",
                 "FROM iam_attachments WHERE account = ? AND kind = ? AND owner_key = ?"
                 " ORDER BY policy_arn",
                 {account, PolicyOwnerName(kind), NameKey(owner)}));
  std::vector<std::string> arns;
  for (const sql::Row& row : rows) arns.push_back(row.Text(0));
  return arns;
}

absl::StatusOr<OidcProvider> GetOidcProvider(Reader& reader, std::string_view account,
                                             std::string_view url) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne(kProviderColumns,
                                        "FROM iam_oidc_providers WHERE account = ? AND url = ?",
                                        {account, url}, fmt::format("OIDC provider {}", url)));
  return ProviderFromRow(row);
}

absl::StatusOr<std::vector<OidcProvider>> ListOidcProviders(Reader& reader,
                                                            std::string_view account) {
  TRY_ASSIGN(
      std::vector<sql::Row> rows,
      reader.session().Select(kProviderColumns,
                              "FROM iam_oidc_providers WHERE account = ? ORDER BY url", {account}));
  std::vector<OidcProvider> providers;
  for (const sql::Row& row : rows) providers.push_back(ProviderFromRow(row));
  return providers;
}

absl::Status CreateOidcProvider(Transaction& transaction, OidcProvider* provider) {
  provider->created_ms = transaction.now_ms();
  provider->revision = 1;
  TRY(transaction.session()
          .Execute(
              "INSERT INTO iam_oidc_providers (account, url, client_ids, thumbprints, tags,"
              " created_ms, revision) VALUES (?, ?, ?, ?, ?, ?, 1)",
              {provider->account, provider->url, EncodeList(provider->client_ids),
               EncodeList(provider->thumbprints), EncodeMap(provider->tags), provider->created_ms})
          .status());
  return transaction.Record("iam_oidc_provider", "create", provider->account, provider->url, 1);
}

absl::Status UpdateOidcProvider(Transaction& transaction, OidcProvider* provider) {
  TRY_ASSIGN(
      int64_t changed,
      transaction.session().Execute(
          "UPDATE iam_oidc_providers SET client_ids = ?, thumbprints = ?, tags = ?,"
          " revision = revision + 1 WHERE account = ? AND url = ? AND revision = ?",
          {EncodeList(provider->client_ids), EncodeList(provider->thumbprints),
           EncodeMap(provider->tags), provider->account, provider->url, provider->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "iam_oidc_providers",
                         "account = ? AND url = ?", {provider->account, provider->url},
                         fmt::format("OIDC provider {}", provider->url)));
  ++provider->revision;
  return transaction.Record("iam_oidc_provider", "update", provider->account, provider->url,
                            provider->revision);
}

absl::Status DeleteOidcProvider(Transaction& transaction, std::string_view account,
                                std::string_view url) {
  TRY_ASSIGN(OidcProvider provider, GetOidcProvider(transaction, account, url));
  TRY(transaction.session()
          .Execute("DELETE FROM iam_oidc_providers WHERE account = ? AND url = ?", {account, url})
          .status());
  return transaction.Record("iam_oidc_provider", "delete", account, url, provider.revision);
}

}  // namespace hearth::catalog
