// SPDX-License-Identifier: Apache-2.0
#include "api/sts/sts.h"

#include <fmt/format.h>

#include <algorithm>

#include "access/query_protocol.h"
#include "api/sts/call.h"
#include "auth/authorization_message.h"
#include "base/status.h"
#include "catalog/credentials.h"

namespace hearth::api {
namespace sts {

using access::QueryFault;

absl::Status GetCallerIdentity(Call& call) {
  const auth::Principal& principal = *call.caller->principal;
  call.out.Text("Arn", principal.arn);
  call.out.Text("UserId", principal.user_id);
  call.out.Text("Account", principal.account);
  return absl::OkStatus();
}

namespace {

constexpr int64_t kSessionTokenDefault = 43200;
constexpr int64_t kSessionTokenMax = 129600;
constexpr int64_t kRootSessionTokenMax = 3600;
// A form of the largest token (20,000), policy and ten ARNs, percent-encoded, stays well below.
constexpr size_t kUnsignedBodyMax = 128 * 1024;

struct Operation {
  std::string_view name;
  absl::Status (*run)(Call& call);
  bool is_signed = true;
};

// Explicit refusals: what hearth has no use for, and what to do in its place.
absl::Status NoSaml(Call&) {
  return QueryFault(501, "NotImplemented",
                    "AssumeRoleWithSAML is not part of this version of hearth: use "
                    "AssumeRoleWithWebIdentity with an OIDC provider, or AssumeRole");
}

absl::Status NoFederation(Call&) {
  return QueryFault(501, "NotImplemented",
                    "GetFederationToken is not part of this version of hearth: use AssumeRole with "
                    "a session policy");
}

constexpr Operation kOperations[] = {
    {"GetCallerIdentity", GetCallerIdentity},
    {"AssumeRole", AssumeRole},
    {"AssumeRoleWithWebIdentity", AssumeRoleWithWebIdentity, false},
    {"AssumeRoleWithSAML", NoSaml, false},
    {"GetSessionToken", GetSessionToken},
    {"GetFederationToken", NoFederation},
    {"GetAccessKeyInfo", GetAccessKeyInfo},
    {"DecodeAuthorizationMessage", DecodeAuthorizationMessage},
    {"GetCallerAccess", GetCallerAccess},
};

const Operation* Find(const access::QueryForm& form) {
  if (form.Text("Version") != access::kStsService.version) return nullptr;
  for (const Operation& operation : kOperations) {
    if (operation.name == form.action()) return &operation;
  }
  return nullptr;
}

}  // namespace

absl::Status GetSessionToken(Call& call) {
  const int64_t seconds =
      call.in.Number("DurationSeconds", kSessionTokenDefault, 900, kSessionTokenMax);
  TRY(call.in.status());
  const auth::Principal& caller = *call.caller->principal;
  // Sessions cannot make sessions of themselves (aws-contract.md §7.3).
  if (caller.kind == auth::PrincipalKind::kAssumedRole || caller.token_issued_ms != 0) {
    return QueryFault(403, "AccessDenied", "Cannot call GetSessionToken with session credentials");
  }
  const bool root = caller.kind == auth::PrincipalKind::kRoot;
  auth::StsSession session;
  session.kind = root ? auth::SessionKind::kRoot : auth::SessionKind::kUser;
  session.account = caller.account;
  session.name = caller.user_name;
  session.unique_id = caller.user_id;
  TRY_ASSIGN(
      const auto credentials,
      access::IssueSession(call.objects, &session, call.clock.NowMs(),
                           root ? std::min(seconds, kRootSessionTokenMax) : seconds, call.rng));
  WriteCredentials(call, credentials);
  return absl::OkStatus();
}

absl::Status GetAccessKeyInfo(Call& call) {
  const std::string id = call.in.Text("AccessKeyId", {true, 16, 128});
  TRY(call.in.status());
  const auto refusal = call.gate.Authorize(*call.caller, "sts:GetAccessKeyInfo", "*");
  if (refusal) return QueryFault(*refusal);
  const auto key =
      call.objects.Read([&](catalog::Reader& reader) { return catalog::GetAccessKey(reader, id); });
  if (absl::IsNotFound(key.status())) {
    return QueryFault(400, "ValidationError",
                      fmt::format("The access key {} is none that this server keeps", id));
  }
  TRY(key.status());
  call.out.Text("Account", key->account);
  return absl::OkStatus();
}

absl::Status DecodeAuthorizationMessage(Call& call) {
  const std::string message = call.in.Text("EncodedMessage", {true, 1, 10240});
  TRY(call.in.status());
  const auto refusal = call.gate.Authorize(*call.caller, "sts:DecodeAuthorizationMessage", "*");
  if (refusal) return QueryFault(*refusal);
  const auto decoded =
      auth::OpenAuthorizationMessage(message, call.gate.options().message_key,
                                     call.caller->principal->account, call.clock.NowMs());
  if (!decoded.ok()) {
    return QueryFault(400, "InvalidAuthorizationMessageException",
                      fmt::format("The message cannot be decoded: {}. Messages are in the header "
                                  "x-hearth-encoded-message of a refusal of this account",
                                  Message(decoded.status())));
  }
  call.out.Text("DecodedMessage", *decoded);
  return absl::OkStatus();
}

}  // namespace sts

net::HttpResponse Sts::Handle(const net::HttpRequest& request) {
  const std::string request_id = NewUuid(rng_);
  const access::QueryService& service = access::kStsService;
  const auto fail = [&](const absl::Status& status) {
    return access::QueryFailure(service, status, request_id);
  };
  // Whoever shows no signature gets a small form parsed, for the calls that need none.
  const bool is_signed = gate_.IsSigned(request);
  if (!is_signed && request.body.size() > sts::kUnsignedBodyMax) {
    return fail(access::QueryFault(413, "RequestEntityTooLarge",
                                   fmt::format("{} bytes, at most {} are read unsigned",
                                               request.body.size(), sts::kUnsignedBodyMax)));
  }
  absl::StatusOr<access::QueryForm> form = access::QueryForm();
  const sts::Operation* operation = nullptr;
  if (!is_signed) {
    form = access::QueryForm::Parse(request);
    operation = form.ok() ? sts::Find(*form) : nullptr;
  }
  access::Identified who;
  const bool needs_caller = operation == nullptr || operation->is_signed;
  if (needs_caller) {
    who = gate_.Identify(request, service.signing_name);
    if (who.refusal) return fail(access::QueryFault(*who.refusal));
    form = access::QueryForm::Parse(request);
    if (!form.ok()) return fail(form.status());
    operation = sts::Find(*form);
    if (operation == nullptr) return fail(access::UnknownQueryAction(*form));
  }
  sts::Call call{*form,
                 needs_caller ? &who.caller : nullptr,
                 needs_caller ? who.caller.facts : gate_.FactsOf(request),
                 gate_,
                 catalog_,
                 keys_,
                 clock_,
                 rng_,
                 access::QueryReader(*form),
                 {}};
  if (const absl::Status status = operation->run(call); !status.ok()) return fail(status);
  return access::QueryAnswer(
      access::QueryAnswerXml(service, operation->name, call.out.xml(), true, request_id),
      request_id);
}

}  // namespace hearth::api
