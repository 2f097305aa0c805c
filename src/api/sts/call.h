// SPDX-License-Identifier: Apache-2.0
// One call of an STS operation. Private to api_sts.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "access/gate.h"
#include "access/oidc_keys.h"
#include "access/query_protocol.h"
#include "access/sessions.h"
#include "auth/policy.h"
#include "base/clock.h"
#include "base/rng.h"
#include "catalog/catalog.h"
#include "catalog/iam.h"

namespace hearth::api::sts {

struct Call {
  const access::QueryForm& form;
  const access::Caller* caller;  // null in the unsigned operations
  auth::RequestFacts facts;
  const access::Gate& gate;
  catalog::Catalog& objects;
  access::OidcKeys& keys;
  const Clock& clock;
  Rng& rng;
  access::QueryReader in;
  access::XmlWriter out;
};

absl::Status GetCallerIdentity(Call& call);
absl::Status GetCallerAccess(Call& call);
absl::Status AssumeRole(Call& call);
absl::Status AssumeRoleWithWebIdentity(Call& call);
absl::Status GetSessionToken(Call& call);
absl::Status GetAccessKeyInfo(Call& call);
absl::Status DecodeAuthorizationMessage(Call& call);

// What every AssumeRole… asks for.
struct RoleRequest {
  std::string role_arn;
  std::string session_name;
  int64_t seconds = 3600;
  bool has_policies = false;
  std::vector<std::string> policies;
  std::vector<std::string> policy_arns;
};
// MalformedPolicyDocument, PackedPolicyTooLarge, ValidationError.
absl::StatusOr<RoleRequest> ReadRoleRequest(Call& call);

// The role and its trust policy; a role that does not exist has one that trusts nobody, so that
// the caller learns nothing.
struct TrustedRole {
  bool exists = false;
  catalog::IamRole role;
  std::shared_ptr<const auth::PolicyDocument> trust;
};
absl::StatusOr<TrustedRole> FindTrustedRole(Call& call, std::string_view arn);

// ValidationError where the session would be longer than the role allows.
absl::Status CheckDuration(const RoleRequest& request, const catalog::IamRole& role);

// Seals `session` and writes AssumedRoleUser and Credentials.
absl::Status IssueAndWrite(Call& call, const RoleRequest& request, const catalog::IamRole& role,
                           auth::StsSession session);
void WriteCredentials(Call& call, const access::SessionCredentials& credentials);

}  // namespace hearth::api::sts
