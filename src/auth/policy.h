// SPDX-License-Identifier: Apache-2.0
// IAM policy documents: parsing and what they say about one statement at a time. The decision over
// all policies of a request is access.h.
//
// Language: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
// All elements (Action/NotAction, Resource/NotResource, Principal/NotPrincipal, Condition), all
// condition operators with IfExists, ForAnyValue and ForAllValues, policy variables with defaults.
// Immutable after parsing, thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/condition.h"

namespace hearth::auth {

enum class PolicyKind {
  kIdentity,  // attached to users, groups, roles; boundaries; session policies: no Principal
  kResource,  // attached to a resource: Principal and Resource
  kTrust,     // a role's AssumeRolePolicyDocument: Principal, no Resource
};

// A list that is `Action` or `NotAction`, `Resource` or `NotResource`.
struct PatternList {
  bool present = false;
  bool negated = false;
  std::vector<std::string> patterns;
};

struct PrincipalPattern {
  enum class Type { kAny, kAws, kFederated, kService, kCanonicalUser };
  Type type = Type::kAny;
  std::string value;  // "*", an account, an ARN, a service's name
};

struct Statement {
  std::string sid;
  bool allow = false;
  PatternList actions;
  PatternList resources;
  bool has_principal = false;
  bool not_principal = false;
  std::vector<PrincipalPattern> principals;
  std::vector<Condition> conditions;  // all must hold
};

class PolicyDocument {
 public:
  // Errors are InvalidArgument with IAM's wording for MalformedPolicyDocument.
  static absl::StatusOr<std::shared_ptr<const PolicyDocument>> Parse(std::string_view json,
                                                                     PolicyKind kind);
  const std::vector<Statement>& statements() const { return statements_; }
  const std::string& version() const { return version_; }
  // Policy variables are replaced from version 2012-10-17 on; before, "${" is plain text.
  bool has_variables() const { return version_ != "2008-10-17"; }
  PolicyKind kind() const { return kind_; }

 private:
  PolicyDocument() = default;
  friend class PolicyParser;
  std::string version_ = "2008-10-17";  // the default where a document names none
  PolicyKind kind_ = PolicyKind::kIdentity;
  std::vector<Statement> statements_;
};

// Size limits of IAM, in characters; the caller enforces them with its own error.
inline constexpr size_t kManagedPolicyCharsMax = 6144;
inline constexpr size_t kRoleInlinePolicyCharsMax = 10240;
inline constexpr size_t kUserInlinePolicyCharsMax = 2048;
inline constexpr size_t kTrustPolicyCharsMax = 2048;
inline constexpr size_t kSessionPolicyCharsMax = 2048;
// What Parse itself refuses, whatever the caller does: bounds the work on foreign bytes.
inline constexpr size_t kPolicyBytesMax = 64 * 1024;

// The pieces of evaluation, for access.h and for simulators.
// Actions compare without case; `*` and `?` are wildcards.
bool MatchesAction(const PatternList& actions, std::string_view action);
// Resources compare by the six ARN fields, each with wildcards; "*" is all. A missing list (trust
// policies) matches everything. A pattern whose variable has no value matches nothing, and a
// NotResource with one lets no Allow pass (`allow`) while a Deny holds.
bool MatchesResource(const PatternList& resources, std::string_view resource,
                     const ConditionContext& context, bool variables, bool allow);

}  // namespace hearth::auth
