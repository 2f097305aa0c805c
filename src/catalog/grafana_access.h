// SPDX-License-Identifier: Apache-2.0
// Who may enter a Grafana workspace without a browser's session: service accounts, their tokens,
// API keys; and the roles that SSO users and groups were given. Roles are spelt as AWS does: ADMIN,
// EDITOR, VIEWER (and NONE, which only Grafana's own API sets on a service account).
//
// A token's secret is never kept: its row holds the SHA-256, enough for 190 random bits. An expired
// token is as good as deleted: it is in no list, counts toward nothing, and its name is free.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.h"

namespace hearth::catalog {

struct GrafanaServiceAccount {
  std::string workspace;  // g-…
  int64_t id = 0;         // of the workspace's users and service accounts together
  std::string uid;
  std::string name;
  std::string login;  // "sa-1-<name>", in lower case, '-' for spaces; unique
  std::string role;
  bool disabled = false;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;
  int64_t revision = 0;
};

// The next id of a user or service account of the workspace: they share one sequence, as in
// Grafana.
absl::StatusOr<int64_t> NextGrafanaUserId(Transaction& transaction, std::string_view workspace);

absl::StatusOr<GrafanaServiceAccount> GetGrafanaServiceAccount(Reader& reader,
                                                               std::string_view workspace,
                                                               int64_t id);
// Ordered by id; `after` is the last id of the page before.
absl::StatusOr<std::vector<GrafanaServiceAccount>> ListGrafanaServiceAccounts(
    Reader& reader, std::string_view workspace, int64_t after = 0, int limit = 100'000);
absl::StatusOr<int64_t> CountGrafanaServiceAccounts(Reader& reader, std::string_view workspace);
// Fills id, uid, login, times, revision. AlreadyExists where the login is in use.
absl::Status CreateGrafanaServiceAccount(Transaction& transaction, GrafanaServiceAccount* account);
// Name (and with it the login), role, disabled.
absl::Status UpdateGrafanaServiceAccount(Transaction& transaction, GrafanaServiceAccount* account);
// With its tokens.
absl::Status DeleteGrafanaServiceAccount(Transaction& transaction, std::string_view workspace,
                                         int64_t id, int64_t revision = 0);

struct GrafanaToken {
  std::string workspace;
  int64_t id = 0;               // within the workspace
  int64_t service_account = 0;  // 0: an API key, which stands for itself
  std::string name;             // unique among the workspace's tokens (or API keys), as in Grafana
  std::string role;             // of an API key; a token has its account's
  int64_t created_ms = 0;
  int64_t expires_ms = 0;    // 0: never
  int64_t last_used_ms = 0;  // 0: never was
  int64_t revision = 0;
};

// Those that live, by id. `service_account` 0 lists the API keys.
absl::StatusOr<std::vector<GrafanaToken>> ListGrafanaTokens(Reader& reader,
                                                            std::string_view workspace,
                                                            int64_t service_account,
                                                            int64_t after = 0, int limit = 100'000);
// Living ones: of all service accounts of the workspace, or its API keys.
absl::StatusOr<int64_t> CountGrafanaTokens(Reader& reader, std::string_view workspace,
                                           bool api_keys);
// Fills id, times, revision; keeps the hash of `secret`. AlreadyExists where the name is in use;
// NotFound where the service account is not there.
absl::Status CreateGrafanaToken(Transaction& transaction, GrafanaToken* token,
                                std::string_view secret);
absl::Status DeleteGrafanaToken(Transaction& transaction, std::string_view workspace,
                                int64_t service_account, int64_t id);
absl::Status DeleteGrafanaApiKey(Transaction& transaction, std::string_view workspace,
                                 std::string_view name);

struct GrafanaTokenOwner {
  GrafanaToken token;
  std::optional<GrafanaServiceAccount> account;  // none for an API key
};
// Whose secret this is, in any workspace. NotFound: never was, deleted, or purged.
// DeadlineExceeded: past its life.
absl::StatusOr<GrafanaTokenOwner> FindGrafanaToken(Reader& reader, std::string_view secret);
// It was used now. No event: nobody follows this.
absl::Status TouchGrafanaToken(Transaction& transaction, const GrafanaToken& token);
// Removes those past their life; returns how many.
absl::StatusOr<int64_t> PurgeGrafanaTokens(Transaction& transaction);

// A role given to somebody of the identity provider.
struct GrafanaPermission {
  std::string workspace;
  std::string user_type;  // SSO_USER, SSO_GROUP
  std::string user_id;
  std::string role;
  int64_t created_ms = 0;
  int64_t revision = 0;
};
struct GrafanaPermissionQuery {
  std::string workspace;
  std::string user_type;  // "" for all
  std::string user_id;    // "" for all; of users or groups
  // The last of the page before, "" for the first page.
  std::string after_type;
  std::string after_id;
  int limit = 100'000;
};
absl::StatusOr<std::vector<GrafanaPermission>> ListGrafanaPermissions(
    Reader& reader, const GrafanaPermissionQuery& query);
// One has one role: another one takes its place.
absl::Status PutGrafanaPermission(Transaction& transaction, GrafanaPermission* permission);
// NotFound where that user or group does not have that role.
absl::Status DeleteGrafanaPermission(Transaction& transaction, const GrafanaPermission& permission);

}  // namespace hearth::catalog
