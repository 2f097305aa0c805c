// SPDX-License-Identifier: Apache-2.0
// May this principal do this action on this resource? One pure function over identity policies,
// permissions boundary, session policies and the resource's policy, by AWS's rules:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
//
//  1. an explicit Deny anywhere wins;
//  2. same account: allowed by (identity ∩ boundary ∩ session), or by a resource policy that names
//     the principal (a user or session by ARN: as it is; a role: within boundary and session;
//     the account: delegation, an identity policy must allow too);
//  3. other account: the resource policy and the identity side must both allow;
//  4. root may do everything in its own account that no resource policy denies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "auth/condition.h"
#include "auth/policy.h"
#include "auth/principal.h"

namespace hearth::auth {

// The facts of a request from which the global condition keys are made.
struct RequestFacts {
  int64_t now_ms = 0;
  std::string source_ip;  // without port; "" where unknown (then aws:SourceIp is absent)
  std::string user_agent;
  std::string region;
  bool secure_transport = false;
};

// aws:PrincipalArn, aws:PrincipalAccount, aws:PrincipalType, aws:userid, aws:username,
// aws:PrincipalTag/…, aws:CurrentTime, aws:EpochTime, aws:SourceIp, aws:SecureTransport,
// aws:UserAgent, aws:RequestedRegion, aws:TokenIssueTime, aws:FederatedProvider,
// aws:SourceIdentity. Callers add aws:RequestTag/…, aws:TagKeys, aws:ResourceTag/… .
ConditionContext StandardContext(const Principal& principal, const RequestFacts& facts);
// Of these only what the request itself says: for callers that are no principal of ours.
ConditionContext FactsContext(const RequestFacts& facts);

struct AccessRequest {
  const Principal& principal;
  std::string_view action;    // "aps:RemoteWrite"
  std::string_view resource;  // ARN, or "*" for actions without one
  const ConditionContext& context;
  // The policy of the resource, or null. A role's trust policy for sts:AssumeRole.
  const PolicyDocument* resource_policy = nullptr;
  // "" is the principal's own account.
  std::string_view resource_account = {};
};

enum class PolicySource { kNone, kIdentity, kBoundary, kSession, kResource, kRoot };

struct AccessDecision {
  bool allowed = false;
  bool explicit_deny = false;
  // What decided: the policy that allowed or denied; for an implicit deny the kind of policy in
  // which an Allow is missing.
  PolicySource source = PolicySource::kNone;
  std::string policy_name;   // of the matched statement; "" for an implicit deny
  std::string statement_id;  // its Sid, or "#2" for the second statement without one
  // Of an explicit deny; a part of the request's policies, which must outlive its use.
  const Statement* denied_by = nullptr;
  // "User: … is not authorized to perform: … on resource: … because no identity-based policy
  // allows the … action"; "" when allowed.
  std::string message;
  // A ready statement {"Effect":"Allow","Action":"…","Resource":"…"} that, added to `source`,
  // would let it pass; "" when allowed or explicitly denied (no Allow helps there).
  std::string missing_statement;
};

AccessDecision DecideAccess(const AccessRequest& request);

// Trust policies for callers that are no principal of ours: `type` kFederated with a provider's ARN
// (sts:AssumeRoleWithWebIdentity) or kService with a service's name.
bool TrustAllows(const PolicyDocument& trust, PrincipalPattern::Type type, std::string_view caller,
                 std::string_view action, const ConditionContext& context);

}  // namespace hearth::auth
