// SPDX-License-Identifier: Apache-2.0
// What every rest-json face (aps, grafana, eks) shares: operations found by method and raw path,
// requests read into checked members (rest_shape.h), answers, errors and page tokens.
// Sources: aws-contract.md §1.2 to §1.4, §9.3.
//
//   constexpr RestOperation kOperations[] = {
//       {"DescribeWorkspace", "GET", "/workspaces/{workspaceId}", 200, &kDescribeWorkspace}, …};
//   RestOperations table(kOperations);
//
//   RestMatch match;
//   if (!table.Find(request, &match)) return RestErrorResponse(UnknownOperation(request), rng);
//   … authorise match.operation->name on a resource made of match.Label("workspaceId") …
//   absl::StatusOr<RestInput> input = ReadRestInput(*match.operation, match, request);
//
// A handler returns absl::StatusOr<std::string> (the body, "" for none). The errors below are
// absl::Status with the wire form as payload, so that TRY passes them up through a catalog
// transaction; RestErrorResponse writes them. A Status without that payload is an InternalServer-
// Exception (its message goes to the log, never to the client). All functions are thread-safe.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/rest_shape.h"
#include "base/rng.h"
#include "net/http.h"

namespace hearth::access {

struct RestOperation {
  std::string_view name;         // "CreateWorkspace": the IAM action is <service>:<name>
  std::string_view method;       // "POST"
  std::string_view path;         // "/workspaces/{workspaceId}/alias"
  int ok_status = 200;           // of a success
  const Shape* input = nullptr;  // members of the request; null: none
};

struct RestMatch {
  const RestOperation* operation = nullptr;
  std::vector<std::pair<std::string_view, std::string>> labels;  // decoded
  // "" where the path has no such label.
  std::string_view Label(std::string_view name) const;
};

// The operations of a service. `operations` must outlive it (a constant table).
class RestOperations {
 public:
  explicit RestOperations(std::span<const RestOperation> operations) : operations_(operations) {}
  // Splits the raw path on '/', then decodes each segment, so that %2F stays within one. A single
  // trailing slash means nothing. Literal segments win over labels; an empty segment is no label.
  bool Find(const net::HttpRequest& request, RestMatch* match) const;

 private:
  std::span<const RestOperation> operations_;
};

// The largest body taken: AMP's biggest member is a file of 1,000,000 bytes in base64.
inline constexpr size_t kRestBodyMax = size_t{4} << 20;

// Body, labels, query and headers as one checked input; ValidationException otherwise.
absl::StatusOr<RestInput> ReadRestInput(const RestOperation& operation, const RestMatch& match,
                                        const net::HttpRequest& request);

// ---- errors (aws-contract.md §1.4) -----------------------------------------------------------

// `members`: "" or further JSON members, `"resourceId":"x"`.
absl::Status RestError(int http_status, std::string_view type, std::string_view message,
                       std::string_view members = {});
// ValidationException 400 with reason FIELD_VALIDATION_FAILED and one or more fields.
absl::Status InvalidField(std::string_view field, std::string_view message);
absl::Status InvalidFields(std::span<const FieldError> errors);
// ValidationException 400 with another reason: CANNOT_PARSE, OTHER.
absl::Status InvalidRequest(std::string_view reason, std::string_view message);
absl::Status UnknownOperation(const net::HttpRequest& request);
absl::Status ResourceNotFound(std::string_view message, std::string_view resource_id,
                              std::string_view resource_type);
absl::Status ResourceConflict(std::string_view message, std::string_view resource_id,
                              std::string_view resource_type);
absl::Status QuotaExceeded(std::string_view message, std::string_view resource_id,
                           std::string_view resource_type, std::string_view service_code,
                           std::string_view quota_code);
// 429 with Retry-After: 1. `quota_code` is "" where AWS publishes none.
absl::Status Throttled(std::string_view message, std::string_view service_code,
                       std::string_view quota_code);

// True where `status` was made by one of the above (and is the client's to see).
bool IsRestError(const absl::Status& status);
// Its HTTP status; 500 for any other error.
int RestErrorStatus(const absl::Status& status);

// ---- answers ---------------------------------------------------------------------------------

// `body` "" is an empty body. x-amzn-RequestId is set on both.
net::HttpResponse RestResponse(int status, std::string body, Rng& rng);
net::HttpResponse RestErrorResponse(const absl::Status& status, Rng& rng);

// JSON text; invalid UTF-8 becomes U+FFFD.
std::string RestBody(const nlohmann::ordered_json& json);
std::string RestBody(const nlohmann::json& json);
// rest-json timestamps are numbers: seconds since 1970, with fractions.
double EpochSeconds(int64_t ms);

// ---- pages -----------------------------------------------------------------------------------

// A nextToken: where the page before ended, bound to `scope` (operation, account, region and
// filters, in any text form) so that a token of another list, or a changed one, is refused. It
// grants nothing: what may be seen is decided by the caller's own rights.
std::string MakePageToken(std::string_view scope, std::string_view position);
// "" (no token) is position "". ValidationException where it is not one of ours.
absl::StatusOr<std::string> ReadPageToken(std::string_view scope, std::string_view token);

}  // namespace hearth::access
