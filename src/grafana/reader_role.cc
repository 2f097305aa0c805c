// SPDX-License-Identifier: Apache-2.0
#include "grafana/reader_role.h"

#include <fmt/core.h>

#include "auth/policy.h"
#include "base/status.h"

namespace hearth::grafana {
namespace {

constexpr std::string_view kSession = "grafana";

// What AMG's console gives the role it makes (AmazonGrafanaPrometheusPolicy), for one account.
std::string AccountReaderPolicy(std::string_view account) {
  return fmt::format(
      R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["aps:ListWorkspaces",)"
      R"("aps:DescribeWorkspace","aps:QueryMetrics","aps:GetLabels","aps:GetSeries",)"
      R"("aps:GetMetricMetadata","aps:ListRules","aps:ListAlerts"],)"
      R"("Resource":"arn:aws:aps:*:{}:*"}}]}})",
      account);
}

}  // namespace

absl::StatusOr<Reader> ReaderOf(const catalog::GrafanaWorkspace& workspace,
                                catalog::IdentityStore& identities, bool aws_fidelity) {
  if (!workspace.role_arn.empty()) {
    // iam:PassRole of this account says nothing of a role of another, were it in the same catalog.
    if (!workspace.role_arn.starts_with(auth::RoleArn(workspace.account, "/", ""))) {
      return PermissionDenied(
          "Grafana workspace {} of account {} cannot read as {}: a role of the "
          "same account is needed",
          workspace.id, workspace.account, workspace.role_arn);
    }
    auto principal = identities.PrincipalOfRole(workspace.role_arn, kSession);
    if (absl::IsNotFound(principal.status())) {
      return PermissionDenied(
          "Grafana workspace {} reads as {}, and there is no such role: make it again, or give the "
          "workspace another",
          workspace.id, workspace.role_arn);
    }
    TRY(principal);
    return Reader{std::make_shared<auth::Principal>(*std::move(principal)), ""};
  }
  if (aws_fidelity) {
    return PermissionDenied(
        "Grafana workspace {} has no IAM role, so it may read nothing: pass role_arn (AWS makes no "
        "role for a SERVICE_MANAGED workspace that was not made in the console)",
        workspace.id);
  }
  auth::Principal principal;
  principal.kind = auth::PrincipalKind::kAssumedRole;
  principal.account = workspace.account;
  principal.role_arn = auth::RoleArn(workspace.account, "/service-role/", workspace.id);
  principal.arn = auth::AssumedRoleArn(workspace.account, workspace.id, kSession);
  principal.session_name = kSession;
  TRY_ASSIGN(auto document, auth::PolicyDocument::Parse(AccountReaderPolicy(workspace.account),
                                                        auth::PolicyKind::kIdentity));
  principal.identity_policies.push_back({"hearth:account-reader", std::move(document)});
  return Reader{
      std::make_shared<auth::Principal>(std::move(principal)),
      fmt::format("Grafana workspace {} has no IAM role; it reads the account's workspaces "
                  "by hearth's leniency. On AWS these queries would answer 403: pass "
                  "role_arn",
                  workspace.id)};
}

}  // namespace hearth::grafana
