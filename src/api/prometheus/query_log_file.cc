// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/query_log_file.h"

#include <absl/time/time.h>

#include "api/prometheus/answers.h"
#include "api/prometheus/json_object.h"
#include "base/log.h"
#include "base/status.h"

namespace hearth::api {
namespace {

std::string Milliseconds(int64_t ms) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", absl::FromUnixMillis(ms), absl::UTCTimeZone());
}

std::string Params(const promql::QueryEvent& event) {
  std::string out;
  JsonObject object(&out);
  object.Text("end", Milliseconds(event.end_ms));
  object.Text("query", Shortened(event.query, QueryLogFile::kQueryBytesMax));
  object.Text("start", Milliseconds(event.start_ms));
  object.Int("step", event.step_ms / 1000);
  object.End();
  return out;
}

void AddOrigin(const promql::QueryOrigin& origin, JsonObject* line) {
  std::string out;
  JsonObject object(&out);
  const bool rule = !origin.rule_group.empty();
  if (rule) {
    object.Text("file", origin.rule_file);
    object.Text("name", origin.rule_group);
  } else {
    object.Text("clientIP", origin.client_ip);
    object.Text("method", origin.method);
    object.Text("path", origin.path);
  }
  object.End();
  line->Raw(rule ? "ruleGroup" : "httpRequest", out);
}

}  // namespace

QueryLogFile::QueryLogFile(FileSystem& files, const Clock& clock, Registry& metrics)
    : files_(files),
      clock_(clock),
      lost_(metrics.AddCounter("hearth_api_query_log_lines_lost_total",
                               "Lines of the query log that could not be written.")) {}

absl::Status QueryLogFile::SetPath(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  on_ = false;
  file_.reset();
  if (path.empty()) return absl::OkStatus();
  TRY_ASSIGN(file_, RollingFile::Open(files_, path, path + ".1", kFileBytesMax));
  on_ = true;
  return absl::OkStatus();
}

void QueryLogFile::OnQuery(const promql::QueryEvent& event) {
  if (!on_.load(std::memory_order_relaxed)) return;
  std::string text;
  JsonObject line(&text);
  line.Text("time", Milliseconds(clock_.NowMs()));
  line.Text("level", "INFO");
  line.Text("msg", "promql query logged");
  line.Raw("params", Params(event));
  if (!event.status.ok()) line.Text("error", Message(event.status));
  line.Raw("stats", StatsJson(event.stats, event.start_ms, event.step_ms));
  if (event.origin != nullptr) AddOrigin(*event.origin, &line);
  line.End();
  absl::MutexLock lock(&mutex_);
  if (file_ == nullptr) return;
  const absl::Status status = file_->Append(text);
  if (status.ok()) return;
  if (lost_.value() == 0) {
    log::Error("api", "a line of the query log cannot be written; more are counted only",
               {{"error", Message(status)}});
  }
  lost_.Add();
}

}  // namespace hearth::api
