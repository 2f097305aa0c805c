// SPDX-License-Identifier: Apache-2.0
// What the alerting objects of /api/v1/provisioning share. They are kept and given back exactly;
// nothing evaluates or sends them yet, and every answer says so (kNotEvaluated). Source:
// https://grafana.com/docs/grafana/latest/developers/http_api/alerting_provisioning/ and
// aws-contract.md §13. Private to api/grafana_http.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <string_view>

#include "api/grafana_http/call.h"
#include "api/grafana_http/json.h"

namespace hearth::api::grafana_http {

inline constexpr std::string_view kNotEvaluated =
    "Grafana-managed alerting is stored, not evaluated: this version of hearth runs no alert rule "
    "of Grafana and sends nothing to contact points";
inline constexpr size_t kAlertNameBytesMax = 190;  // Grafana's columns
// Contact points, mute timings, templates: each kind. Rules: Grafana's default quota is 100 an
// organisation, which people raise; this many are read at once in a list.
inline constexpr int64_t kAlertObjectsMax = 2000;

// "api", or "" where the request's X-Disable-Provenance says that it may be edited elsewhere.
std::string Provenance(const Call& call);
// `answer` with the header that says what does not happen.
net::HttpResponse Unevaluated(net::HttpResponse answer);
// Without null, "", [] and {} below it: Go's `omitempty`.
Json WithoutEmpty(const Json& json);
// 16 hexadecimal digits that change with the content: Grafana's "version" of such objects.
std::string VersionOf(std::string_view content);
// Go's and Prometheus' durations ("1h30m", "10m0s", "5s", "1d"): milliseconds, InvalidArgument.
absl::StatusOr<int64_t> ParseDuration(std::string_view text);
// As Prometheus prints them: "1h30m", "10m", "0s".
std::string FormatDuration(int64_t ms);
// Whether the notification policies name this receiver (or, `timing`, this mute timing).
absl::StatusOr<bool> PolicyNames(catalog::Reader& reader, const Call& call, const std::string& name,
                                 bool timing);
absl::StatusOr<bool> ReceiverExists(catalog::Reader& reader, const Call& call,
                                    const std::string& name);

}  // namespace hearth::api::grafana_http
