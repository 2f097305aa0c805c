// SPDX-License-Identifier: Apache-2.0
#include "catalog/grafana_access.h"

#include <gtest/gtest.h>

#include "base/status.h"
#include "catalog/backend_test.h"
#include "catalog/grafana_objects.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kWorkspace = "g-0000000001";

class GrafanaAccessTest : public BackendTest {
 protected:
  absl::StatusOr<GrafanaServiceAccount> NewAccount(std::string_view name) {
    GrafanaServiceAccount account;
    account.workspace = std::string(kWorkspace);
    account.name = std::string(name);
    account.role = "ADMIN";
    const absl::Status status =
        catalog_->Write([&](Transaction& t) { return CreateGrafanaServiceAccount(t, &account); });
    if (!status.ok()) return status;
    return account;
  }
  absl::Status NewToken(int64_t account, std::string_view name, std::string_view secret,
                        int64_t life_ms) {
    GrafanaToken token;
    token.workspace = std::string(kWorkspace);
    token.service_account = account;
    token.name = std::string(name);
    token.role = account == 0 ? "VIEWER" : "";
    token.expires_ms = life_ms == 0 ? 0 : clock_.NowMs() + life_ms;
    return catalog_->Write([&](Transaction& t) { return CreateGrafanaToken(t, &token, secret); });
  }
  absl::StatusOr<GrafanaTokenOwner> Find(std::string_view secret) {
    return catalog_->Read([&](Reader& r) { return FindGrafanaToken(r, secret); });
  }
  size_t Tokens(int64_t account) {
    return catalog_->Read([&](Reader& r) { return ListGrafanaTokens(r, kWorkspace, account); })
        ->size();
  }
};
HEARTH_ON_EVERY_BACKEND(GrafanaAccessTest);

TEST_P(GrafanaAccessTest, ServiceAccountsAreNumberedPagedAndUnique) {
  for (std::string_view name : {"a", "B b", "c"}) ASSERT_TRUE(NewAccount(name).ok());
  EXPECT_EQ(NewAccount("b B").status().code(), absl::StatusCode::kAlreadyExists);
  auto second =
      catalog_->Read([](Reader& r) { return ListGrafanaServiceAccounts(r, kWorkspace, 1, 1); });
  ASSERT_EQ(second->size(), 1u);
  EXPECT_EQ(second->front().id, 2);
  EXPECT_EQ(second->front().login, "sa-1-b-b");
  GrafanaServiceAccount account = second->front();
  account.name = "a";
  auto update = [&](Transaction& t) { return UpdateGrafanaServiceAccount(t, &account); };
  EXPECT_EQ(catalog_->Write(update).code(), absl::StatusCode::kAlreadyExists);
  account.name = "d";
  account.disabled = true;
  EXPECT_TRUE(catalog_->Write(update).ok());
  account.revision = 1;
  EXPECT_EQ(catalog_->Write(update).code(), absl::StatusCode::kAborted);
  auto again = catalog_->Read([](Reader& r) { return GetGrafanaServiceAccount(r, kWorkspace, 2); });
  EXPECT_TRUE(again->disabled);
  EXPECT_EQ(again->login, "sa-1-d");
}

TEST_P(GrafanaAccessTest, AnExpiredTokenIsGoneAndFreesItsName) {
  const int64_t account = NewAccount("a")->id;
  ASSERT_TRUE(NewToken(account, "t", "s1", 5000).ok());
  EXPECT_EQ(NewToken(account, "t", "s2", 5000).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(NewToken(0, "t", "k1", 5000).ok()) << "API keys have names of their own";
  EXPECT_EQ(Find("s1")->account->name, "a");
  EXPECT_FALSE(Find("k1")->account.has_value());
  EXPECT_EQ(Tokens(account), 1u);
  EXPECT_EQ(Tokens(0), 1u);
  clock_.Advance(5000);
  EXPECT_EQ(Find("s1").status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Tokens(account), 0u);
  EXPECT_EQ(*catalog_->Read([](Reader& r) { return CountGrafanaTokens(r, kWorkspace, false); }), 0);
  auto remove = [&](Transaction& t) { return DeleteGrafanaToken(t, kWorkspace, account, 1); };
  EXPECT_TRUE(absl::IsNotFound(catalog_->Write(remove)));
  ASSERT_TRUE(NewToken(account, "t", "s2", 0).ok());
  EXPECT_EQ(Find("s2")->token.id, 3);
  EXPECT_TRUE(absl::IsNotFound(Find("s1").status()));
  EXPECT_EQ(*catalog_->Write([](Transaction& t) { return PurgeGrafanaTokens(t); }), 1);
  EXPECT_TRUE(absl::IsNotFound(Find("k1").status()));
  EXPECT_TRUE(Find("s2").ok());
}

TEST_P(GrafanaAccessTest, DeletingAnAccountTakesItsTokens) {
  const int64_t account = NewAccount("a")->id;
  ASSERT_TRUE(NewToken(account, "t", "s1", 5000).ok());
  EXPECT_TRUE(absl::IsNotFound(NewToken(99, "u", "s2", 5000)));
  const GrafanaToken token = Find("s1")->token;
  clock_.Advance(10);
  ASSERT_TRUE(catalog_->Write([&](Transaction& t) { return TouchGrafanaToken(t, token); }).ok());
  EXPECT_EQ(Find("s1")->token.last_used_ms, clock_.NowMs());
  auto remove = [&](Transaction& t) { return DeleteGrafanaServiceAccount(t, kWorkspace, account); };
  ASSERT_TRUE(catalog_->Write(remove).ok());
  EXPECT_TRUE(absl::IsNotFound(catalog_->Write(remove)));
  EXPECT_TRUE(absl::IsNotFound(Find("s1").status()));
  EXPECT_EQ(NewAccount("a")->id, account + 1) << "ids are not used twice";
}

TEST_P(GrafanaAccessTest, SomebodyHasOneRole) {
  GrafanaPermission permission{std::string(kWorkspace), "SSO_USER", "u1", "ADMIN", 0, 0};
  auto put = [&](Transaction& t) { return PutGrafanaPermission(t, &permission); };
  auto list = [&](GrafanaPermissionQuery query) {
    query.workspace = std::string(kWorkspace);
    return *catalog_->Read([&](Reader& r) { return ListGrafanaPermissions(r, query); });
  };
  ASSERT_TRUE(catalog_->Write(put).ok());
  permission.role = "VIEWER";
  ASSERT_TRUE(catalog_->Write(put).ok());
  permission = {std::string(kWorkspace), "SSO_GROUP", "u1", "EDITOR", 0, 0};
  ASSERT_TRUE(catalog_->Write(put).ok());
  ASSERT_EQ(list({}).size(), 2u);
  EXPECT_EQ(list({}).front().user_type, "SSO_GROUP");
  GrafanaPermissionQuery query;
  query.user_type = "SSO_USER";
  ASSERT_EQ(list(query).size(), 1u);
  EXPECT_EQ(list(query).front().role, "VIEWER");
  query = {};
  query.after_type = "SSO_GROUP";
  query.after_id = "u1";
  EXPECT_EQ(list(query).size(), 1u);
  permission.role = "ADMIN";
  auto remove = [&](Transaction& t) { return DeleteGrafanaPermission(t, permission); };
  EXPECT_TRUE(absl::IsNotFound(catalog_->Write(remove)));
  permission.role = "EDITOR";
  EXPECT_TRUE(catalog_->Write(remove).ok());
  EXPECT_EQ(list({}).size(), 1u);
}

TEST_P(GrafanaAccessTest, AWorkspaceKeepsWhatIsOnlyReported) {
  GrafanaWorkspace workspace;
  workspace.id = std::string(kWorkspace);
  workspace.account = "000000000000";
  workspace.region = "us-east-1";
  GrafanaSaml saml;
  saml.metadata_xml = "<xml>\"ü\"</xml>";
  saml.assertion_attributes = {{"login", "mail"}};
  saml.admin_roles = {"admin"};
  saml.login_validity_minutes = 60;
  workspace.saml = saml;
  workspace.vpc = GrafanaVpc{{"sg-1"}, {"subnet-1", "subnet-2"}};
  workspace.network_access = GrafanaNetworkAccess{};
  workspace.license = {"ENTERPRISE", 5, 6, true, "t"};
  workspace.organizational_units = {"ou-1"};
  workspace.kms_key_id = "key";
  ASSERT_TRUE(
      catalog_->Write([&](Transaction& t) { return CreateGrafanaWorkspace(t, &workspace); }).ok());
  auto get = [](Reader& r) { return GetGrafanaWorkspace(r, kWorkspace); };
  GrafanaWorkspace back = *catalog_->Read(get);
  EXPECT_EQ(back.saml->metadata_xml, saml.metadata_xml);
  EXPECT_EQ(back.saml->assertion_attributes, saml.assertion_attributes);
  EXPECT_EQ(back.saml->login_validity_minutes, 60);
  EXPECT_EQ(back.vpc->subnet_ids, workspace.vpc->subnet_ids);
  EXPECT_TRUE(back.network_access.has_value());
  EXPECT_EQ(back.license.type, "ENTERPRISE");
  EXPECT_TRUE(back.license.free_trial_consumed);
  EXPECT_EQ(back.organizational_units, workspace.organizational_units);
  back.vpc.reset();
  ASSERT_TRUE(
      catalog_->Write([&](Transaction& t) { return UpdateGrafanaWorkspace(t, &back); }).ok());
  EXPECT_FALSE(catalog_->Read(get)->vpc.has_value());

  ASSERT_TRUE(NewAccount("a").ok());
  ASSERT_TRUE(NewToken(1, "t", "s1", 0).ok());
  ASSERT_TRUE(
      catalog_->Write([&](Transaction& t) { return DeleteGrafanaWorkspace(t, kWorkspace); }).ok());
  EXPECT_TRUE(absl::IsNotFound(Find("s1").status()));
  EXPECT_EQ(NewAccount("a")->id, 1) << "its numbers went with it";
}

}  // namespace
}  // namespace hearth::catalog
