// SPDX-License-Identifier: Apache-2.0
// Service accounts and their tokens. Ids are Grafana's numbers, written as text.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "api/amg/amg.h"
#include "api/amg/answers.h"
#include "base/status.h"
#include "base/text.h"
#include "grafana/tokens.h"

namespace hearth::api {
namespace {

using amg::Json;
using catalog::GrafanaServiceAccount;
using catalog::GrafanaToken;
using catalog::GrafanaWorkspace;
using catalog::Transaction;

// The model wants an end of every token; one that Grafana's own API made may have none: the last
// second of the year 9999.
constexpr int64_t kNeverMs = 253'402'300'799'000;

absl::Status AccountNotFound(std::string_view id) {
  return access::ResourceNotFound("Service account not found", id, "service-account");
}

// The account that the path names.
absl::StatusOr<GrafanaServiceAccount> FindAccount(catalog::Reader& reader,
                                                  std::string_view workspace, std::string_view id) {
  int64_t number = 0;
  if (!ParseInt64(id, &number)) return AccountNotFound(id);
  auto account = catalog::GetGrafanaServiceAccount(reader, workspace, number);
  if (absl::IsNotFound(account.status())) return AccountNotFound(id);
  return account;
}

// aws-contract.md §12.1: service accounts came with version 9.
absl::Status CheckVersion(const GrafanaWorkspace& workspace) {
  if (amg::VersionOf(workspace) != amg::kVersions[0]) return absl::OkStatus();
  return access::InvalidRequest(
      "OTHER", fmt::format("Service accounts need version {} or later; the workspace has {}",
                           amg::kVersions[1], amg::VersionOf(workspace)));
}

Json TokenJson(const GrafanaToken& token) {
  Json json = {
      {"id", std::to_string(token.id)},
      {"name", token.name},
      {"createdAt", access::EpochSeconds(token.created_ms)},
      {"expiresAt", access::EpochSeconds(token.expires_ms == 0 ? kNeverMs : token.expires_ms)}};
  if (token.last_used_ms != 0) json["lastUsedAt"] = access::EpochSeconds(token.last_used_ms);
  return json;
}

}  // namespace

Amg::Answer Amg::CreateWorkspaceServiceAccount(const Call& call) {
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    TRY(CheckVersion(workspace));
    const int64_t limit = amg::QuotasOf(options_.aws_fidelity).service_accounts;
    TRY_ASSIGN(const int64_t count,
               catalog::CountGrafanaServiceAccounts(transaction, workspace.id));
    if (count >= limit) {
      return amg::OverQuota("service accounts in a workspace", limit, workspace.id,
                            "service-account");
    }
    GrafanaServiceAccount account;
    account.workspace = workspace.id;
    account.name = call.input.Text("name");
    account.role = call.input.Text("grafanaRole");
    const absl::Status status = catalog::CreateGrafanaServiceAccount(transaction, &account);
    if (absl::IsAlreadyExists(status)) {
      return access::ResourceConflict(Message(status), account.name, "service-account");
    }
    TRY(status);
    const Json answer = {{"id", std::to_string(account.id)},
                         {"name", account.name},
                         {"grafanaRole", account.role},
                         {"workspaceId", workspace.id}};
    return access::RestBody(answer);
  });
}

Amg::Answer Amg::ListWorkspaceServiceAccounts(const Call& call) {
  TRY_ASSIGN(const GrafanaWorkspace workspace, Find(call));
  TRY_ASSIGN(const amg::Page page,
             amg::ReadPage(call.input, "amg/service-accounts/" + workspace.id));
  TRY_ASSIGN(const int64_t after, amg::PositionNumber(page));
  TRY_ASSIGN(std::vector<GrafanaServiceAccount> rows, catalog_.Read([&](catalog::Reader& reader) {
    return catalog::ListGrafanaServiceAccounts(reader, workspace.id, after, page.size + 1);
  }));
  Json answer = {{"serviceAccounts", Json::array()}, {"workspaceId", workspace.id}};
  const std::string next = amg::CutPage(
      page, &rows, [](const GrafanaServiceAccount& row) { return std::to_string(row.id); });
  if (!next.empty()) answer["nextToken"] = next;
  for (const GrafanaServiceAccount& row : rows) {
    // isDisabled is a string in the model; a boolean ends the Go SDK (aws-contract.md §5.2).
    answer["serviceAccounts"].push_back({{"id", std::to_string(row.id)},
                                         {"name", row.name},
                                         {"isDisabled", row.disabled ? "true" : "false"},
                                         {"grafanaRole", row.role}});
  }
  return access::RestBody(answer);
}

Amg::Answer Amg::DeleteWorkspaceServiceAccount(const Call& call) {
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    TRY_ASSIGN(const GrafanaServiceAccount account,
               FindAccount(transaction, workspace.id, call.Label("serviceAccountId")));
    TRY(catalog::DeleteGrafanaServiceAccount(transaction, workspace.id, account.id));
    const Json answer = {{"serviceAccountId", std::to_string(account.id)},
                         {"workspaceId", workspace.id}};
    return access::RestBody(answer);
  });
}

Amg::Answer Amg::CreateWorkspaceServiceAccountToken(const Call& call) {
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    TRY_ASSIGN(const GrafanaServiceAccount account,
               FindAccount(transaction, workspace.id, call.Label("serviceAccountId")));
    const int64_t limit = amg::QuotasOf(options_.aws_fidelity).tokens;
    TRY_ASSIGN(const int64_t count, catalog::CountGrafanaTokens(transaction, workspace.id, false));
    if (count >= limit) {
      return amg::OverQuota("service account tokens in a workspace", limit, workspace.id,
                            "service-account-token");
    }
    GrafanaToken token;
    token.workspace = workspace.id;
    token.service_account = account.id;
    token.name = call.input.Text("name");
    token.expires_ms = transaction.now_ms() + 1000 * call.input.Number("secondsToLive").value_or(0);
    const std::string key = grafana::NewServiceAccountToken(rng_);
    const absl::Status status = catalog::CreateGrafanaToken(transaction, &token, key);
    if (absl::IsAlreadyExists(status)) {
      return access::ResourceConflict(Message(status), token.name, "service-account-token");
    }
    TRY(status);
    const Json answer = {{"serviceAccountToken",
                          {{"id", std::to_string(token.id)}, {"name", token.name}, {"key", key}}},
                         {"serviceAccountId", std::to_string(account.id)},
                         {"workspaceId", workspace.id}};
    return access::RestBody(answer);
  });
}

Amg::Answer Amg::ListWorkspaceServiceAccountTokens(const Call& call) {
  TRY_ASSIGN(const GrafanaWorkspace workspace, Find(call));
  TRY_ASSIGN(const GrafanaServiceAccount account, catalog_.Read([&](catalog::Reader& reader) {
    return FindAccount(reader, workspace.id, call.Label("serviceAccountId"));
  }));
  TRY_ASSIGN(const amg::Page page,
             amg::ReadPage(call.input, fmt::format("amg/tokens/{}/{}", workspace.id, account.id)));
  TRY_ASSIGN(const int64_t after, amg::PositionNumber(page));
  TRY_ASSIGN(std::vector<GrafanaToken> rows, catalog_.Read([&](catalog::Reader& reader) {
    return catalog::ListGrafanaTokens(reader, workspace.id, account.id, after, page.size + 1);
  }));
  Json answer = {{"serviceAccountTokens", Json::array()},
                 {"serviceAccountId", std::to_string(account.id)},
                 {"workspaceId", workspace.id}};
  const std::string next =
      amg::CutPage(page, &rows, [](const GrafanaToken& row) { return std::to_string(row.id); });
  if (!next.empty()) answer["nextToken"] = next;
  for (const GrafanaToken& row : rows) answer["serviceAccountTokens"].push_back(TokenJson(row));
  return access::RestBody(answer);
}

Amg::Answer Amg::DeleteWorkspaceServiceAccountToken(const Call& call) {
  return Change(call, [&](Transaction& transaction, GrafanaWorkspace& workspace) -> Answer {
    TRY_ASSIGN(const GrafanaServiceAccount account,
               FindAccount(transaction, workspace.id, call.Label("serviceAccountId")));
    const std::string id = call.Label("tokenId");
    int64_t number = 0;
    const absl::Status status =
        ParseInt64(id, &number)
            ? catalog::DeleteGrafanaToken(transaction, workspace.id, account.id, number)
            : NotFound("no number");
    if (absl::IsNotFound(status)) {
      return access::ResourceNotFound("Service account token not found", id,
                                      "service-account-token");
    }
    TRY(status);
    const Json answer = {{"tokenId", id},
                         {"serviceAccountId", std::to_string(account.id)},
                         {"workspaceId", workspace.id}};
    return access::RestBody(answer);
  });
}

}  // namespace hearth::api
