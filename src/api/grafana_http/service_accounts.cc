// SPDX-License-Identifier: Apache-2.0
// /api/serviceaccounts and their tokens: the same objects that the AWS API of the workspace makes.
// Source: https://grafana.com/docs/grafana/latest/developers/http_api/serviceaccount/
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/grafana_http/access_list.h"
#include "api/grafana_http/answers.h"
#include "api/grafana_http/face.h"
#include "api/grafana_http/people.h"
#include "base/rng.h"
#include "base/status.h"
#include "catalog/grafana_access.h"
#include "grafana/tokens.h"

namespace hearth::api::grafana_http {
namespace {

using Account = catalog::GrafanaServiceAccount;

constexpr std::string_view kMissing = "service account not found";
constexpr int64_t kAccountsMax = 100;  // AMG's quotas (aws-contract.md §12.1)
constexpr int64_t kTokensMax = 100;
constexpr size_t kNameBytesMax = 190;
// AMG lets tokens live 30 days; Grafana's own API knows no limit, nor does its provider expect one.
constexpr int64_t kSecondsToLiveMax = int64_t{10} * 365 * 86'400;

std::string RoleOf(const Account& account) {
  Role role = Role::kNone;
  ParseRole(account.role, &role);
  return std::string(RoleName(role));
}

absl::StatusOr<Account> Find(catalog::Reader& reader, const Call& call) {
  int64_t id = 0;
  if (!ParseInt64(call.argument(), &id)) return InvalidArgument("Service Account ID is invalid");
  return Named(catalog::GetGrafanaServiceAccount(reader, call.id(), id), kMissing);
}

Json Short(const Call& call, const Account& account, int64_t tokens) {
  return {{"id", account.id},     {"uid", account.uid},
          {"name", account.name}, {"login", account.login},
          {"orgId", 1},           {"isDisabled", account.disabled},
          {"isExternal", false},  {"role", RoleOf(account)},
          {"tokens", tokens},     {"avatarUrl", AvatarUrl(call, account.login)}};
}

Json Long(const Call& call, const Account& account) {
  return {{"id", account.id},
          {"uid", account.uid},
          {"name", account.name},
          {"login", account.login},
          {"orgId", 1},
          {"isDisabled", account.disabled},
          {"createdAt", Rfc3339(account.created_ms)},
          {"updatedAt", Rfc3339(account.updated_ms)},
          {"avatarUrl", AvatarUrl(call, account.login)},
          {"role", RoleOf(account)},
          {"teams", Json::array()},
          {"isExternal", false},
          {"requiredBy", ""},
          {"accessControl", nullptr}};
}

absl::StatusOr<std::string> ReadRole(Body& body, std::string_view otherwise) {
  const std::string name = body.Text("role");
  if (name.empty()) return std::string(otherwise);
  Role role = Role::kNone;
  if (!ParseRole(name, &role)) {
    return InvalidArgument("role must be Viewer, Editor, Admin or None, not {}", name);
  }
  // The catalog spells roles as AWS does.
  std::string upper(RoleName(role));
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

Answer Create(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  Account account;
  account.workspace = call.id();
  account.name = body.Required("name", kNameBytesMax);
  account.disabled = body.Flag("isDisabled");
  TRY_ASSIGN(account.role, ReadRole(body, "VIEWER"));
  TRY(body.status());
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const int64_t count,
                   catalog::CountGrafanaServiceAccounts(transaction, call.id()));
        if (count >= kAccountsMax) {
          return ResourceExhausted("Quota reached: a workspace has at most {} service accounts",
                                   kAccountsMax);
        }
        return catalog::CreateGrafanaServiceAccount(transaction, &account);
      });
  // Grafana's own code for it.
  if (absl::IsAlreadyExists(written)) return Message(400, "service account already exists");
  TRY(written);
  return Reply(Short(call, account, 0), 201);
}

Answer Search(Face& face, const Call& call) {
  TRY_ASSIGN(const int64_t page_sent, call.Number("page", 1, 0, 1'000'000));
  TRY_ASSIGN(const int64_t per_page, call.Number("perpage", 1000, 1, 10'000));
  const int64_t page = std::max<int64_t>(page_sent, 1);
  const std::string text = ToLowerAscii(call.Parameter("query"));
  const bool disabled = call.Parameter("disabled") == "true";
  Json list = Json::array();
  int64_t total = 0;
  const auto read = [&](catalog::Reader& reader) -> absl::Status {
    TRY_ASSIGN(const auto accounts, catalog::ListGrafanaServiceAccounts(reader, call.id()));
    for (const Account& account : accounts) {
      if (ToLowerAscii(account.name).find(text) == std::string::npos) continue;
      if (disabled && !account.disabled) continue;
      if (total++ < (page - 1) * per_page) continue;
      if (static_cast<int64_t>(list.size()) == per_page) continue;
      TRY_ASSIGN(const auto tokens, catalog::ListGrafanaTokens(reader, call.id(), account.id));
      list.push_back(Short(call, account, static_cast<int64_t>(tokens.size())));
    }
    return absl::OkStatus();
  };
  TRY(face.catalog().Read(read));
  return Reply({{"totalCount", total},
                {"serviceAccounts", std::move(list)},
                {"page", page},
                {"perPage", per_page}});
}

Answer Get(Face& face, const Call& call) {
  TRY_ASSIGN(const Account account,
             face.catalog().Read([&](catalog::Reader& reader) { return Find(reader, call); }));
  return Reply(Long(call, account));
}

Answer Update(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  const auto account =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::StatusOr<Account> {
        TRY_ASSIGN(Account found, Find(transaction, call));
        if (body.Has("name")) found.name = body.Required("name", kNameBytesMax);
        TRY_ASSIGN(found.role, ReadRole(body, found.role));
        found.disabled = body.Flag("isDisabled", found.disabled);
        TRY(body.status());
        TRY(catalog::UpdateGrafanaServiceAccount(transaction, &found));
        return found;
      });
  if (absl::IsAlreadyExists(account.status())) {
    return Message(400, "service account already exists");
  }
  TRY(account);
  return Reply({{"id", account->id},
                {"message", "Service account updated"},
                {"name", account->name},
                {"serviceaccount", Long(call, *account)}});
}

Answer Delete(Face& face, const Call& call) {
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const Account account, Find(transaction, call));
        const std::string id = std::to_string(account.id);
        TRY(DropGrants(transaction, call.id(), "serviceaccounts", id));
        TRY_ASSIGN(const auto grants,
                   catalog::FindItemsByName(transaction, call.id(), "permission", "users/" + id));
        for (const catalog::GrafanaItem& grant : grants) {
          TRY(catalog::DeleteItem(transaction, call.id(), "permission", grant.uid));
        }
        return catalog::DeleteGrafanaServiceAccount(transaction, call.id(), account.id);
      });
  TRY(written);
  return Message(200, "Service account deleted");
}

// ---- tokens ------------------------------------------------------------------------------------

Answer ListTokens(Face& face, const Call& call) {
  using Tokens = std::vector<catalog::GrafanaToken>;
  TRY_ASSIGN(const Tokens tokens,
             face.catalog().Read([&](catalog::Reader& reader) -> absl::StatusOr<Tokens> {
               TRY_ASSIGN(const Account account, Find(reader, call));
               return catalog::ListGrafanaTokens(reader, call.id(), account.id);
             }));
  const auto time = [](int64_t ms) { return ms == 0 ? Json(nullptr) : Json(Rfc3339(ms)); };
  Json list = Json::array();
  for (const catalog::GrafanaToken& token : tokens) {
    const double left =
        token.expires_ms == 0
            ? 0
            : static_cast<double>(token.expires_ms - call.request.received_ms) / 1000.0;
    list.push_back({{"id", token.id},
                    {"name", token.name},
                    {"created", Rfc3339(token.created_ms)},
                    {"lastUsedAt", time(token.last_used_ms)},
                    {"expiration", time(token.expires_ms)},
                    {"secondsUntilExpiration", left},
                    {"hasExpired", token.expires_ms != 0 && left <= 0},
                    {"isRevoked", false}});
  }
  return Reply(list);
}

Answer CreateToken(Face& face, const Call& call) {
  TRY_ASSIGN(Body body, Body::Of(call));
  catalog::GrafanaToken token;
  token.workspace = call.id();
  token.name = body.Required("name", kNameBytesMax);
  const int64_t seconds = body.Number("secondsToLive");
  TRY(body.status());
  if (seconds < 0 || seconds > kSecondsToLiveMax) {
    return InvalidArgument("secondsToLive must be from 0 (for ever) to {}, not {}",
                           kSecondsToLiveMax, seconds);
  }
  const std::string secret = grafana::NewServiceAccountToken(SystemRng());
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const Account account, Find(transaction, call));
        token.service_account = account.id;
        if (seconds > 0) token.expires_ms = transaction.now_ms() + seconds * 1000;
        TRY_ASSIGN(const int64_t count,
                   catalog::CountGrafanaTokens(transaction, call.id(), /*api_keys=*/false));
        if (count >= kTokensMax) {
          return ResourceExhausted("Quota reached: a workspace has at most {} tokens", kTokensMax);
        }
        return catalog::CreateGrafanaToken(transaction, &token, secret);
      });
  if (absl::IsAlreadyExists(written)) {
    return Message(409, "service account token with given name already exists in the organization");
  }
  TRY(written);
  return Reply({{"id", token.id}, {"name", token.name}, {"key", secret}});
}

Answer DeleteToken(Face& face, const Call& call) {
  int64_t id = 0;
  if (!ParseInt64(call.argument(1), &id)) return InvalidArgument("Token ID is invalid");
  const absl::Status written =
      face.catalog().Write([&](catalog::Transaction& transaction) -> absl::Status {
        TRY_ASSIGN(const Account account, Find(transaction, call));
        const auto gone = catalog::DeleteGrafanaToken(transaction, call.id(), account.id, id);
        return absl::IsNotFound(gone) ? NotFound("service account token not found") : gone;
      });
  TRY(written);
  return Message(200, "Service account token deleted");
}

}  // namespace

std::vector<Route> ServiceAccountRoutes() {
  const std::string_view read = "serviceaccounts:read";
  const std::string_view write = "serviceaccounts:write";
  return {
      {"POST", "serviceaccounts", Role::kAdmin, "serviceaccounts:create", Create},
      {"GET", "serviceaccounts/search", Role::kAdmin, read, Search},
      {"GET", "serviceaccounts/:id", Role::kAdmin, read, Get},
      {"PATCH", "serviceaccounts/:id", Role::kAdmin, write, Update},
      {"DELETE", "serviceaccounts/:id", Role::kAdmin, "serviceaccounts:delete", Delete},
      {"GET", "serviceaccounts/:id/tokens", Role::kAdmin, read, ListTokens},
      {"POST", "serviceaccounts/:id/tokens", Role::kAdmin, write, CreateToken},
      {"DELETE", "serviceaccounts/:id/tokens/:token", Role::kAdmin, write, DeleteToken},
  };
}

}  // namespace hearth::api::grafana_http
