// SPDX-License-Identifier: Apache-2.0
// One scrape, from asking the target to its samples being stored.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "base/log.h"
#include "base/status.h"
#include "scrape/manager_impl.h"

namespace hearth::scrape {
namespace {

using codec::ExpositionFormat;

// config.go ScrapeProtocolsHeaders, in the order of DefaultProtoFirstScrapeProtocols. Without
// native histograms the first is not offered by default.
struct Protocol {
  std::string_view name;
  std::string_view header;
  bool escaping;  // takes the escaping parameter
};
constexpr std::array<Protocol, 5> kProtocols = {{
    {"PrometheusProto",
     "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
     false},
    {"OpenMetricsText1.0.0", "application/openmetrics-text;version=1.0.0", true},
    {"OpenMetricsText0.0.1", "application/openmetrics-text;version=0.0.1", false},
    {"PrometheusText1.0.0", "text/plain;version=1.0.0", true},
    {"PrometheusText0.0.4", "text/plain;version=0.0.4", false},
}};

void AppendProtocol(const Protocol& protocol, const JobConfig& job, int* weight, std::string* out) {
  *out += protocol.header;
  if (protocol.escaping) *out += ";escaping=" + job.escaping;
  *out += fmt::format(";q=0.{},", (*weight)--);
}

// prometheus/scrape acceptHeader.
std::string AcceptHeader(const JobConfig& job) {
  std::string out;
  int weight = static_cast<int>(kProtocols.size()) + 1;
  if (job.protocols.empty()) {
    for (size_t i = job.histograms.native ? 0 : 1; i < kProtocols.size(); ++i) {
      AppendProtocol(kProtocols[i], job, &weight, &out);
    }
  }
  for (const std::string& name : job.protocols) {
    for (const Protocol& protocol : kProtocols) {
      if (protocol.name == name) AppendProtocol(protocol, job, &weight, &out);
    }
  }
  return out + fmt::format("*/*;q=0.{}", weight);
}

std::optional<ExpositionFormat> FallbackOf(const JobConfig& job) {
  if (job.fallback_protocol.starts_with("OpenMetrics")) return ExpositionFormat::kOpenMetrics;
  if (job.fallback_protocol.starts_with("PrometheusText")) return ExpositionFormat::kText;
  if (job.fallback_protocol == "PrometheusProto") return ExpositionFormat::kProtobuf;
  return std::nullopt;
}

constexpr int64_t kNsPerMs = 1'000'000;

}  // namespace

// The time is the schedule's own where the clock is within the tolerance of it: equal distances
// compress better. prometheus/scrape ScrapeTimestampTolerance.
Manager::Impl::ScrapePlan Manager::Impl::PlanLocked(Target* target) {
  ScrapePlan plan{target->job, clock_.NowMs(), target->identity.timeout_ms,
                  target->identity.histograms, target->forced_error};
  const int64_t interval = target->identity.interval_ms;
  const int64_t tolerance = std::min(options_.time_tolerance_ms, interval / 100);
  const int64_t difference = plan.time_ms - target->aligned_ms;
  if (std::abs(difference) <= tolerance) {
    plan.time_ms = target->aligned_ms;
  } else if (std::abs(difference) >= interval) {
    target->aligned_ms = plan.time_ms;  // the wall clock jumped: the schedule follows it
  }
  return plan;
}

absl::StatusOr<FetchResult> Manager::Impl::Fetch(const Target& target, const ScrapePlan& plan) {
  if (const auto self = self_.find(target.identity.address); self != self_.end()) {
    return FetchResult{200, "200 OK", "text/plain; version=0.0.4", self->second()};
  }
  const JobConfig& job = *plan.job;
  FetchRequest request;
  request.url = target.identity.url;
  request.address = target.identity.address;
  request.http = &job.http;
  request.timeout_ms = plan.timeout_ms;
  // As Prometheus: a body of exactly the limit is too large already.
  request.body_bytes_max =
      job.limits.body_bytes != 0 ? job.limits.body_bytes - 1 : options_.body_bytes_max;
  request.accept_gzip = job.compression;
  request.cancelled = &cancelled_;
  const double seconds = static_cast<double>(plan.timeout_ms) / 1000;
  request.headers = {{"Accept", AcceptHeader(job)},
                     {"X-Prometheus-Scrape-Timeout-Seconds", fmt::format("{:g}", seconds)}};
  auto result = fetcher_.Fetch(request);
  if (absl::IsResourceExhausted(result.status())) {
    return ResourceExhausted("body size limit exceeded");
  }
  if (absl::IsDeadlineExceeded(result.status())) {
    return DeadlineExceeded("context deadline exceeded: no answer within {} ms",
                            request.timeout_ms);
  }
  if (result.ok() && result->status != 200) {
    return Unavailable("server returned HTTP status {}", result->status_text);
  }
  return result;
}

absl::Status Manager::Impl::FetchAndAppend(const Target& target, const ScrapePlan& plan,
                                           storage::WriteBatch* batch, ScrapeCounts* counts) {
  const JobConfig& job = *plan.job;
  const int64_t time_ms = plan.time_ms;
  const auto fetched = Fetch(target, plan);
  if (!fetched.ok()) {
    counts->body_bytes = absl::IsResourceExhausted(fetched.status()) ? -1 : 0;
    target.loop->AppendFailure(time_ms, batch);
    return fetched.status();
  }
  if (fetched->body.empty()) {  // nothing is no format's error
    target.loop->AppendFailure(time_ms, batch);
    return absl::OkStatus();
  }
  const auto type = codec::FormatOf(fetched->content_type, FallbackOf(job));
  if (!type.ok()) {
    target.loop->AppendFailure(time_ms, batch);
    return type.status();
  }
  if (!type->warning.empty() && target.last_scrape_ms == 0) {
    log::Warn("scrape", type->warning, {{"job", job.job_name}, {"target", target.identity.url}});
  }
  const codec::ExpositionOptions options = {type->format, plan.histograms.native,
                                            plan.histograms.classic_too,
                                            plan.histograms.classic_to_nhcb};
  return target.loop->AppendBody(fetched->body, options, time_ms, batch, counts);
}

void Manager::Impl::Scrape(const TargetPtr& target) {
  const int64_t start_ns = clock_.MonotonicNs();
  ScrapePlan plan;
  {
    absl::MutexLock lock(&mutex_);
    plan = PlanLocked(target.get());
  }
  // From here on the loop is this thread's: `running` is set.
  if (target->loop == nullptr) {
    target->loop = std::make_unique<ScrapeLoop>(plan.job, target->identity.labels);
  } else if (target->loop_job != plan.job) {
    target->loop->SetJob(plan.job);
  }
  target->loop_job = plan.job;
  std::unique_ptr<storage::WriteBatch> batch = TakeBatch();
  ScrapeCounts counts;
  absl::Status status;
  if (plan.forced_error.empty()) {
    status = FetchAndAppend(*target, plan, batch.get(), &counts);
  } else {
    status = FailedPrecondition("{}", plan.forced_error);
    target->loop->AppendFailure(plan.time_ms, batch.get());
  }
  const double seconds = static_cast<double>(clock_.MonotonicNs() - start_ns) / 1e9;
  const bool stopping = cancelled_.load() && absl::IsCancelled(status);
  if (!stopping) {
    target->loop->AppendReport(plan.time_ms, status.ok(), seconds, plan.timeout_ms, counts,
                               batch.get());
    Commit(*plan.job, *batch, /*refuse_late=*/false);
    (status.ok() ? metrics_.good : metrics_.failed).Add();
    metrics_.duplicates.Add(counts.duplicates);
    metrics_.duration.Observe(static_cast<double>(clock_.MonotonicNs() - start_ns) / 1e9);
  }
  ReturnBatch(std::move(batch));
  // Read here, where the loop is still this thread's.
  const uint64_t version = target->loop->metadata_version();
  std::shared_ptr<const std::vector<model::Metadata>> metadata;
  if (version != target->metadata_version) {
    metadata = std::make_shared<const std::vector<model::Metadata>>(target->loop->Metadata());
  }

  absl::MutexLock lock(&mutex_);
  const std::string error = status.ok() ? "" : Message(status);
  if (error != target->last_error && !stopping) {
    Report("COLLECTOR",
           fmt::format("{}: {}", target->identity.url, error.empty() ? "scraped again" : error));
  }
  target->running = false;
  if (metadata != nullptr) {
    target->metadata = std::move(metadata);
    target->metadata_version = version;
  }
  target->health = status.ok() ? Health::kUp : Health::kDown;
  target->last_error = error;
  target->last_scrape_ms = plan.time_ms;
  target->last_duration_seconds = seconds;
  target->last_samples = counts.scraped;
  if (target->ended) {
    target->due_ns += target->identity.interval_ms * kNsPerMs;
    target->aligned_ms += target->identity.interval_ms;
    ScheduleEndLocked(target);
  } else {
    ScheduleNextLocked(target);
  }
  woken_ = true;
}

void Manager::Impl::EndTarget(const TargetPtr& target) {
  if (target->loop == nullptr) return;
  std::unique_ptr<storage::WriteBatch> batch = TakeBatch();
  target->loop->AppendEnd(target->end_time_ms, batch.get());
  // The series may have newer samples by another target of the same labels.
  Commit(*target->loop_job, *batch, /*refuse_late=*/true);
  ReturnBatch(std::move(batch));
}

void Manager::Impl::Commit(const JobConfig& job, const storage::WriteBatch& batch,
                           bool refuse_late) {
  const std::string source = "scrape/" + job.job_name;
  const auto outcome =
      appender_.Commit(batch, {options_.workspace, source, /*sequence=*/0, refuse_late});
  if (!outcome.ok()) {
    metrics_.commit_failures.Add();
    Report("EXPORTER", fmt::format("{}: {}", job.job_name, Message(outcome.status())));
    log::Warn("scrape", "the store could not take a scrape",
              {{"job", job.job_name}, {"error", Message(outcome.status())}});
    return;
  }
  metrics_.samples.Add(outcome->stored);
  metrics_.rejected.Add(outcome->rejected);
  if (outcome->rejected > 0 && !refuse_late) {
    Report("EXPORTER", fmt::format("{}: {} samples of a scrape were refused by the workspace",
                                   job.job_name, outcome->rejected));
  }
}

std::unique_ptr<storage::WriteBatch> Manager::Impl::TakeBatch() {
  absl::MutexLock lock(&mutex_);
  if (free_batches_.empty()) return std::make_unique<storage::WriteBatch>();
  std::unique_ptr<storage::WriteBatch> batch = std::move(free_batches_.back());
  free_batches_.pop_back();
  return batch;
}

void Manager::Impl::ReturnBatch(std::unique_ptr<storage::WriteBatch> batch) {
  batch->Clear();
  absl::MutexLock lock(&mutex_);
  if (free_batches_.size() < options_.threads) free_batches_.push_back(std::move(batch));
}

}  // namespace hearth::scrape
