// SPDX-License-Identifier: Apache-2.0
#include "rules/notifier.h"

#include <absl/time/time.h>
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <set>

#include "base/json_text.h"
#include "base/log.h"
#include "base/status.h"
#include "base/threads.h"

namespace hearth::rules {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// Answers are short; what is longer is no Alertmanager's.
constexpr size_t kAnswerBytesMax = size_t{1} << 20;

std::string Rfc3339(int64_t ms) {
  return absl::FormatTime("%E4Y-%m-%d%ET%H:%M:%E3SZ", absl::FromUnixMillis(ms),
                          absl::UTCTimeZone());
}

template <typename Pairs>
void AppendObject(const Pairs& pairs, std::string* out) {
  *out += '{';
  bool first = true;
  for (const auto& [name, value] : pairs) {
    if (!std::exchange(first, false)) *out += ',';
    AppendJsonStringHtmlSafe(name, out);
    *out += ':';
    AppendJsonStringHtmlSafe(value, out);
  }
  *out += '}';
}

// An address after relabelling; false: dropped.
bool UrlOf(const scrape::AlertmanagerConfig& config, const model::Labels& group,
           std::string_view address, std::string* url) {
  model::LabelsBuilder labels(group);
  labels.Set("__address__", address);
  labels.Set("__scheme__", config.scheme);
  std::string path = "/" + config.path_prefix + "/api/v2/alerts";
  for (size_t at; (at = path.find("//")) != std::string::npos;) path.erase(at, 1);
  labels.Set("__alerts_path__", path);
  const bool kept = scrape::Relabel(config.relabel, &labels);
  *url = fmt::format("{}://{}{}", labels.Get("__scheme__"), labels.Get("__address__"),
                     labels.Get("__alerts_path__"));
  return kept;
}

}  // namespace

std::string AlertsJson(const std::vector<AlertNotice>& alerts) {
  std::string out = "[";
  for (const AlertNotice& alert : alerts) {
    if (out.size() > 1) out += ',';
    out += R"({"annotations":)";
    AppendObject(alert.annotations, &out);
    out += fmt::format(R"(,"endsAt":"{}","startsAt":"{}","generatorURL":)",
                       Rfc3339(alert.ends_at_ms), Rfc3339(alert.starts_at_ms));
    AppendJsonStringHtmlSafe(alert.generator_url, &out);
    out += R"(,"labels":)";
    AppendObject(alert.labels, &out);
    out += '}';
  }
  return out + "]";
}

// One Alertmanager: its queue and the thread that empties it.
class Notifier::Peer {
 public:
  Peer(const Notifier& notifier, std::string url, scrape::AlertmanagerConfig config)
      : options_(notifier.options_),
        fetcher_(notifier.fetcher_),
        clock_(notifier.clock_),
        metrics_(notifier.metrics_),
        url_(std::move(url)),
        config_(std::move(config)) {
    const MetricLabels labels = {{"alertmanager", url_}};
    const auto counter = [&](std::string_view name, std::string_view help,
                             const std::atomic<uint64_t>& value) {
      metrics_.AddCallback(this, name, help, true, labels,
                           [&value] { return static_cast<double>(value.load()); });
    };
    counter("prometheus_notifications_sent_total", "Total number of alerts sent.", sent_);
    counter("prometheus_notifications_errors_total",
            "Total number of sent alerts affected by errors.", errors_);
    counter("prometheus_notifications_dropped_total",
            "Total number of alerts dropped due to errors when sending to Alertmanager.", dropped_);
    metrics_.AddCallback(this, "prometheus_notifications_queue_length",
                         "The number of alert notifications in the queue.", false, labels,
                         [this] { return static_cast<double>(waiting_.load()); });
    thread_ = Thread("notifier", [this] { Loop(); });
  }
  ~Peer() {
    Stop();
    metrics_.RemoveCallbacks(this);
  }

  void Stop() {
    cancelled_ = true;
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = wake_ = true;
    }
    thread_.Join();
  }

  void Add(const std::vector<AlertNotice>& alerts) {
    absl::MutexLock lock(&mutex_);
    for (const AlertNotice& alert : alerts) {
      model::LabelsBuilder labels(alert.labels);
      if (!scrape::Relabel(config_.alert_relabel, &labels)) continue;
      AlertNotice copy = alert;
      copy.labels = labels.Build();
      queue_.push_back(std::move(copy));
    }
    while (queue_.size() > options_.queue_max) {
      queue_.pop_front();
      dropped_.fetch_add(1);
    }
    waiting_ = queue_.size();
    wake_ = !queue_.empty();
  }

  const std::string& url() const { return url_; }
  const scrape::AlertmanagerConfig& config() const { return config_; }

 private:
  void Loop() {
    int64_t backoff_ms = 0;
    for (;;) {
      std::vector<AlertNotice> batch;
      {
        absl::MutexLock lock(&mutex_);
        if (backoff_ms > 0) {
          clock_.WaitUntil(mutex_, absl::Condition(&stopping_),
                           clock_.MonotonicNs() + backoff_ms * kNsPerMs);
        }
        mutex_.Await(absl::Condition(&wake_));
        if (stopping_) return;
        const size_t count = std::min(queue_.size(), options_.batch_max);
        const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
        batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
        queue_.erase(queue_.begin(), end);
        wake_ = !queue_.empty();
        waiting_ = queue_.size();
      }
      if (batch.empty()) continue;
      bool again = false;
      const absl::Status status = Post(batch, &again);
      if (status.ok()) {
        sent_.fetch_add(batch.size());
        backoff_ms = 0;
        continue;
      }
      errors_.fetch_add(batch.size());
      log::Error("rules", "alerts not sent",
                 {{"alertmanager", url_},
                  {"count", batch.size()},
                  {"again", again},
                  {"error", Message(status)}});
      if (!again) {
        dropped_.fetch_add(batch.size());
        continue;
      }
      backoff_ms = std::clamp(backoff_ms * 2, options_.backoff_min_ms, options_.backoff_max_ms);
      PutBack(std::move(batch));
    }
  }

  // In front of what came in meanwhile, as far as there is room.
  void PutBack(std::vector<AlertNotice> batch) {
    absl::MutexLock lock(&mutex_);
    while (!batch.empty() && queue_.size() < options_.queue_max) {
      queue_.push_front(std::move(batch.back()));
      batch.pop_back();
    }
    dropped_.fetch_add(batch.size());
    waiting_ = queue_.size();
    wake_ = true;
  }

  // `again`: it may go better the next time.
  absl::Status Post(const std::vector<AlertNotice>& batch, bool* again) {
    scrape::FetchRequest request;
    request.method = "POST";
    request.url = url_;
    request.headers = {{"Content-Type", "application/json"}};
    request.body = AlertsJson(batch);
    request.http = &config_.http;
    request.timeout_ms = config_.timeout_ms;
    request.body_bytes_max = kAnswerBytesMax;
    request.cancelled = &cancelled_;
    const auto answer = fetcher_.Fetch(request);
    if (!answer.ok()) {
      *again = true;
      return answer.status();
    }
    if (answer->status / 100 == 2) return absl::OkStatus();
    *again = answer->status / 100 == 5 || answer->status == 429;
    return FailedPrecondition("bad response status {}", answer->status_text);
  }

  const NotifierOptions options_;
  scrape::Fetcher& fetcher_;
  const Clock& clock_;
  Registry& metrics_;
  const std::string url_;
  const scrape::AlertmanagerConfig config_;
  std::atomic<bool> cancelled_{false};
  std::atomic<uint64_t> sent_{0};
  std::atomic<uint64_t> errors_{0};
  std::atomic<uint64_t> dropped_{0};
  std::atomic<size_t> waiting_{0};
  absl::Mutex mutex_;
  std::deque<AlertNotice> queue_ ABSL_GUARDED_BY(mutex_);
  bool wake_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Thread thread_;
};

Notifier::Notifier(NotifierOptions options, scrape::Fetcher& fetcher, const Clock& clock,
                   Registry& metrics)
    : options_(options), fetcher_(fetcher), clock_(clock), metrics_(metrics) {
  metrics_
      .AddGauge("prometheus_notifications_queue_capacity",
                "The capacity of the alert notifications queue.")
      .Set(static_cast<double>(options_.queue_max));
}

Notifier::~Notifier() { Stop(); }

void Notifier::Stop() {
  std::vector<std::shared_ptr<Peer>> peers;
  {
    absl::MutexLock lock(&mutex_);
    peers.swap(peers_);
  }
  for (const auto& peer : peers) peer->Stop();
}

void Notifier::ApplyConfig(const scrape::AlertingConfig& config,
                           model::LabelsView external_labels) {
  std::vector<std::shared_ptr<Peer>> old;
  std::vector<std::shared_ptr<Peer>> peers;
  std::vector<std::string> dropped;
  {
    absl::MutexLock lock(&mutex_);
    old = peers_;
  }
  std::set<std::string> seen;
  for (const scrape::AlertmanagerConfig& manager : config.alertmanagers) {
    for (const scrape::StaticGroup& group : manager.static_groups) {
      for (const std::string& address : group.targets) {
        std::string url;
        if (!UrlOf(manager, group.labels, address, &url)) {
          dropped.push_back(url);
          continue;
        }
        if (!seen.insert(url).second) continue;
        if (peers.size() == kAlertmanagersMax) {
          log::Error("rules", "too many Alertmanagers; the rest is not used",
                     {{"limit", kAlertmanagersMax}, {"first_unused", url}});
          continue;
        }
        const auto same = std::find_if(old.begin(), old.end(), [&](const auto& peer) {
          return peer->url() == url && peer->config() == manager;
        });
        peers.push_back(same != old.end() ? *same : std::make_shared<Peer>(*this, url, manager));
      }
    }
  }
  absl::MutexLock lock(&mutex_);
  peers_ = std::move(peers);
  dropped_ = std::move(dropped);
  alert_relabel_ = config.alert_relabel;
  external_labels_ = model::Labels(external_labels);
}

void Notifier::Send(const std::vector<AlertNotice>& alerts) {
  absl::MutexLock lock(&mutex_);
  if (peers_.empty()) return;
  std::vector<AlertNotice> sent;
  for (const AlertNotice& alert : alerts) {
    model::LabelsBuilder labels(alert.labels);
    for (const model::Label& label : external_labels_) {
      if (labels.Get(label.name).empty()) labels.Set(label.name, label.value);
    }
    if (!scrape::Relabel(alert_relabel_, &labels)) continue;
    AlertNotice& copy = sent.emplace_back(alert);
    copy.labels = labels.Build();
  }
  for (const auto& peer : peers_) peer->Add(sent);
}

std::vector<std::string> Notifier::Alertmanagers() const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> urls;
  for (const auto& peer : peers_) urls.push_back(peer->url());
  std::sort(urls.begin(), urls.end());
  return urls;
}

std::vector<std::string> Notifier::DroppedAlertmanagers() const {
  absl::MutexLock lock(&mutex_);
  return dropped_;
}

}  // namespace hearth::rules
