// SPDX-License-Identifier: Apache-2.0
// Sends alerts to the Alertmanagers of the configuration (v2 API), as Prometheus' notifier does:
// external labels added, relabelled, in batches; each Alertmanager has a queue and a thread of its
// own, so that one that hangs does not keep the others waiting. What could not be sent is tried
// again with growing pauses; a queue that is full loses its oldest alerts, and counts them.
//
// Thread-safe. The fetcher and clock outlive it.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "rules/alert.h"
#include "scrape/config.h"
#include "scrape/fetcher.h"

namespace hearth::rules {

struct NotifierOptions {
  size_t queue_max = 10'000;  // alerts waiting for one Alertmanager (Prometheus' default)
  size_t batch_max = 256;     // alerts of one request (Prometheus' default)
  int64_t backoff_min_ms = 500;
  int64_t backoff_max_ms = 30'000;
};
// Addresses that are used; each has a thread. More are refused with an error in the log.
inline constexpr size_t kAlertmanagersMax = 64;

class Notifier {
 public:
  Notifier(NotifierOptions options, scrape::Fetcher& fetcher, const Clock& clock,
           Registry& metrics);
  ~Notifier();  // Stop()

  // Alertmanagers that are the same go on with their queues.
  void ApplyConfig(const scrape::AlertingConfig& config, model::LabelsView external_labels);
  void Send(const std::vector<AlertNotice>& alerts);
  // URLs that alerts are posted to, sorted.
  std::vector<std::string> Alertmanagers() const;
  std::vector<std::string> DroppedAlertmanagers() const;  // by relabelling
  // What waits is dropped.
  void Stop();

 private:
  class Peer;
  const NotifierOptions options_;
  scrape::Fetcher& fetcher_;
  const Clock& clock_;
  Registry& metrics_;
  mutable absl::Mutex mutex_;
  scrape::RelabelRules alert_relabel_ ABSL_GUARDED_BY(mutex_);
  model::Labels external_labels_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Peer>> peers_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> dropped_ ABSL_GUARDED_BY(mutex_);
};

// The body of POST /api/v2/alerts.
std::string AlertsJson(const std::vector<AlertNotice>& alerts);

}  // namespace hearth::rules
