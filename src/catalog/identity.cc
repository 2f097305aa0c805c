// SPDX-License-Identifier: Apache-2.0
#include "catalog/identity.h"

#include "auth/policy.h"
#include "auth/session.h"
#include "base/status.h"
#include "base/text.h"
#include "catalog/credentials.h"
#include "catalog/iam.h"
#include "catalog/sql.h"
#include "crypto/hash.h"

namespace hearth::catalog {
namespace {

using auth::NamedPolicy;
using auth::PolicyDocument;
using auth::PolicyKind;
using auth::Principal;
using auth::PrincipalKind;

// A document that does not parse (it was checked when it was put) ends the look-up with an error:
// passing over it would lose its denies.
absl::Status AddPolicy(std::string name, const std::string& text, std::vector<NamedPolicy>* list) {
  absl::StatusOr<std::shared_ptr<const PolicyDocument>> document =
      PolicyDocument::Parse(text, PolicyKind::kIdentity);
  if (!document.ok()) {
    return Annotate(document.status(), fmt::format("stored policy {}", name));
  }
  list->push_back({std::move(name), *std::move(document)});
  return absl::OkStatus();
}

// A policy that is gone, though something still points at it, allows nothing.
absl::Status AddManaged(Reader& reader, const std::string& arn, std::vector<NamedPolicy>* list) {
  absl::StatusOr<ManagedPolicy> policy = GetManagedPolicy(reader, arn);
  if (absl::IsNotFound(policy.status())) return absl::OkStatus();
  TRY(policy);
  return AddPolicy(arn, policy->document, list);
}

absl::Status AddOwned(Reader& reader, PolicyOwner kind, std::string_view account,
                      std::string_view owner, std::vector<NamedPolicy>* list) {
  TRY_ASSIGN(std::vector<InlinePolicy> inline_policies,
             ListInlinePolicies(reader, kind, account, owner));
  for (const InlinePolicy& policy : inline_policies) {
    TRY(AddPolicy(policy.name, policy.document, list));
  }
  TRY_ASSIGN(std::vector<std::string> attached, ListAttachedPolicies(reader, kind, account, owner));
  for (const std::string& arn : attached) TRY(AddManaged(reader, arn, list));
  return absl::OkStatus();
}

// A boundary that is set but gone is one that allows nothing.
absl::Status AddBoundary(Reader& reader, const std::string& arn, Principal* principal) {
  if (arn.empty()) return absl::OkStatus();
  TRY(AddManaged(reader, arn, &principal->boundary));
  if (principal->boundary.empty()) principal->boundary.push_back({arn, nullptr});
  return absl::OkStatus();
}

absl::Status AddGroups(Reader& reader, std::string_view account, std::string_view user,
                       Principal* principal) {
  TRY_ASSIGN(std::vector<sql::Row> groups,
             reader.session().Select("group_key",
                                     "FROM iam_group_members WHERE account = ? AND user_key = ?",
                                     {account, ToLowerAscii(user)}));
  for (const sql::Row& row : groups) {
    TRY(AddOwned(reader, PolicyOwner::kGroup, account, row.Text(0), &principal->identity_policies));
  }
  return absl::OkStatus();
}

absl::StatusOr<Principal> LoadUser(Reader& reader, std::string_view account,
                                   std::string_view name) {
  TRY_ASSIGN(IamUser user, GetUser(reader, account, name));
  Principal principal;
  principal.kind = PrincipalKind::kUser;
  principal.account = user.account;
  principal.arn = auth::UserArn(user.account, user.path, user.name);
  principal.user_id = user.id;
  principal.user_name = user.name;
  principal.tags = user.tags;
  TRY(AddOwned(reader, PolicyOwner::kUser, account, name, &principal.identity_policies));
  TRY(AddGroups(reader, account, name, &principal));
  TRY(AddBoundary(reader, user.boundary_arn, &principal));
  return principal;
}

absl::StatusOr<Principal> LoadRole(Reader& reader, std::string_view account, std::string_view name,
                                   std::string_view session_name) {
  TRY_ASSIGN(IamRole role, GetRole(reader, account, name));
  Principal principal;
  principal.kind = PrincipalKind::kAssumedRole;
  principal.account = role.account;
  principal.arn = auth::AssumedRoleArn(role.account, role.name, session_name);
  principal.user_id = fmt::format("{}:{}", role.id, session_name);
  principal.role_arn = auth::RoleArn(role.account, role.path, role.name);
  principal.session_name = std::string(session_name);
  principal.tags = role.tags;
  TRY(AddOwned(reader, PolicyOwner::kRole, account, name, &principal.identity_policies));
  TRY(AddBoundary(reader, role.boundary_arn, &principal));
  return principal;
}

absl::StatusOr<Principal> LoadSessionOwner(Reader& reader, const auth::StsSession& session) {
  if (session.kind == auth::SessionKind::kRoot) return auth::RootPrincipal(session.account);
  TRY_ASSIGN(Principal principal,
             session.kind == auth::SessionKind::kUser
                 ? LoadUser(reader, session.account, session.name)
                 : LoadRole(reader, session.account, session.name, session.session_name));
  // A role or user made anew under the same name is somebody else.
  if (principal.user_id.substr(0, principal.user_id.find(':')) != session.unique_id) {
    return NotFound("the session's owner is gone");
  }
  return principal;
}

absl::StatusOr<Identity> LoadSession(Reader& reader, const auth::StsSession& session) {
  TRY_ASSIGN(Principal principal, LoadSessionOwner(reader, session));
  principal.access_key_id = session.access_key_id;
  principal.token_issued_ms = session.issued_ms;
  principal.source_identity = session.source_identity;
  principal.federated_provider = session.federated_provider;
  for (const auto& [key, value] : session.tags) principal.tags[key] = value;
  principal.transitive_tag_keys = session.transitive_tag_keys;
  principal.has_session_policies = session.has_session_policies;
  for (const std::string& text : session.session_policies) {
    TRY(AddPolicy("session policy", text, &principal.session_policies));
  }
  for (const std::string& arn : session.session_policy_arns) {
    TRY(AddManaged(reader, arn, &principal.session_policies));
  }
  return Identity{session.secret, std::move(principal)};
}

absl::StatusOr<Principal> LoadGroup(Reader& reader, std::string_view account,
                                    std::string_view name) {
  TRY_ASSIGN(IamGroup group, GetGroup(reader, account, name));
  Principal principal;
  principal.account = group.account;
  principal.arn = fmt::format("arn:aws:iam::{}:group{}{}", group.account, group.path, group.name);
  principal.user_id = group.id;
  TRY(AddOwned(reader, PolicyOwner::kGroup, account, name, &principal.identity_policies));
  return principal;
}

absl::StatusOr<Identity> LoadKey(Reader& reader, std::string_view access_key_id) {
  TRY_ASSIGN(AccessKey key, GetAccessKey(reader, access_key_id));
  if (!key.active) return NotFound("access key {} is inactive", access_key_id);
  if (key.user_name.empty()) {
    Identity identity{key.secret, auth::RootPrincipal(key.account)};
    identity.principal.access_key_id = key.id;
    return identity;
  }
  TRY_ASSIGN(Principal principal, LoadUser(reader, key.account, key.user_name));
  principal.access_key_id = key.id;
  return Identity{key.secret, std::move(principal)};
}

}  // namespace

absl::StatusOr<Principal> LoadPrincipal(Reader& reader, std::string_view arn) {
  const std::vector<std::string_view> fields = Split(arn, ':');
  const bool ours = fields.size() == 6 && (fields[2] == "iam" || fields[2] == "sts");
  if (!ours) return InvalidArgument("{} is not the ARN of a user, group or role", arn);
  const std::string_view account = fields[4];
  const std::vector<std::string_view> parts = Split(fields[5], '/');
  if (parts[0] == "root" && parts.size() == 1) return auth::RootPrincipal(account);
  absl::StatusOr<Principal> principal = InvalidArgument("{} is not the ARN of a principal", arn);
  if (parts.size() < 2) return principal;
  if (parts[0] == "assumed-role" && parts.size() == 3) {
    return LoadRole(reader, account, parts[1], parts[2]);
  }
  if (parts[0] == "role") {
    TRY_ASSIGN(Principal role, LoadRole(reader, account, parts.back(), "simulated"));
    if (role.role_arn != arn) return NotFound("role {} does not exist", arn);
    return role;
  }
  if (parts[0] == "user") principal = LoadUser(reader, account, parts.back());
  if (parts[0] == "group") principal = LoadGroup(reader, account, parts.back());
  TRY(principal);
  if (principal->arn != arn) return NotFound("{} does not exist", arn);
  return principal;
}

absl::StatusOr<std::shared_ptr<const Identity>> IdentityStore::Resolve(
    std::string_view access_key_id, std::string_view session_token) {
  int64_t now_ms = catalog_.clock().NowMs();
  uint64_t generation = catalog_.local_generation();
  // The token is part of the key: the same key id with another token is not the same claim.
  std::string cache_key = fmt::format("{}\n{}", access_key_id, session_token);
  {
    absl::MutexLock lock(&mutex_);
    auto it = cache_.find(cache_key);
    if (it != cache_.end() && it->second.generation == generation && now_ms < it->second.until_ms) {
      if (it->second.expires_ms != 0 && now_ms >= it->second.expires_ms) {
        return DeadlineExceeded("the session has expired");
      }
      return it->second.identity;
    }
  }
  int64_t expires_ms = 0;
  absl::StatusOr<Identity> loaded = catalog_.Read([&](Reader& reader) -> absl::StatusOr<Identity> {
    if (session_token.empty()) return LoadKey(reader, access_key_id);
    absl::StatusOr<std::string> key = GetSecret(reader, kSessionKeyName);
    if (absl::IsNotFound(key.status())) return Unauthenticated("not a session token of ours");
    TRY(key);
    std::vector<std::string> keys = {*std::move(key)};
    TRY_ASSIGN(auth::StsSession session, auth::OpenStsSession(session_token, keys, now_ms));
    if (session.access_key_id != access_key_id) {
      return Unauthenticated("the session token belongs to another access key");
    }
    expires_ms = session.expires_ms;
    return LoadSession(reader, session);
  });
  TRY(loaded);
  auto identity = std::make_shared<const Identity>(*std::move(loaded));
  absl::MutexLock lock(&mutex_);
  if (cache_.size() >= options_.cache_entries_max) cache_.clear();
  cache_[cache_key] = {identity, now_ms + options_.cache_ms, expires_ms, generation};
  return identity;
}

absl::StatusOr<std::shared_ptr<const Identity>> IdentityStore::Authenticate(
    const auth::SigV4Request& request, const auth::SigV4Options& options,
    auth::SigV4Result* result) {
  std::shared_ptr<const Identity> identity;
  absl::Status trouble;
  *result = auth::VerifySigV4(
      request, catalog_.clock().NowMs(),
      [&](std::string_view key_id, std::string_view token) -> auth::SigV4Secret {
        absl::StatusOr<std::shared_ptr<const Identity>> found = Resolve(key_id, token);
        if (found.ok()) {
          identity = *found;
          return {auth::SigV4Error::kNone, identity->secret, ""};
        }
        if (absl::IsDeadlineExceeded(found.status())) {
          return {auth::SigV4Error::kExpiredToken, "", ""};
        }
        if (!absl::IsNotFound(found.status()) && !absl::IsUnauthenticated(found.status())) {
          trouble = found.status();
        }
        return {auth::SigV4Error::kUnknownKey, "", ""};
      },
      options);
  TRY(trouble);
  if (!result->ok()) identity.reset();
  return identity;
}

absl::StatusOr<std::shared_ptr<const Identity>> IdentityStore::AuthenticateBasic(
    std::string_view access_key_id, std::string_view secret) {
  absl::StatusOr<std::shared_ptr<const Identity>> identity = Resolve(access_key_id, "");
  if (absl::IsNotFound(identity.status())) {
    return Unauthenticated("no such access key, or its secret is wrong");
  }
  TRY(identity);
  if (!crypto::ConstantTimeEquals((*identity)->secret, secret)) {
    return Unauthenticated("no such access key, or its secret is wrong");
  }
  return identity;
}

absl::StatusOr<Principal> IdentityStore::PrincipalOfRole(std::string_view role_arn,
                                                         std::string_view session_name) {
  // arn:aws:iam::A:role/path/name
  std::vector<std::string_view> fields = Split(role_arn, ':');
  if (fields.size() != 6 || fields[2] != "iam" || fields[5].substr(0, 5) != "role/") {
    return InvalidArgument("{} is not the ARN of a role", role_arn);
  }
  std::string_view name = fields[5].substr(fields[5].rfind('/') + 1);
  return catalog_.Read([&](Reader& reader) -> absl::StatusOr<Principal> {
    TRY_ASSIGN(Principal principal, LoadRole(reader, fields[4], name, session_name));
    if (principal.role_arn != role_arn) return NotFound("role {} does not exist", role_arn);
    return principal;
  });
}

}  // namespace hearth::catalog
