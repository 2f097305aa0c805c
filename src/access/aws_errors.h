// SPDX-License-Identifier: Apache-2.0
// Errors in AWS's forms, for AWS faces and data-plane paths: rest-json (a header names the error,
// the body has `message`) and the query protocol (XML). Sources: aws-contract.md §1.4 and §1.5.
#pragma once

#include <absl/status/status.h>

#include <optional>
#include <string>
#include <string_view>

#include "access/gate.h"
#include "net/http.h"

namespace hearth::access {

// {"message": …} with x-amzn-ErrorType. `members` is "" or more members: `"reason":"OTHER"`.
net::HttpResponse AwsJsonError(int status, std::string_view type, std::string_view message,
                               std::string_view members = {});

// A refusal in rest-json form. AWS answers 403 to whoever shows no credentials; with
// `ask_for_basic` it is 401 with WWW-Authenticate, so that plain Prometheus clients and curl know
// what to send.
net::HttpResponse AwsJsonRefusal(const Refusal& refusal, bool ask_for_basic);

// <ErrorResponse> of the query protocol; `xml_namespace` is the service's.
net::HttpResponse AwsQueryError(int status, std::string_view code, std::string_view message,
                                std::string_view xml_namespace, std::string_view request_id);
net::HttpResponse AwsQueryRefusal(const Refusal& refusal, std::string_view xml_namespace,
                                  std::string_view request_id);

// A refusal as a Status, to be passed up by TRY through a catalog transaction, and back.
absl::Status RefusalStatus(const Refusal& refusal);
std::optional<Refusal> RefusalOf(const absl::Status& status);

// What the query protocol calls a refusal.
struct QueryRefusalName {
  int status;
  std::string_view code;
};
QueryRefusalName QueryNameOf(RefusalKind kind);

// Text with & < > " ' escaped, and what XML 1.0 cannot hold (control characters, broken UTF-8)
// replaced by U+FFFD.
std::string EscapeXml(std::string_view text);

}  // namespace hearth::access
