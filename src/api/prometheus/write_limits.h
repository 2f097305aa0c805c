// SPDX-License-Identifier: Apache-2.0
// Remote write within the limits of a workspace: rates that refuse a whole request, what was left
// out before the store (replicas, series limits), and the metric of discarded samples. Texts and
// reasons: aws-contract.md §11.2. Private to this module.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>

#include "base/metrics.h"
#include "codec/remote_write.h"
#include "net/http.h"
#include "storage/appender.h"
#include "storage/write_batch.h"
#include "workspace/workspace.h"

namespace hearth::api {

// 429 where the request is beyond the workspace's ingestion rate: all of it is refused.
std::optional<net::HttpResponse> RateRefusal(workspace::Workspace& workspace,
                                             const storage::WriteBatch& batch);

// Stores; `limits` is what Workspace::Write left out. The outcome is the store's own.
absl::StatusOr<storage::AppendOutcome> WriteWithin(workspace::Workspace& workspace,
                                                   const storage::WriteBatch& batch,
                                                   workspace::WriteOutcome* limits);

// 400 where a limit refused the first series that was refused at all, 202 where nothing was stored
// because another replica is elected; nothing where the store's outcome is what to answer by.
std::optional<net::HttpResponse> LimitAnswer(const workspace::Workspace& workspace,
                                             const workspace::WriteOutcome& limits,
                                             const storage::AppendOutcome& outcome,
                                             const codec::RemoteWriteOutcome& decoded);

// hearth_discarded_samples_total by AMP's reasons. `oldest_ms`: samples before it are too old by
// the limit on age, whatever refused them; of a request with more than 100 refused samples those
// beyond count as the first.
void CountDiscarded(Registry& metrics, const codec::RemoteWriteOutcome& decoded,
                    const storage::AppendOutcome& outcome, const workspace::WriteOutcome& limits,
                    int64_t oldest_ms);

}  // namespace hearth::api
