// SPDX-License-Identifier: Apache-2.0
// Grafana's error form, and the one table from our errors to it. Private to api/grafana_http.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string_view>

#include "base/status.h"
#include "net/http.h"

namespace hearth::api::grafana_http {

// {"message": …}
net::HttpResponse Message(int status, std::string_view message);
// {"message": …, "status": …}: dashboards and folders say which conflict it is.
net::HttpResponse StatusMessage(int status, std::string_view message, std::string_view word);
// Aborted (compare-and-swap) is 412 with status "version-mismatch", ResourceExhausted 403 (quota).
// What is our own trouble (500, 503) is told in general words: its text names files and servers.
net::HttpResponse Refuse(const absl::Status& status);
bool IsOurTrouble(const absl::Status& status);
// The same for a status that is shown another way: what is our own trouble is logged here, and gets
// those words.
absl::Status ForClient(const absl::Status& status);
// Access is refused: Grafana names the permission that is missing.
net::HttpResponse AccessDenied(std::string_view permission);

// NotFound with Grafana's own words in place of ours; anything else as it is.
template <typename T>
absl::StatusOr<T> Named(absl::StatusOr<T> value, std::string_view missing) {
  if (absl::IsNotFound(value.status())) return NotFound("{}", missing);
  return value;
}

}  // namespace hearth::api::grafana_http
