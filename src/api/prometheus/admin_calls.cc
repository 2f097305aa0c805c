// SPDX-License-Identifier: Apache-2.0
// admin/tsdb/*: deletion, tombstones, snapshots (web/api/v1/api.go). Upstream has a flag for them,
// because it knows no callers; hearth asks for an IAM action of their own instead, and refuses them
// where nobody is asked (--auth off) and where AMP has none (--fidelity aws).
#include <absl/time/time.h>
#include <fmt/core.h>

#include "api/prometheus/answers.h"
#include "api/prometheus/json_object.h"
#include "api/prometheus/parameters.h"
#include "api/prometheus/prometheus_api.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"

namespace hearth::api {
namespace {

net::HttpResponse NoContent() {
  net::HttpResponse response;
  response.status = 204;
  return response;
}

net::HttpResponse StoreError(const absl::Status& status) {
  if (absl::IsInvalidArgument(status)) return BadData(status);
  if (absl::IsUnimplemented(status)) return ApiError(501, "unavailable", Message(status));
  return ApiError(500, "internal", Message(status));
}

// strconv.ParseBool.
bool ParseGoBool(std::string_view text, bool* value) {
  for (const std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return *value = true;
  }
  for (const std::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) {
      *value = false;
      return true;
    }
  }
  return false;
}

}  // namespace

std::string PrometheusApi::AdminRefusal() const {
  if (options_.aws_fidelity) return "admin APIs disabled: AMP has none (--fidelity aws)";
  if (!gate_.options().enabled) {
    return "admin APIs disabled: with --auth off nobody is asked who may delete";
  }
  return "";
}

net::HttpResponse PrometheusApi::DeleteSeries(const Call& call, const Parameters& parameters) {
  if (const std::string refusal = AdminRefusal(); !refusal.empty()) {
    return ApiError(500, "unavailable", refusal);
  }
  if (!parameters.Has("match[]")) return BadData(InvalidArgument("no match[] parameter provided"));
  const auto range = parameters.Range();
  if (!range.ok()) return BadData(range.status());
  const auto selectors = parameters.Selectors();
  if (!selectors.ok()) {
    return BadData(
        InvalidArgument("invalid parameter \"match[]\": {}", Message(selectors.status())));
  }
  const absl::Status status = call.workspace.db().DeleteSeries(*range, *selectors);
  if (!status.ok()) return StoreError(status);
  log::Info("api", "series deleted",
            {{"workspace", call.workspace.id()}, {"selectors", selectors->size()}});
  return NoContent();
}

net::HttpResponse PrometheusApi::CleanTombstones(const Call& call, const Parameters&) {
  if (const std::string refusal = AdminRefusal(); !refusal.empty()) {
    return ApiError(500, "unavailable", refusal);
  }
  const absl::Status status = call.workspace.db().CleanTombstones();
  return status.ok() ? NoContent() : StoreError(status);
}

net::HttpResponse PrometheusApi::Snapshot(const Call& call, const Parameters& parameters) {
  if (const std::string refusal = AdminRefusal(); !refusal.empty()) {
    return ApiError(500, "unavailable", refusal);
  }
  bool skip_head = false;
  if (const std::string_view text = parameters.Get("skip_head");
      !text.empty() && !ParseGoBool(text, &skip_head)) {
    return BadData(InvalidArgument(
        "invalid parameter \"skip_head\": unable to parse boolean: strconv.ParseBool: parsing {}: "
        "invalid syntax",
        model::QuoteGo(text)));
  }
  if (options_.snapshot_directory.empty() || options_.files == nullptr || options_.rng == nullptr) {
    return ApiError(500, "unavailable", "this server has no folder for snapshots");
  }
  const std::string parent = JoinPath(options_.snapshot_directory, call.workspace.id());
  if (const absl::Status status = options_.files->MakeDirectories(parent); !status.ok()) {
    return StoreError(Annotate(status, "create snapshot directory"));
  }
  const std::string name = fmt::format(
      "{}-{:016x}",
      absl::FormatTime("%Y%m%dT%H%M%SZ", absl::FromUnixMillis(clock_.NowMs()), absl::UTCTimeZone()),
      options_.rng->Next() >> 1);
  const absl::Status status = call.workspace.db().Snapshot(JoinPath(parent, name), skip_head);
  if (!status.ok()) return StoreError(Annotate(status, "create snapshot"));
  std::string data;
  JsonObject object(&data);
  object.Text("name", name);
  object.End();
  return Success(std::move(data));
}

}  // namespace hearth::api
