// SPDX-License-Identifier: Apache-2.0
#include "grafana/bearer.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/status.h"
#include "base/text.h"
#include "catalog/grafana_access.h"
#include "grafana/tokens.h"

namespace hearth::grafana {
namespace {

TEST(Tokens, HaveGrafanasFormAndChecksum) {
  SeededRng rng(1);
  const std::string token = NewServiceAccountToken(rng);
  EXPECT_EQ(token.size(), 46u);
  EXPECT_TRUE(LooksLikeToken(token)) << token;
  std::string wrong = token;
  wrong[10] = wrong[10] == 'a' ? 'b' : 'a';
  EXPECT_FALSE(LooksLikeToken(wrong));
  EXPECT_FALSE(LooksLikeToken(token + "0"));
  EXPECT_FALSE(LooksLikeToken(""));
  // CRC-32 of "123456789" is 0xcbf43926.
  EXPECT_EQ(TokenChecksum("123456789"), "2639f4cb");
  const std::string key = NewApiKey(rng, "n\"1");
  EXPECT_EQ(key.substr(0, 4), "eyJr");
  EXPECT_TRUE(LooksLikeToken(key));
  std::string json;
  ASSERT_TRUE(Base64Decode(key, &json));
  EXPECT_EQ(json.substr(39), R"(,"n":"n\"1","id":1})");
}

TEST(Bearer, TakesTokensOutOfBothHeaders) {
  EXPECT_EQ(Bearer::TokenOf("Bearer  x "), "x");
  EXPECT_EQ(Bearer::TokenOf("bearer x"), "x");
  EXPECT_EQ(Bearer::TokenOf("Basic " + Base64Encode("api_key:x")), "x");
  EXPECT_EQ(Bearer::TokenOf("Basic " + Base64Encode("AKIA:x")), "");
  EXPECT_EQ(Bearer::TokenOf(""), "");
}

TEST(Bearer, KnowsTokensOfThisWorkspaceWhileTheyLive) {
  TemporaryDirectory directory;
  ManualClock clock;
  SeededRng rng(1);
  catalog::Catalog::Options options;
  options.url = JoinPath(directory.path(), "catalog.db");
  const auto catalog = *catalog::Catalog::Open(options, clock, rng);
  Bearer bearer(*catalog);
  catalog::GrafanaServiceAccount account;
  account.workspace = "g-1";
  account.name = "sa";
  account.role = "EDITOR";
  const std::string secret = NewServiceAccountToken(rng);
  catalog::GrafanaToken token;
  token.workspace = "g-1";
  token.name = "t";
  token.expires_ms = clock.NowMs() + 5000;
  ASSERT_TRUE(catalog
                  ->Write([&](catalog::Transaction& t) -> absl::Status {
                    TRY(catalog::CreateGrafanaServiceAccount(t, &account));
                    token.service_account = account.id;
                    return catalog::CreateGrafanaToken(t, &token, secret);
                  })
                  .ok());
  const auto user = bearer.Identify(secret, "g-1");
  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_EQ(user->role, "EDITOR");
  EXPECT_EQ(user->login, "sa-1-sa");
  const auto stored =
      catalog->Read([&](catalog::Reader& r) { return catalog::FindGrafanaToken(r, secret); });
  EXPECT_EQ(stored->token.last_used_ms, clock.NowMs());
  EXPECT_EQ(bearer.Identify(secret, "g-2").status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_FALSE(bearer.Identify(NewServiceAccountToken(rng), "g-1").ok());
  account.disabled = true;
  auto update = [&](catalog::Transaction& t) {
    return catalog::UpdateGrafanaServiceAccount(t, &account);
  };
  ASSERT_TRUE(catalog->Write(update).ok());
  EXPECT_FALSE(bearer.Identify(secret, "g-1").ok());
  account.disabled = false;
  ASSERT_TRUE(catalog->Write(update).ok());
  EXPECT_TRUE(bearer.Identify(secret, "g-1").ok());
  clock.Advance(5000);
  const auto late = bearer.Identify(secret, "g-1");
  EXPECT_EQ(late.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_NE(Message(late.status()).find("grafana-auth"), std::string::npos);
}

}  // namespace
}  // namespace hearth::grafana
