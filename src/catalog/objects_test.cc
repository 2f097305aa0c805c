// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/status.h"
#include "catalog/amp_workspaces.h"
#include "catalog/backend_test.h"
#include "catalog/grafana_objects.h"

namespace hearth::catalog {
namespace {

constexpr std::string_view kAccount = "000000000000";
constexpr std::string_view kRegion = "us-east-1";

class ObjectsTest : public BackendTest {
 protected:
  template <typename Body>
  auto Write(Body body) {
    return catalog_->Write(body);
  }
  template <typename Body>
  auto Read(Body body) {
    return catalog_->Read(body);
  }
};
HEARTH_ON_EVERY_BACKEND(ObjectsTest);

TEST_P(ObjectsTest, EnsuringTwiceMakesOne) {
  auto amp = [](Transaction& t) { return EnsureAmpWorkspace(t, kAccount, kRegion, "default"); };
  auto grafana = [](Transaction& t) {
    return EnsureGrafanaWorkspace(t, kAccount, kRegion, "default");
  };
  AmpWorkspace first = *Write(amp);
  EXPECT_EQ(first.id.substr(0, 3), "ws-");
  EXPECT_EQ(first.id.size(), 39u);
  EXPECT_EQ(Write(amp)->id, first.id);
  EXPECT_EQ(AmpWorkspaceArn(first), "arn:aws:aps:us-east-1:000000000000:workspace/" + first.id);
  GrafanaWorkspace workspace = *Write(grafana);
  EXPECT_EQ(workspace.id.size(), 12u);
  EXPECT_EQ(Write(grafana)->id, workspace.id);
  EXPECT_EQ(GrafanaWorkspaceArn(workspace),
            "arn:aws:grafana:us-east-1:000000000000:/workspaces/" + workspace.id);
  DataSource source;
  source.workspace = workspace.id;
  source.uid = "AMP";
  source.name = "Amazon Managed Prometheus";
  source.is_default = true;
  source.json_data = R"({"httpMethod": "POST"})";
  ASSERT_TRUE(Write([&](Transaction& t) { return EnsureDataSource(t, &source); }).ok());
  int64_t events = *catalog_->LastEvent();
  ASSERT_TRUE(Write([&](Transaction& t) { return EnsureDataSource(t, &source); }).ok());
  EXPECT_EQ(*catalog_->LastEvent(), events);
  source.url = "http://other";
  ASSERT_TRUE(Write([&](Transaction& t) { return EnsureDataSource(t, &source); }).ok());
  EXPECT_EQ(source.revision, 2);
}

TEST_P(ObjectsTest, AmpWorkspacesListByPrefixAndPage) {
  for (std::string_view alias : {"prod-a", "prod-b", "test%_", "", "Übung"}) {
    AmpWorkspace workspace;
    workspace.account = std::string(kAccount);
    workspace.region = std::string(kRegion);
    workspace.alias = std::string(alias);
    ASSERT_TRUE(Write([&](Transaction& t) { return CreateAmpWorkspace(t, &workspace); }).ok());
  }
  auto count = [&](AmpWorkspaceQuery query) {
    query.account = std::string(kAccount);
    return Read([&](Reader& r) { return ListAmpWorkspaces(r, query); })->size();
  };
  EXPECT_EQ(count({}), 5u);
  AmpWorkspaceQuery query;
  query.alias_prefix = "prod-";
  EXPECT_EQ(count(query), 2u);
  query.alias_prefix = "test%_";
  EXPECT_EQ(count(query), 1u);
  query.alias_prefix = "Ü";
  EXPECT_EQ(count(query), 1u);
  query.alias_prefix = "%";
  EXPECT_EQ(count(query), 0u);
  query = {};
  query.region = "eu-west-1";
  EXPECT_EQ(count(query), 0u);
  std::string after;
  for (int page = 0; page < 5; ++page) {
    AmpWorkspaceQuery paged;
    paged.account = std::string(kAccount);
    paged.after = after;
    paged.limit = 1;
    auto found = Read([&](Reader& r) { return ListAmpWorkspaces(r, paged); });
    ASSERT_EQ(found->size(), 1u);
    EXPECT_GT(found->front().id, after);
    after = found->front().id;
  }
}

TEST_P(ObjectsTest, DataSourcesKeepTheirSecretsSealed) {
  DataSource source;
  source.workspace = "g-1";
  source.name = "a";
  source.secure_json_data = {{"basicAuthPassword", "hunter2"}};
  ASSERT_TRUE(Write([&](Transaction& t) { return CreateDataSource(t, &source); }).ok());
  EXPECT_EQ(source.id, 1);
  EXPECT_EQ(source.uid.size(), 14u);
  auto back = Read([&](Reader& r) { return GetDataSource(r, "g-1", source.uid); });
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->secure_json_data, source.secure_json_data);
  EXPECT_TRUE(Read([&](Reader& r) { return GetDataSourceById(r, "g-1", 1); }).ok());
  EXPECT_FALSE(Read([&](Reader& r) { return GetDataSourceById(r, "g-2", 1); }).ok());
  if (GetParam() == "sqlite") {
    std::string file = *RealFileSystem().ReadFile(Url());
    file += *RealFileSystem().ReadFile(Url() + "-wal");
    EXPECT_EQ(file.find("hunter2"), std::string::npos);
  }
}

TEST_P(ObjectsTest, DataSourceNamesAreUniqueAndOneIsDefault) {
  DataSource a;
  a.workspace = "g-1";
  a.name = "a";
  a.is_default = true;
  DataSource b = a;
  ASSERT_TRUE(Write([&](Transaction& t) { return CreateDataSource(t, &a); }).ok());
  absl::Status taken = Write([&](Transaction& t) { return CreateDataSource(t, &b); });
  EXPECT_EQ(taken.code(), absl::StatusCode::kAlreadyExists) << taken;
  b.name = "b";
  ASSERT_TRUE(Write([&](Transaction& t) { return CreateDataSource(t, &b); }).ok());
  auto all = Read([](Reader& r) { return ListDataSources(r, "g-1"); });
  ASSERT_EQ(all->size(), 2u);
  EXPECT_FALSE((*all)[0].is_default);
  EXPECT_TRUE((*all)[1].is_default);
  b.name = "a";
  EXPECT_EQ(Write([&](Transaction& t) { return UpdateDataSource(t, &b); }).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Write([&](Transaction& t) { return DeleteDataSource(t, "g-1", a.uid); }).ok());
  EXPECT_TRUE(Write([&](Transaction& t) { return UpdateDataSource(t, &b); }).ok());
}

Folder NewFolder(std::string title, std::string parent = "") {
  Folder folder;
  folder.workspace = "g-1";
  folder.title = std::move(title);
  folder.parent_uid = std::move(parent);
  return folder;
}

TEST_P(ObjectsTest, FoldersNestWithoutLoopsAndGoWithWhatIsInThem) {
  Folder top = NewFolder("top");
  ASSERT_TRUE(Write([&](Transaction& t) { return CreateFolder(t, &top); }).ok());
  Folder child = NewFolder("child", top.uid);
  ASSERT_TRUE(Write([&](Transaction& t) { return CreateFolder(t, &child); }).ok());
  Folder orphan = NewFolder("orphan", "nowhere");
  EXPECT_EQ(Write([&](Transaction& t) { return CreateFolder(t, &orphan); }).code(),
            absl::StatusCode::kInvalidArgument);
  top.parent_uid = child.uid;
  EXPECT_EQ(Write([&](Transaction& t) { return UpdateFolder(t, &top); }).code(),
            absl::StatusCode::kInvalidArgument);
  top.parent_uid = top.uid;
  EXPECT_EQ(Write([&](Transaction& t) { return UpdateFolder(t, &top); }).code(),
            absl::StatusCode::kInvalidArgument);
  Dashboard dashboard;
  dashboard.workspace = "g-1";
  dashboard.folder_uid = child.uid;
  dashboard.title = "d";
  dashboard.json = "{}";
  ASSERT_TRUE(Write([&](Transaction& t) { return SaveDashboard(t, &dashboard); }).ok());
  auto gone = Write([&](Transaction& t) { return DeleteFolder(t, "g-1", top.uid); });
  ASSERT_TRUE(gone.ok()) << gone.status();
  EXPECT_EQ(*gone, std::vector<std::string>{dashboard.uid});
  EXPECT_TRUE(Read([](Reader& r) { return ListFolders(r, "g-1"); })->empty());
  EXPECT_TRUE(Read([](Reader& r) { return ListDashboards(r, "g-1"); })->empty());
  auto ensure = [](Transaction& t) { return EnsureFolder(t, "g-1", "Hearth"); };
  EXPECT_EQ(Write(ensure)->uid, Write(ensure)->uid);
}

TEST_P(ObjectsTest, DashboardsAreVerbatimAndKeepTheirHistory) {
  Dashboard dashboard;
  dashboard.workspace = "g-1";
  dashboard.title = "Cluster health";
  dashboard.tags = {"a", "b"};
  dashboard.json = "{ \"z\": 1.0,\n\t\"a\":  [3,1,2], \"ü\": 1e3 }";
  ASSERT_TRUE(Write([&](Transaction& t) { return SaveDashboard(t, &dashboard); }).ok());
  EXPECT_EQ(dashboard.version, 1);
  Dashboard stale = dashboard;
  auto back = Read([&](Reader& r) { return GetDashboard(r, "g-1", dashboard.uid); });
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->json, dashboard.json);
  EXPECT_EQ(back->tags, dashboard.tags);
  for (int i = 2; i <= 25; ++i) {
    dashboard.json = fmt::format("{{\"v\":{}}}", i);
    dashboard.message = std::to_string(i);
    ASSERT_TRUE(Write([&](Transaction& t) { return SaveDashboard(t, &dashboard); }).ok());
    EXPECT_EQ(dashboard.version, i);
  }
  EXPECT_EQ(Write([&](Transaction& t) { return SaveDashboard(t, &stale); }).code(),
            absl::StatusCode::kAborted);
  auto versions = Read([&](Reader& r) { return ListDashboardVersions(r, "g-1", dashboard.uid); });
  ASSERT_EQ(versions->size(), static_cast<size_t>(kDashboardVersionsMax));
  EXPECT_EQ(versions->front().version, 25);
  EXPECT_EQ(versions->back().version, 6);
  EXPECT_EQ(Read([&](Reader& r) { return GetDashboardVersion(r, "g-1", dashboard.uid, 7); })->json,
            "{\"v\":7}");
  // Moving it is no new version.
  dashboard.folder_uid = "f";
  ASSERT_TRUE(Write([&](Transaction& t) { return SaveDashboard(t, &dashboard); }).ok());
  EXPECT_EQ(dashboard.version, 25);
  EXPECT_EQ(Read([&](Reader& r) { return GetDashboardById(r, "g-1", dashboard.id); })->folder_uid,
            "f");
  Dashboard provisioned = dashboard;
  int64_t events = *catalog_->LastEvent();
  ASSERT_TRUE(Write([&](Transaction& t) { return EnsureDashboard(t, provisioned); }).ok());
  EXPECT_EQ(*catalog_->LastEvent(), events);
  provisioned.json = "{}";
  EXPECT_EQ(Write([&](Transaction& t) { return EnsureDashboard(t, provisioned); })->version, 26);
}

TEST_P(ObjectsTest, DeletingAGrafanaWorkspaceTakesEverything) {
  GrafanaWorkspace workspace =
      *Write([](Transaction& t) { return EnsureGrafanaWorkspace(t, kAccount, kRegion, "w"); });
  workspace.tags = {{"a", "b"}};
  workspace.description = "d";
  ASSERT_TRUE(Write([&](Transaction& t) { return UpdateGrafanaWorkspace(t, &workspace); }).ok());
  auto back = Read([&](Reader& r) { return GetGrafanaWorkspace(r, workspace.id); });
  EXPECT_EQ(back->tags, workspace.tags);
  EXPECT_EQ(back->authentication_providers, std::vector<std::string>{"AWS_SSO"});
  Dashboard dashboard;
  dashboard.workspace = workspace.id;
  dashboard.json = "{}";
  ASSERT_TRUE(Write([&](Transaction& t) { return SaveDashboard(t, &dashboard); }).ok());
  EXPECT_EQ(Read([](Reader& r) { return ListGrafanaWorkspaces(r, kAccount, kRegion); })->size(),
            1u);
  ASSERT_TRUE(Write([&](Transaction& t) { return DeleteGrafanaWorkspace(t, workspace.id); }).ok());
  EXPECT_TRUE(Read([&](Reader& r) { return ListDashboards(r, workspace.id); })->empty());
  EXPECT_FALSE(Read([&](Reader& r) { return GetGrafanaWorkspace(r, workspace.id); }).ok());
}

TEST_P(ObjectsTest, GrafanaUidsAreNeverNumeric) {
  for (int i = 0; i < 200; ++i) {
    std::string uid = NewGrafanaUid(rng_);
    EXPECT_GE(uid[0], 'a');
    EXPECT_LE(uid[0], 'z');
  }
}

}  // namespace
}  // namespace hearth::catalog
