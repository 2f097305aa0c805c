// SPDX-License-Identifier: Apache-2.0
#include "auth/authorization_message.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace hearth::auth {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kAccount = "000000000000";
constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kNowMs = 20'000 * kDayMs + 5000;
const std::string kKey(32, 'k');

class AuthorizationMessage : public testing::Test {
 protected:
  AuthorizationMessage() {
    principal_.account = kAccount;
    principal_.user_id = "AIDAEXAMPLE";
    principal_.arn = "arn:aws:iam::000000000000:user/ci";
    context_.Set("aws:SourceIp", "127.0.0.1");
  }

  std::string Seal(std::string_view policy, std::string_view resource = "arn:aws:aps:r:a:w/x") {
    if (!policy.empty()) {
      principal_.identity_policies = {{"p", *PolicyDocument::Parse(policy, PolicyKind::kIdentity)}};
    }
    const AccessRequest request{principal_, "aps:QueryMetrics", resource, context_};
    return SealAuthorizationMessage(request, DecideAccess(request), kKey, kNowMs, rng_);
  }
  static Json Opened(const std::string& message) {
    const auto text = OpenAuthorizationMessage(message, kKey, kAccount, kNowMs);
    return text.ok() ? Json::parse(*text) : Json(text.status().ToString());
  }

  SeededRng rng_{1};
  Principal principal_;
  ConditionContext context_;
};

TEST_F(AuthorizationMessage, TellsWhoWhatAndWhere) {
  EXPECT_EQ(Opened(Seal("")), Json::parse(R"({"allowed":false,"explicitDeny":false,
      "matchedStatements":{"items":[]},"failures":{"items":[]},"context":{
      "principal":{"id":"AIDAEXAMPLE","arn":"arn:aws:iam::000000000000:user/ci"},
      "action":"aps:QueryMetrics","resource":"arn:aws:aps:r:a:w/x","conditions":{"items":[
      {"key":"aws:sourceip","values":{"items":[{"value":"127.0.0.1"}]}}]}}})"));
}

TEST_F(AuthorizationMessage, NamesTheStatementThatDenies) {
  const Json message = Opened(Seal(R"({"Version":"2012-10-17","Statement":[
      {"Effect":"Allow","Action":"*","Resource":"*"},
      {"Sid":"No","Effect":"Deny","NotAction":"iam:*","Resource":"arn:*",
       "Condition":{"Bool":{"aws:SecureTransport":"false"}}},
      {"Sid":"Local","Effect":"Deny","NotAction":"iam:*","Resource":"*",
       "Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}}]})"));
  EXPECT_EQ(message["explicitDeny"], true);
  EXPECT_EQ(message["matchedStatements"]["items"], Json::parse(R"([{"statementId":"Local",
      "effect":"DENY","principals":{"items":[{"value":"AIDAEXAMPLE"}]},
      "principalGroups":{"items":[]},"notActions":{"items":[{"value":"iam:*"}]},
      "resources":{"items":[{"value":"*"}]},"conditions":{"items":[{"key":"aws:sourceip",
      "values":{"items":[{"value":"127.0.0.0/8"}]}}]}}])"));
}

TEST_F(AuthorizationMessage, OpensForADayItsAccountAndItsKeyOnly) {
  const std::string message = Seal("");
  const auto open = [&](std::string_view text, std::string_view key, std::string_view account,
                        int64_t now_ms) {
    return OpenAuthorizationMessage(text, key, account, now_ms).status().code();
  };
  EXPECT_EQ(open(message, kKey, kAccount, kNowMs + kDayMs - 1), absl::StatusCode::kOk);
  EXPECT_EQ(open(message, kKey, kAccount, kNowMs + kDayMs), absl::StatusCode::kDeadlineExceeded);
  const auto refused = absl::StatusCode::kUnauthenticated;
  EXPECT_EQ(open(message, kKey, kAccount, kNowMs + 2 * kDayMs), refused);
  EXPECT_EQ(open(message, kKey, "111111111111", kNowMs), refused);
  EXPECT_EQ(open(message, std::string(32, 'x'), kAccount, kNowMs), refused);
  for (const std::string& text : {std::string(), std::string("x"), std::string("a b\n"),
                                  std::string(20'000, 'A'), message + "A"}) {
    EXPECT_EQ(open(text, kKey, kAccount, kNowMs), refused) << text.substr(0, 20);
  }
  for (size_t i = 0; i + 1 < message.size(); i += 7) {
    std::string altered = message;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(open(altered, kKey, kAccount, kNowMs), refused) << i;
  }
}

TEST_F(AuthorizationMessage, StaysBelowItsLimit) {
  for (int i = 0; i < 100; ++i) context_.Set("aws:RequestTag/" + std::to_string(i), "value");
  const std::string many = Seal("");
  EXPECT_LE(many.size(), kAuthorizationMessageMax);
  EXPECT_GT(Opened(many)["context"]["conditions"]["items"].size(), 10u);
  std::string actions = R"("iam:*")";
  for (int i = 0; i < 200; ++i) actions += R"(,"iam:Something)" + std::to_string(i) + '"';
  const std::string denied =
      Seal(R"({"Statement":{"Effect":"Deny","NotAction":[)" + actions + R"(],"Resource":"*"}})");
  EXPECT_LE(denied.size(), kAuthorizationMessageMax);
  EXPECT_EQ(Opened(denied)["matchedStatements"]["items"][0]["statementId"], "#1");
  EXPECT_EQ(Seal("", std::string(5000, 'r')), "");
}

}  // namespace
}  // namespace hearth::auth
