// SPDX-License-Identifier: Apache-2.0
// Grafana's error form, and the one table from our errors to it.
#pragma once

#include <absl/status/status.h>

#include <string_view>

#include "net/http.h"

namespace hearth::api {

net::HttpResponse GrafanaMessage(int status, std::string_view message);
// `missing` is the text for NotFound ("Dashboard not found").
net::HttpResponse GrafanaError(const absl::Status& status, std::string_view missing);

}  // namespace hearth::api
