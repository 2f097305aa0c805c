// SPDX-License-Identifier: Apache-2.0
#include "access/gate.h"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "auth/authorization_message.h"
#include "auth/basic.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/status.h"

namespace hearth::access {
namespace {

RefusalKind KindOf(auth::SigV4Error error) {
  switch (error) {
    case auth::SigV4Error::kNone:
    case auth::SigV4Error::kMissing:
      return RefusalKind::kMissing;
    case auth::SigV4Error::kIncomplete:
      return RefusalKind::kIncomplete;
    case auth::SigV4Error::kMismatch:
      return RefusalKind::kMismatch;
    case auth::SigV4Error::kUnknownKey:
      return RefusalKind::kUnknownKey;
    case auth::SigV4Error::kExpiredToken:
      return RefusalKind::kExpiredToken;
  }
  return RefusalKind::kMismatch;
}

using HeaderViews = std::vector<std::pair<std::string_view, std::string_view>>;

// Borrows from the request and from `headers`.
auth::SigV4Request ViewOf(const net::HttpRequest& request, HeaderViews* headers) {
  headers->reserve(request.headers.size());
  for (const net::HttpHeader& header : request.headers) {
    headers->emplace_back(header.name, header.value);
  }
  auth::SigV4Request view;
  view.method = request.method;
  view.raw_path = request.path;
  view.raw_query = request.query;
  view.headers = *headers;
  view.body = request.body;
  view.tls = request.tls;
  return view;
}

std::string_view ReasonOf(const auth::AccessDecision& decision) {
  if (decision.explicit_deny) return "policy-deny";
  switch (decision.source) {
    case auth::PolicySource::kBoundary:
      return "policy-boundary";
    case auth::PolicySource::kSession:
      return "policy-session";
    case auth::PolicySource::kResource:
      return "policy-resource";
    default:
      return "policy-identity";
  }
}

// Identity and principal share one allocation that the identity store owns.
std::shared_ptr<const auth::Principal> PrincipalOf(
    const std::shared_ptr<const catalog::Identity>& identity) {
  return {identity, &identity->principal};
}

}  // namespace

std::optional<Refusal> Gate::AuthorizeOn(const Caller& caller, std::string_view action,
                                         const Resource& resource) const {
  auth::ConditionContext context = auth::StandardContext(*caller.principal, caller.facts);
  if (resource.tags != nullptr) {
    for (const auto& [key, value] : *resource.tags) context.Set("aws:ResourceTag/" + key, value);
  }
  return Decide(
      {*caller.principal, action, resource.arn, context, resource.policy, resource.account});
}

Gate::Gate(Options options, catalog::IdentityStore& identities, const Clock& clock,
           Registry& metrics)
    : options_(std::move(options)),
      identities_(identities),
      clock_(clock),
      root_(std::make_shared<auth::Principal>(auth::RootPrincipal(options_.account))),
      refused_authentication_(metrics.AddCounter("hearth_access_refusals_total",
                                                 "Requests refused, by what was refused.",
                                                 {{"kind", "authentication"}})),
      refused_authorisation_(metrics.AddCounter("hearth_access_refusals_total",
                                                "Requests refused, by what was refused.",
                                                {{"kind", "authorisation"}})) {}

auth::RequestFacts Gate::FactsOf(const net::HttpRequest& request) const {
  auth::RequestFacts facts;
  facts.now_ms = clock_.NowMs();
  facts.source_ip = request.peer_address;
  facts.user_agent = request.headers.Find("User-Agent");
  facts.region = options_.region;
  facts.secure_transport = request.tls;
  return facts;
}

bool Gate::IsSigned(const net::HttpRequest& request) {
  HeaderViews headers;
  return auth::HasSigV4(ViewOf(request, &headers));
}

Identified Gate::Refuse(RefusalKind kind, std::string message, std::string_view reason) const {
  refused_authentication_.Add();
  Identified identified;
  identified.refusal = Refusal{kind, std::move(message), "", std::string(reason)};
  return identified;
}

Identified Gate::Identify(const net::HttpRequest& request, std::string_view service) const {
  if (!options_.enabled) {
    Identified identified;
    identified.caller = {root_, Via::kAuthOff, options_.region, FactsOf(request)};
    return identified;
  }
  HeaderViews headers;
  const auth::SigV4Request signed_request = ViewOf(request, &headers);
  if (auth::HasSigV4(signed_request)) return IdentifySigned(request, signed_request, service);
  if (auth::ParseBasic(request.headers.Find("Authorization"))) return IdentifyBasic(request);
  if (request.headers.Has("Authorization")) {
    return Refuse(RefusalKind::kIncomplete,
                  "Authorization header is neither AWS4-HMAC-SHA256 nor Basic with an access key",
                  "authorization-unknown");
  }
  return Refuse(RefusalKind::kMissing, "Missing Authentication Token", "signature-missing");
}

Identified Gate::IdentifySigned(const net::HttpRequest& request,
                                const auth::SigV4Request& signed_request,
                                std::string_view service) const {
  auth::SigV4Options options;
  options.expected_service = service;
  options.allow_unsigned_payload = true;  // SigV4 takes it over TLS only
  auth::SigV4Result result;
  auto identity = identities_.Authenticate(signed_request, options, &result);
  if (!identity.ok()) {
    log::Error("access", "identities cannot be read", {{"error", Message(identity.status())}});
    return Refuse(RefusalKind::kUnavailable, "The service cannot verify credentials at the moment",
                  "catalog-unavailable");
  }
  if (!result.ok()) return Refuse(KindOf(result.error), result.message, result.reason);
  Identified identified;
  identified.caller = {PrincipalOf(*identity), Via::kSigV4, result.identity.scope.region,
                       FactsOf(request)};
  identified.caller.facts.region = identified.caller.region;
  return identified;
}

Identified Gate::IdentifyBasic(const net::HttpRequest& request) const {
  if (!request.tls && !request.peer_is_loopback) {
    return Refuse(RefusalKind::kInsecure,
                  "HTTP Basic is accepted over TLS or from this machine only: the secret would "
                  "cross the network in the clear. Use the https listener",
                  "basic-in-the-clear");
  }
  const auto basic = auth::ParseBasic(request.headers.Find("Authorization"));
  auto identity = identities_.AuthenticateBasic(basic->user, basic->password);
  if (identity.ok()) {
    Identified identified;
    identified.caller = {PrincipalOf(*identity), Via::kBasic, options_.region, FactsOf(request)};
    return identified;
  }
  if (absl::IsUnauthenticated(identity.status()) || absl::IsNotFound(identity.status())) {
    return Refuse(RefusalKind::kUnknownKey,
                  "The access key or its secret in the Basic credentials is not valid",
                  "basic-wrong");
  }
  log::Error("access", "identities cannot be read", {{"error", Message(identity.status())}});
  return Refuse(RefusalKind::kUnavailable, "The service cannot verify credentials at the moment",
                "catalog-unavailable");
}

std::optional<Refusal> Gate::Authorize(const Caller& caller, std::string_view action,
                                       std::string_view resource, const ConditionKeys& keys) const {
  auth::ConditionContext context = auth::StandardContext(*caller.principal, caller.facts);
  for (const auto& [key, values] : keys) context.SetMany(key, values);
  // A catalog may hold more than one account (--account was changed, servers share a PostgreSQL):
  // what this server serves belongs to its own, and nobody else's policies speak for it.
  return Decide({*caller.principal, action, resource, context, nullptr, options_.account});
}

std::optional<Refusal> Gate::AuthorizePassRole(const Caller& caller, std::string_view role_arn,
                                               std::string_view service) const {
  return Authorize(caller, "iam:PassRole", role_arn,
                   {{"iam:PassedToService", {std::string(service)}}});
}

std::optional<Refusal> Gate::Decide(const auth::AccessRequest& request) const {
  const auth::AccessDecision decision = auth::DecideAccess(request);
  if (decision.allowed) return std::nullopt;
  refused_authorisation_.Add();
  return Refusal{RefusalKind::kDenied, decision.message, decision.missing_statement,
                 std::string(ReasonOf(decision)), EncodeRefusal(request, decision)};
}

std::string Gate::EncodeRefusal(const auth::AccessRequest& request,
                                const auth::AccessDecision& decision) const {
  if (options_.message_key.empty()) return "";
  return auth::SealAuthorizationMessage(request, decision, options_.message_key, clock_.NowMs(),
                                        SystemRng());
}

Gate::ConditionKeys RequestTagKeys(const catalog::Tags& tags) {
  Gate::ConditionKeys keys;
  std::vector<std::string> names;
  for (const auto& [key, value] : tags) {
    keys.push_back({"aws:RequestTag/" + key, {value}});
    names.push_back(key);
  }
  if (!names.empty()) keys.push_back({"aws:TagKeys", std::move(names)});
  return keys;
}

Gate::ConditionKeys TagNameKeys(std::vector<std::string> names) {
  return {{"aws:TagKeys", std::move(names)}};
}

void AddResourceTagKeys(const catalog::Tags& tags, Gate::ConditionKeys* keys) {
  for (const auto& [key, value] : tags) keys->push_back({"aws:ResourceTag/" + key, {value}});
}

}  // namespace hearth::access
