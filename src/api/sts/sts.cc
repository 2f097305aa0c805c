// SPDX-License-Identifier: Apache-2.0
#include "api/sts/sts.h"

#include <fmt/core.h>

#include "access/aws_errors.h"

namespace hearth::api {
namespace {
constexpr std::string_view kNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";
constexpr std::string_view kVersion = "2011-06-15";
}  // namespace

net::HttpResponse Sts::Handle(const net::HttpRequest& request) {
  const std::string request_id = NewUuid(rng_);
  // GET carries the action in the query (presigned GetCallerIdentity), POST in the form.
  const bool post = request.method == "POST";
  const auto parameters = net::ParseForm(post ? request.body : request.query);
  std::string action;
  std::string version;
  if (parameters.ok()) {
    for (const net::Parameter& parameter : *parameters) {
      if (parameter.name == "Action") action = parameter.value;
      if (parameter.name == "Version") version = parameter.value;
    }
  }
  if (action == "AssumeRoleWithWebIdentity" || action == "AssumeRoleWithSAML") {
    // Unsigned by design: the token is the proof, so no missing signature may be blamed.
    return access::AwsQueryError(
        501, "NotImplemented",
        fmt::format("{} is not part of this version of hearth: sign with an access key", action),
        kNamespace, request_id);
  }
  const access::Identified who = gate_.Identify(request, "sts");
  if (who.refusal) return access::AwsQueryRefusal(*who.refusal, kNamespace, request_id);
  if (action != "GetCallerIdentity") {
    return access::AwsQueryError(
        400, "InvalidAction",
        fmt::format("Could not find operation {} for version {} (hearth serves GetCallerIdentity)",
                    action.empty() ? "NO_ACTION" : action, version),
        kNamespace, request_id);
  }
  if (version != kVersion) {
    return access::AwsQueryError(
        400, "InvalidAction",
        fmt::format("Could not find operation {} for version {}", action, version), kNamespace,
        request_id);
  }
  const auth::Principal& principal = *who.caller.principal;
  net::HttpResponse response;
  response.headers.Set("Content-Type", "text/xml");
  response.headers.Set("x-amzn-RequestId", request_id);
  response.body = fmt::format(
      "<GetCallerIdentityResponse xmlns=\"{}\">\n  <GetCallerIdentityResult>\n    <Arn>{}</Arn>\n"
      "    <UserId>{}</UserId>\n    <Account>{}</Account>\n  </GetCallerIdentityResult>\n"
      "  <ResponseMetadata>\n    <RequestId>{}</RequestId>\n  </ResponseMetadata>\n"
      "</GetCallerIdentityResponse>\n",
      kNamespace, access::EscapeXml(principal.arn), access::EscapeXml(principal.user_id),
      principal.account, request_id);
  return response;
}

}  // namespace hearth::api
