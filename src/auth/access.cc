// SPDX-License-Identifier: Apache-2.0
#include "auth/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "auth/iso_time.h"
#include "base/json_text.h"
#include "base/text.h"

namespace hearth::auth {
namespace {

// How a resource policy's Allow names the principal, weakest first.
enum class Grant { kNone, kAccount, kWildcard, kRole, kExact };

// What one kind of policy says about a request.
struct Finding {
  bool allowed = false;
  bool denied = false;
  Grant grant = Grant::kNone;  // resource policies
  std::string policy;          // of the deny, else of the allow
  std::string statement;
  const Statement* deny = nullptr;  // the first
};

bool NamesAccount(std::string_view value, std::string_view account) {
  return value == account || value == RootArn(account);
}

Grant GrantOf(const PrincipalPattern& pattern, const Principal& principal) {
  if (pattern.type == PrincipalPattern::Type::kAny) return Grant::kWildcard;
  if (pattern.type != PrincipalPattern::Type::kAws) return Grant::kNone;
  const std::string& value = pattern.value;
  if (value == "*") return Grant::kWildcard;
  if (NamesAccount(value, principal.account)) return Grant::kAccount;
  if (value == principal.arn || value == principal.user_id) return Grant::kExact;
  if (principal.kind != PrincipalKind::kAssumedRole) return Grant::kNone;
  // A role by its unique id (AROA…) or ARN.
  bool by_id = principal.user_id.substr(0, principal.user_id.find(':')) == value;
  return value == principal.role_arn || by_id ? Grant::kRole : Grant::kNone;
}

Grant GrantOf(const Statement& statement, const Principal& principal) {
  Grant best = Grant::kNone;
  for (const PrincipalPattern& pattern : statement.principals) {
    best = std::max(best, GrantOf(pattern, principal));
  }
  if (!statement.not_principal) return best;
  return best == Grant::kNone ? Grant::kWildcard : Grant::kNone;
}

bool Applies(const Statement& statement, const PolicyDocument& document,
             const AccessRequest& request) {
  bool variables = document.has_variables();
  if (!MatchesAction(statement.actions, request.action)) return false;
  if (!MatchesResource(statement.resources, request.resource, request.context, variables,
                       statement.allow)) {
    return false;
  }
  return std::all_of(
      statement.conditions.begin(), statement.conditions.end(),
      [&](const Condition& condition) { return Holds(condition, request.context, variables); });
}

// Reads one document into `finding`; the first deny, else the first allow, is remembered.
void Read(const NamedPolicy& policy, const AccessRequest& request, bool by_principal,
          Finding* finding) {
  if (policy.document == nullptr) return;
  size_t number = 0;
  for (const Statement& statement : policy.document->statements()) {
    ++number;
    Grant grant = Grant::kExact;
    if (by_principal) grant = GrantOf(statement, request.principal);
    if (grant == Grant::kNone || !Applies(statement, *policy.document, request)) continue;
    bool first = statement.allow ? !finding->allowed && !finding->denied : !finding->denied;
    if (first) {
      finding->policy = policy.name;
      finding->statement = statement.sid.empty() ? fmt::format("#{}", number) : statement.sid;
    }
    if (!statement.allow) {
      if (!finding->denied) finding->deny = &statement;
      finding->denied = true;
      continue;
    }
    finding->allowed = true;
    finding->grant = std::max(finding->grant, grant);
  }
}

Finding ReadAll(const std::vector<NamedPolicy>& policies, const AccessRequest& request) {
  Finding finding;
  for (const NamedPolicy& policy : policies) Read(policy, request, false, &finding);
  return finding;
}

Finding ReadResourcePolicy(const AccessRequest& request) {
  Finding finding;
  if (request.resource_policy == nullptr) return finding;
  // Borrowed for the call: an aliasing pointer that owns nothing.
  NamedPolicy policy{"resource policy", std::shared_ptr<const PolicyDocument>(
                                            std::shared_ptr<void>(), request.resource_policy)};
  Read(policy, request, true, &finding);
  return finding;
}

std::string_view SourceText(PolicySource source) {
  switch (source) {
    case PolicySource::kBoundary:
      return "permissions boundary";
    case PolicySource::kSession:
      return "session policy";
    case PolicySource::kResource:
      return "resource-based policy";
    default:
      return "identity-based policy";
  }
}

std::string Refusal(const AccessRequest& request) {
  return fmt::format("User: {} is not authorized to perform: {} on resource: {}",
                     request.principal.arn, request.action, request.resource);
}

AccessDecision Denied(const AccessRequest& request, PolicySource source, const Finding& finding) {
  AccessDecision decision;
  decision.explicit_deny = true;
  decision.source = source;
  decision.policy_name = finding.policy;
  decision.statement_id = finding.statement;
  decision.denied_by = finding.deny;
  std::string_view article = source == PolicySource::kIdentity ? "an" : "a";
  decision.message = fmt::format("{} with an explicit deny in {} {}", Refusal(request), article,
                                 SourceText(source));
  return decision;
}

AccessDecision NotAllowed(const AccessRequest& request, PolicySource source) {
  AccessDecision decision;
  decision.source = source;
  decision.message = fmt::format("{} because no {} allows the {} action", Refusal(request),
                                 SourceText(source), request.action);
  std::string& statement = decision.missing_statement;
  statement = R"({"Effect":"Allow")";
  if (source == PolicySource::kResource) {
    const Principal& principal = request.principal;
    statement += R"(,"Principal":{"AWS":)";
    AppendJsonString(principal.role_arn.empty() ? principal.arn : principal.role_arn, &statement);
    statement += '}';
  }
  statement += R"(,"Action":)";
  AppendJsonString(request.action, &statement);
  bool trust = source == PolicySource::kResource && request.resource_policy != nullptr &&
               request.resource_policy->kind() == PolicyKind::kTrust;
  if (!trust) {
    statement += R"(,"Resource":)";
    AppendJsonString(request.resource, &statement);
  }
  statement += '}';
  return decision;
}

AccessDecision Allowed(PolicySource source, const Finding& finding) {
  AccessDecision decision;
  decision.allowed = true;
  decision.source = source;
  decision.policy_name = finding.policy;
  decision.statement_id = finding.statement;
  return decision;
}

bool Conditioned(const Statement& statement, const ConditionContext& context, bool variables) {
  return std::all_of(
      statement.conditions.begin(), statement.conditions.end(),
      [&](const Condition& condition) { return Holds(condition, context, variables); });
}

}  // namespace

AccessDecision DecideAccess(const AccessRequest& request) {
  const Principal& principal = request.principal;
  bool other_account =
      !request.resource_account.empty() && request.resource_account != principal.account;
  bool root = principal.kind == PrincipalKind::kRoot;
  Finding identity = ReadAll(principal.identity_policies, request);
  Finding boundary = ReadAll(principal.boundary, request);
  Finding session = ReadAll(principal.session_policies, request);
  Finding resource = ReadResourcePolicy(request);
  if (identity.denied) return Denied(request, PolicySource::kIdentity, identity);
  if (boundary.denied) return Denied(request, PolicySource::kBoundary, boundary);
  if (session.denied) return Denied(request, PolicySource::kSession, session);
  if (resource.denied) return Denied(request, PolicySource::kResource, resource);

  bool within_boundary = principal.boundary.empty() || boundary.allowed;
  bool within_session = !principal.has_session_policies || session.allowed;
  bool identity_side = (root || identity.allowed) && within_boundary && within_session;
  // A role is assumed only as its trust policy says, whatever the caller's own policies allow.
  bool trust =
      request.resource_policy != nullptr && request.resource_policy->kind() == PolicyKind::kTrust;
  bool needs_resource = other_account || trust;

  if (needs_resource && resource.grant == Grant::kNone) {
    return NotAllowed(request, PolicySource::kResource);
  }
  if (identity_side) {
    if (needs_resource) return Allowed(PolicySource::kResource, resource);
    return Allowed(root ? PolicySource::kRoot : PolicySource::kIdentity, identity);
  }
  if (!other_account) {
    bool direct = resource.grant == Grant::kExact ||
                  (resource.grant >= Grant::kWildcard && within_boundary && within_session);
    if (direct) return Allowed(PolicySource::kResource, resource);
  }
  if (!root && !identity.allowed) return NotAllowed(request, PolicySource::kIdentity);
  return NotAllowed(request, within_boundary ? PolicySource::kSession : PolicySource::kBoundary);
}

bool TrustAllows(const PolicyDocument& trust, PrincipalPattern::Type type, std::string_view caller,
                 std::string_view action, const ConditionContext& context) {
  bool allowed = false;
  for (const Statement& statement : trust.statements()) {
    bool named = std::any_of(
        statement.principals.begin(), statement.principals.end(), [&](const PrincipalPattern& p) {
          return p.type == PrincipalPattern::Type::kAny || (p.type == type && p.value == caller);
        });
    if (named == statement.not_principal) continue;
    if (!MatchesAction(statement.actions, action)) continue;
    if (!Conditioned(statement, context, trust.has_variables())) continue;
    if (!statement.allow) return false;
    allowed = true;
  }
  return allowed;
}

ConditionContext FactsContext(const RequestFacts& facts) {
  ConditionContext context;
  context.Set("aws:CurrentTime", FormatIsoDate(facts.now_ms));
  context.Set("aws:EpochTime", std::to_string(facts.now_ms / 1000));
  context.Set("aws:SecureTransport", facts.secure_transport ? "true" : "false");
  if (!facts.source_ip.empty()) context.Set("aws:SourceIp", facts.source_ip);
  if (!facts.user_agent.empty()) context.Set("aws:UserAgent", facts.user_agent);
  if (!facts.region.empty()) context.Set("aws:RequestedRegion", facts.region);
  return context;
}

ConditionContext StandardContext(const Principal& principal, const RequestFacts& facts) {
  ConditionContext context = FactsContext(facts);
  // The role, not the session: policies name roles.
  context.Set("aws:PrincipalArn", principal.role_arn.empty() ? principal.arn : principal.role_arn);
  context.Set("aws:PrincipalAccount", principal.account);
  context.Set("aws:userid", principal.user_id);
  switch (principal.kind) {
    case PrincipalKind::kRoot:
      context.Set("aws:PrincipalType", "Account");
      break;
    case PrincipalKind::kUser:
      context.Set("aws:PrincipalType", "User");
      context.Set("aws:username", principal.user_name);
      break;
    case PrincipalKind::kAssumedRole:
      context.Set("aws:PrincipalType", "AssumedRole");
      break;
  }
  for (const auto& [key, value] : principal.tags) context.Set("aws:PrincipalTag/" + key, value);
  if (!principal.source_identity.empty()) {
    context.Set("aws:SourceIdentity", principal.source_identity);
  }
  if (!principal.federated_provider.empty()) {
    context.Set("aws:FederatedProvider", principal.federated_provider);
  }
  if (principal.token_issued_ms != 0) {
    context.Set("aws:TokenIssueTime", FormatIsoDate(principal.token_issued_ms));
  }
  return context;
}

}  // namespace hearth::auth
