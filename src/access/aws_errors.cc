// SPDX-License-Identifier: Apache-2.0
#include "access/aws_errors.h"

#include <absl/strings/cord.h>
#include <fmt/core.h>

#include "base/json_text.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::access {
namespace {

// Payloads of RefusalStatus.
constexpr std::string_view kKindUrl = "hearth/refusal-kind";
constexpr std::string_view kStatementUrl = "hearth/refusal-statement";
constexpr std::string_view kReasonUrl = "hearth/refusal-reason";
constexpr std::string_view kEncodedUrl = "hearth/refusal-encoded";

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

void AddExplanation(const Refusal& refusal, net::HttpResponse* response) {
  if (!refusal.reason.empty()) response->headers.Set("x-hearth-reason", refusal.reason);
  if (!refusal.missing_statement.empty()) {
    response->headers.Set("x-hearth-missing-statement", refusal.missing_statement);
  }
  if (!refusal.encoded_message.empty()) {
    response->headers.Set("x-hearth-encoded-message", refusal.encoded_message);
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
  AddExplanation(refusal, &response);
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
  AddExplanation(refusal, &response);
  return response;
}

absl::Status RefusalStatus(const Refusal& refusal) {
  absl::Status status(absl::StatusCode::kPermissionDenied, ToAbsl(refusal.message));
  status.SetPayload(ToAbsl(kKindUrl), absl::Cord(std::to_string(static_cast<int>(refusal.kind))));
  status.SetPayload(ToAbsl(kStatementUrl), absl::Cord(refusal.missing_statement));
  status.SetPayload(ToAbsl(kReasonUrl), absl::Cord(refusal.reason));
  status.SetPayload(ToAbsl(kEncodedUrl), absl::Cord(refusal.encoded_message));
  return status;
}

std::optional<Refusal> RefusalOf(const absl::Status& status) {
  const auto kind = status.GetPayload(ToAbsl(kKindUrl));
  if (!kind) return std::nullopt;
  Refusal refusal;
  int64_t number = 0;
  ParseInt64(std::string(*kind), &number);
  refusal.kind = static_cast<RefusalKind>(number);
  refusal.message = Message(status);
  refusal.missing_statement =
      std::string(status.GetPayload(ToAbsl(kStatementUrl)).value_or(absl::Cord()));
  refusal.reason = std::string(status.GetPayload(ToAbsl(kReasonUrl)).value_or(absl::Cord()));
  refusal.encoded_message =
      std::string(status.GetPayload(ToAbsl(kEncodedUrl)).value_or(absl::Cord()));
  return refusal;
}

QueryRefusalName QueryNameOf(RefusalKind kind) {
  const WireName name = NameOf(kind);
  return {name.query_status, name.query_code};
}

std::string EscapeXml(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string out;
  out.reserve(text.size());
  const bool valid = IsValidUtf8(text);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || (!valid && byte >= 0x80)) {
      out += kReplacement;
      continue;
    }
    switch (c) {
      case '\r':
        out += "&#xD;";
        break;
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
