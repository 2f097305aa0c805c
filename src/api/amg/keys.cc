// SPDX-License-Identifier: Apache-2.0
// Licences and API keys.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "api/amg/amg.h"
#include "api/amg/answers.h"
#include "base/status.h"
#include "grafana/tokens.h"

namespace hearth::api {
namespace {

using amg::Json;
using catalog::GrafanaWorkspace;
using catalog::Transaction;

constexpr std::string_view kTrial = "ENTERPRISE_FREE_TRIAL";
constexpr int64_t kTrialMs = int64_t{30} * 24 * 3600 * 1000;  // AMG's user guide: 30 days

}  // namespace

Amg::Answer Amg::AssociateLicense(const Call& call) {
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    catalog::GrafanaLicense& license = workspace.license;
    const std::string type = call.Label("licenseType");
    if (type == kTrial) {
      if (license.free_trial_consumed) {
        return access::InvalidField("licenseType",
                                    "The free trial of this workspace has been used");
      }
      license.free_trial_consumed = true;
      license.free_trial_expires_ms = transaction.now_ms() + kTrialMs;
    }
    license.type = type;
    if (call.input.Has("grafanaToken")) license.grafana_token = call.input.Text("grafanaToken");
    TRY(catalog::UpdateGrafanaWorkspace(transaction, &workspace));
    const Json answer = {
        {"workspace", amg::WorkspaceJson(workspace, options_.endpoint(workspace),
                                         options_.aws_fidelity, transaction.now_ms())}};
    return access::RestBody(answer);
  });
}

Amg::Answer Amg::DisassociateLicense(const Call& call) {
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    const std::string type = call.Label("licenseType");
    if (workspace.license.type != type) {
      return access::ResourceNotFound(fmt::format("The workspace has no licence {}", type),
                                      workspace.id, "license");
    }
    workspace.license.type.clear();
    workspace.license.grafana_token.clear();
    workspace.license.free_trial_expires_ms = 0;
    TRY(catalog::UpdateGrafanaWorkspace(transaction, &workspace));
    const Json answer = {
        {"workspace", amg::WorkspaceJson(workspace, options_.endpoint(workspace),
                                         options_.aws_fidelity, transaction.now_ms())}};
    return access::RestBody(answer);
  });
}

Amg::Answer Amg::CreateWorkspaceApiKey(const Call& call) {
  const std::string role = call.input.Text("keyRole");
  if (role != "ADMIN" && role != "EDITOR" && role != "VIEWER") {
    return access::InvalidField("keyRole", "Member must be one of ADMIN, EDITOR, VIEWER");
  }
  const std::string name = call.input.Text("keyName");
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    const int64_t limit = amg::QuotasOf(options_.aws_fidelity).api_keys;
    TRY_ASSIGN(const int64_t count, catalog::CountGrafanaTokens(transaction, workspace.id, true));
    if (count >= limit) {
      return amg::OverQuota("API keys in a workspace", limit, workspace.id, "api-key");
    }
    catalog::GrafanaToken token;
    token.workspace = workspace.id;
    token.name = name;
    token.role = role;
    token.expires_ms = transaction.now_ms() + 1000 * call.input.Number("secondsToLive").value_or(0);
    const std::string key = grafana::NewApiKey(rng_, name);
    const absl::Status status = catalog::CreateGrafanaToken(transaction, &token, key);
    if (absl::IsAlreadyExists(status)) {
      return access::ResourceConflict(Message(status), name, "api-key");
    }
    TRY(status);
    const Json answer = {{"keyName", name}, {"key", key}, {"workspaceId", workspace.id}};
    return access::RestBody(answer);
  });
}

Amg::Answer Amg::DeleteWorkspaceApiKey(const Call& call) {
  const std::string name = call.input.Text("keyName");
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    const absl::Status status = catalog::DeleteGrafanaApiKey(transaction, workspace.id, name);
    if (absl::IsNotFound(status)) {
      return access::ResourceNotFound("API key not found", name, "api-key");
    }
    TRY(status);
    const Json answer = {{"keyName", name}, {"workspaceId", workspace.id}};
    return access::RestBody(answer);
  });
}

}  // namespace hearth::api
