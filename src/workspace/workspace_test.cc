// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/rng.h"
#include "base/status.h"
#include "catalog/amp_documents.h"
#include "workspace/manager.h"

namespace hearth::workspace {
namespace {

using model::Labels;
using testing::HasSubstr;

class WorkspaceTest : public testing::Test {
 protected:
  void SetUp() override {
    catalog::Catalog::Options options;
    options.url = JoinPath(directory_.path(), "catalog.sqlite");
    catalog_ = *catalog::Catalog::Open(options, clock_, rng_);
    row_.account = "000000000000";
    row_.region = "us-east-1";
    ASSERT_TRUE(catalog_
                    ->Write([&](catalog::Transaction& transaction) {
                      return catalog::CreateAmpWorkspace(transaction, &row_);
                    })
                    .ok());
    manager_ = *Manager::Open(ManagerOptions(), *catalog_, RealFileSystem(), clock_, metrics_);
    workspace_ = manager_->Find(row_.id);
    ASSERT_NE(workspace_, nullptr);
  }
  void TearDown() override {
    workspace_.reset();
    manager_.reset();
  }
  Options ManagerOptions() {
    Options options;
    options.directory = JoinPath(directory_.path(), "workspaces");
    options.store.wal_fsync = tsdb::WalFsync::kOs;
    return options;
  }
  WriteOutcome Write(const std::vector<Labels>& series, int64_t ahead_ms = 0) {
    storage::WriteBatch batch;
    for (const Labels& labels : series) {
      batch.AddSeries(labels);
      batch.AddSample(clock_.NowMs() + ahead_ms, 1);
    }
    auto outcome = workspace_->Write(batch, {row_.id, "test", 0});
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return *std::move(outcome);
  }
  void Limit(std::vector<catalog::LabelSetLimit> limits) {
    Settings settings = *workspace_->settings();
    settings.row.config.label_set_limits = std::move(limits);
    manager_->Configure(settings);
  }
  std::vector<std::string> Stored() {
    std::vector<std::string> out;
    const auto series = workspace_->querier().Series(
        {clock_.NowMs() - 3'600'000, clock_.NowMs() + 3'600'000}, {}, 0);
    for (const Labels& labels : *series) out.push_back(labels.ToString());
    return out;
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  SeededRng rng_{1};
  Registry metrics_;
  catalog::AmpWorkspace row_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<Manager> manager_;
  std::shared_ptr<Workspace> workspace_;
};

TEST_F(WorkspaceTest, LimitsSeriesPerLabelSet) {
  Limit({{{{"team", "a"}}, 2}, {{}, 1}, {{{"team", "free"}}, 0}});
  const WriteOutcome outcome =
      Write({Labels{{"__name__", "m"}, {"team", "a"}, {"i", "1"}},
             Labels{{"__name__", "m"}, {"team", "a"}, {"i", "2"}},
             Labels{{"__name__", "m"}, {"team", "a"}, {"i", "3"}}, Labels{{"__name__", "other"}},
             Labels{{"__name__", "other2"}}, Labels{{"__name__", "m"}, {"team", "free"}}});
  EXPECT_EQ(outcome.stored.stored, 4U);
  EXPECT_EQ(outcome.refused_samples, 2U);
  ASSERT_TRUE(outcome.refused);
  EXPECT_EQ(outcome.refused->first, 2U);
  EXPECT_THAT(outcome.refused->second,
              HasSubstr("per-labelset series limit of 2 exceeded (labelSet: {team=\"a\"}, global "
                        "limit: 2 actual local limit: 2)"));
  clock_.Advance(1000);
  EXPECT_EQ(Write({Labels{{"__name__", "m"}, {"team", "a"}, {"i", "1"}}}).stored.stored, 1U)
      << "series that are there go on";
}

TEST_F(WorkspaceTest, IdleSeriesMakeRoomAndConfigurationStartsFromTheStore) {
  Write({Labels{{"__name__", "m"}, {"team", "a"}, {"i", "1"}}});
  Limit({{{{"team", "a"}}, 1}});
  EXPECT_EQ(Write({Labels{{"__name__", "m"}, {"team", "a"}, {"i", "2"}}}).stored.stored, 0U);
  clock_.Advance(kActiveSeriesMs + 120'000);
  EXPECT_EQ(Write({Labels{{"__name__", "m"}, {"team", "a"}, {"i", "2"}}}).stored.stored, 1U);
}

TEST_F(WorkspaceTest, RejectionsAreIndexedAsTheyCame) {
  Limit({{{{"team", "a"}}, 1}});
  Write({Labels{{"__name__", "m"}, {"team", "a"}}});
  storage::WriteBatch batch;
  batch.AddSeries(Labels{{"__name__", "m2"}, {"team", "a"}});
  batch.AddSample(clock_.NowMs(), 1);
  batch.AddSeries(Labels{{"__name__", "far"}});
  batch.AddSample(clock_.NowMs() + int64_t{24} * 3600 * 1000, 1);
  const auto outcome = workspace_->Write(batch, {row_.id, "test", 0});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->refused->first, 0U);
  ASSERT_EQ(outcome->stored.rejections.size(), 1U);
  EXPECT_EQ(outcome->stored.rejections[0].series, 1U);
}

TEST_F(WorkspaceTest, OneReplicaOfAPairIsStored) {
  const auto of = [](const char* replica) {
    return Labels{{"__name__", "up"}, {"cluster", "c"}, {"__replica__", replica}};
  };
  EXPECT_EQ(Write({of("r1")}).stored.stored, 1U);
  const WriteOutcome follower = Write({of("r2")});
  EXPECT_EQ(follower.stored.stored, 0U);
  EXPECT_EQ(follower.follower_samples, 1U);
  EXPECT_EQ(follower.follower, "replicas did not match, rejecting sample: replica=r2, elected=r1");
  clock_.Advance(29'000);
  EXPECT_EQ(Write({of("r2")}).stored.stored, 0U);
  EXPECT_EQ(Write({of("r1")}).stored.stored, 1U);
  clock_.Advance(30'000);
  EXPECT_EQ(Write({of("r2")}).stored.stored, 1U) << "r1 was silent for 30 s";
  EXPECT_EQ(Write({of("r1")}).follower_samples, 1U);
  EXPECT_THAT(Stored(), testing::ElementsAre("up{cluster=\"c\"}"));
  EXPECT_EQ(Write({Labels{{"__name__", "x"}, {"__replica__", "r9"}}}).stored.stored, 1U)
      << "without cluster it is stored as it is";
}

TEST_F(WorkspaceTest, ElectionsAreSharedThroughTheCatalog) {
  HaElection here("ws-x", catalog_.get());
  HaElection there("ws-x", catalog_.get());
  std::string elected;
  const auto judge = [&](HaElection& election, const char* replica) {
    return election.Judge("c", replica, clock_.NowMs(), &elected);
  };
  EXPECT_EQ(judge(here, "r1"), HaElection::Verdict::kElected);
  EXPECT_EQ(judge(there, "r2"), HaElection::Verdict::kFollower);
  EXPECT_EQ(elected, "r1");
  clock_.Advance(20'000);
  EXPECT_EQ(judge(here, "r1"), HaElection::Verdict::kElected);
  clock_.Advance(20'000);
  EXPECT_EQ(judge(there, "r2"), HaElection::Verdict::kFollower) << "renewed by the other process";
  clock_.Advance(31'000);
  EXPECT_EQ(judge(there, "r2"), HaElection::Verdict::kElected);
  EXPECT_EQ(judge(here, "r1"), HaElection::Verdict::kFollower);
  EXPECT_EQ(elected, "r2");
}

TEST_F(WorkspaceTest, TooManyClusters) {
  HaElection election("ws-x", nullptr);
  std::string elected;
  for (size_t i = 0; i < kHaClustersMax; ++i) {
    EXPECT_EQ(election.Judge(std::to_string(i), "r", clock_.NowMs(), &elected),
              HaElection::Verdict::kElected);
  }
  EXPECT_EQ(election.Judge("more", "r", clock_.NowMs(), &elected), HaElection::Verdict::kTooMany);
  clock_.Advance(int64_t{31} * 60 * 1000);
  EXPECT_EQ(election.Judge("more", "r", clock_.NowMs(), &elected), HaElection::Verdict::kElected);
}

TEST_F(WorkspaceTest, LogsHeavyQueriesOnly) {
  catalog::AmpDocument document;
  document.workspace = row_.id;
  document.kind = catalog::AmpDocumentKind::kQueryLogging;
  document.content =
      R"([{"cloudWatchLogs":{"logGroupArn":"arn:aws:logs:us-east-1:1:log-group:/a/b:*"},)"
      R"("filters":{"qspThreshold":100}}])";
  ASSERT_TRUE(catalog_
                  ->Write([&](catalog::Transaction& transaction) {
                    return catalog::CreateAmpDocument(transaction, &document);
                  })
                  .ok());
  manager_->Configure(
      *catalog_->Read([&](catalog::Reader& reader) { return LoadSettings(reader, row_.id); }));
  QueryRecord record;
  record.query = "sum(\"x\")";
  record.samples = 99;
  workspace_->LogQuery(record);
  record.samples = 100;
  workspace_->LogQuery(record);
  const auto text =
      RealFileSystem().ReadFile(JoinPath(directory_.path(), "logs/%2Fa%2Fb/" + row_.id + ".jsonl"));
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(std::count(text->begin(), text->end(), '\n'), 1);
  EXPECT_THAT(*text, HasSubstr(R"x("query":"sum(\"x\")")x"));
  EXPECT_THAT(*text, HasSubstr(R"("samples":"100")"));
}

TEST(TokenBucket, GivesTheRateAfterTheBurst) {
  TokenBucket bucket(10, 20);
  constexpr int64_t kSecond = 1'000'000'000;
  EXPECT_TRUE(bucket.Take(20, kSecond));
  EXPECT_FALSE(bucket.Take(1, kSecond));
  EXPECT_FALSE(bucket.Take(11, 2 * kSecond));
  EXPECT_TRUE(bucket.Take(10, 2 * kSecond));
  EXPECT_FALSE(bucket.Take(21, 100 * kSecond));
}

TEST(Settings, LogGroupOfArn) {
  EXPECT_EQ(LogGroupOfArn("arn:aws:logs:us-east-1:000000000000:log-group:/aws/x:*"), "/aws/x");
  EXPECT_EQ(LogGroupOfArn("nonsense"), "");
}

}  // namespace
}  // namespace hearth::workspace
