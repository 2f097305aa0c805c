// SPDX-License-Identifier: Apache-2.0
#include "grafana/bearer.h"

#include <absl/time/time.h>
#include <fmt/core.h>

#include "auth/basic.h"
#include "base/log.h"
#include "base/status.h"
#include "catalog/grafana_access.h"
#include "grafana/tokens.h"

namespace hearth::grafana {
namespace {

// "Last used" is for people: a write for every request would make each read wait for the disk.
constexpr int64_t kTouchEveryMs = 60'000;

constexpr std::string_view kWayOut =
    "Mint a fresh one: run terraform/bin/grafana-auth (it calls "
    "CreateWorkspaceServiceAccountToken) and repeat what you did";

absl::Status Unknown(std::string_view workspace) {
  return Unauthenticated(
      "Invalid API key: workspace {} has no such token; it has expired, was deleted, or is of "
      "another workspace. {}",
      workspace, kWayOut);
}

}  // namespace

std::string Bearer::TokenOf(std::string_view authorization) {
  if (auto token = auth::ParseBearer(authorization)) return *std::move(token);
  const auto basic = auth::ParseBasic(authorization);
  return basic && basic->user == "api_key" ? basic->password : "";
}

absl::StatusOr<BearerUser> Bearer::Identify(std::string_view token,
                                            std::string_view workspace) const {
  if (!LooksLikeToken(token)) return Unknown(workspace);
  const auto owner = catalog_.Read(
      [&](catalog::Reader& reader) { return catalog::FindGrafanaToken(reader, token); });
  if (absl::IsDeadlineExceeded(owner.status())) {
    return Unauthenticated("Expired API key: {}. {}", Message(owner.status()), kWayOut);
  }
  if (absl::IsNotFound(owner.status())) return Unknown(workspace);
  if (!owner.ok()) return owner.status();
  if (owner->token.workspace != workspace) return Unknown(workspace);
  const auto& account = owner->account;
  if (account && account->disabled) {
    return Unauthenticated("Service account {} is disabled", account->name);
  }
  if (catalog_.clock().NowMs() - owner->token.last_used_ms >= kTouchEveryMs) {
    const absl::Status touched = catalog_.Write([&](catalog::Transaction& transaction) {
      return catalog::TouchGrafanaToken(transaction, owner->token);
    });
    // The caller is who they are, whether or not it could be noted.
    if (!touched.ok()) log::Warn("grafana", "last use", {{"error", Message(touched)}});
  }
  if (!account) {
    return BearerUser{
        0, "", owner->token.name, owner->token.name, owner->token.role, owner->token.id};
  }
  return BearerUser{account->id,    account->uid,  account->name,
                    account->login, account->role, owner->token.id};
}

}  // namespace hearth::grafana
