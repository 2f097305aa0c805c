// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "api/sts/call.h"
#include "auth/access.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::api::sts {
namespace {

using access::QueryFault;

constexpr int64_t kDurationMin = 900;
constexpr int64_t kDurationMax = 43200;
constexpr int64_t kChainedMax = 3600;  // a role assumed by a role's session
constexpr size_t kPolicyArnsMax = 10;
constexpr size_t kTagsMax = 50;
constexpr size_t kTagKeyMax = 128;
constexpr size_t kTagValueMax = 256;

bool IsSessionNameCharacter(unsigned char c) {
  return std::isalnum(c) != 0 ||
         std::string_view("_+=,.@-").find(static_cast<char>(c)) != std::string_view::npos;
}

bool IsExternalIdCharacter(unsigned char c) {
  return IsSessionNameCharacter(c) || c == ':' || c == '/';
}

struct SessionTags {
  std::map<std::string, std::string> tags;
  std::vector<std::string> transitive;
};

absl::StatusOr<SessionTags> ReadSessionTags(Call& call) {
  SessionTags read;
  for (const access::QueryForm& tag : call.form.Structures("Tags")) {
    const std::string key(tag.Text("Key"));
    const std::string value(tag.Text("Value"));
    if (key.empty() || key.size() > kTagKeyMax || value.size() > kTagValueMax) {
      return QueryFault(400, "ValidationError",
                        fmt::format("Session tag '{}': a key has 1 to {} characters, a value at "
                                    "most {}",
                                    key, kTagKeyMax, kTagValueMax));
    }
    if (!read.tags.emplace(key, value).second) {
      return QueryFault(400, "InvalidParameterValue",
                        "Duplicate tag keys found. Please note that Tag keys are case "
                        "insensitive.");
    }
  }
  read.transitive = call.in.List("TransitiveTagKeys", kTagsMax, {false, 1, kTagKeyMax});
  if (read.tags.size() > kTagsMax) {
    return QueryFault(400, "ValidationError", fmt::format("At most {} session tags", kTagsMax));
  }
  const auth::Principal& caller = *call.caller->principal;
  for (const std::string& key : caller.transitive_tag_keys) {
    if (read.tags.contains(key)) {
      return QueryFault(400, "InvalidParameterValue",
                        fmt::format("One of the specified transitive tag keys can't be set "
                                    "because it conflicts with a transitive tag key from the "
                                    "calling session: {}",
                                    key));
    }
    const auto value = caller.tags.find(key);
    if (value == caller.tags.end()) continue;
    read.tags[key] = value->second;
    read.transitive.push_back(key);
  }
  return read;
}

// The keys that a trust policy may ask about.
auth::ConditionContext TrustContext(const Call& call, const RoleRequest& request,
                                    const catalog::IamRole& role, const SessionTags& tags,
                                    std::string_view source_identity) {
  auth::ConditionContext context =
      auth::StandardContext(*call.caller->principal, call.caller->facts);
  context.Set("sts:RoleSessionName", request.session_name);
  const std::string_view external = call.form.Text("ExternalId");
  if (!external.empty()) context.Set("sts:ExternalId", std::string(external));
  if (!source_identity.empty()) context.Set("sts:SourceIdentity", std::string(source_identity));
  std::vector<std::string> names;
  for (const auto& [key, value] : tags.tags) {
    context.Set("aws:RequestTag/" + key, value);
    names.push_back(key);
  }
  if (!names.empty()) context.SetMany("aws:TagKeys", std::move(names));
  if (!tags.transitive.empty()) context.SetMany("sts:TransitiveTagKeys", tags.transitive);
  for (const auto& [key, value] : role.tags) {
    context.Set("aws:ResourceTag/" + key, value);
    context.Set("iam:ResourceTag/" + key, value);
  }
  return context;
}

absl::Status Decide(const Call& call, const RoleRequest& request, const TrustedRole& found,
                    std::string_view action, const auth::ConditionContext& context) {
  const auto fields = Split(request.role_arn, ':');
  const std::string_view account = fields.size() >= 6 ? fields[4] : std::string_view();
  const auth::AccessRequest asked{*call.caller->principal, action, request.role_arn, context,
                                  found.trust.get(),       account};
  const auth::AccessDecision decision = auth::DecideAccess(asked);
  if (decision.allowed) return absl::OkStatus();
  const bool by_trust = decision.source == auth::PolicySource::kResource;
  return QueryFault({access::RefusalKind::kDenied, decision.message, decision.missing_statement,
                     by_trust ? "trust-policy" : "policy-identity",
                     call.gate.EncodeRefusal(asked, decision)});
}

}  // namespace

absl::StatusOr<RoleRequest> ReadRoleRequest(Call& call) {
  RoleRequest request;
  request.role_arn = call.in.Text("RoleArn", {true, 20, 2048});
  request.session_name =
      call.in.Text("RoleSessionName", {true, 2, 64, IsSessionNameCharacter, "[\\w+=,.@-]*"});
  request.seconds = call.in.Number("DurationSeconds", 3600, kDurationMin, kDurationMax);
  const std::string policy(call.form.Text("Policy"));
  for (const access::QueryForm& entry : call.form.Structures("PolicyArns")) {
    request.policy_arns.emplace_back(entry.Text("arn"));
    if (request.policy_arns.back().size() < 20) {
      call.in.Fail("PolicyArns", request.policy_arns.back(),
                   "Member must have length greater than or equal to 20");
    }
  }
  TRY(call.in.status());
  if (request.policy_arns.size() > kPolicyArnsMax) {
    return QueryFault(400, "ValidationError", fmt::format("At most {} PolicyArns", kPolicyArnsMax));
  }
  request.has_policies = !policy.empty() || !request.policy_arns.empty();
  if (policy.empty()) return request;
  if (policy.size() > auth::kSessionPolicyCharsMax) {
    return QueryFault(400, "PackedPolicyTooLarge",
                      fmt::format("Packed size of session policies and tags consumes {}% of the "
                                  "allotted space.",
                                  policy.size() * 100 / auth::kSessionPolicyCharsMax));
  }
  const auto parsed = auth::PolicyDocument::Parse(policy, auth::PolicyKind::kIdentity);
  if (!parsed.ok()) {
    return QueryFault(400, "MalformedPolicyDocument", Message(parsed.status()));
  }
  request.policies.push_back(policy);
  return request;
}

absl::StatusOr<TrustedRole> FindTrustedRole(Call& call, std::string_view arn) {
  TrustedRole found;
  auto role = call.objects.Read(
      [&](catalog::Reader& reader) { return access::FindRoleByArn(reader, arn); });
  if (!role.ok() && !absl::IsNotFound(role.status())) return role.status();
  constexpr std::string_view kNobody =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"nobody"},)"
      R"("Action":"sts:AssumeRole"}]})";
  found.exists = role.ok();
  TRY_ASSIGN(found.trust,
             auth::PolicyDocument::Parse(role.ok() ? std::string_view(role->trust_policy) : kNobody,
                                         auth::PolicyKind::kTrust));
  if (role.ok()) found.role = *std::move(role);
  return found;
}

absl::Status CheckDuration(const RoleRequest& request, const catalog::IamRole& role) {
  if (request.seconds <= role.max_session_seconds) return absl::OkStatus();
  return QueryFault(400, "ValidationError",
                    "The requested DurationSeconds exceeds the MaxSessionDuration set for this "
                    "role.");
}

void WriteCredentials(Call& call, const access::SessionCredentials& credentials) {
  call.out.Open("Credentials");
  call.out.Text("AccessKeyId", credentials.access_key_id);
  call.out.Text("SecretAccessKey", credentials.secret);
  call.out.Text("SessionToken", credentials.token);
  call.out.Time("Expiration", credentials.expires_ms);
  call.out.Close("Credentials");
}

absl::Status IssueAndWrite(Call& call, const RoleRequest& request, const catalog::IamRole& role,
                           auth::StsSession session) {
  session.has_session_policies = request.has_policies;
  session.session_policies = request.policies;
  session.session_policy_arns = request.policy_arns;
  TRY_ASSIGN(
      const auto credentials,
      access::IssueSession(call.objects, &session, call.clock.NowMs(), request.seconds, call.rng));
  call.out.Open("AssumedRoleUser");
  call.out.Text("AssumedRoleId", fmt::format("{}:{}", role.id, request.session_name));
  call.out.Text("Arn", auth::AssumedRoleArn(role.account, role.name, request.session_name));
  call.out.Close("AssumedRoleUser");
  WriteCredentials(call, credentials);
  if (request.has_policies) {
    size_t used = 0;
    for (const std::string& policy : request.policies) used += policy.size();
    call.out.Number("PackedPolicySize",
                    static_cast<int64_t>(used * 100 / auth::kSessionPolicyCharsMax));
  }
  return absl::OkStatus();
}

absl::Status AssumeRole(Call& call) {
  call.in.Text("ExternalId", {false, 2, 1224, IsExternalIdCharacter, "[\\w+=,.@:\\/-]*"});
  std::string source_identity =
      call.in.Text("SourceIdentity", {false, 2, 64, IsSessionNameCharacter, "[\\w+=,.@-]*"});
  TRY_ASSIGN(const RoleRequest request, ReadRoleRequest(call));
  TRY_ASSIGN(const SessionTags tags, ReadSessionTags(call));
  TRY(call.in.status());
  const auth::Principal& caller = *call.caller->principal;
  const bool sets_identity = !source_identity.empty();
  if (!caller.source_identity.empty()) {
    if (sets_identity && source_identity != caller.source_identity) {
      return QueryFault(403, "AccessDenied", "The source identity of a session cannot be changed");
    }
    source_identity = caller.source_identity;
  }
  TRY_ASSIGN(const TrustedRole found, FindTrustedRole(call, request.role_arn));
  const auto context = TrustContext(call, request, found.role, tags, source_identity);
  TRY(Decide(call, request, found, "sts:AssumeRole", context));
  if (!tags.tags.empty()) TRY(Decide(call, request, found, "sts:TagSession", context));
  if (sets_identity) TRY(Decide(call, request, found, "sts:SetSourceIdentity", context));
  TRY(CheckDuration(request, found.role));
  if (caller.kind == auth::PrincipalKind::kAssumedRole && request.seconds > kChainedMax) {
    return QueryFault(400, "ValidationError",
                      "The requested DurationSeconds exceeds the 1 hour session limit for roles "
                      "assumed by role chaining.");
  }
  auth::StsSession session = access::SessionOfRole(found.role, request.session_name);
  session.tags = tags.tags;
  session.transitive_tag_keys = tags.transitive;
  session.source_identity = source_identity;
  TRY(IssueAndWrite(call, request, found.role, std::move(session)));
  call.out.TextIf("SourceIdentity", source_identity);
  return absl::OkStatus();
}

}  // namespace hearth::api::sts
