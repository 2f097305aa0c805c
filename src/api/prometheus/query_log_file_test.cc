// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/query_log_file.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace hearth::api {
namespace {

class QueryLogFileTest : public ::testing::Test {
 protected:
  std::string Text() { return *files_.ReadFile(path_); }
  void Log(std::string_view query, const absl::Status& status, const promql::QueryOrigin* origin) {
    promql::Stats stats;
    stats.total_queryable_samples = 7;
    stats.samples_read = 5;
    stats.peak_samples = 3;
    stats.total_queryable_samples_at = {4, 3};
    stats.samples_read_at = {4, 1};
    log_.OnQuery({query, 1'500, 31'500, 30'000, status, stats, origin});
  }

  TemporaryDirectory directory_;
  FileSystem& files_ = RealFileSystem();
  const std::string path_ = JoinPath(directory_.path(), "queries.log");
  ManualClock clock_{1'700'000'000'123};
  Registry metrics_;
  QueryLogFile log_{files_, clock_, metrics_};
};

TEST_F(QueryLogFileTest, IsOffUntilItHasAPath) {
  Log("up", absl::OkStatus(), nullptr);
  EXPECT_FALSE(files_.Exists(path_));
  ASSERT_TRUE(log_.SetPath(path_).ok());
  ASSERT_TRUE(log_.SetPath("").ok());
  Log("up", absl::OkStatus(), nullptr);
  EXPECT_EQ(Text(), "");
}

TEST_F(QueryLogFileTest, WritesUpstreamsMembers) {
  ASSERT_TRUE(log_.SetPath(path_).ok());
  const promql::QueryOrigin http{"127.0.0.1", "POST", "/api/v1/query_range", "", ""};
  Log("a > 1", absl::OkStatus(), &http);
  EXPECT_EQ(
      Text(),
      R"({"time":"2023-11-14T22:13:20.123Z","level":"INFO","msg":"promql query logged",)"
      R"("params":{"end":"1970-01-01T00:00:31.500Z","query":"a \u003e 1",)"
      R"("start":"1970-01-01T00:00:01.500Z","step":30},"stats":{"timings":{"evalTotalTime":0,)"
      R"("resultSortTime":0,"queryPreparationTime":0,"innerEvalTime":0,"execQueueTime":0,)"
      R"("execTotalTime":0},"samples":{"totalQueryableSamplesPerStep":[[1.5,4],[31.5,3]],)"
      R"("totalQueryableSamples":7,"samplesReadPerStep":[[1.5,4],[31.5,1]],"samplesRead":5,)"
      R"("peakSamples":3}},"httpRequest":{"clientIP":"127.0.0.1","method":"POST",)"
      R"("path":"/api/v1/query_range"}})"
      "\n");
}

TEST_F(QueryLogFileTest, SaysWhatWentWrongAndWhichRuleAsked) {
  ASSERT_TRUE(log_.SetPath(path_).ok());
  const promql::QueryOrigin rule{"", "", "", "a.yaml", "g"};
  Log("x", DeadlineExceeded("query timed out in expression evaluation"), &rule);
  const std::string text = Text();
  EXPECT_NE(text.find(R"("error":"query timed out in expression evaluation")"), text.npos) << text;
  EXPECT_NE(text.find(R"("ruleGroup":{"file":"a.yaml","name":"g"})"), text.npos) << text;
}

TEST_F(QueryLogFileTest, CutsAQueryOfAMegabyte) {
  ASSERT_TRUE(log_.SetPath(path_).ok());
  Log(std::string(1 << 20, 'x'), absl::OkStatus(), nullptr);
  EXPECT_LT(Text().size(), QueryLogFile::kQueryBytesMax + 1000);
}

TEST_F(QueryLogFileTest, SaysWhereItCannotWrite) {
  EXPECT_FALSE(log_.SetPath(directory_.path()).ok());
  Log("up", absl::OkStatus(), nullptr);  // and goes on
}

}  // namespace
}  // namespace hearth::api
