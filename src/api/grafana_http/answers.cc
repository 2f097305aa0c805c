// SPDX-License-Identifier: Apache-2.0
#include "api/grafana_http/answers.h"

#include <nlohmann/json.hpp>

#include "api/grafana_http/json.h"
#include "base/log.h"
#include "base/rng.h"

namespace hearth::api::grafana_http {
namespace {

constexpr std::string_view kTrouble = "The service cannot do this right now; try again";

int HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kResourceExhausted:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
      return 409;
    case absl::StatusCode::kAborted:
      return 412;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

}  // namespace

net::HttpResponse Message(int status, std::string_view message) {
  return Reply({{"message", message}}, status);
}

net::HttpResponse StatusMessage(int status, std::string_view message, std::string_view word) {
  return Reply({{"message", message}, {"status", word}}, status);
}

net::HttpResponse Refuse(const absl::Status& status) {
  const int code = HttpStatusOf(status.code());
  if (code == 412) return StatusMessage(code, hearth::Message(status), "version-mismatch");
  return Message(code, IsOurTrouble(status) ? kTrouble : hearth::Message(status));
}

bool IsOurTrouble(const absl::Status& status) {
  const int code = HttpStatusOf(status.code());
  return code == 500 || code == 503;
}

absl::Status ForClient(const absl::Status& status) {
  if (!IsOurTrouble(status)) return status;
  log::Error("grafana", "a request failed", {{"error", hearth::Message(status)}});
  return Internal("{}", kTrouble);
}

net::HttpResponse AccessDenied(std::string_view permission) {
  const std::string text = fmt::format(
      "You'll need additional permissions to perform this action. Permissions needed: {}",
      permission);
  return Reply({{"accessErrorId", "ACE" + SystemRng().Text(10, "0123456789")},
                {"message", text},
                {"title", "Access denied"}},
               403);
}

}  // namespace hearth::api::grafana_http
