// SPDX-License-Identifier: Apache-2.0
#include "auth/session.h"

#include <gtest/gtest.h>

#include "auth/basic.h"
#include "base/text.h"

namespace hearth::auth {
namespace {

const std::vector<std::string> kKeys = {std::string(32, 'a'), std::string(32, 'b')};

StsSession Sample() {
  StsSession session;
  session.account = "000000000000";
  session.name = "ingest";
  session.unique_id = "AROAEXAMPLEEXAMPLE123";
  session.session_name = "web";
  session.issued_ms = 1000;
  session.expires_ms = 2000;
  session.has_session_policies = true;
  session.session_policies = {R"({"Statement":[]})"};
  session.session_policy_arns = {"arn:aws:iam::000000000000:policy/x"};
  session.tags = {{"team", "a"}};
  session.source_identity = "me";
  session.federated_provider = "arn:aws:iam::000000000000:oidc-provider/h";
  return session;
}

TEST(StsSession, RoundTrips) {
  SeededRng rng(1);
  StsSession session = Sample();
  std::string token = SealStsSession(&session, kKeys, rng);
  EXPECT_EQ(session.access_key_id.size(), 20u);
  EXPECT_EQ(session.access_key_id.substr(0, 4), "ASIA");
  EXPECT_EQ(session.secret.size(), 40u);
  EXPECT_EQ(token.find(session.secret), std::string::npos);
  absl::StatusOr<StsSession> back = OpenStsSession(token, kKeys, 1999);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->account, session.account);
  EXPECT_EQ(back->name, session.name);
  EXPECT_EQ(back->unique_id, session.unique_id);
  EXPECT_EQ(back->session_name, session.session_name);
  EXPECT_EQ(back->access_key_id, session.access_key_id);
  EXPECT_EQ(back->secret, session.secret);
  EXPECT_EQ(back->session_policies, session.session_policies);
  EXPECT_EQ(back->session_policy_arns, session.session_policy_arns);
  EXPECT_TRUE(back->has_session_policies);
  EXPECT_EQ(back->tags, session.tags);
  EXPECT_EQ(back->source_identity, "me");
  EXPECT_EQ(back->federated_provider, session.federated_provider);
}

TEST(StsSession, ExpiresAtItsSecond) {
  SeededRng rng(1);
  StsSession session = Sample();
  std::string token = SealStsSession(&session, kKeys, rng);
  EXPECT_EQ(OpenStsSession(token, kKeys, 2000).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(StsSession, RefusesEveryChangedByte) {
  SeededRng rng(1);
  StsSession session = Sample();
  std::string token = SealStsSession(&session, kKeys, rng);
  std::string bytes;
  ASSERT_TRUE(Base64UrlDecode(token, &bytes));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(OpenStsSession(Base64UrlEncode(changed), kKeys, 1999).status().code(),
              absl::StatusCode::kUnauthenticated)
        << i;
  }
  for (std::string_view foreign : {"", "x", "not base64!", "AQoDYXdzEPT//"}) {
    EXPECT_EQ(OpenStsSession(foreign, kKeys, 1999).status().code(),
              absl::StatusCode::kUnauthenticated)
        << foreign;
  }
  EXPECT_FALSE(OpenStsSession(std::string(1 << 20, 'A'), kKeys, 1999).ok());
}

TEST(StsSession, OldKeysStillOpenAndOthersDoNot) {
  SeededRng rng(1);
  StsSession session = Sample();
  std::string token = SealStsSession(&session, SessionKeys(kKeys).subspan(1), rng);
  EXPECT_TRUE(OpenStsSession(token, kKeys, 1999).ok());
  EXPECT_FALSE(OpenStsSession(token, SessionKeys(kKeys).first(1), 1999).ok());
}

TEST(WebSession, RoundTripsAndIsNoStsSession) {
  SeededRng rng(1);
  WebSession session{
      "arn:aws:iam::000000000000:root", "000000000000", "g-0123456789", "ADMIN", 1, 2000};
  std::string cookie = SealWebSession(session, kKeys, rng);
  absl::StatusOr<WebSession> back = OpenWebSession(cookie, kKeys, 1999);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->principal, session.principal);
  EXPECT_EQ(back->workspace, session.workspace);
  EXPECT_EQ(back->role, session.role);
  EXPECT_EQ(OpenWebSession(cookie, kKeys, 2000).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(OpenStsSession(cookie, kKeys, 1).ok());
  StsSession sts = Sample();
  EXPECT_FALSE(OpenWebSession(SealStsSession(&sts, kKeys, rng), kKeys, 1).ok());
}

TEST(Basic, ParsesPairs) {
  auto pair = ParseBasic("Basic QUtJQTpzZWM6cmV0");  // AKIA:sec:ret
  ASSERT_TRUE(pair.has_value());
  EXPECT_EQ(pair->user, "AKIA");
  EXPECT_EQ(pair->password, "sec:ret");
  EXPECT_TRUE(ParseBasic("basic QUtJQTo=").has_value());
  for (std::string_view bad : {"", "Basic", "Basic ", "Basic ***", "Basic QUtJQQ==", "Bearer x"}) {
    EXPECT_FALSE(ParseBasic(bad).has_value()) << bad;
  }
}

TEST(Bearer, ParsesTokens) {
  EXPECT_EQ(ParseBearer("Bearer glsa_x"), "glsa_x");
  EXPECT_EQ(ParseBearer("bearer  y "), "y");
  for (std::string_view bad : {"", "Bearer", "Bearer ", "Basic x"}) {
    EXPECT_FALSE(ParseBearer(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace hearth::auth
