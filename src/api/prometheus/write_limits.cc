// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/write_limits.h"

#include <fmt/core.h>

#include <string>

#include "base/status.h"
#include "codec/remote_write.h"

namespace hearth::api {
namespace {

net::HttpResponse Plain(int status, std::string text) {
  return net::TextResponse(status, std::move(text) + "\n");
}

void Count(Registry& metrics, std::string_view reason, size_t samples) {
  if (samples == 0) return;
  metrics
      .AddCounter("hearth_discarded_samples_total",
                  "Samples that were not stored, by AMP's reason.",
                  {{"reason", std::string(reason)}})
      .Add(samples);
}

}  // namespace

std::optional<net::HttpResponse> RateRefusal(workspace::Workspace& workspace,
                                             const storage::WriteBatch& batch) {
  if (workspace.TakeSamples(batch.sample_count())) return std::nullopt;
  net::HttpResponse response = Plain(
      429,
      fmt::format("ingestion rate limit ({}) exceeded while adding {} samples and {} metadata",
                  workspace.samples_per_second(), batch.sample_count(), batch.metadata().size()));
  response.headers.Set("Retry-After", "1");
  return response;
}

absl::StatusOr<storage::AppendOutcome> WriteWithin(workspace::Workspace& workspace,
                                                   const storage::WriteBatch& batch,
                                                   workspace::WriteOutcome* limits) {
  TRY_ASSIGN(*limits, workspace.Write(batch, {workspace.id(), "remote_write", 0}));
  return limits->stored;
}

std::optional<net::HttpResponse> LimitAnswer(const workspace::Workspace& workspace,
                                             const workspace::WriteOutcome& limits,
                                             const storage::AppendOutcome& outcome,
                                             const codec::RemoteWriteOutcome& decoded) {
  if (!decoded.errors.empty()) return std::nullopt;
  const bool rejected = !outcome.rejections.empty();
  if (limits.refused && (!rejected || limits.refused->first <= outcome.rejections.front().series)) {
    return Plain(400, fmt::format("user={}_{}: {}", workspace.account(), workspace.id(),
                                  limits.refused->second));
  }
  if (!limits.follower.empty() && !rejected && outcome.stored + outcome.duplicates == 0) {
    return Plain(202, limits.follower);
  }
  return std::nullopt;
}

void CountDiscarded(Registry& metrics, const codec::RemoteWriteOutcome& decoded,
                    const storage::AppendOutcome& outcome, const workspace::WriteOutcome& limits,
                    int64_t oldest_ms) {
  for (size_t i = 0; i < decoded.discarded_by_kind.size(); ++i) {
    Count(metrics, codec::MetricName(static_cast<codec::SeriesErrorKind>(i)),
          decoded.discarded_by_kind[i]);
  }
  Count(metrics, limits.refused_reason, limits.refused_samples);
  if (outcome.rejections.empty()) return;
  const auto reason = [&](const storage::Rejection& rejection) -> std::string_view {
    const bool by_age =
        rejection.reason == storage::RejectReason::kTooOld && rejection.time_ms < oldest_ms;
    return by_age ? "greater_than_max_sample_age" : storage::MetricName(rejection.reason);
  };
  for (const storage::Rejection& rejection : outcome.rejections) {
    Count(metrics, reason(rejection), 1);
  }
  Count(metrics, reason(outcome.rejections.front()), outcome.rejected - outcome.rejections.size());
}

}  // namespace hearth::api
