// SPDX-License-Identifier: Apache-2.0
// The manager with its own threads, the real HTTP client and a real server on a loopback port.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "model/value.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "scrape/manager.h"

namespace hearth::scrape {
namespace {

// Waits for a metric; a minute passes only where something is broken.
constexpr absl::Duration kPatience = absl::Seconds(60);

class WaitingAppender : public storage::Appender {
 public:
  absl::StatusOr<storage::AppendOutcome> Commit(const storage::WriteBatch& batch,
                                                const storage::Origin&) override {
    absl::MutexLock lock(&mutex_);
    for (const auto& series : batch.series()) {
      values_[batch.labels(series).ToString()] = batch.values()[series.first_sample];
    }
    return storage::AppendOutcome{};
  }
  // The first value of that series, or NaN when it does not come.
  double Wait(const std::string& series) {
    absl::MutexLock lock(&mutex_);
    const auto has = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return values_.contains(series); };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&has), kPatience)) return model::NormalNan();
    return values_[series];
  }

 private:
  absl::Mutex mutex_;
  std::map<std::string, double> values_ ABSL_GUARDED_BY(mutex_);
};

net::HttpResponse Answer(const net::HttpRequest& request) {
  const std::string wanted = "Basic " + Base64Encode("user:secret");
  if (request.headers.Find("authorization") != wanted) return net::TextResponse(401, "who?");
  net::HttpResponse response = net::TextResponse(200, "m 42\n");
  return response;
}

TEST(ScrapeLoopback, ScrapesARealServerWithAPasswordFromAFile) {
  Registry metrics;
  net::HttpServerOptions options;
  options.listeners.push_back({});
  net::HttpServer server(options, Answer, SystemClock(), metrics);
  const auto ports = server.Start();
  ASSERT_TRUE(ports.ok()) << ports.status();
  const std::string address = fmt::format("127.0.0.1:{}", ports->at(0));
  TemporaryDirectory folder;
  ASSERT_TRUE(RealFileSystem().WriteFileAtomic(folder.path() + "/pw", "secret\n").ok());
  const auto loaded =
      ParseConfig(fmt::format("scrape_configs:\n"
                              "- {{job_name: good, static_configs: [{{targets: ['{0}']}}],\n"
                              "   basic_auth: {{username: user, password_file: pw}}}}\n"
                              "- {{job_name: bad, static_configs: [{{targets: ['{0}']}}]}}\n",
                              address),
                  "test.yml", folder.path());
  ASSERT_TRUE(loaded.ok()) << loaded.status();

  net::HttpClient client({}, metrics);
  const auto fetcher = MakeHttpFetcher(client, RealFileSystem());
  WaitingAppender appender;
  ManualClock clock;
  Manager manager({}, *fetcher, appender, RealFileSystem(), clock, metrics);
  manager.ApplyConfig(std::make_shared<Config>(loaded->config));
  manager.Start();
  clock.Advance(60'000);
  const std::string instance = fmt::format("instance=\"{}\"", address);
  EXPECT_EQ(appender.Wait(fmt::format("m{{{}, job=\"good\"}}", instance)), 42);
  EXPECT_EQ(appender.Wait(fmt::format("up{{{}, job=\"good\"}}", instance)), 1);
  EXPECT_EQ(appender.Wait(fmt::format("up{{{}, job=\"bad\"}}", instance)), 0);
  manager.Stop();
  for (const TargetStatus& target : manager.Targets().active) {
    EXPECT_EQ(target.last_error,
              target.job == "good" ? "" : "server returned HTTP status 401 Unauthorized");
  }
}

TEST(ScrapeLoopback, StopsWhileATargetIsSlow) {
  Registry metrics;
  class SlowFetcher : public Fetcher {
   public:
    absl::StatusOr<FetchResult> Fetch(const FetchRequest& request) override {
      absl::MutexLock lock(&mutex_);
      asked_ = true;
      const auto stopped = [&] { return request.cancelled->load(); };
      // Looks again now and then: nobody signals the mutex when the flag turns.
      while (!mutex_.AwaitWithTimeout(absl::Condition(&stopped), absl::Milliseconds(1))) {
      }
      return absl::CancelledError("stopped");
    }
    void WaitUntilAsked() {
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(&asked_), kPatience);
    }

   private:
    absl::Mutex mutex_;
    bool asked_ = false;
  } fetcher;
  WaitingAppender appender;
  ManualClock clock;
  Manager manager({}, fetcher, appender, RealFileSystem(), clock, metrics);
  const auto loaded = ParseConfig(
      "scrape_configs: [{job_name: j, static_configs: [{targets: ['a:1']}]}]", "test.yml", "");
  manager.ApplyConfig(std::make_shared<Config>(loaded->config));
  manager.Start();
  clock.Advance(60'000);
  fetcher.WaitUntilAsked();
  manager.Stop();
}

}  // namespace
}  // namespace hearth::scrape
