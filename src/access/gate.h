// SPDX-License-Identifier: Apache-2.0
// The door of every face: who makes this request, and may they do this? Signatures, key pairs and
// policies are judged in `auth`, looked up in `catalog`; here they meet an HTTP request.
//
//   access::Identified who = gate.Identify(request, "aps");
//   if (who.refusal) return AwsJsonRefusal(*who.refusal, …);
//   if (auto refused = gate.Authorize(who.caller, "aps:QueryMetrics", workspace_arn)) …
//
// Thread-safe. With Options::enabled false (benchmarks on loopback) everybody is the account's
// root.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/access.h"
#include "auth/policy.h"
#include "auth/principal.h"
#include "auth/sigv4.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "catalog/amp_workspaces.h"
#include "catalog/identity.h"
#include "net/http.h"

namespace hearth::access {

enum class Via { kNone, kSigV4, kBasic, kWorkspaceRole, kAuthOff };

// Who, and the facts of the request that policy conditions may ask for.
struct Caller {
  std::shared_ptr<const auth::Principal> principal;
  Via via = Via::kNone;
  std::string region;  // of the credential scope, else the server's default
  auth::RequestFacts facts;
};

enum class RefusalKind {
  kMissing,       // no credentials at all
  kIncomplete,    // a broken Authorization header
  kMismatch,      // wrong signature, scope or clock
  kUnknownKey,    // no such key, wrong password, not our session token
  kExpiredToken,  // was good once
  kInsecure,      // a key pair in the clear over a network
  kDenied,        // identified, but no policy allows it
  kUnavailable,   // the catalog cannot be read: nothing can be said
};

struct Refusal {
  RefusalKind kind = RefusalKind::kMissing;
  std::string message;
  std::string missing_statement;  // JSON; of kDenied, where an Allow would help
  std::string reason{};           // for machines, "clock-skew": header x-hearth-reason
  // Of kDenied: what sts:DecodeAuthorizationMessage opens (auth/authorization_message.h). "" where
  // there is none.
  std::string encoded_message{};
};

struct Identified {
  std::optional<Refusal> refusal;
  Caller caller;  // where not refused
};

class Gate {
 public:
  struct Options {
    bool enabled = true;
    std::string account;
    std::string region;
    // Seals the messages of refusals: the catalog's session key. "": refusals carry none.
    std::string message_key{};
  };
  Gate(Options options, catalog::IdentityStore& identities, const Clock& clock, Registry& metrics);

  // SigV4 (header or presigned) for `service` ("" for any), or HTTP Basic with a key pair over TLS
  // or loopback.
  Identified Identify(const net::HttpRequest& request, std::string_view service) const;
  // Whether it carries anything of a SigV4 signature, good or bad.
  static bool IsSigned(const net::HttpRequest& request);
  auth::RequestFacts FactsOf(const net::HttpRequest& request) const;

  // Nothing where it is allowed.
  std::optional<Refusal> Authorize(const Caller& caller, std::string_view action,
                                   std::string_view resource) const {
    return Authorize(caller, action, resource, {});
  }
  // With what policies may ask about the request and its resource beside the standard keys:
  // {"aws:RequestTag/team", {"a"}}, {"aws:ResourceTag/team", {"b"}}, {"aws:TagKeys", {"team"}}.
  using ConditionKeys = std::vector<std::pair<std::string, std::vector<std::string>>>;
  std::optional<Refusal> Authorize(const Caller& caller, std::string_view action,
                                   std::string_view resource, const ConditionKeys& keys) const;
  // Giving a role to a service ("grafana.amazonaws.com") takes iam:PassRole on the role, beside the
  // right to the call itself:
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
  std::optional<Refusal> AuthorizePassRole(const Caller& caller, std::string_view role_arn,
                                           std::string_view service) const;

  // A resource that may have a policy and tags of its own. All is borrowed for the call.
  struct Resource {
    std::string_view arn;
    std::string_view account;
    const auth::PolicyDocument* policy = nullptr;  // null: none
    const catalog::Tags* tags = nullptr;           // null: none
  };
  // Callers of another account need both sides, those of its own either (auth/access.h).
  std::optional<Refusal> AuthorizeOn(const Caller& caller, std::string_view action,
                                     const Resource& resource) const;

  // A decision that a face took itself with auth::DecideAccess, as Refusal::encoded_message.
  std::string EncodeRefusal(const auth::AccessRequest& request,
                            const auth::AccessDecision& decision) const;

  const Options& options() const { return options_; }

 private:
  std::optional<Refusal> Decide(const auth::AccessRequest& request) const;
  Identified IdentifySigned(const net::HttpRequest& request,
                            const auth::SigV4Request& signed_request,
                            std::string_view service) const;
  Identified IdentifyBasic(const net::HttpRequest& request) const;
  Identified Refuse(RefusalKind kind, std::string message, std::string_view reason) const;

  const Options options_;
  catalog::IdentityStore& identities_;
  const Clock& clock_;
  std::shared_ptr<const auth::Principal> root_;
  Counter& refused_authentication_;
  Counter& refused_authorisation_;
};

// Tags as condition keys: those of a request (aws:RequestTag/…, aws:TagKeys), the names that an
// untagging call gives (aws:TagKeys), and those that a resource has (aws:ResourceTag/…).
Gate::ConditionKeys RequestTagKeys(const catalog::Tags& tags);
Gate::ConditionKeys TagNameKeys(std::vector<std::string> names);
void AddResourceTagKeys(const catalog::Tags& tags, Gate::ConditionKeys* keys);

}  // namespace hearth::access
