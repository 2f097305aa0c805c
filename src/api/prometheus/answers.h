// SPDX-License-Identifier: Apache-2.0
// Prometheus' answer envelope, and the one table from errors to its errorType and HTTP status
// (web/api/v1/api.go).
#pragma once

#include <absl/status/status.h>

#include <span>
#include <string>
#include <string_view>

#include "api/prometheus/long_answer.h"
#include "net/http.h"
#include "promql/engine.h"
#include "promql/query_budget.h"

namespace hearth::api {

// {"status":"success","data":DATA} with warnings and infos where there are any.
net::HttpResponse Success(std::string_view data, std::span<const std::string> warnings = {},
                          std::span<const std::string> infos = {});

// {"status":"error","errorType":…,"error":…}
net::HttpResponse ApiError(int status, std::string_view type, std::string_view message);

// A parameter is wrong: 400 bad_data.
net::HttpResponse BadData(const absl::Status& status);
// The evaluation or the store failed.
net::HttpResponse QueryError(const absl::Status& status);

// Success with a list as data, which is written in pieces where it is long (long_answer.h): `list`
// has no head and tail yet.
net::HttpResponse SuccessList(LongAnswer list, std::span<const std::string> warnings = {});

// Success with {"resultType":…,"result":…}, and as "stats" what StatsJson made, where that is not
// empty. What a long one holds while it is written counts in `budget` (null: nowhere), which ends
// it as it ends queries.
net::HttpResponse QueryAnswer(promql::Result result, std::string_view stats,
                              std::span<const std::string> warnings, promql::QueryBudget* budget);

// {"timings":…,"samples":…} as util/stats has it, by step where the query counted so.
std::string StatsJson(const promql::Stats& stats, int64_t start_ms, int64_t step_ms);

}  // namespace hearth::api
