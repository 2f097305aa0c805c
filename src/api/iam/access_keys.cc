// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/iam/call.h"
#include "base/status.h"
#include "catalog/credentials.h"

namespace hearth::api::iam {
namespace {

using access::QueryFault;
using catalog::AccessKey;

constexpr size_t kKeysPerUserMax = 2;

access::QueryRule KeyIdRule() { return {true, 16, 128}; }

// Whose keys: the user named, else the caller ("" for root). Asks for permission.
absl::StatusOr<std::string> Owner(Call& call) {
  const std::string name = call.in.Text("UserName", OptionalNameRule());
  TRY(call.in.status());
  if (!name.empty()) {
    TRY_ASSIGN(const catalog::IamUser user, FindUser(call, name));
    return user.name;
  }
  const auth::Principal& caller = *call.caller.principal;
  if (caller.kind == auth::PrincipalKind::kAssumedRole) {
    return QueryFault(400, "ValidationError",
                      "Must specify userName when calling with non-User credentials");
  }
  TRY(call.Authorize(caller.arn));
  return caller.user_name;
}

absl::StatusOr<AccessKey> OwnedKey(Call& call) {
  const std::string id = call.in.Text("AccessKeyId", KeyIdRule());
  TRY_ASSIGN(const std::string owner, Owner(call));
  const std::string missing = fmt::format("The Access Key with id {} cannot be found.", id);
  const auto key = catalog::GetAccessKey(call.reader, id);
  TRY(Reworded(key.status(), missing));
  if (key->account != call.account || key->user_name != owner) {
    return QueryFault(404, "NoSuchEntity", missing);
  }
  return *key;
}

absl::Status CreateAccessKey(Call& call) {
  TRY_ASSIGN(const std::string owner, Owner(call));
  TRY_ASSIGN(const auto keys, catalog::ListAccessKeys(call.reader, call.account, owner));
  if (keys.size() >= kKeysPerUserMax) {
    return QueryFault(
        409, "LimitExceeded",
        fmt::format("Cannot exceed quota for AccessKeysPerUser: {}", kKeysPerUserMax));
  }
  AccessKey key;
  key.account = call.account;
  key.user_name = owner;
  TRY(catalog::CreateAccessKey(call.write(), &key));
  call.out.Open("AccessKey");
  call.out.TextIf("UserName", owner);
  call.out.Text("AccessKeyId", key.id);
  call.out.Text("Status", "Active");
  call.out.Text("SecretAccessKey", key.secret);
  call.out.Time("CreateDate", key.created_ms);
  call.out.Close("AccessKey");
  return absl::OkStatus();
}

absl::Status ListAccessKeys(Call& call) {
  const Page page = ReadPage(call);
  TRY_ASSIGN(const std::string owner, Owner(call));
  TRY_ASSIGN(auto keys, catalog::ListAccessKeys(call.reader, call.account, owner));
  WritePage(
      call, page, "AccessKeyMetadata", std::move(keys), [](const AccessKey& key) { return key.id; },
      [&](const AccessKey& key) {
        call.out.Open("member");
        call.out.TextIf("UserName", key.user_name);
        call.out.Text("AccessKeyId", key.id);
        call.out.Text("Status", key.active ? "Active" : "Inactive");
        call.out.Time("CreateDate", key.created_ms);
        call.out.Close("member");
      });
  return absl::OkStatus();
}

// The last key of root would lock everybody out of the account.
absl::Status CheckNotLastRootKey(Call& call, const AccessKey& key) {
  if (!key.user_name.empty() || !key.active) return absl::OkStatus();
  TRY_ASSIGN(const auto keys, catalog::ListAccessKeys(call.reader, call.account, ""));
  const auto active =
      std::count_if(keys.begin(), keys.end(), [](const AccessKey& other) { return other.active; });
  if (active > 1) return absl::OkStatus();
  return QueryFault(409, "DeleteConflict",
                    "Cannot take away the last active access key of the account's root user: make "
                    "another one first");
}

absl::Status UpdateAccessKey(Call& call) {
  const std::string status = call.in.OneOf("Status", {"Active", "Inactive"}, true);
  TRY_ASSIGN(const AccessKey key, OwnedKey(call));
  if (status == "Inactive") TRY(CheckNotLastRootKey(call, key));
  return catalog::SetAccessKeyActive(call.write(), key.id, status == "Active");
}

absl::Status DeleteAccessKey(Call& call) {
  TRY_ASSIGN(const AccessKey key, OwnedKey(call));
  TRY(CheckNotLastRootKey(call, key));
  return catalog::DeleteAccessKey(call.write(), key.id);
}

constexpr Operation kOperations[] = {
    {"CreateAccessKey", CreateAccessKey, true},
    {"ListAccessKeys", ListAccessKeys},
    {"UpdateAccessKey", UpdateAccessKey, true, false},
    {"DeleteAccessKey", DeleteAccessKey, true, false},
};

}  // namespace

std::span<const Operation> AccessKeyOperations() { return kOperations; }

}  // namespace hearth::api::iam
