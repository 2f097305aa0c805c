// SPDX-License-Identifier: Apache-2.0
#include "catalog/amp_rules.h"

#include <fmt/core.h>

#include "base/status.h"
#include "base/text.h"
#include "catalog/column_json.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kKind = "amp_rule_namespace";
constexpr std::string_view kColumns =
    "workspace, name, data, tags, created_ms, modified_ms, revision";

std::string What(std::string_view workspace, std::string_view name) {
  return fmt::format("rule groups namespace {} of workspace {}", name, workspace);
}

std::string Object(std::string_view workspace, std::string_view name) {
  return fmt::format("{}/{}", workspace, name);
}

absl::StatusOr<RuleNamespace> FromRow(const sql::Row& row) {
  RuleNamespace rules;
  rules.workspace = row.Text(0);
  rules.name = row.Text(1);
  if (!Base64Decode(row.Text(2), &rules.data)) {
    return DataLoss("{}: data is not base64", What(rules.workspace, rules.name));
  }
  rules.tags = DecodeMap(row.Text(3));
  rules.created_ms = row.Number(4);
  rules.modified_ms = row.Number(5);
  rules.revision = row.Number(6);
  return rules;
}

}  // namespace

std::string RuleNamespaceArn(std::string_view account, std::string_view region,
                             std::string_view workspace, std::string_view name) {
  return fmt::format("arn:aws:aps:{}:{}:rulegroupsnamespace/{}/{}", region, account, workspace,
                     name);
}

absl::StatusOr<RuleNamespace> GetRuleNamespace(Reader& reader, std::string_view workspace,
                                               std::string_view name) {
  TRY_ASSIGN(sql::Row row,
             reader.session().SelectOne(kColumns,
                                        "FROM amp_rule_namespaces WHERE workspace = ? AND name = ?",
                                        {workspace, name}, What(workspace, name)));
  return FromRow(row);
}

absl::StatusOr<std::vector<RuleNamespace>> ListRuleNamespaces(Reader& reader,
                                                              std::string_view workspace,
                                                              std::string_view name_prefix,
                                                              std::string_view after, int limit) {
  TRY_ASSIGN(
      std::vector<sql::Row> rows,
      reader.session().Select(kColumns,
                              "FROM amp_rule_namespaces WHERE workspace = ?"
                              " AND SUBSTR(name, 1, LENGTH(CAST(? AS TEXT))) = ? AND name > ?"
                              " ORDER BY name LIMIT ?",
                              {workspace, name_prefix, name_prefix, after, limit}));
  std::vector<RuleNamespace> found;
  for (const sql::Row& row : rows) {
    TRY_ASSIGN(RuleNamespace rules, FromRow(row));
    found.push_back(std::move(rules));
  }
  return found;
}

absl::Status CreateRuleNamespace(Transaction& transaction, RuleNamespace* rules) {
  TRY_ASSIGN(const AmpWorkspace workspace, GetAmpWorkspace(transaction, rules->workspace));
  rules->created_ms = rules->modified_ms = transaction.now_ms();
  rules->revision = 1;
  TRY(transaction.session()
          .Execute(fmt::format("INSERT INTO amp_rule_namespaces ({}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                               kColumns),
                   {rules->workspace, rules->name, Base64Encode(rules->data),
                    EncodeMap(rules->tags), rules->created_ms, rules->modified_ms, rules->revision})
          .status());
  return transaction.Record(kKind, "create", workspace.account,
                            Object(rules->workspace, rules->name), 1);
}

absl::Status UpdateRuleNamespace(Transaction& transaction, RuleNamespace* rules) {
  TRY_ASSIGN(const AmpWorkspace workspace, GetAmpWorkspace(transaction, rules->workspace));
  rules->modified_ms = transaction.now_ms();
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "UPDATE amp_rule_namespaces SET data = ?, tags = ?, modified_ms = ?,"
                 " revision = revision + 1 WHERE workspace = ? AND name = ? AND revision = ?",
                 {Base64Encode(rules->data), EncodeMap(rules->tags), rules->modified_ms,
                  rules->workspace, rules->name, rules->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "amp_rule_namespaces",
                         "workspace = ? AND name = ?", {rules->workspace, rules->name},
                         What(rules->workspace, rules->name)));
  ++rules->revision;
  return transaction.Record(kKind, "update", workspace.account,
                            Object(rules->workspace, rules->name), rules->revision);
}

absl::Status DeleteRuleNamespace(Transaction& transaction, std::string_view workspace,
                                 std::string_view name) {
  TRY_ASSIGN(const AmpWorkspace owner, GetAmpWorkspace(transaction, workspace));
  TRY_ASSIGN(const RuleNamespace rules, GetRuleNamespace(transaction, workspace, name));
  TRY(transaction.session()
          .Execute("DELETE FROM amp_rule_namespaces WHERE workspace = ? AND name = ?",
                   {workspace, name})
          .status());
  return transaction.Record(kKind, "delete", owner.account, Object(workspace, name),
                            rules.revision);
}

}  // namespace hearth::catalog
