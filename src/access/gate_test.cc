// SPDX-License-Identifier: Apache-2.0
#include "access/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/aws_errors.h"
#include "access/query_protocol.h"
#include "auth/authorization_message.h"
#include "base/file_system.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/text.h"
#include "catalog/credentials.h"

namespace hearth::access {
namespace {

using testing::HasSubstr;

class GateTest : public testing::Test {
 protected:
  void SetUp() override {
    catalog::Catalog::Options options;
    options.url = JoinPath(directory_.path(), "catalog.sqlite");
    catalog_ = *catalog::Catalog::Open(options, clock_, rng_);
    root_ = *catalog_->Write([](catalog::Transaction& transaction) {
      return catalog::EnsureRootAccessKey(transaction, "000000000000");
    });
    identities_ =
        std::make_unique<catalog::IdentityStore>(*catalog_, catalog::IdentityStore::Options{});
    gate_ = std::make_unique<Gate>(Gate::Options{true, "000000000000", "us-east-1"}, *identities_,
                                   clock_, metrics_);
  }

  net::HttpRequest Request() {
    net::HttpRequest request;
    request.method = "GET";
    request.path = request.target = "/api/v1/query";
    request.headers.Set("Host", "127.0.0.1:9320");
    request.peer_is_loopback = true;
    return request;
  }

  net::HttpRequest Basic(const std::string& user, const std::string& password) {
    net::HttpRequest request = Request();
    request.headers.Set("Authorization", "Basic " + Base64Encode(user + ":" + password));
    return request;
  }

  net::HttpRequest Signed(const std::string& service) {
    net::HttpRequest request = Request();
    std::vector<std::pair<std::string_view, std::string_view>> headers = {
        {"Host", "127.0.0.1:9320"}};
    auth::SigV4Request view;
    view.method = request.method;
    view.raw_path = request.path;
    view.headers = headers;
    for (const auto& [name, value] : auth::SignSigV4(view, {root_.id, root_.secret, ""},
                                                     "eu-west-1", service, clock_.NowMs())) {
      request.headers.Set(name, value);
    }
    return request;
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  SeededRng rng_{1};
  Registry metrics_;
  catalog::AccessKey root_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<catalog::IdentityStore> identities_;
  std::unique_ptr<Gate> gate_;
};

TEST_F(GateTest, ASignatureNamesCallerAndRegion) {
  const Identified who = gate_->Identify(Signed("aps"), "aps");
  ASSERT_FALSE(who.refusal.has_value()) << who.refusal->message;
  EXPECT_EQ(who.caller.principal->arn, "arn:aws:iam::000000000000:root");
  EXPECT_EQ(who.caller.region, "eu-west-1");
  EXPECT_FALSE(gate_->Authorize(who.caller, "aps:QueryMetrics",
                                "arn:aws:aps:eu-west-1:000000000000:workspace/ws-1"));
}

TEST_F(GateTest, RefusalsSayWhatIsWrong) {
  net::HttpRequest bearer = Request();
  bearer.headers.Set("Authorization", "Bearer x");
  net::HttpRequest altered = Signed("aps");
  altered.path = altered.target = "/api/v1/series";
  net::HttpRequest network = Basic(root_.id, root_.secret);
  network.peer_is_loopback = false;
  const struct {
    net::HttpRequest request;
    RefusalKind want;
  } rows[] = {
      {Request(), RefusalKind::kMissing},
      {bearer, RefusalKind::kIncomplete},
      {Signed("grafana"), RefusalKind::kMismatch},
      {altered, RefusalKind::kMismatch},
      {Basic(root_.id, "wrong"), RefusalKind::kUnknownKey},
      {Basic("AKIAAAAAAAAAAAAAAAAA", root_.secret), RefusalKind::kUnknownKey},
      {network, RefusalKind::kInsecure},
  };
  for (const auto& row : rows) {
    const Identified who = gate_->Identify(row.request, "aps");
    ASSERT_TRUE(who.refusal.has_value());
    EXPECT_EQ(who.refusal->kind, row.want) << who.refusal->message;
  }
}

TEST_F(GateTest, AKeyPairServesOverTlsAndLoopback) {
  EXPECT_FALSE(gate_->Identify(Basic(root_.id, root_.secret), "aps").refusal.has_value());
  net::HttpRequest tls = Basic(root_.id, root_.secret);
  tls.peer_is_loopback = false;
  tls.tls = true;
  EXPECT_FALSE(gate_->Identify(tls, "aps").refusal.has_value());
}

TEST_F(GateTest, AnotherAccountOfTheCatalogHasNoRightsHere) {
  root_ = *catalog_->Write([](catalog::Transaction& transaction) {
    return catalog::EnsureRootAccessKey(transaction, "111111111111");
  });
  const Identified who = gate_->Identify(Signed("aps"), "aps");
  ASSERT_FALSE(who.refusal.has_value()) << who.refusal->message;
  ASSERT_EQ(who.caller.principal->arn, "arn:aws:iam::111111111111:root");
  for (const std::string_view resource : {"*", "arn:aws:aps:us-east-1:000000000000:/workspaces",
                                          "arn:aws:iam::000000000000:user/a"}) {
    const auto refusal = gate_->Authorize(who.caller, "aps:CreateWorkspace", resource);
    ASSERT_TRUE(refusal.has_value()) << resource;
    EXPECT_EQ(refusal->kind, RefusalKind::kDenied);
  }
}

TEST_F(GateTest, RefusalsByPolicyCarryASealedMessage) {
  Caller caller;
  auto principal = std::make_shared<auth::Principal>();
  principal->account = "000000000000";
  principal->arn = "arn:aws:iam::000000000000:user/ci";
  caller.principal = principal;
  EXPECT_EQ(gate_->Authorize(caller, "aps:QueryMetrics", "*")->encoded_message, "") << "no key";
  const std::string key(32, 'k');
  const Gate gate({true, "000000000000", "us-east-1", key}, *identities_, clock_, metrics_);
  const auto refusal = gate.Authorize(caller, "aps:QueryMetrics", "*");
  ASSERT_TRUE(refusal.has_value());
  const auto opened =
      auth::OpenAuthorizationMessage(refusal->encoded_message, key, "000000000000", clock_.NowMs());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_THAT(*opened, HasSubstr(R"("action":"aps:QueryMetrics")"));
  // The message survives every way that a refusal takes to its header.
  const std::string& message = refusal->encoded_message;
  const auto header = [](const net::HttpResponse& response) {
    return std::string(response.headers.Find("x-hearth-encoded-message"));
  };
  EXPECT_EQ(header(AwsJsonRefusal(*RefusalOf(RefusalStatus(*refusal)), false)), message);
  EXPECT_EQ(header(AwsQueryRefusal(*refusal, "ns", "id")), message);
  EXPECT_EQ(header(QueryFailure(kStsService, QueryFault(*refusal), "id")), message);
}

TEST(AwsErrors, HaveAwsFormAndEscapeTheirText) {
  const net::HttpResponse json = AwsJsonRefusal({RefusalKind::kDenied, "no \"x\"", "{}"}, false);
  EXPECT_EQ(json.status, 403);
  EXPECT_EQ(json.body, R"({"message":"no \"x\""})");
  EXPECT_EQ(json.headers.Find("x-amzn-ErrorType"), "AccessDeniedException");
  EXPECT_EQ(json.headers.Find("x-hearth-missing-statement"), "{}");
  const net::HttpResponse challenge = AwsJsonRefusal({RefusalKind::kMissing, "m", ""}, true);
  EXPECT_EQ(challenge.status, 401);
  EXPECT_TRUE(challenge.headers.Has("WWW-Authenticate"));
  EXPECT_THAT(AwsQueryRefusal({RefusalKind::kMismatch, "a<b", ""}, "ns", "id").body,
              HasSubstr("<Code>SignatureDoesNotMatch</Code>\n    <Message>a&lt;b</Message>"));
}

}  // namespace
}  // namespace hearth::access
