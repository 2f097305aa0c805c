// SPDX-License-Identifier: Apache-2.0
// Who makes a request, with everything that policy evaluation needs to know about it. A value:
// copy it, keep it for the length of a request. Policies are immutable and shared.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::auth {

class PolicyDocument;

enum class PrincipalKind {
  kRoot,         // arn:aws:iam::A:root: may do everything in its own account
  kUser,         // arn:aws:iam::A:user/path/name
  kAssumedRole,  // arn:aws:sts::A:assumed-role/name/session
};

// A policy with the name under which refusals mention it ("inline:ingest", a policy's ARN).
struct NamedPolicy {
  std::string name;
  std::shared_ptr<const PolicyDocument> document;
};

struct Principal {
  PrincipalKind kind = PrincipalKind::kUser;
  std::string account;        // 12 digits
  std::string arn;            // as GetCallerIdentity gives it
  std::string user_id;        // the account for root, AIDA… for users, AROA…:session for roles
  std::string user_name;      // IAM users; "" else
  std::string role_arn;       // assumed roles: arn:aws:iam::A:role/path/name; "" else
  std::string session_name;   // assumed roles
  std::string access_key_id;  // what it signed with; "" where it signed nothing
  std::string source_identity;
  std::string federated_provider;  // ARN of the OIDC provider of a web-identity session; "" else
  int64_t token_issued_ms = 0;     // sessions; 0 else
  std::map<std::string, std::string> tags;       // aws:PrincipalTag/…, session tags included
  std::vector<std::string> transitive_tag_keys;  // of `tags`: handed on to roles it assumes

  std::vector<NamedPolicy> identity_policies;
  // Present: what is not allowed here too is refused.
  std::vector<NamedPolicy> boundary;          // empty, or one
  bool has_session_policies = false;          // then what `session_policies` allow is the most
  std::vector<NamedPolicy> session_policies;  // union of Policy and PolicyArns
};

std::string RootArn(std::string_view account);
// `path` begins and ends with '/'.
std::string UserArn(std::string_view account, std::string_view path, std::string_view name);
std::string RoleArn(std::string_view account, std::string_view path, std::string_view name);
std::string AssumedRoleArn(std::string_view account, std::string_view role_name,
                           std::string_view session_name);

// The account's root user, which needs no policies.
Principal RootPrincipal(std::string_view account);

}  // namespace hearth::auth
