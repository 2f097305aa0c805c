// SPDX-License-Identifier: Apache-2.0
#include "scrape/manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/status.h"
#include "codec/wire.h"
#include "model/value.h"

namespace hearth::scrape {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kNsPerMs = 1'000'000;

class FakeFetcher : public Fetcher {
 public:
  absl::StatusOr<FetchResult> Fetch(const FetchRequest& request) override {
    requests.push_back(request);
    const auto found = answers.find(request.url);
    if (found == answers.end()) return Unavailable("connection refused");
    if (found->second.body.size() > request.body_bytes_max) {
      return ResourceExhausted("too large");
    }
    return found->second;
  }
  void Set(const std::string& url, std::string body, int status = 200,
           std::string type = "text/plain; version=0.0.4") {
    answers[url] = {status, status == 200 ? "200 OK" : std::to_string(status) + " Not Found",
                    std::move(type), std::move(body)};
  }
  std::map<std::string, FetchResult> answers;
  std::vector<FetchRequest> requests;
};

// Keeps "series value" lines by time.
class FakeAppender : public storage::Appender {
 public:
  absl::StatusOr<storage::AppendOutcome> Commit(const storage::WriteBatch& batch,
                                                const storage::Origin& origin) override {
    source = origin.source;
    refuse_late = origin.refuse_late;
    for (const auto& series : batch.series()) {
      for (size_t i = 0; i < series.histogram_count; ++i) {
        const model::HistogramSample& sample = batch.histograms()[series.first_histogram + i];
        const model::NativeHistogram& h = *sample.histogram;
        const std::string text =
            model::IsStale(h) ? "stale histogram"
                              : fmt::format("count {} schema {} buckets {}", h.count, h.schema,
                                            h.positive_buckets.size() + h.negative_buckets.size());
        samples.push_back({batch.labels(series).ToString(), text, sample.time_ms});
      }
    }
    for (const auto& series : batch.series()) {
      for (size_t i = 0; i < series.sample_count; ++i) {
        const double value = batch.values()[series.first_sample + i];
        const std::string text = model::IsStaleNan(value) ? "stale" : fmt::format("{}", value);
        samples.push_back(
            {batch.labels(series).ToString(), text, batch.times_ms()[series.first_sample + i]});
      }
    }
    for (const auto& metadata : batch.metadata()) families.push_back(metadata.metric);
    exemplars += batch.exemplars().size();
    return storage::AppendOutcome{};
  }
  struct Sample {
    std::string series;
    std::string value;
    int64_t time_ms;
  };
  // "series value" of what is no report series, and forgets everything.
  std::vector<std::string> Take(bool reports = false) {
    std::vector<std::string> out;
    for (const Sample& sample : samples) {
      const bool report = sample.series.starts_with("up{") || sample.series.starts_with("scrape_");
      if (report == reports) out.push_back(sample.series + " " + sample.value);
    }
    samples.clear();
    return out;
  }
  std::vector<Sample> samples;
  std::vector<std::string> families;
  size_t exemplars = 0;
  std::string source;
  bool refuse_late = false;
};

class ManagerTest : public testing::Test {
 protected:
  void Apply(std::string_view yaml) {
    auto loaded = ParseConfig(yaml, "test.yml", folder_.path());
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    manager_.ApplyConfig(std::make_shared<Config>(std::move(loaded->config)));
  }
  // Lets time pass and does what falls due, step by step.
  void Pass(int64_t milliseconds) {
    const int64_t end = clock_.MonotonicNs() + milliseconds * kNsPerMs;
    while (true) {
      const int64_t next = manager_.RunDueForTest();
      const int64_t now = clock_.MonotonicNs();
      if (next > end) {
        clock_.Advance((end - now) / kNsPerMs);
        return;
      }
      clock_.Advance((next - now + kNsPerMs - 1) / kNsPerMs);
    }
  }
  void ApplyOne(std::string_view more = "") {
    Apply(
        fmt::format("scrape_configs:\n- job_name: j\n  scrape_interval: 10s\n"
                    "  static_configs: [{{targets: ['a:1']}}]\n{}",
                    more));
  }
  TargetStatus OnlyTarget() {
    const TargetsSnapshot snapshot = manager_.Targets();
    EXPECT_EQ(snapshot.active.size(), 1U);
    return snapshot.active.empty() ? TargetStatus{} : snapshot.active[0];
  }

  TemporaryDirectory folder_;
  ManualClock clock_;
  FakeFetcher fetcher_;
  FakeAppender appender_;
  Registry metrics_;
  std::vector<std::string> reports_;  // of discovery
  ManagerOptions Options() {
    ManagerOptions options;
    options.report = [this](std::string_view component, std::string_view text) {
      if (component == "SERVICE_DISCOVERY") reports_.emplace_back(text);
    };
    return options;
  }
  Manager manager_{Options(), fetcher_, appender_, RealFileSystem(), clock_, metrics_};
};

constexpr char kUrl[] = "http://a:1/metrics";

TEST_F(ManagerTest, AddsTargetLabelsAndReports) {
  fetcher_.Set(kUrl, "# HELP m Help.\n# TYPE m counter\nm{x=\"1\"} 5\n");
  ApplyOne();
  Pass(10'000);
  ASSERT_EQ(appender_.samples.size(), 6U);
  EXPECT_EQ(appender_.source, "scrape/j");
  EXPECT_EQ(appender_.samples[0].series, "m{instance=\"a:1\", job=\"j\", x=\"1\"}");
  EXPECT_EQ(appender_.samples[0].time_ms, appender_.samples[5].time_ms);
  EXPECT_THAT(appender_.Take(/*reports=*/true),
              ElementsAre("up{instance=\"a:1\", job=\"j\"} 1",
                          "scrape_duration_seconds{instance=\"a:1\", job=\"j\"} 0",
                          "scrape_samples_scraped{instance=\"a:1\", job=\"j\"} 1",
                          "scrape_samples_post_metric_relabeling{instance=\"a:1\", job=\"j\"} 1",
                          "scrape_series_added{instance=\"a:1\", job=\"j\"} 1"));
  EXPECT_THAT(appender_.families, ElementsAre("m"));
  const TargetStatus status = OnlyTarget();
  EXPECT_EQ(status.health, Health::kUp);
  EXPECT_EQ(status.scrape_url, kUrl);
  EXPECT_EQ(status.discovered.Get("__address__"), "a:1");
  EXPECT_EQ(status.samples, 1U);
  Pass(10'000);
  EXPECT_THAT(appender_.Take(true),
              testing::Contains("scrape_series_added{instance=\"a:1\", job=\"j\"} 0"));
  EXPECT_EQ(appender_.families.size(), 1U);  // unchanged metadata is not repeated
}

TEST_F(ManagerTest, ReportsTheTargetsOwnTimeout) {
  fetcher_.Set(kUrl, "m 1\n");
  ApplyOne(
      "  extra_scrape_metrics: true\n"
      "  relabel_configs: [{target_label: __scrape_timeout__, replacement: 3s}]\n");
  Pass(10'000);
  EXPECT_THAT(appender_.Take(/*reports=*/true),
              testing::Contains("scrape_timeout_seconds{instance=\"a:1\", job=\"j\"} 3"));
}

TEST_F(ManagerTest, ForgetsFamiliesThatAreGoneForTenScrapes) {
  fetcher_.Set(kUrl, "# TYPE gone counter\ngone 1\n# TYPE stays gauge\nstays 1\n");
  ApplyOne();
  Pass(10'000);
  ASSERT_EQ(manager_.Metadata()[0].metadata.size(), 2U);
  fetcher_.Set(kUrl, "# TYPE stays gauge\nstays 1\n");
  Pass(100'000);
  EXPECT_EQ(manager_.Metadata()[0].metadata.size(), 2U);
  Pass(10'000);
  ASSERT_EQ(manager_.Metadata()[0].metadata.size(), 1U);
  EXPECT_EQ(manager_.Metadata()[0].metadata[0].metric, "stays");
}

TEST_F(ManagerTest, KeepsEqualDistancesInTime) {
  fetcher_.Set(kUrl, "m 1\n");
  ApplyOne();
  Pass(40'000);
  std::vector<int64_t> times;
  for (const auto& sample : appender_.samples) {
    if (sample.series.starts_with("m")) times.push_back(sample.time_ms);
  }
  ASSERT_EQ(times.size(), 4U);
  for (size_t i = 1; i < times.size(); ++i) EXPECT_EQ(times[i] - times[i - 1], 10'000);
}

TEST_F(ManagerTest, MarksVanishedSeriesAsStaleOnce) {
  fetcher_.Set(kUrl, "m{x=\"1\"} 5\nm{x=\"2\"} 6\n");
  ApplyOne();
  Pass(10'000);
  appender_.Take();
  fetcher_.Set(kUrl, "m{x=\"2\"} 7\n");
  Pass(10'000);
  EXPECT_THAT(appender_.Take(), ElementsAre("m{instance=\"a:1\", job=\"j\", x=\"2\"} 7",
                                            "m{instance=\"a:1\", job=\"j\", x=\"1\"} stale"));
  Pass(10'000);
  EXPECT_THAT(appender_.Take(), ElementsAre("m{instance=\"a:1\", job=\"j\", x=\"2\"} 7"));
}

TEST_F(ManagerTest, AFailedScrapeMakesEverythingStaleAndTheTargetDown) {
  struct Row {
    std::string body;
    int status;
    std::string type;
    std::string error;
  };
  const Row rows[] = {
      {"", 404, "text/plain", "server returned HTTP status 404 Not Found"},
      {"m 2\nbroken\n", 200, "text/plain",
       "line 2: expected a value after the metric in \"broken\""},
      {"m 2\n", 200, "text/html",
       "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified "
       "for target"},
      {"m{a=\"1\",a=\"2\"} 2\n", 200, "text/plain",
       "label name \"a\" is not unique: invalid sample"},
  };
  ApplyOne();
  for (const Row& row : rows) {
    fetcher_.Set(kUrl, "m 1\n");
    Pass(10'000);
    appender_.Take();
    fetcher_.Set(kUrl, row.body, row.status, row.type);
    Pass(10'000);
    EXPECT_EQ(appender_.samples[1].value, "0");  // up
    EXPECT_THAT(appender_.Take(), ElementsAre("m{instance=\"a:1\", job=\"j\"} stale"));
    EXPECT_EQ(OnlyTarget().health, Health::kDown);
    EXPECT_EQ(OnlyTarget().last_error, row.error);
  }
}

TEST_F(ManagerTest, ABlankContentTypeNeedsAFallback) {
  fetcher_.Set(kUrl, "m 1\n", 200, "");
  ApplyOne();
  Pass(10'000);
  EXPECT_THAT(appender_.Take(), IsEmpty());
  EXPECT_THAT(OnlyTarget().last_error, HasSubstr("blank Content-Type"));
  ApplyOne("  fallback_scrape_protocol: PrometheusText0.0.4\n");
  Pass(10'000);
  EXPECT_THAT(appender_.Take(), ElementsAre("m{instance=\"a:1\", job=\"j\"} 1"));
}

TEST_F(ManagerTest, HonorsLabelsAndTimestampsAsTold) {
  fetcher_.Set(kUrl, "m{job=\"x\",exported_job=\"y\"} 1 5000\n");
  ApplyOne();
  Pass(10'000);
  EXPECT_EQ(appender_.samples[0].time_ms, 5000);
  EXPECT_THAT(appender_.Take(), ElementsAre("m{exported_exported_job=\"x\", exported_job=\"y\", "
                                            "instance=\"a:1\", job=\"j\"} 1"));
  ApplyOne("  honor_labels: true\n  honor_timestamps: false\n");
  Pass(10'000);
  EXPECT_GT(appender_.samples[0].time_ms, 5000);
  EXPECT_THAT(appender_.Take(),
              ElementsAre("m{exported_job=\"y\", instance=\"a:1\", job=\"x\"} 1"));
}

TEST_F(ManagerTest, AppliesMetricRelabellingOnceASeries) {
  fetcher_.Set(kUrl, "keep_me 1\ndrop_me 2\n");
  ApplyOne(
      "  metric_relabel_configs: [{source_labels: [__name__], regex: drop.*, action: drop}]\n");
  Pass(20'000);
  EXPECT_THAT(appender_.Take(true),
              testing::Contains("scrape_samples_post_metric_relabeling{instance=\"a:1\", "
                                "job=\"j\"} 1"));
}

TEST_F(ManagerTest, LeavesOutASeriesThatIsThereTwice) {
  fetcher_.Set(kUrl, "m{a=\"1\"} 1\nm{a=\"1\",} 2\n");
  ApplyOne();
  Pass(10'000);
  EXPECT_THAT(appender_.Take(), ElementsAre("m{a=\"1\", instance=\"a:1\", job=\"j\"} 1"));
}

TEST_F(ManagerTest, FailsBeyondItsLimits) {
  fetcher_.Set(kUrl, "metric{label=\"value\"} 1\nother 2\n");
  const std::pair<const char*, const char*> rows[] = {
      {"sample_limit: 1", "sample limit exceeded"},
      {"label_limit: 3", "label_limit exceeded (metric: metric, number of labels: 4, limit: 3)"},
      {"label_name_length_limit: 7",
       "label_name_length_limit exceeded (metric: metric, label name: __name__, length: 8, limit: "
       "7)"},
      {"label_value_length_limit: 5",
       "label_value_length_limit exceeded (metric: metric, label name: __name__, value: "
       "\"metric\", length: 6, limit: 5)"},
      {"body_size_limit: 10B", "body size limit exceeded"},
  };
  for (const auto& [limit, error] : rows) {
    ApplyOne(fmt::format("  {}\n", limit));
    Pass(10'000);
    EXPECT_EQ(OnlyTarget().last_error, error);
    EXPECT_THAT(appender_.Take(), IsEmpty());
  }
  Apply(
      "scrape_configs:\n- job_name: j\n  scrape_interval: 10s\n  target_limit: 1\n"
      "  static_configs: [{targets: ['a:1', 'b:1']}]\n");
  Pass(10'000);
  EXPECT_EQ(manager_.Targets().active[0].last_error,
            "target_limit exceeded (number of targets: 2, limit: 1)");
}

TEST_F(ManagerTest, AVanishedTargetBecomesStaleAfterAWhile) {
  fetcher_.Set(kUrl, "m 1\n");
  ApplyOne();
  Pass(10'000);
  const int64_t last = appender_.samples[0].time_ms;
  appender_.Take();
  Apply("");
  EXPECT_TRUE(manager_.Targets().active.empty());
  Pass(10'500);
  EXPECT_TRUE(appender_.samples.empty());
  Pass(12'000);
  ASSERT_EQ(appender_.samples.size(), 6U);
  for (const auto& sample : appender_.samples) {
    EXPECT_EQ(sample.value, "stale");
    EXPECT_EQ(sample.time_ms, last + 10'000);
  }
  EXPECT_TRUE(appender_.refuse_late);  // another target may write these series by now
  EXPECT_EQ(manager_.RunDueForTest(), INT64_MAX);
}

TEST_F(ManagerTest, ATargetThatComesBackGoesOn) {
  fetcher_.Set(kUrl, "m 1\n");
  ApplyOne();
  Pass(10'000);
  Apply("");
  ApplyOne();
  appender_.Take();
  Pass(60'000);
  for (const auto& sample : appender_.samples) EXPECT_NE(sample.value, "stale");
}

TEST_F(ManagerTest, AReloadKeepsUnchangedTargets) {
  fetcher_.Set(kUrl, "m 1\n");
  ApplyOne();
  Pass(10'000);
  const int64_t before = OnlyTarget().last_scrape_ms;
  ApplyOne();
  EXPECT_EQ(OnlyTarget().last_scrape_ms, before);
  EXPECT_EQ(OnlyTarget().health, Health::kUp);
  // A changed rule makes the old series stale and the new ones appear, in one scrape.
  ApplyOne("  metric_relabel_configs: [{target_label: z, replacement: y}]\n");
  appender_.Take();
  Pass(10'000);
  EXPECT_THAT(appender_.Take(), ElementsAre("m{instance=\"a:1\", job=\"j\", z=\"y\"} 1",
                                            "m{instance=\"a:1\", job=\"j\"} stale"));
}

TEST_F(ManagerTest, ReadsTargetFilesAgainWhenTheyChange) {
  fetcher_.Set("http://b:2/metrics", "m 1\n");
  FileSystem& files = RealFileSystem();
  const std::string path = folder_.path() + "/t.json";
  ASSERT_TRUE(files.WriteFileAtomic(path, "[]").ok());
  Apply(
      "scrape_configs:\n- job_name: j\n  scrape_interval: 10s\n"
      "  file_sd_configs: [{files: ['*.json', u.yml]}]\n");
  EXPECT_TRUE(manager_.Targets().active.empty());
  ASSERT_TRUE(
      files.WriteFileAtomic(path, R"([{"targets": ["b:2"], "labels": {"env": "dev"}}])").ok());
  Pass(6'000);
  EXPECT_EQ(OnlyTarget().labels.ToString(), "{env=\"dev\", instance=\"b:2\", job=\"j\"}");
  EXPECT_EQ(OnlyTarget().discovered.Get("__meta_filepath"), path);
  // A broken file leaves what was there.
  ASSERT_TRUE(files.WriteFileAtomic(path, "[{").ok());
  Pass(6'000);
  EXPECT_EQ(OnlyTarget().labels.Get("env"), "dev");
  ASSERT_TRUE(files.WriteFileAtomic(folder_.path() + "/u.yml", "- targets: [c:3]\n").ok());
  ASSERT_TRUE(files.Remove(path).ok());
  Pass(6'000);
  EXPECT_EQ(OnlyTarget().labels.Get("instance"), "c:3");
}

TEST_F(ManagerTest, AsksHttpForTargets) {
  fetcher_.Set("http://sd/x", R"([{"targets": ["b:2"]}])", 200, "application/json");
  Apply("scrape_configs:\n- job_name: j\n  http_sd_configs: [{url: 'http://sd/x'}]\n");
  Pass(1);
  EXPECT_EQ(OnlyTarget().discovered.Get("__meta_url"), "http://sd/x");
  fetcher_.Set("http://sd/x", "oops", 500, "application/json");
  Pass(60'000);
  EXPECT_EQ(OnlyTarget().labels.Get("instance"), "b:2");
}

// As in Prometheus: discovery that is configured as before goes on, and so do its targets.
TEST_F(ManagerTest, AReloadKeepsWhatWasDiscovered) {
  fetcher_.Set("http://sd/x", R"([{"targets": ["b:2"]}])", 200, "application/json");
  fetcher_.Set("http://b:2/metrics", "m 1\n");
  constexpr char kJob[] =
      "scrape_configs:\n- job_name: j\n  scrape_interval: 10s\n"
      "  http_sd_configs: [{url: 'http://sd/x'}]\n";
  Apply(kJob);
  Pass(11'000);
  EXPECT_EQ(OnlyTarget().health, Health::kUp);
  appender_.Take();
  fetcher_.answers.erase("http://sd/x");  // nobody answers at the reload
  Apply(std::string(kJob) + "  metric_relabel_configs: [{target_label: z, replacement: y}]\n");
  EXPECT_EQ(OnlyTarget().health, Health::kUp);
  Pass(10'000);
  EXPECT_THAT(appender_.Take(), ElementsAre("m{instance=\"b:2\", job=\"j\", z=\"y\"} 1",
                                            "m{instance=\"b:2\", job=\"j\"} stale"));
  // Target relabelling is done anew.
  Apply(std::string(kJob) + "  relabel_configs: [{target_label: env, replacement: dev}]\n");
  EXPECT_EQ(OnlyTarget().labels.Get("env"), "dev");
}

TEST_F(ManagerTest, ShowsNoPasswordOfADiscoverysUrl) {
  fetcher_.Set("http://u:pass@sd/x?token=t", "oops", 500, "application/json");
  Apply(
      "scrape_configs:\n- job_name: j\n  http_sd_configs: [{url: 'http://u:pass@sd/x?token=t'}]\n");
  Pass(1);
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_EQ(reports_[0], "j: http://u:xxxxx@sd/x: server returned HTTP status 500 Not Found");
}

TEST_F(ManagerTest, RelabelsTargets) {
  Apply(R"(
scrape_configs:
- job_name: j
  params: {match: [a]}
  static_configs: [{targets: ['a:1', 'b:1'], labels: {__scheme__: https, __param_x: 'y z'}}]
  relabel_configs:
  - {source_labels: [__address__], regex: 'b:.*', action: drop}
  - {source_labels: [__address__], target_label: who}
  - {target_label: __metrics_path__, replacement: /probe me}
  - {target_label: __scrape_interval__, replacement: 30s}
)");
  const TargetStatus status = OnlyTarget();
  EXPECT_EQ(status.scrape_url, "https://a:1/probe%20me?match=a&x=y+z");
  EXPECT_EQ(status.interval_ms, 30'000);
  EXPECT_EQ(status.labels.ToString(), "{instance=\"a:1\", job=\"j\", who=\"a:1\"}");
  ASSERT_EQ(manager_.Targets().dropped.size(), 1U);
  EXPECT_EQ(manager_.Targets().dropped[0].discovered.Get("__address__"), "b:1");
}

TEST_F(ManagerTest, ReadsItselfInProcess) {
  manager_.AddSelf("a:1", [] { return std::string("me 1\n"); });
  ApplyOne();
  Pass(10'000);
  EXPECT_THAT(appender_.Take(), ElementsAre("me{instance=\"a:1\", job=\"j\"} 1"));
  EXPECT_TRUE(fetcher_.requests.empty());
}

TEST_F(ManagerTest, AsksAsPrometheusDoes) {
  fetcher_.Set(kUrl, "m 1\n");
  ApplyOne("  scrape_timeout: 4s\n");
  Pass(10'000);
  ASSERT_EQ(fetcher_.requests.size(), 1U);
  EXPECT_THAT(fetcher_.requests[0].headers,
              ElementsAre(std::pair("Accept",
                                    "application/openmetrics-text;version=1.0.0;escaping=allow-"
                                    "utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
                                    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                                    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"),
                          std::pair("X-Prometheus-Scrape-Timeout-Seconds", "4")));
  EXPECT_EQ(fetcher_.requests[0].timeout_ms, 4000);
}

TEST_F(ManagerTest, OffersTheProtobufFormatWhereNativeHistogramsAreWanted) {
  fetcher_.Set(kUrl, "m 1\n");
  ApplyOne("  scrape_native_histograms: true\n");
  Pass(10'000);
  const std::string proto =
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
  EXPECT_THAT(fetcher_.requests[0].headers[0].second,
              HasSubstr(proto + ";q=0.6,application/openmetrics-text;version=1.0.0;"
                                "escaping=allow-utf-8;q=0.5,"));
  ApplyOne("  scrape_protocols: [PrometheusProto, PrometheusText0.0.4]\n");
  Pass(10'000);
  EXPECT_EQ(fetcher_.requests[1].headers[0].second,
            proto + ";q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.4");
}

// A MetricFamily of a histogram `h` with 4 buckets of schema 2 side by side, each of count 1.
std::string FourBuckets() {
  namespace wire = codec::wire;
  std::string span;
  wire::AppendVarintField(1, wire::UnZigZag(1), &span);
  wire::AppendVarintField(2, 4, &span);
  std::string histogram;
  wire::AppendVarintField(1, 4, &histogram);
  wire::AppendVarintField(5, wire::UnZigZag(2), &histogram);
  wire::AppendBytesField(12, span, &histogram);
  for (const int64_t delta : {1, 0, 0, 0}) {
    wire::AppendVarintField(13, wire::UnZigZag(delta), &histogram);
  }
  std::string metric;
  wire::AppendBytesField(7, histogram, &metric);
  std::string family;
  wire::AppendBytesField(1, "h", &family);
  wire::AppendVarintField(3, 4, &family);
  wire::AppendBytesField(4, metric, &family);
  std::string body;
  wire::AppendVarint(family.size(), &body);
  return body + family;
}

TEST_F(ManagerTest, ScrapesNativeHistogramsAndMarksThemStale) {
  const std::string type = "application/vnd.google.protobuf";
  fetcher_.Set(kUrl, FourBuckets(), 200, type);
  ApplyOne("  scrape_native_histograms: true\n");
  Pass(10'000);
  EXPECT_THAT(appender_.Take(),
              ElementsAre("h{instance=\"a:1\", job=\"j\"} count 4 schema 2 buckets 4"));
  fetcher_.Set(kUrl, "", 200, type);
  Pass(10'000);
  EXPECT_THAT(appender_.Take(), ElementsAre("h{instance=\"a:1\", job=\"j\"} stale histogram"));
}

TEST_F(ManagerTest, MakesHistogramsCoarserUntilTheyFit) {
  fetcher_.Set(kUrl, FourBuckets(), 200, "application/vnd.google.protobuf");
  const struct {
    const char* more;
    std::string sample;
    std::string error;
  } rows[] = {
      // Indexes 1 to 4 of schema 2: two buckets of schema 1, one of schema 0.
      {"  native_histogram_bucket_limit: 3\n", "count 4 schema 1 buckets 2", ""},
      {"  native_histogram_bucket_limit: 1\n", "count 4 schema 0 buckets 1", ""},
      {"  native_histogram_min_bucket_factor: 1.4\n", "count 4 schema 1 buckets 2", ""},
  };
  for (const auto& row : rows) {
    ApplyOne(std::string("  scrape_native_histograms: true\n") + row.more);
    Pass(10'000);
    EXPECT_THAT(appender_.Take(), ElementsAre("h{instance=\"a:1\", job=\"j\"} " + row.sample));
    EXPECT_EQ(OnlyTarget().last_error, row.error);
  }
  // Custom buckets have no coarser schema.
  fetcher_.Set(kUrl, "# TYPE c histogram\nc_bucket{le=\"1\"} 1\nc_bucket{le=\"2\"} 2\nc_count 3\n");
  ApplyOne("  convert_classic_histograms_to_nhcb: true\n  native_histogram_bucket_limit: 2\n");
  Pass(10'000);
  EXPECT_EQ(OnlyTarget().last_error, "histogram bucket limit exceeded");
}

TEST_F(ManagerTest, TakesHistogramsAsATargetsLabelsSay) {
  fetcher_.Set(kUrl, FourBuckets(), 200, "application/vnd.google.protobuf");
  ApplyOne(
      "  relabel_configs:\n"
      "  - {target_label: __scrape_native_histograms__, replacement: 'true'}\n");
  Pass(10'000);
  EXPECT_THAT(appender_.Take(),
              ElementsAre("h{instance=\"a:1\", job=\"j\"} count 4 schema 2 buckets 4"));
  EXPECT_EQ(OnlyTarget().discovered.Get("__scrape_native_histograms__"), "false");
  EXPECT_EQ(OnlyTarget().discovered.Get("__scrape_interval__"), "10s");
}

TEST_F(ManagerTest, WritesNoMarkerBeforeSamplesThatTheTargetTimed) {
  ApplyOne("  track_timestamps_staleness: true\n");
  fetcher_.Set(kUrl, "late 1 1000\nahead 1 9000000000000\n");
  Pass(10'000);
  appender_.Take();
  fetcher_.Set(kUrl, "\n");
  Pass(10'000);
  EXPECT_THAT(appender_.Take(), ElementsAre("late{instance=\"a:1\", job=\"j\"} stale"));
}

TEST_F(ManagerTest, PassesOnAnExemplarOnce) {
  fetcher_.Set(kUrl, "m_total 1 # {id=\"x\"} 2 3\n# EOF\n", 200, "application/openmetrics-text");
  ApplyOne();
  Pass(30'000);
  EXPECT_EQ(appender_.exemplars, 1U);
}

TEST_F(ManagerTest, SpreadsTargetsOverTheInterval) {
  std::string targets;
  for (int i = 0; i < 50; ++i) targets += fmt::format("'t{}:1',", i);
  Apply(
      fmt::format("scrape_configs:\n- job_name: j\n  scrape_interval: 10s\n"
                  "  static_configs: [{{targets: [{}]}}]\n",
                  targets));
  Pass(5'000);
  const size_t half = fetcher_.requests.size();
  EXPECT_GT(half, 12U);
  EXPECT_LT(half, 38U);
  Pass(5'000);
  EXPECT_EQ(fetcher_.requests.size(), 50U);
}

}  // namespace
}  // namespace hearth::scrape
