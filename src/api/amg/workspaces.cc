// SPDX-License-Identifier: Apache-2.0
// Workspaces themselves: settings, Grafana's configuration and version, tags.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/amg/amg.h"
#include "api/amg/answers.h"
#include "base/status.h"

namespace hearth::api {
namespace {

using access::RestInput;
using amg::Json;
using catalog::GrafanaWorkspace;
using catalog::Transaction;

// What a workspace without a configuration of its own has (aws-contract.md §12.1).
constexpr std::string_view kDefaultConfiguration =
    R"({"unifiedAlerting":{"enabled":true},"plugins":{"pluginAdminEnabled":false}})";

void TakeText(const RestInput& input, std::string_view member, std::string* out) {
  if (input.Has(member)) *out = input.Text(member);
}

void TakeList(const RestInput& input, std::string_view member, std::vector<std::string>* out) {
  if (input.Has(member)) *out = input.TextList(member);
}

// The members that Create and Update share; what is not given stays.
void TakeSettings(const RestInput& input, GrafanaWorkspace* workspace) {
  TakeText(input, "accountAccessType", &workspace->account_access_type);
  TakeText(input, "organizationRoleName", &workspace->organization_role_name);
  TakeText(input, "permissionType", &workspace->permission_type);
  TakeText(input, "stackSetName", &workspace->stack_set_name);
  TakeList(input, "workspaceDataSources", &workspace->data_sources);
  TakeText(input, "workspaceDescription", &workspace->description);
  TakeText(input, "workspaceName", &workspace->name);
  TakeList(input, "workspaceNotificationDestinations", &workspace->notification_destinations);
  TakeList(input, "workspaceOrganizationalUnits", &workspace->organizational_units);
  TakeText(input, "workspaceRoleArn", &workspace->role_arn);
  TakeText(input, "ipAddressType", &workspace->ip_address_type);
  if (input.Has("vpcConfiguration")) {
    const RestInput vpc = input.Child("vpcConfiguration");
    workspace->vpc =
        catalog::GrafanaVpc{vpc.TextList("securityGroupIds"), vpc.TextList("subnetIds")};
  }
  if (input.Has("networkAccessControl")) {
    const RestInput network = input.Child("networkAccessControl");
    workspace->network_access = catalog::GrafanaNetworkAccess{network.TextList("prefixListIds"),
                                                              network.TextList("vpceIds")};
  }
}

absl::Status CheckConfiguration(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) return absl::OkStatus();
  return access::InvalidField("configuration", json.is_discarded()
                                                   ? "The text is not valid JSON"
                                                   : "The JSON text must be an object");
}

absl::Status CheckVersion(std::string_view version) {
  if (amg::VersionIndex(version) >= 0) return absl::OkStatus();
  std::string known;
  for (const std::string_view one : amg::kVersions) {
    known += (known.empty() ? "" : ", ") + std::string(one);
  }
  return access::InvalidField("grafanaVersion",
                              fmt::format("There is no version {}; there are {}", version, known));
}

absl::Status CheckRole(const GrafanaWorkspace& workspace) {
  if (workspace.role_arn.empty()) return absl::OkStatus();
  const bool role = workspace.role_arn.starts_with("arn:") &&
                    workspace.role_arn.find(":role/") != std::string::npos;
  if (role) return absl::OkStatus();
  return access::InvalidField("workspaceRoleArn",
                              "Member must be the ARN of an IAM role: arn:aws:iam::…:role/…");
}

absl::StatusOr<GrafanaWorkspace> NewWorkspace(const RestInput& input) {
  GrafanaWorkspace workspace;
  TakeSettings(input, &workspace);
  workspace.authentication_providers = input.TextList("authenticationProviders");
  workspace.tags = input.TextMap("tags");
  workspace.kms_key_id = input.Text("kmsKeyId");
  workspace.configuration = input.Text("configuration");
  workspace.grafana_version = std::string(amg::NewestVersion());
  TakeText(input, "grafanaVersion", &workspace.grafana_version);
  TRY(amg::CheckTags(workspace.tags));
  TRY(CheckVersion(workspace.grafana_version));
  TRY(CheckRole(workspace));
  if (!workspace.configuration.empty()) TRY(CheckConfiguration(workspace.configuration));
  return workspace;
}

}  // namespace

Amg::Answer Amg::CreateWorkspace(const Call& call) {
  TRY_ASSIGN(GrafanaWorkspace workspace, NewWorkspace(call.input));
  workspace.account = gate_.options().account;
  workspace.region = call.caller.region;
  const access::ReplayKey key =
      access::MakeReplayKey(call.request, call.caller, workspace.account, "grafana:CreateWorkspace",
                            call.input.Text("clientToken"));
  const auto create =
      [&](catalog::Transaction& transaction) -> absl::StatusOr<access::StoredAnswer> {
    const int64_t limit = amg::QuotasOf(options_.aws_fidelity).workspaces;
    TRY_ASSIGN(const auto rows,
               catalog::ListGrafanaWorkspaces(transaction, workspace.account, workspace.region, "",
                                              static_cast<int>(limit)));
    if (static_cast<int64_t>(rows.size()) >= limit) {
      return amg::OverQuota("workspaces in a region", limit, "", "workspace");
    }
    workspace.id.clear();
    TRY(catalog::CreateGrafanaWorkspace(transaction, &workspace));
    const Json answer = {
        {"workspace", amg::WorkspaceJson(workspace, options_.endpoint(workspace),
                                         options_.aws_fidelity, transaction.now_ms())}};
    return access::StoredAnswer{call.operation.ok_status, access::RestBody(answer)};
  };
  TRY_ASSIGN(access::StoredAnswer answer, access::WriteOnce(catalog_, key, create));
  return std::move(answer.body);
}

Amg::Answer Amg::DescribeWorkspace(const Call& call) {
  TRY_ASSIGN(const GrafanaWorkspace workspace, Find(call));
  const Json answer = {
      {"workspace", amg::WorkspaceJson(workspace, options_.endpoint(workspace),
                                       options_.aws_fidelity, catalog_.clock().NowMs())}};
  return access::RestBody(answer);
}

Amg::Answer Amg::ListWorkspaces(const Call& call) {
  const std::string& account = gate_.options().account;
  TRY_ASSIGN(const amg::Page page,
             amg::ReadPage(call.input, fmt::format("amg/{}/{}", account, call.caller.region)));
  TRY_ASSIGN(std::vector<GrafanaWorkspace> rows, catalog_.Read([&](catalog::Reader& reader) {
    return catalog::ListGrafanaWorkspaces(reader, account, call.caller.region, page.position,
                                          page.size + 1);
  }));
  Json answer = {{"workspaces", Json::array()}};
  const std::string next =
      amg::CutPage(page, &rows, [](const GrafanaWorkspace& row) { return row.id; });
  if (!next.empty()) answer["nextToken"] = next;
  for (const GrafanaWorkspace& row : rows) {
    const Json full = amg::WorkspaceJson(row, options_.endpoint(row), options_.aws_fidelity,
                                         catalog_.clock().NowMs());
    Json summary = Json::object();
    for (const char* name : {"id", "name", "authentication", "created", "description", "endpoint",
                             "grafanaToken", "grafanaVersion", "licenseType", "modified",
                             "notificationDestinations", "status", "tags"}) {
      if (full.contains(name)) summary[name] = full[name];
    }
    answer["workspaces"].push_back(std::move(summary));
  }
  return access::RestBody(answer);
}

Amg::Answer Amg::UpdateWorkspace(const Call& call) {
  const RestInput& input = call.input;
  const bool remove_vpc = input.Flag("removeVpcConfiguration").value_or(false);
  const bool remove_network = input.Flag("removeNetworkAccessConfiguration").value_or(false);
  if (remove_vpc && input.Has("vpcConfiguration")) {
    return access::InvalidField("removeVpcConfiguration",
                                "It cannot be true where vpcConfiguration is given");
  }
  if (remove_network && input.Has("networkAccessControl")) {
    return access::InvalidField("removeNetworkAccessConfiguration",
                                "It cannot be true where networkAccessControl is given");
  }
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    TakeSettings(input, &workspace);
    if (remove_vpc) workspace.vpc.reset();
    if (remove_network) workspace.network_access.reset();
    TRY(CheckRole(workspace));
    TRY(catalog::UpdateGrafanaWorkspace(transaction, &workspace));
    const Json answer = {
        {"workspace", amg::WorkspaceJson(workspace, options_.endpoint(workspace),
                                         options_.aws_fidelity, transaction.now_ms())}};
    return access::RestBody(answer);
  });
}

Amg::Answer Amg::DeleteWorkspace(const Call& call) {
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    TRY(catalog::DeleteGrafanaWorkspace(transaction, workspace.id));
    workspace.status = "DELETING";
    const Json answer = {
        {"workspace", amg::WorkspaceJson(workspace, options_.endpoint(workspace),
                                         options_.aws_fidelity, transaction.now_ms())}};
    return access::RestBody(answer);
  });
}

Amg::Answer Amg::DescribeWorkspaceConfiguration(const Call& call) {
  TRY_ASSIGN(const GrafanaWorkspace workspace, Find(call));
  const Json answer = {
      {"configuration", workspace.configuration.empty() ? std::string(kDefaultConfiguration)
                                                        : workspace.configuration},
      {"grafanaVersion", amg::VersionOf(workspace)}};
  return access::RestBody(answer);
}

Amg::Answer Amg::UpdateWorkspaceConfiguration(const Call& call) {
  const std::string version = call.input.Text("grafanaVersion");
  TRY(CheckConfiguration(call.input.Text("configuration")));
  if (!version.empty()) TRY(CheckVersion(version));
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    const std::string current = amg::VersionOf(workspace);
    if (!version.empty() && amg::VersionIndex(version) < amg::VersionIndex(current)) {
      return access::InvalidField(
          "grafanaVersion",
          fmt::format("The workspace has version {}; it cannot go back to {}", current, version));
    }
    workspace.configuration = call.input.Text("configuration");
    workspace.grafana_version = version.empty() ? current : version;
    TRY(catalog::UpdateGrafanaWorkspace(transaction, &workspace));
    return std::string("{}");
  });
}

Amg::Answer Amg::ListVersions(const Call& call) {
  const std::string id = call.input.Text("workspaceId");
  int first = 0;
  if (!id.empty()) {
    TRY_ASSIGN(const GrafanaWorkspace workspace,
               catalog_.Read([&](catalog::Reader& reader) { return Find(reader, call, id); }));
    first = amg::VersionIndex(amg::VersionOf(workspace)) + 1;
  }
  TRY_ASSIGN(const amg::Page page, amg::ReadPage(call.input, "amg/versions/" + id));
  TRY_ASSIGN(const int64_t before, amg::PositionNumber(page));
  std::vector<std::string> rows;
  const int from = std::max(first, static_cast<int>(before));
  for (int i = from; i < static_cast<int>(std::size(amg::kVersions)); ++i) {
    if (rows.size() <= static_cast<size_t>(page.size)) rows.emplace_back(amg::kVersions[i]);
  }
  Json answer = Json::object();
  const std::string next = amg::CutPage(page, &rows, [](const std::string& row) {
    return std::to_string(amg::VersionIndex(row) + 1);
  });
  if (!next.empty()) answer["nextToken"] = next;
  answer["grafanaVersions"] = rows;
  return access::RestBody(answer);
}

Amg::Answer Amg::ListTagsForResource(const Call& call) {
  TRY_ASSIGN(const GrafanaWorkspace workspace,
             catalog_.Read([&](catalog::Reader& reader) { return FindByArn(reader, call); }));
  const Json answer = {{"tags", amg::TagsJson(workspace.tags)}};
  return access::RestBody(answer);
}

Amg::Answer Amg::TagResource(const Call& call) {
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    for (const auto& [key, value] : call.input.TextMap("tags")) workspace.tags[key] = value;
    TRY(amg::CheckTags(workspace.tags));
    TRY(catalog::UpdateGrafanaWorkspace(transaction, &workspace));
    return std::string("{}");
  });
}

Amg::Answer Amg::UntagResource(const Call& call) {
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    for (const std::string& key : call.input.TextList("tagKeys")) workspace.tags.erase(key);
    TRY(catalog::UpdateGrafanaWorkspace(transaction, &workspace));
    return std::string("{}");
  });
}

}  // namespace hearth::api
