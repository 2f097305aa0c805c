// SPDX-License-Identifier: Apache-2.0
#include "access/aws_errors.h"

#include <fmt/core.h>

#include "base/json_text.h"

namespace hearth::access {
namespace {

struct WireName {
  int status;
  std::string_view json_type;
  int query_status;
  std::string_view query_code;
};

WireName NameOf(RefusalKind kind) {
  switch (kind) {
    case RefusalKind::kMissing:
      return {403, "MissingAuthenticationTokenException", 403, "MissingAuthenticationToken"};
    case RefusalKind::kIncomplete:
      return {403, "IncompleteSignatureException", 400, "IncompleteSignature"};
    case RefusalKind::kMismatch:
      return {403, "InvalidSignatureException", 403, "SignatureDoesNotMatch"};
    case RefusalKind::kUnknownKey:
      return {403, "UnrecognizedClientException", 403, "InvalidClientTokenId"};
    case RefusalKind::kExpiredToken:
      return {403, "ExpiredTokenException", 403, "ExpiredToken"};
    case RefusalKind::kInsecure:
    case RefusalKind::kDenied:
      return {403, "AccessDeniedException", 403, "AccessDenied"};
    case RefusalKind::kUnavailable:
      return {503, "ServiceUnavailableException", 503, "ServiceUnavailable"};
  }
  return {403, "AccessDeniedException", 403, "AccessDenied"};
}

bool IsAboutCredentials(RefusalKind kind) {
  return kind != RefusalKind::kDenied && kind != RefusalKind::kUnavailable;
}

void AddMissingStatement(const Refusal& refusal, net::HttpResponse* response) {
  if (!refusal.missing_statement.empty()) {
    response->headers.Set("x-hearth-missing-statement", refusal.missing_statement);
  }
  if (refusal.kind == RefusalKind::kUnavailable) response->headers.Set("Retry-After", "1");
}

}  // namespace

net::HttpResponse AwsJsonError(int status, std::string_view type, std::string_view message,
                               std::string_view members) {
  std::string body = R"({"message":)";
  AppendJsonString(message, &body);
  if (!members.empty()) {
    body += ',';
    body += members;
  }
  body += '}';
  net::HttpResponse response = net::JsonResponse(status, std::move(body));
  response.headers.Set("x-amzn-ErrorType", type);
  return response;
}

net::HttpResponse AwsJsonRefusal(const Refusal& refusal, bool ask_for_basic) {
  const WireName name = NameOf(refusal.kind);
  const bool challenge = ask_for_basic && IsAboutCredentials(refusal.kind);
  net::HttpResponse response =
      AwsJsonError(challenge ? 401 : name.status, name.json_type, refusal.message);
  if (challenge) {
    response.headers.Set("WWW-Authenticate",
                         "Basic realm=\"hearth: access key id and secret\", charset=\"UTF-8\"");
  }
  AddMissingStatement(refusal, &response);
  return response;
}

net::HttpResponse AwsQueryError(int status, std::string_view code, std::string_view message,
                                std::string_view xml_namespace, std::string_view request_id) {
  net::HttpResponse response;
  response.status = status;
  response.headers.Set("Content-Type", "text/xml");
  response.body = fmt::format(
      "<ErrorResponse xmlns=\"{}\">\n  <Error>\n    <Type>{}</Type>\n    <Code>{}</Code>\n"
      "    <Message>{}</Message>\n  </Error>\n  <RequestId>{}</RequestId>\n</ErrorResponse>\n",
      xml_namespace, status >= 500 ? "Receiver" : "Sender", code, EscapeXml(message), request_id);
  return response;
}

net::HttpResponse AwsQueryRefusal(const Refusal& refusal, std::string_view xml_namespace,
                                  std::string_view request_id) {
  const WireName name = NameOf(refusal.kind);
  net::HttpResponse response =
      AwsQueryError(name.query_status, name.query_code, refusal.message, xml_namespace, request_id);
  AddMissingStatement(refusal, &response);
  return response;
}

std::string EscapeXml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace hearth::access
