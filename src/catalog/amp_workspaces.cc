// SPDX-License-Identifier: Apache-2.0
#include "catalog/amp_workspaces.h"

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "base/text.h"
#include "catalog/column_json.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kColumns =
    "id, account, region, alias, kms_key_arn, status, created_ms, tags, config,"
    " config_modified_ms, resource_policy, resource_policy_revision, revision";

constexpr std::pair<WorkspaceStatus, std::string_view> kStatusNames[] = {
    {WorkspaceStatus::kCreating, "CREATING"},
    {WorkspaceStatus::kActive, "ACTIVE"},
    {WorkspaceStatus::kUpdating, "UPDATING"},
    {WorkspaceStatus::kDeleting, "DELETING"},
    {WorkspaceStatus::kCreationFailed, "CREATION_FAILED"},
};

WorkspaceStatus ParseStatus(std::string_view name) {
  for (const auto& [status, text] : kStatusNames) {
    if (text == name) return status;
  }
  return WorkspaceStatus::kCreationFailed;
}

std::string EncodeConfig(const AmpWorkspaceConfig& config) {
  Json json = Json::object();
  if (config.retention_days) json["retention_days"] = *config.retention_days;
  if (config.out_of_order_window_seconds) {
    json["out_of_order_window_seconds"] = *config.out_of_order_window_seconds;
  }
  if (config.rule_query_offset_seconds) {
    json["rule_query_offset_seconds"] = *config.rule_query_offset_seconds;
  }
  for (const LabelSetLimit& limit : config.label_set_limits) {
    json["label_set_limits"].push_back(
        {{"labels", limit.labels}, {"max_series", limit.max_series}});
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<int64_t> MaybeNumber(const Json& json, const char* name) {
  auto it = json.find(name);
  if (it == json.end() || !it->is_number_integer()) return std::nullopt;
  return it->get<int64_t>();
}

AmpWorkspaceConfig DecodeConfig(const std::string& text) {
  AmpWorkspaceConfig config;
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return config;
  config.retention_days = MaybeNumber(json, "retention_days");
  config.out_of_order_window_seconds = MaybeNumber(json, "out_of_order_window_seconds");
  config.rule_query_offset_seconds = MaybeNumber(json, "rule_query_offset_seconds");
  auto limits = json.find("label_set_limits");
  if (limits == json.end() || !limits->is_array()) return config;
  for (const Json& entry : *limits) {
    LabelSetLimit limit;
    limit.max_series = MaybeNumber(entry, "max_series").value_or(0);
    if (auto labels = entry.find("labels"); labels != entry.end()) {
      limit.labels = DecodeMap(labels->dump());
    }
    config.label_set_limits.push_back(std::move(limit));
  }
  return config;
}

AmpWorkspace FromRow(const sql::Row& row) {
  AmpWorkspace workspace;
  workspace.id = row.Text(0);
  workspace.account = row.Text(1);
  workspace.region = row.Text(2);
  workspace.alias = row.Text(3);
  workspace.kms_key_arn = row.Text(4);
  workspace.status = ParseStatus(row.Text(5));
  workspace.created_ms = row.Number(6);
  workspace.tags = DecodeMap(row.Text(7));
  workspace.config = DecodeConfig(row.Text(8));
  workspace.config_modified_ms = row.Number(9);
  workspace.resource_policy = row.Text(10);
  workspace.resource_policy_revision = row.Text(11);
  workspace.revision = row.Number(12);
  return workspace;
}

absl::StatusOr<std::vector<AmpWorkspace>> Find(Reader& reader, std::string_view rest,
                                               const sql::Values& values) {
  TRY_ASSIGN(std::vector<sql::Row> rows, reader.session().Select(kColumns, rest, values));
  std::vector<AmpWorkspace> workspaces;
  for (const sql::Row& row : rows) workspaces.push_back(FromRow(row));
  return workspaces;
}

std::string What(std::string_view id) { return fmt::format("workspace {}", id); }

}  // namespace

std::string_view WorkspaceStatusName(WorkspaceStatus status) {
  for (const auto& [value, text] : kStatusNames) {
    if (value == status) return text;
  }
  return "CREATION_FAILED";
}

std::string AmpWorkspaceArn(const AmpWorkspace& workspace) {
  return fmt::format("arn:aws:aps:{}:{}:workspace/{}", workspace.region, workspace.account,
                     workspace.id);
}

absl::StatusOr<AmpWorkspace> GetAmpWorkspace(Reader& reader, std::string_view id) {
  TRY_ASSIGN(sql::Row row, reader.session().SelectOne(kColumns, "FROM amp_workspaces WHERE id = ?",
                                                      {id}, What(id)));
  return FromRow(row);
}

absl::StatusOr<std::vector<AmpWorkspace>> ListAmpWorkspaces(Reader& reader,
                                                            const AmpWorkspaceQuery& query) {
  // SUBSTR, not LIKE: a prefix may hold '%' and '_', and LIKE's case differs between databases.
  return Find(reader,
              "FROM amp_workspaces WHERE account = ? AND (? = '' OR region = ?)"
              " AND SUBSTR(alias, 1, LENGTH(CAST(? AS TEXT))) = ? AND id > ? ORDER BY id LIMIT ?",
              {query.account, query.region, query.region, query.alias_prefix, query.alias_prefix,
               query.after, query.limit});
}

absl::StatusOr<std::vector<AmpWorkspace>> AllAmpWorkspaces(Reader& reader) {
  return Find(reader, "FROM amp_workspaces ORDER BY id", {});
}

absl::StatusOr<std::vector<AmpWorkspace>> FindAmpWorkspacesByAlias(Reader& reader,
                                                                   std::string_view account,
                                                                   std::string_view region,
                                                                   std::string_view alias) {
  return Find(reader,
              "FROM amp_workspaces WHERE account = ? AND region = ? AND alias = ?"
              " ORDER BY created_ms, id",
              {account, region, alias});
}

absl::Status CreateAmpWorkspace(Transaction& transaction, AmpWorkspace* workspace) {
  if (workspace->id.empty()) workspace->id = "ws-" + NewUuid(transaction.rng());
  workspace->created_ms = transaction.now_ms();
  workspace->revision = 1;
  TRY(transaction.session()
          .Execute(
              fmt::format("INSERT INTO amp_workspaces ({})"
                          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          kColumns),
              {workspace->id, workspace->account, workspace->region, workspace->alias,
               workspace->kms_key_arn, WorkspaceStatusName(workspace->status),
               workspace->created_ms, EncodeMap(workspace->tags), EncodeConfig(workspace->config),
               workspace->config_modified_ms, workspace->resource_policy,
               workspace->resource_policy_revision, workspace->revision})
          .status());
  return transaction.Record("amp_workspace", "create", workspace->account, workspace->id, 1);
}

absl::Status UpdateAmpWorkspace(Transaction& transaction, AmpWorkspace* workspace) {
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "UPDATE amp_workspaces SET alias = ?, kms_key_arn = ?, status = ?, tags = ?,"
                 " config = ?, config_modified_ms = ?, resource_policy = ?,"
                 " resource_policy_revision = ?, revision = revision + 1"
                 " WHERE id = ? AND revision = ?",
                 {workspace->alias, workspace->kms_key_arn, WorkspaceStatusName(workspace->status),
                  EncodeMap(workspace->tags), EncodeConfig(workspace->config),
                  workspace->config_modified_ms, workspace->resource_policy,
                  workspace->resource_policy_revision, workspace->id, workspace->revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "amp_workspaces", "id = ?",
                         {workspace->id}, What(workspace->id)));
  ++workspace->revision;
  return transaction.Record("amp_workspace", "update", workspace->account, workspace->id,
                            workspace->revision);
}

absl::Status DeleteAmpWorkspace(Transaction& transaction, std::string_view id, int64_t revision) {
  TRY_ASSIGN(AmpWorkspace workspace, GetAmpWorkspace(transaction, id));
  for (const std::string_view table : {"amp_rule_namespaces", "amp_documents", "amp_detectors"}) {
    TRY(transaction.session()
            .Execute(fmt::format("DELETE FROM {} WHERE workspace = ?", table), {id})
            .status());
  }
  TRY_ASSIGN(int64_t changed,
             transaction.session().Execute(
                 "DELETE FROM amp_workspaces WHERE id = ? AND (? = 0 OR revision = ?)",
                 {id, revision, revision}));
  TRY(sql::CheckRevision(transaction.session(), changed, "amp_workspaces", "id = ?", {id},
                         What(id)));
  return transaction.Record("amp_workspace", "delete", workspace.account, id, workspace.revision);
}

absl::StatusOr<AmpWorkspace> EnsureAmpWorkspace(Transaction& transaction, std::string_view account,
                                                std::string_view region, std::string_view alias) {
  TRY_ASSIGN(std::vector<AmpWorkspace> found,
             FindAmpWorkspacesByAlias(transaction, account, region, alias));
  if (!found.empty()) return std::move(found.front());
  AmpWorkspace workspace;
  workspace.account = std::string(account);
  workspace.region = std::string(region);
  workspace.alias = std::string(alias);
  TRY(CreateAmpWorkspace(transaction, &workspace));
  return workspace;
}

}  // namespace hearth::catalog
