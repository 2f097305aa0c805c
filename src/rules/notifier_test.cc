// SPDX-License-Identifier: Apache-2.0
#include "rules/notifier.h"

#include <absl/synchronization/mutex.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"

namespace hearth::rules {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Answers with `statuses` one after the other, then with 200; remembers what was posted.
class Fetcher : public scrape::Fetcher {
 public:
  absl::StatusOr<scrape::FetchResult> Fetch(const scrape::FetchRequest& request) override {
    absl::MutexLock lock(&mutex_);
    posted_.push_back(request.method + " " + request.url + " " + request.body);
    scrape::FetchResult result;
    result.status = 200;
    if (!statuses_.empty()) {
      result.status = statuses_.front();
      statuses_.erase(statuses_.begin());
    }
    result.status_text = std::to_string(result.status);
    if (result.status == 0) return Unavailable("connection refused");
    return result;
  }
  void Answer(std::vector<int> statuses) {
    absl::MutexLock lock(&mutex_);
    statuses_ = std::move(statuses);
  }
  // Waits until so many requests have come.
  std::vector<std::string> Posted(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto enough = [this, count] {
      mutex_.AssertReaderHeld();
      return posted_.size() >= count;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(30));
    return posted_;
  }

 private:
  absl::Mutex mutex_;
  std::vector<int> statuses_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> posted_ ABSL_GUARDED_BY(mutex_);
};

AlertNotice Notice(std::string_view name) {
  AlertNotice notice;
  notice.labels = model::Labels{{"alertname", name}, {"replica", "r"}};
  notice.annotations = {{"summary", "a \"b\" <c>"}};
  notice.starts_at_ms = 1'700'000'000'000;
  notice.ends_at_ms = 1'700'000'240'500;
  notice.generator_url = "http://h/graph?g0.expr=up&g0.tab=1";
  return notice;
}

scrape::AlertingConfig Config(const char* alert_relabel = "") {
  const auto loaded = scrape::ParseConfig(
      std::string("alerting:\n  alertmanagers:\n  - path_prefix: /am/\n    static_configs: "
                  "[{targets: [\"a:9093\"]}]\n") +
          alert_relabel,
      "f", "");
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  return loaded->config.alerting;
}

NotifierOptions Fast() {
  NotifierOptions options;
  options.backoff_min_ms = options.backoff_max_ms = 1;
  return options;
}

TEST(Notifier, WritesWhatAlertmanagerReads) {
  EXPECT_EQ(AlertsJson({Notice("A")}),
            R"([{"annotations":{"summary":"a \"b\" \u003cc\u003e"},)"
            R"("endsAt":"2023-11-14T22:17:20.500Z","startsAt":"2023-11-14T22:13:20.000Z",)"
            R"("generatorURL":"http://h/graph?g0.expr=up\u0026g0.tab=1",)"
            R"("labels":{"alertname":"A","replica":"r"}}])");
}

TEST(Notifier, AddsExternalLabelsAndRelabels) {
  Fetcher fetcher;
  Registry metrics;
  Notifier notifier(Fast(), fetcher, SystemClock(), metrics);
  notifier.ApplyConfig(Config("  alert_relabel_configs: [{regex: replica, action: labeldrop}]\n"),
                       model::Labels{{"cluster", "one"}, {"alertname", "not used"}});
  EXPECT_THAT(notifier.Alertmanagers(), ElementsAre("http://a:9093/am/api/v2/alerts"));
  notifier.Send({Notice("A")});
  EXPECT_THAT(fetcher.Posted(1),
              ElementsAre(AllOf(HasSubstr("POST http://a:9093/am/api/v2/alerts ["),
                                HasSubstr(R"("labels":{"alertname":"A","cluster":"one"})"))));
}

TEST(Notifier, TriesAgainWhatMayGoBetterAndDropsWhatIsRefused) {
  Fetcher fetcher;
  Registry metrics;
  Notifier notifier(Fast(), fetcher, SystemClock(), metrics);
  notifier.ApplyConfig(Config(), model::LabelsView());
  fetcher.Answer({0, 503, 429});
  notifier.Send({Notice("A")});
  const auto posted = fetcher.Posted(4);
  ASSERT_EQ(posted.size(), 4U);
  EXPECT_EQ(posted[0], posted[3]);
  fetcher.Answer({400});
  notifier.Send({Notice("B")});
  EXPECT_EQ(fetcher.Posted(5).size(), 5U);
  notifier.Send({Notice("C")});
  EXPECT_THAT(fetcher.Posted(6).back(), HasSubstr("\"C\""));
  notifier.Stop();
}

}  // namespace
}  // namespace hearth::rules
