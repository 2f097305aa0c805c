// SPDX-License-Identifier: Apache-2.0
// Workspaces themselves (aws-contract.md §4.1).
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "api/aps/answers.h"
#include "api/aps/aps.h"
#include "base/log.h"
#include "base/status.h"

namespace hearth::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kAwsWorkspacesMax = 25;  // --fidelity aws: AMP's quota in a region
// Each holds files and memory; far more than any machine of one process serves well.
constexpr size_t kWorkspacesMax = 5000;

Json WorkspaceJson(const catalog::AmpWorkspace& workspace) {
  Json json = {{"workspaceId", workspace.id},
               {"arn", catalog::AmpWorkspaceArn(workspace)},
               {"status", {{"statusCode", catalog::WorkspaceStatusName(workspace.status)}}},
               {"createdAt", access::EpochSeconds(workspace.created_ms)},
               {"tags", TagsJson(workspace.tags)}};
  if (!workspace.alias.empty()) json["alias"] = workspace.alias;
  if (!workspace.kms_key_arn.empty()) json["kmsKeyArn"] = workspace.kms_key_arn;
  return json;
}

// The service trims it; nothing must not remain of what was something.
absl::StatusOr<std::string> Trimmed(const std::string& alias) {
  const std::string trimmed(TrimSpace(alias));
  if (trimmed.empty() && !alias.empty()) {
    return access::InvalidField("alias", "Member must have length greater than or equal to 1");
  }
  return trimmed;
}

}  // namespace

Aps::Body Aps::CreateWorkspace(const Call& call) {
  catalog::AmpWorkspace workspace;
  workspace.account = account();
  workspace.region = call.caller.region;
  TRY_ASSIGN(workspace.alias, Trimmed(call.Text("alias")));
  workspace.kms_key_arn = call.Text("kmsKeyArn");
  workspace.tags = call.input.TextMap("tags");
  TRY(CheckTags(workspace.tags));
  TRY_ASSIGN(std::string body, Once(call, [&](catalog::Transaction& transaction) -> Body {
               catalog::AmpWorkspaceQuery query;
               query.account = account();
               query.region = call.caller.region;
               const size_t limit = options_.aws_fidelity ? kAwsWorkspacesMax : kWorkspacesMax;
               query.limit = static_cast<int>(limit);
               TRY_ASSIGN(const auto rows, catalog::ListAmpWorkspaces(transaction, query));
               if (rows.size() >= limit) {
                 return access::QuotaExceeded("Limit exceeded. Maximum workspaces per account.", "",
                                              "workspace", "aps", "");
               }
               TRY(catalog::CreateAmpWorkspace(transaction, &workspace));
               Json json = WorkspaceJson(workspace);
               json.erase("createdAt");
               json.erase("alias");
               return access::RestBody(json);
             }));
  // Also on a repeat: the first attempt may have failed to open the store.
  const Json made = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  const std::string id = made.value("workspaceId", workspace.id);
  if (workspaces_.Find(id) == nullptr) {
    const auto row = catalog_.Read(
        [&](catalog::Reader& reader) { return catalog::GetAmpWorkspace(reader, id); });
    if (row.ok()) TRY(workspaces_.Add(*row));
  }
  return body;
}

Aps::Body Aps::DescribeWorkspace(const Call& call) {
  TRY_ASSIGN(const catalog::AmpWorkspace workspace,
             catalog_.Read([&](catalog::Reader& reader) { return Owner(reader, call); }));
  Json json = WorkspaceJson(workspace);
  json["prometheusEndpoint"] = options_.endpoint + "/workspaces/" + workspace.id + "/";
  return access::RestBody(Json{{"workspace", std::move(json)}});
}

Aps::Body Aps::ListWorkspaces(const Call& call) {
  catalog::AmpWorkspaceQuery query;
  query.account = account();
  query.region = call.caller.region;
  query.alias_prefix = call.Text("alias");
  const int64_t page = call.input.Number("maxResults").value_or(kPageDefault);
  const std::string scope = PageScope(call, query.alias_prefix);
  TRY_ASSIGN(query.after, access::ReadPageToken(scope, call.Text("nextToken")));
  query.limit = static_cast<int>(page) + 1;
  TRY_ASSIGN(auto rows, catalog_.Read([&](catalog::Reader& reader) {
    return catalog::ListAmpWorkspaces(reader, query);
  }));
  const std::string next = CutPage(page, scope, &rows, [](const auto& row) { return row.id; });
  Json answer = {{"workspaces", Json::array()}};
  for (const catalog::AmpWorkspace& row : rows) answer["workspaces"].push_back(WorkspaceJson(row));
  if (!next.empty()) answer["nextToken"] = next;
  return access::RestBody(answer);
}

Aps::Body Aps::UpdateWorkspaceAlias(const Call& call) {
  TRY_ASSIGN(const std::string alias, Trimmed(call.Text("alias")));
  return Once(call, [&](catalog::Transaction& transaction) -> Body {
    TRY_ASSIGN(catalog::AmpWorkspace workspace, Owner(transaction, call));
    workspace.alias = alias;
    TRY(catalog::UpdateAmpWorkspace(transaction, &workspace));
    return "";
  });
}

Aps::Body Aps::DeleteWorkspace(const Call& call) {
  const std::string id(call.match.Label("workspaceId"));
  return Once(
      call,
      [&](catalog::Transaction& transaction) -> Body {
        TRY(Owner(transaction, call));
        TRY(catalog::DeleteAmpWorkspace(transaction, id));
        return "";
      },
      [&] {
        const absl::Status removed = workspaces_.Remove(id);
        if (!removed.ok() && !absl::IsNotFound(removed)) {
          log::Error("aps", "files of a deleted workspace remain",
                     {{"workspace", id}, {"error", Message(removed)}});
        }
        if (options_.hooks.alert_manager_changed) options_.hooks.alert_manager_changed(id);
      });
}

}  // namespace hearth::api
