// SPDX-License-Identifier: Apache-2.0
// targets: what the embedded collector does.
#include <fmt/core.h>

#include "api/prometheus/answers.h"
#include "api/prometheus/parameters.h"
#include "api/prometheus/prometheus_api.h"
#include "base/json_text.h"
#include "base/status.h"
#include "codec/json_writer.h"
#include "promql/parser.h"

#include <absl/time/time.h>

namespace hearth::api {
namespace {

// RFC 3339 with nanoseconds as Go's time.Time marshals; the zero time where `ms` is 0.
std::string Rfc3339(int64_t ms) {
  if (ms == 0) return "0001-01-01T00:00:00Z";
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", absl::FromUnixMillis(ms), absl::UTCTimeZone());
}

class JsonObject {
 public:
  explicit JsonObject(std::string* out) : out_(*out) { out_ += '{'; }
  void Text(std::string_view key, std::string_view value) {
    Key(key);
    AppendJsonStringHtmlSafe(value, &out_);
  }
  void Raw(std::string_view key, std::string_view json) {
    Key(key);
    out_ += json;
  }
  void Labels(std::string_view key, model::LabelsView labels) {
    Key(key);
    codec::AppendLabels(labels, &out_);
  }
  void End() { out_ += '}'; }

 private:
  void Key(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    AppendJsonStringHtmlSafe(key, &out_);
    out_ += ':';
  }
  std::string& out_;
  bool first_ = true;
};

void AppendTarget(const scrape::TargetStatus& target, std::string* out) {
  JsonObject object(out);
  object.Labels("discoveredLabels", target.discovered);
  object.Labels("labels", target.labels);
  object.Text("scrapePool", target.job);
  object.Text("scrapeUrl", target.scrape_url);
  object.Text("globalUrl", target.global_url);
  object.Text("lastError", target.last_error);
  object.Text("lastScrape", Rfc3339(target.last_scrape_ms));
  object.Raw("lastScrapeDuration", fmt::format("{}", target.last_duration_seconds));
  object.Text("health", scrape::Name(target.health));
  object.Text("scrapeInterval", promql::FormatDurationMs(target.interval_ms));
  object.Text("scrapeTimeout", promql::FormatDurationMs(target.timeout_ms));
  object.End();
}

}  // namespace

net::HttpResponse PrometheusApi::Targets(const Call& call, const Parameters& parameters) {
  const std::string_view state = parameters.Get("state");
  const std::string_view pool = parameters.Get("scrapePool");
  scrape::TargetsSnapshot snapshot;
  if (call.collector != nullptr && call.collector->targets) snapshot = call.collector->targets();
  std::string active = "[";
  if (state.empty() || state == "any" || state == "active") {
    for (const scrape::TargetStatus& target : snapshot.active) {
      if (!pool.empty() && target.job != pool) continue;
      if (active.size() > 1) active += ',';
      AppendTarget(target, &active);
    }
  }
  std::string dropped = "[";
  if (state.empty() || state == "any" || state == "dropped") {
    for (const scrape::DroppedTarget& target : snapshot.dropped) {
      if (!pool.empty() && target.job != pool) continue;
      if (dropped.size() > 1) dropped += ',';
      JsonObject object(&dropped);
      object.Labels("discoveredLabels", target.discovered);
      object.Text("scrapePool", target.job);
      object.End();
    }
  }
  std::string counts;
  JsonObject object(&counts);
  for (const auto& [job, count] : snapshot.dropped_counts) object.Raw(job, std::to_string(count));
  object.End();
  return Success(
      fmt::format(R"({{"activeTargets":{}],"droppedTargets":{}],"droppedTargetCounts":{}}})",
                  active, dropped, counts));
}

}  // namespace hearth::api
