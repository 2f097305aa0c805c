// SPDX-License-Identifier: Apache-2.0
#include "access/sessions.h"

#include <vector>

#include "auth/principal.h"
#include "base/status.h"
#include "base/text.h"
#include "catalog/credentials.h"

namespace hearth::access {
namespace {

absl::StatusOr<std::string> SessionKey(catalog::Catalog& catalog) {
  auto key = catalog.Read(
      [](catalog::Reader& reader) { return catalog::GetSecret(reader, catalog::kSessionKeyName); });
  if (!absl::IsNotFound(key.status())) return key;
  return catalog.Write([](catalog::Transaction& transaction) {
    return catalog::EnsureRandomKey(transaction, catalog::kSessionKeyName);
  });
}

}  // namespace

absl::StatusOr<SessionCredentials> IssueSession(catalog::Catalog& catalog,
                                                auth::StsSession* session, int64_t now_ms,
                                                int64_t seconds, Rng& rng) {
  TRY_ASSIGN(std::string key, SessionKey(catalog));
  const std::vector<std::string> keys = {std::move(key)};
  session->issued_ms = now_ms;
  // Whole seconds: the expiration that the client is told is the one that holds.
  session->expires_ms = (now_ms / 1000 + seconds) * 1000;
  std::string token = auth::SealStsSession(session, keys, rng);
  return SessionCredentials{session->access_key_id, session->secret, std::move(token),
                            session->expires_ms};
}

auth::StsSession SessionOfRole(const catalog::IamRole& role, std::string session_name) {
  auth::StsSession session;
  session.kind = auth::SessionKind::kAssumedRole;
  session.account = role.account;
  session.name = role.name;
  session.unique_id = role.id;
  session.session_name = std::move(session_name);
  return session;
}

absl::StatusOr<catalog::IamRole> FindRoleByArn(catalog::Reader& reader, std::string_view arn) {
  const std::vector<std::string_view> fields = Split(arn, ':');
  if (fields.size() != 6 || fields[2] != "iam" || !fields[5].starts_with("role/")) {
    return NotFound("{} is not the ARN of a role", arn);
  }
  const std::string_view name = fields[5].substr(fields[5].rfind('/') + 1);
  TRY_ASSIGN(catalog::IamRole role, catalog::GetRole(reader, fields[4], name));
  if (auth::RoleArn(role.account, role.path, role.name) != arn) {
    return NotFound("role {} does not exist", arn);
  }
  return role;
}

}  // namespace hearth::access
