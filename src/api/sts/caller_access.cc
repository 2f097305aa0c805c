// SPDX-License-Identifier: Apache-2.0
// GetCallerAccess, an operation of hearth's own: which policies count for the caller, and what it
// may do with the workspaces of the region. It needs no permission, as GetCallerIdentity needs
// none, and tells only what the caller could find out by trying. `hearth whoami` prints it.
#include <fmt/format.h>

#include "api/sts/call.h"
#include "auth/access.h"
#include "base/status.h"
#include "catalog/amp_workspaces.h"
#include "catalog/grafana_objects.h"

namespace hearth::api::sts {
namespace {

constexpr std::string_view kAmpActions[] = {
    "aps:RemoteWrite",
    "aps:QueryMetrics",
    "aps:GetSeries",
    "aps:GetLabels",
    "aps:GetMetricMetadata",
    "aps:DescribeWorkspace",
    "aps:UpdateWorkspaceAlias",
    "aps:DeleteWorkspace",
};
constexpr std::string_view kGrafanaActions[] = {
    "grafana:DescribeWorkspace", "grafana:UpdateWorkspace", "grafana:DeleteWorkspace",
    "grafana:CreateWorkspaceServiceAccountToken"};
constexpr std::string_view kAccountActions[] = {"aps:CreateWorkspace",     "aps:ListWorkspaces",
                                                "grafana:CreateWorkspace", "grafana:ListWorkspaces",
                                                "iam:CreateRole",          "iam:ListRoles",
                                                "eks:RegisterCluster"};

void WritePolicies(Call& call, std::string_view kind,
                   const std::vector<auth::NamedPolicy>& policies) {
  for (const auth::NamedPolicy& policy : policies) {
    call.out.Open("member");
    call.out.Text("Kind", kind);
    call.out.Text("Name", policy.name);
    call.out.Close("member");
  }
}

void WriteAllowed(Call& call, std::string_view resource, std::string_view name,
                  std::span<const std::string_view> actions) {
  const auto context = auth::StandardContext(*call.caller->principal, call.caller->facts);
  for (const std::string_view action : actions) {
    if (!auth::DecideAccess({*call.caller->principal, action, resource, context, nullptr, {}})
             .allowed) {
      continue;
    }
    call.out.Open("member");
    call.out.Text("Resource", resource);
    call.out.Text("Name", name);
    call.out.Text("Action", action);
    call.out.Close("member");
  }
}

}  // namespace

absl::Status GetCallerAccess(Call& call) {
  TRY(GetCallerIdentity(call));
  const auth::Principal& caller = *call.caller->principal;
  call.out.Open("Policies");
  if (caller.kind == auth::PrincipalKind::kRoot) {
    call.out.Open("member");
    call.out.Text("Kind", "root");
    call.out.Text("Name", "the account's root user may do everything in it");
    call.out.Close("member");
  }
  WritePolicies(call, "identity", caller.identity_policies);
  WritePolicies(call, "boundary", caller.boundary);
  WritePolicies(call, "session", caller.session_policies);
  call.out.Close("Policies");
  const std::string& account = call.gate.options().account;
  const std::string& region = call.caller->region;
  using Amp = std::vector<catalog::AmpWorkspace>;
  using Grafana = std::vector<catalog::GrafanaWorkspace>;
  Amp amp;
  Grafana grafana;
  TRY(call.objects.Read([&](catalog::Reader& reader) -> absl::Status {
    catalog::AmpWorkspaceQuery query;
    query.account = account;
    query.region = region;
    TRY_ASSIGN(amp, catalog::ListAmpWorkspaces(reader, query));
    TRY_ASSIGN(grafana, catalog::ListGrafanaWorkspaces(reader, account, region));
    return absl::OkStatus();
  }));
  call.out.Open("Access");
  WriteAllowed(call, "*", "", kAccountActions);
  for (const catalog::AmpWorkspace& workspace : amp) {
    WriteAllowed(call, catalog::AmpWorkspaceArn(workspace), workspace.alias, kAmpActions);
  }
  for (const catalog::GrafanaWorkspace& workspace : grafana) {
    WriteAllowed(call, catalog::GrafanaWorkspaceArn(workspace), workspace.name, kGrafanaActions);
  }
  call.out.Close("Access");
  return absl::OkStatus();
}

}  // namespace hearth::api::sts
