// SPDX-License-Identifier: Apache-2.0
// Asking a data source: our own workspaces in process as the workspace's role, other servers over
// HTTP with what the data source says (SigV4, Basic, headers, TLS). Where an address may not be
// reached the client's policy says so, judged on the resolved address. Private to api/grafana_http.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "api/grafana_http/call.h"
#include "catalog/grafana_objects.h"

namespace hearth::api::grafana_http {

// What is asked; `path` follows the data source's URL and begins with '/'.
struct SourceRequest {
  std::string method = "GET";
  std::string path;
  std::string query;
  std::string content_type;
  std::string accept;
  std::string body;
};

// prometheus, and Amazon's plug-in for the same, which is the same.
bool IsPrometheus(const catalog::DataSource& source);

// Any HTTP status of the other side is an answer. PermissionDenied: not allowed (role, address);
// Unavailable: not reached; DeadlineExceeded: too slow; FailedPrecondition: the data source's own
// settings cannot be followed, with the reason.
absl::StatusOr<net::HttpResponse> AskSource(Face& face, const Call& call,
                                            const catalog::DataSource& source,
                                            SourceRequest request);
// Its whole body, whether it came at once or in pieces. ResourceExhausted beyond the limit.
absl::StatusOr<std::string> WholeBody(net::HttpResponse answer);

// A data source by uid, which the caller may query.
absl::StatusOr<catalog::DataSource> QueryableSource(Face& face, const Call& call,
                                                    const std::string& key, bool by_id);

}  // namespace hearth::api::grafana_http
