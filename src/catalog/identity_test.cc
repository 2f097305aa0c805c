// SPDX-License-Identifier: Apache-2.0
#include "catalog/identity.h"

#include <gtest/gtest.h>

#include "auth/access.h"
#include "auth/session.h"
#include "base/status.h"
#include "catalog/backend_test.h"
#include "catalog/credentials.h"
#include "catalog/iam.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kAccount = "000000000000";
constexpr std::string_view kAllowWrite =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"aps:RemoteWrite",)"
    R"("Resource":"arn:aws:aps:us-east-1:000000000000:workspace/ws-1"}]})";

class IdentityTest : public BackendTest {
 protected:
  void SetUp() override {
    BackendTest::SetUp();
    store_ = std::make_unique<IdentityStore>(*catalog_, IdentityStore::Options());
  }
  template <typename Body>
  auto Write(Body body) {
    return catalog_->Write(body);
  }
  IamUser MakeUser(std::string name) {
    IamUser user;
    user.account = std::string(kAccount);
    user.name = std::move(name);
    EXPECT_TRUE(Write([&](Transaction& t) { return CreateUser(t, &user); }).ok());
    return user;
  }
  IamRole MakeRole(std::string name) {
    IamRole role;
    role.account = std::string(kAccount);
    role.name = std::move(name);
    role.trust_policy = "{}";
    EXPECT_TRUE(Write([&](Transaction& t) { return CreateRole(t, &role); }).ok());
    return role;
  }
  AccessKey MakeKey(std::string user) {
    AccessKey key;
    key.account = std::string(kAccount);
    key.user_name = std::move(user);
    EXPECT_TRUE(Write([&](Transaction& t) { return CreateAccessKey(t, &key); }).ok());
    return key;
  }
  bool MayWrite(const auth::Principal& principal) {
    auth::ConditionContext context;
    return auth::DecideAccess({principal, "aps:RemoteWrite",
                               "arn:aws:aps:us-east-1:000000000000:workspace/ws-1", context,
                               nullptr, ""})
        .allowed;
  }
  std::unique_ptr<IdentityStore> store_;
};
HEARTH_ON_EVERY_BACKEND(IdentityTest);

TEST_P(IdentityTest, RootKeyIsMadeOnceAndSealed) {
  auto ensure = [](Transaction& t) { return EnsureRootAccessKey(t, kAccount); };
  AccessKey key = *Write(ensure);
  EXPECT_EQ(key.id.substr(0, 4), "AKIA");
  EXPECT_EQ(key.id.size(), 20u);
  EXPECT_EQ(key.secret.size(), 40u);
  EXPECT_EQ(Write(ensure)->id, key.id);
  EXPECT_EQ(Write(ensure)->secret, key.secret);
  if (GetParam() == "sqlite") {
    std::string file = *RealFileSystem().ReadFile(Url());
    file += *RealFileSystem().ReadFile(Url() + "-wal");
    EXPECT_EQ(file.find(key.secret), std::string::npos);
    EXPECT_NE(file.find(key.id), std::string::npos);
  }
  auto identity = store_->Resolve(key.id, "");
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ((*identity)->secret, key.secret);
  EXPECT_EQ((*identity)->principal.kind, auth::PrincipalKind::kRoot);
  EXPECT_EQ((*identity)->principal.arn, "arn:aws:iam::000000000000:root");
  EXPECT_TRUE(MayWrite((*identity)->principal));
}

TEST_P(IdentityTest, SecretsAreMadeOnce) {
  auto ensure = [](Transaction& t) { return EnsureRandomKey(t, kSessionKeyName); };
  std::string key = *Write(ensure);
  EXPECT_EQ(key.size(), 32u);
  EXPECT_EQ(*Write(ensure), key);
  std::string binary("\0\xff\x01", 3);
  ASSERT_TRUE(Write([&](Transaction& t) { return PutSecret(t, kCaKeyName, binary); }).ok());
  EXPECT_EQ(*catalog_->Read([](Reader& r) { return GetSecret(r, kCaKeyName); }), binary);
}

TEST_P(IdentityTest, UsersComeWithTheirPolicies) {
  MakeUser("Writer");
  AccessKey key = MakeKey("Writer");
  EXPECT_FALSE(MayWrite((*store_->Resolve(key.id, ""))->principal));
  ASSERT_TRUE(Write([](Transaction& t) {
                return PutInlinePolicy(t, PolicyOwner::kUser, kAccount, "writer", "p", kAllowWrite);
              }).ok());
  // This process' own change is seen at once.
  const auth::Principal& principal = (*store_->Resolve(key.id, ""))->principal;
  EXPECT_TRUE(MayWrite(principal));
  EXPECT_EQ(principal.arn, "arn:aws:iam::000000000000:user/Writer");
  EXPECT_EQ(principal.user_id.substr(0, 4), "AIDA");
  // A boundary that is set but does not exist allows nothing.
  ASSERT_TRUE(Write([](Transaction& t) -> absl::Status {
                TRY_ASSIGN(IamUser user, GetUser(t, kAccount, "WRITER"));
                user.boundary_arn = "arn:aws:iam::000000000000:policy/gone";
                return UpdateUser(t, &user);
              }).ok());
  EXPECT_FALSE(MayWrite((*store_->Resolve(key.id, ""))->principal));
}

TEST_P(IdentityTest, KeysEndWhenInactiveOrDeleted) {
  MakeUser("u");
  AccessKey key = MakeKey("u");
  EXPECT_TRUE(store_->Resolve(key.id, "").ok());
  ASSERT_TRUE(Write([&](Transaction& t) { return SetAccessKeyActive(t, key.id, false); }).ok());
  EXPECT_EQ(store_->Resolve(key.id, "").status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(Write([&](Transaction& t) { return SetAccessKeyActive(t, key.id, true); }).ok());
  EXPECT_TRUE(store_->Resolve(key.id, "").ok());
  // Another process' change counts within the cache's time.
  std::unique_ptr<Catalog> other = Open();
  ASSERT_TRUE(other->Write([&](Transaction& t) { return DeleteAccessKey(t, key.id); }).ok());
  clock_.Advance(IdentityStore::Options().cache_ms);
  EXPECT_EQ(store_->Resolve(key.id, "").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(IdentityTest, SessionsLiveWithTheirRole) {
  IamRole role = MakeRole("ingest");
  std::string key = *Write([](Transaction& t) { return EnsureRandomKey(t, kSessionKeyName); });
  ASSERT_TRUE(Write([](Transaction& t) {
                return PutInlinePolicy(t, PolicyOwner::kRole, kAccount, "ingest", "p", kAllowWrite);
              }).ok());
  auth::StsSession session;
  session.account = std::string(kAccount);
  session.name = "ingest";
  session.unique_id = role.id;
  session.session_name = "web";
  session.expires_ms = clock_.NowMs() + 10'000;
  std::vector<std::string> keys = {key};
  std::string token = auth::SealStsSession(&session, keys, rng_);
  auto identity = store_->Resolve(session.access_key_id, token);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ((*identity)->secret, session.secret);
  EXPECT_EQ((*identity)->principal.arn, "arn:aws:sts::000000000000:assumed-role/ingest/web");
  EXPECT_EQ((*identity)->principal.user_id, role.id + ":web");
  EXPECT_TRUE(MayWrite((*identity)->principal));

  EXPECT_EQ(store_->Resolve(session.access_key_id, "").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->Resolve("ASIAOTHER", token).status().code(),
            absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(store_->Resolve(session.access_key_id, "garbage").status().code(),
            absl::StatusCode::kUnauthenticated);

  session.has_session_policies = true;
  std::string narrowed = auth::SealStsSession(&session, keys, rng_);
  EXPECT_FALSE(MayWrite((*store_->Resolve(session.access_key_id, narrowed))->principal));

  // The same name, another role: the old sessions are not its.
  ASSERT_TRUE(Write([](Transaction& t) -> absl::Status {
                TRY(DeleteInlinePolicy(t, PolicyOwner::kRole, kAccount, "ingest", "p"));
                return DeleteRole(t, kAccount, "ingest");
              }).ok());
  EXPECT_FALSE(store_->Resolve(session.access_key_id, token).ok());
  MakeRole("ingest");
  EXPECT_EQ(store_->Resolve(session.access_key_id, token).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_P(IdentityTest, SessionsEndOnTimeEvenFromTheCache) {
  IamRole role = MakeRole("r");
  std::vector<std::string> keys = {
      *Write([](Transaction& t) { return EnsureRandomKey(t, kSessionKeyName); })};
  auth::StsSession session;
  session.account = std::string(kAccount);
  session.name = "r";
  session.unique_id = role.id;
  session.session_name = "s";
  session.expires_ms = clock_.NowMs() + 1000;
  std::string token = auth::SealStsSession(&session, keys, rng_);
  EXPECT_TRUE(store_->Resolve(session.access_key_id, token).ok());
  clock_.Advance(1000);
  EXPECT_EQ(store_->Resolve(session.access_key_id, token).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_P(IdentityTest, AuthenticatesSignedRequestsAndPairs) {
  AccessKey key = *Write([](Transaction& t) { return EnsureRootAccessKey(t, kAccount); });
  std::vector<std::pair<std::string_view, std::string_view>> headers = {{"Host", "h"}};
  auth::SigV4Request request{"GET", "/workspaces", "", headers, "", "", false};
  auto added =
      auth::SignSigV4(request, {key.id, key.secret, ""}, "us-east-1", "aps", clock_.NowMs());
  for (const auto& [name, value] : added) headers.emplace_back(name, value);
  request.headers = headers;
  auth::SigV4Result result;
  auto identity = store_->Authenticate(request, {}, &result);
  ASSERT_TRUE(identity.ok()) << identity.status();
  ASSERT_TRUE(result.ok()) << result.message;
  EXPECT_EQ((*identity)->principal.access_key_id, key.id);
  request.raw_path = "/other";
  identity = store_->Authenticate(request, {}, &result);
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(*identity, nullptr);

  EXPECT_TRUE(store_->AuthenticateBasic(key.id, key.secret).ok());
  EXPECT_EQ(store_->AuthenticateBasic(key.id, "x").status().code(),
            absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(store_->AuthenticateBasic("AKIANONE", key.secret).status().code(),
            absl::StatusCode::kUnauthenticated);
}

TEST_P(IdentityTest, PrincipalOfRoleChecksTheWholeArn) {
  MakeRole("amg");
  EXPECT_TRUE(store_->PrincipalOfRole("arn:aws:iam::000000000000:role/amg", "hearth").ok());
  for (std::string_view bad : {"arn:aws:iam::000000000000:role/path/amg",
                               "arn:aws:iam::000000000000:role/none", "amg", ""}) {
    EXPECT_FALSE(store_->PrincipalOfRole(bad, "hearth").ok()) << bad;
  }
}

TEST_P(IdentityTest, IamConflictsAndNames) {
  MakeUser("Alice");
  IamUser again;
  again.account = std::string(kAccount);
  again.name = "ALICE";
  EXPECT_EQ(Write([&](Transaction& t) { return CreateUser(t, &again); }).code(),
            absl::StatusCode::kAlreadyExists);
  AccessKey key = MakeKey("Alice");
  EXPECT_EQ(Write([](Transaction& t) { return DeleteUser(t, kAccount, "alice"); }).code(),
            absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Write([&](Transaction& t) { return DeleteAccessKey(t, key.id); }).ok());
  ManagedPolicy policy;
  policy.account = std::string(kAccount);
  policy.name = "p";
  policy.document = std::string(kAllowWrite);
  ASSERT_TRUE(Write([&](Transaction& t) { return CreateManagedPolicy(t, &policy); }).ok());
  std::string arn = ManagedPolicyArn(policy);
  EXPECT_EQ(arn, "arn:aws:iam::000000000000:policy/p");
  ASSERT_TRUE(Write([&](Transaction& t) {
                return AttachPolicy(t, PolicyOwner::kUser, kAccount, "Alice", arn);
              }).ok());
  EXPECT_EQ(Write([&](Transaction& t) { return DeleteManagedPolicy(t, arn); }).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Write([](Transaction& t) { return DeleteUser(t, kAccount, "alice"); }).code(),
            absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Write([&](Transaction& t) {
                return DetachPolicy(t, PolicyOwner::kUser, kAccount, "Alice", arn);
              }).ok());
  EXPECT_TRUE(Write([](Transaction& t) { return DeleteUser(t, kAccount, "alice"); }).ok());
  EXPECT_TRUE(Write([&](Transaction& t) { return DeleteManagedPolicy(t, arn); }).ok());
  OidcProvider provider;
  provider.account = std::string(kAccount);
  provider.url = "oidc.example.com/id/ABC";
  provider.client_ids = {"sts.amazonaws.com"};
  ASSERT_TRUE(Write([&](Transaction& t) { return CreateOidcProvider(t, &provider); }).ok());
  provider.client_ids.push_back("other");
  ASSERT_TRUE(Write([&](Transaction& t) { return UpdateOidcProvider(t, &provider); }).ok());
  auto back = catalog_->Read([&](Reader& r) { return GetOidcProvider(r, kAccount, provider.url); });
  EXPECT_EQ(back->client_ids.size(), 2u);
  EXPECT_EQ(catalog_->Read([](Reader& r) { return ListOidcProviders(r, kAccount); })->size(), 1u);
  EXPECT_TRUE(
      Write([&](Transaction& t) { return DeleteOidcProvider(t, kAccount, provider.url); }).ok());
}

}  // namespace
}  // namespace hearth::catalog
