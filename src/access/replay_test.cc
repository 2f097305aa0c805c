// SPDX-License-Identifier: Apache-2.0
#include "access/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/rest_json.h"
#include "auth/principal.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/rng.h"
#include "base/status.h"

namespace hearth::access {
namespace {

class ReplayTest : public testing::Test {
 protected:
  void SetUp() override {
    catalog::Catalog::Options options;
    options.url = JoinPath(directory_.path(), "catalog.sqlite");
    catalog_ = *catalog::Catalog::Open(options, clock_, rng_);
    caller_.principal =
        std::make_shared<const auth::Principal>(auth::RootPrincipal("000000000000"));
    caller_.region = "us-east-1";
  }

  net::HttpRequest Request(std::string body, std::string invocation = "") {
    net::HttpRequest request;
    request.method = "POST";
    request.path = "/workspaces";
    request.body = std::move(body);
    if (!invocation.empty()) request.headers.Set("amz-sdk-invocation-id", invocation);
    return request;
  }

  // The body of the answer; "run N" the N-th time that work was done.
  std::string Call(const net::HttpRequest& request, std::string_view token = "") {
    const auto answer =
        WriteOnce(*catalog_, MakeReplayKey(request, caller_, "000000000000", "Create", token),
                  [&](catalog::Transaction&) -> absl::StatusOr<StoredAnswer> {
                    if (fail_) return InvalidField("alias", "bad");
                    return StoredAnswer{202, "run " + std::to_string(++runs_)};
                  });
    if (!answer.ok()) return "error " + std::to_string(RestErrorStatus(answer.status()));
    EXPECT_EQ(answer->status, 202);
    return answer->body;
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<catalog::Catalog> catalog_;
  Caller caller_;
  int runs_ = 0;
  bool fail_ = false;
};

TEST_F(ReplayTest, ClientTokenRunsOnce) {
  EXPECT_EQ(Call(Request("a"), "t1"), "run 1");
  EXPECT_EQ(Call(Request("a"), "t1"), "run 1");
  EXPECT_EQ(Call(Request("a"), "t2"), "run 2");
  EXPECT_EQ(Call(Request("b"), "t1"), "error 409");
  caller_.region = "eu-west-1";
  EXPECT_EQ(Call(Request("b"), "t1"), "run 3") << "a token counts within its region";
}

TEST_F(ReplayTest, InvocationIdRunsOnceForTheSameRequest) {
  EXPECT_EQ(Call(Request("a", "i1")), "run 1");
  EXPECT_EQ(Call(Request("a", "i1")), "run 1");
  EXPECT_EQ(Call(Request("b", "i1")), "run 2") << "another request is another call";
  EXPECT_EQ(Call(Request("a", "i2")), "run 3");
  auth::Principal other = auth::RootPrincipal("000000000000");
  other.arn = "arn:aws:iam::000000000000:user/u";
  caller_.principal = std::make_shared<const auth::Principal>(other);
  EXPECT_EQ(Call(Request("a", "i1")), "run 4") << "nobody gets another's answer";
}

TEST_F(ReplayTest, NothingToGoByRunsEachTime) {
  EXPECT_EQ(Call(Request("a")), "run 1");
  EXPECT_EQ(Call(Request("a")), "run 2");
}

TEST_F(ReplayTest, FailuresAreNotKept) {
  fail_ = true;
  EXPECT_EQ(Call(Request("a"), "t"), "error 400");
  fail_ = false;
  EXPECT_EQ(Call(Request("a"), "t"), "run 1");
}

TEST_F(ReplayTest, EndsAfterItsLife) {
  EXPECT_EQ(Call(Request("a", "i"), ""), "run 1");
  EXPECT_EQ(Call(Request("a"), "t"), "run 2");
  clock_.Advance(kInvocationLifeMs + 1);
  EXPECT_EQ(Call(Request("a", "i"), ""), "run 3");
  EXPECT_EQ(Call(Request("a"), "t"), "run 2");
  clock_.Advance(kClientTokenLifeMs + 1);
  EXPECT_EQ(Call(Request("b"), "t"), "run 4");
}

TEST_F(ReplayTest, SurvivesARestart) {
  EXPECT_EQ(Call(Request("a"), "t"), "run 1");
  catalog::Catalog::Options options;
  options.url = JoinPath(directory_.path(), "catalog.sqlite");
  catalog_ = *catalog::Catalog::Open(options, clock_, rng_);
  EXPECT_EQ(Call(Request("a"), "t"), "run 1");
}

}  // namespace
}  // namespace hearth::access
