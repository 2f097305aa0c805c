// SPDX-License-Identifier: Apache-2.0
// AssumeRoleWithWebIdentity, the heart of IRSA: a token of an OIDC issuer for a session of a role.
// Unsigned, so nothing is believed before the issuer's key has verified it. Codes and texts:
// aws-contract.md §7.2; x-hearth-reason tells apart what AWS's codes put together.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/sts/call.h"
#include "auth/access.h"
#include "base/status.h"
#include "base/text.h"
#include "catalog/eks.h"

namespace hearth::api::sts {
namespace {

using access::QueryFault;
using Json = nlohmann::json;

constexpr std::string_view kAction = "sts:AssumeRoleWithWebIdentity";
constexpr std::string_view kTagsClaim = "https://aws.amazon.com/tags";

absl::Status BadToken(std::string_view reason, std::string_view message) {
  return access::WithReason(QueryFault(400, "InvalidIdentityToken", message), reason);
}

absl::Status NotAJwt() {
  return BadToken("token-malformed",
                  "The ID Token provided is not a valid JWT. (You may see this error if you sent "
                  "an Access Token)");
}

// "https://host/path/" → "host/path", as providers are kept and condition keys are named.
std::string ProviderUrl(std::string_view issuer) {
  const size_t scheme = issuer.find("://");
  if (scheme != std::string_view::npos) issuer.remove_prefix(scheme + 3);
  while (issuer.ends_with('/')) issuer.remove_suffix(1);
  return std::string(issuer);
}

absl::Status KeyFault(const absl::Status& status, std::string_view issuer) {
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
    return access::WithReason(
        QueryFault(400, "IDPCommunicationError",
                   fmt::format("The identity provider could not be reached to verify the token: "
                               "{} ({})",
                               issuer, Message(status))),
        "issuer-unreachable");
  }
  if (absl::IsResourceExhausted(status)) {
    return QueryFault(400, "Throttling", "Rate exceeded: too many identity providers are asked");
  }
  if (absl::IsInvalidArgument(status)) return NotAJwt();
  constexpr std::string_view kNoKey =
      "Couldn't retrieve verification key from your identity provider, please reference "
      "AssumeRoleWithWebIdentity documentation for requirements";
  if (absl::IsNotFound(status)) return BadToken("token-key-unknown", kNoKey);
  if (absl::IsUnauthenticated(status)) return BadToken("token-signature-wrong", kNoKey);
  return BadToken("issuer-not-https", kNoKey);
}

absl::Status CheckTimes(const crypto::Jwt& jwt, int64_t now_ms) {
  if (!jwt.expires_ms) {
    return BadToken("token-without-expiry", "The ID Token provided has no expiration date (exp)");
  }
  if (now_ms >= *jwt.expires_ms) {
    return access::WithReason(
        QueryFault(400, "ExpiredTokenException",
                   fmt::format("Token expired: current date/time {} must be before the expiration "
                               "date/time {}",
                               now_ms / 1000, *jwt.expires_ms / 1000)),
        "token-expired");
  }
  // A cluster's clock may be a little ahead of ours.
  constexpr int64_t kSkewMs = 300'000;
  if (jwt.not_before_ms && now_ms + kSkewMs < *jwt.not_before_ms) {
    return BadToken("token-not-yet-valid",
                    fmt::format("Token not yet valid: current date/time {} must not be before {}",
                                now_ms / 1000, *jwt.not_before_ms / 1000));
  }
  return absl::OkStatus();
}

// What the issuer is known by, beside its URL.
absl::StatusOr<access::OidcKeys::Known> KnownIssuer(Call& call, std::string_view account,
                                                    std::string_view issuer) {
  const auto cluster = call.objects.Read([&](catalog::Reader& reader) {
    return catalog::FindEksClusterByIssuer(reader, account, issuer);
  });
  access::OidcKeys::Known known;
  if (absl::IsNotFound(cluster.status())) return known;
  TRY(cluster.status());
  known.jwks = cluster->jwks;
  known.ca_pem = cluster->ca_pem;
  return known;
}

struct Verified {
  crypto::Jwt jwt;
  catalog::OidcProvider provider;
};

absl::StatusOr<Verified> VerifyToken(Call& call, const std::string& token,
                                     std::string_view account) {
  const auto claimed = crypto::ParseJwtUnverified(token);
  if (!claimed.ok()) return NotAJwt();
  const std::string url = ProviderUrl(claimed->issuer);
  Verified verified;
  auto provider = call.objects.Read(
      [&](catalog::Reader& reader) { return catalog::GetOidcProvider(reader, account, url); });
  if (absl::IsNotFound(provider.status()) || url.empty()) {
    return BadToken(
        "issuer-unknown",
        fmt::format("No OpenIDConnect provider found in your account for {}", claimed->issuer));
  }
  TRY(provider.status());
  verified.provider = *std::move(provider);
  TRY_ASSIGN(const auto known, KnownIssuer(call, account, claimed->issuer));
  auto jwt = call.keys.Verify(token, claimed->issuer, known);
  if (!jwt.ok()) return KeyFault(jwt.status(), claimed->issuer);
  verified.jwt = *std::move(jwt);
  TRY(CheckTimes(verified.jwt, call.clock.NowMs()));
  const auto& ids = verified.provider.client_ids;
  const auto& audience = verified.jwt.audience;
  const bool meant = std::any_of(audience.begin(), audience.end(), [&](const std::string& aud) {
    return std::find(ids.begin(), ids.end(), aud) != ids.end();
  });
  if (!meant) return BadToken("token-audience", "Incorrect token audience");
  return verified;
}

// Session tags out of the claim that AWS names for them:
// {"principal_tags": {"Project": ["a"]}, "transitive_tag_keys": ["Project"]}.
void ReadTagsClaim(const Json& payload, auth::StsSession* session) {
  const auto claim = payload.find(kTagsClaim);
  if (claim == payload.end() || !claim->is_object()) return;
  const auto tags = claim->find("principal_tags");
  if (tags != claim->end() && tags->is_object()) {
    for (const auto& [key, values] : tags->items()) {
      const Json& value = values.is_array() && !values.empty() ? values.front() : values;
      if (value.is_string()) session->tags[key] = value.get<std::string>();
    }
  }
  const auto transitive = claim->find("transitive_tag_keys");
  if (transitive == claim->end() || !transitive->is_array()) return;
  for (const Json& key : *transitive) {
    if (key.is_string()) session->transitive_tag_keys.push_back(key.get<std::string>());
  }
}

auth::ConditionContext TrustContext(const Call& call, const Verified& verified,
                                    const RoleRequest& request, const TrustedRole& found,
                                    const auth::StsSession& session) {
  // The caller is no principal of ours: of the standard keys only the request's facts are there.
  auth::ConditionContext context = auth::FactsContext(call.facts);
  const std::string& url = verified.provider.url;
  context.Set(url + ":sub", verified.jwt.subject);
  context.SetMany(url + ":aud", verified.jwt.audience);
  context.Set("aws:FederatedProvider", catalog::OidcProviderArn(verified.provider.account, url));
  context.Set("sts:RoleSessionName", request.session_name);
  const Json payload = Json::parse(verified.jwt.payload_json, nullptr, false);
  for (const char* name : {"amr", "azp", "email", "oaud"}) {
    const auto claim = payload.find(name);
    if (claim == payload.end()) continue;
    if (claim->is_string()) context.Set(url + ":" + name, claim->get<std::string>());
    if (claim->is_array()) {
      std::vector<std::string> values;
      for (const Json& value : *claim) {
        if (value.is_string()) values.push_back(value.get<std::string>());
      }
      context.SetMany(url + ":" + name, std::move(values));
    }
  }
  std::vector<std::string> names;
  for (const auto& [key, value] : session.tags) {
    context.Set("aws:RequestTag/" + key, value);
    names.push_back(key);
  }
  if (!names.empty()) context.SetMany("aws:TagKeys", std::move(names));
  for (const auto& [key, value] : found.role.tags) context.Set("aws:ResourceTag/" + key, value);
  return context;
}

// The statement that the role's trust policy lacks for this token.
std::string MissingTrust(const Verified& verified, std::string_view action) {
  const std::string& url = verified.provider.url;
  const std::string aud = verified.jwt.audience.empty() ? "" : verified.jwt.audience.front();
  nlohmann::ordered_json statement = {
      {"Effect", "Allow"},
      {"Principal", {{"Federated", catalog::OidcProviderArn(verified.provider.account, url)}}},
      {"Action", action},
      {"Condition",
       {{"StringEquals", {{url + ":sub", verified.jwt.subject}, {url + ":aud", aud}}}}}};
  return statement.dump(-1, ' ', true, Json::error_handler_t::replace);
}

absl::Status CheckTrust(const TrustedRole& found, const Verified& verified, std::string_view action,
                        const auth::ConditionContext& context) {
  const std::string arn =
      catalog::OidcProviderArn(verified.provider.account, verified.provider.url);
  if (found.exists && auth::TrustAllows(*found.trust, auth::PrincipalPattern::Type::kFederated, arn,
                                        action, context)) {
    return absl::OkStatus();
  }
  return access::WithReason(
      QueryFault({access::RefusalKind::kDenied, fmt::format("Not authorized to perform {}", action),
                  MissingTrust(verified, action)}),
      "trust-policy");
}

}  // namespace

absl::Status AssumeRoleWithWebIdentity(Call& call) {
  // Token files end in a newline, and clients send them as they are.
  const std::string token(TrimSpace(call.in.Text("WebIdentityToken", {true, 4, 20000})));
  TRY_ASSIGN(const RoleRequest request, ReadRoleRequest(call));
  if (call.form.Has("ProviderId")) {
    return QueryFault(400, "ValidationError",
                      "ProviderId is for OAuth 2.0 access tokens: leave it out with an OpenID "
                      "Connect token");
  }
  const auto fields = Split(request.role_arn, ':');
  if (fields.size() != 6 || fields[2] != "iam" || !fields[5].starts_with("role/")) {
    return QueryFault(400, "ValidationError", fmt::format("{} is invalid", request.role_arn));
  }
  TRY_ASSIGN(const Verified verified, VerifyToken(call, token, fields[4]));
  TRY_ASSIGN(const TrustedRole found, FindTrustedRole(call, request.role_arn));
  auth::StsSession session = access::SessionOfRole(found.role, request.session_name);
  ReadTagsClaim(Json::parse(verified.jwt.payload_json, nullptr, false), &session);
  const auto context = TrustContext(call, verified, request, found, session);
  TRY(CheckTrust(found, verified, kAction, context));
  if (!session.tags.empty()) TRY(CheckTrust(found, verified, "sts:TagSession", context));
  TRY(CheckDuration(request, found.role));
  const std::string provider =
      catalog::OidcProviderArn(verified.provider.account, verified.provider.url);
  session.federated_provider = provider;
  call.out.Text("SubjectFromWebIdentityToken", verified.jwt.subject);
  const auto& ids = verified.provider.client_ids;
  for (const std::string& aud : verified.jwt.audience) {
    if (std::find(ids.begin(), ids.end(), aud) == ids.end()) continue;
    call.out.Text("Audience", aud);
    break;
  }
  TRY(IssueAndWrite(call, request, found.role, std::move(session)));
  call.out.Text("Provider", provider);
  return absl::OkStatus();
}

}  // namespace hearth::api::sts
