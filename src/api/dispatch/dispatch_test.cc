// SPDX-License-Identifier: Apache-2.0
#include "api/dispatch/dispatch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/rng.h"
#include "base/status.h"

namespace hearth::api {
namespace {

using testing::HasSubstr;

// Faces that answer with their name and what they were given.
class DispatchTest : public testing::Test {
 protected:
  void SetUp() override {
    catalog::Catalog::Options options;
    options.url = JoinPath(directory_.path(), "catalog.sqlite");
    catalog_ = *catalog::Catalog::Open(options, clock_, rng_);
    grafana_ = *catalog_->Write([](catalog::Transaction& transaction) {
      return catalog::EnsureGrafanaWorkspace(transaction, "000000000000", "us-east-1", "my team");
    });
    Faces faces;
    faces.root = [](const net::HttpRequest& r) { return net::TextResponse(200, "root " + r.path); };
    faces.workspace = [](const net::HttpRequest&, std::string_view id, std::string_view path) {
      return net::TextResponse(200, "ws " + std::string(id) + " " + std::string(path));
    };
    faces.grafana = [](const net::HttpRequest&, const catalog::GrafanaWorkspace& workspace,
                       std::string_view path) {
      return net::TextResponse(200, "grafana " + workspace.name + " " + std::string(path));
    };
    faces.console_serves = [](std::string_view path) { return path == "/" || path == "/metrics"; };
    faces.console = [](const net::HttpRequest&) { return net::TextResponse(200, "console"); };
    faces.services["aps"] = [](const net::HttpRequest&) { return net::TextResponse(200, "aps"); };
    faces.services["sts"] = [](const net::HttpRequest&) { return net::TextResponse(200, "sts"); };
    dispatch_ =
        std::make_unique<Dispatch>(DispatchOptions{"000000000000", "us-east-1", "hearth.example"},
                                   *catalog_, std::move(faces));
  }

  net::HttpResponse Get(std::string path, std::string scope_service = "", std::string host = "") {
    net::HttpRequest request;
    request.method = "GET";
    request.path = std::move(path);
    request.target = request.path;
    if (!host.empty()) request.headers.Set("Host", host);
    if (!scope_service.empty()) {
      request.headers.Set("Authorization",
                          "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20231114/us-east-1/" +
                              scope_service + "/aws4_request, SignedHeaders=host, Signature=00");
    }
    return dispatch_->Handle(request);
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  SeededRng rng_{1};
  std::unique_ptr<catalog::Catalog> catalog_;
  catalog::GrafanaWorkspace grafana_;
  std::unique_ptr<Dispatch> dispatch_;
};

TEST_F(DispatchTest, PathsAndScopesFindTheirFace) {
  const struct {
    std::string path;
    std::string service;
    std::string want;
  } rows[] = {
      {"/api/v1/query", "", "root /api/v1/query"},
      {"/workspaces/ws-1/api/v1/query", "aps", "ws ws-1 /api/v1/query"},
      {"/workspaces/ws-1//api/v1/remote_write", "aps", "ws ws-1 //api/v1/remote_write"},
      {"/api//v1/query", "", "root /api//v1/query"},
      {"//api/v1//query", "aps", "root //api/v1//query"},
      {"/workspaces//ws-1/api//v1/query", "aps", "ws ws-1 /api//v1/query"},
      {"/workspaces/ws-1/api/v11/query", "aps", "aps"},
      {"/workspaces/ws-1/alertmanager/api/v2/alerts", "aps", "ws ws-1 /alertmanager/api/v2/alerts"},
      {"/workspaces/ws-1/federate", "aps", "ws ws-1 /federate"},
      {"/workspaces/ws-1", "aps", "aps"},
      {"/workspaces/ws-1/alias", "aps", "aps"},
      {"/", "sts", "sts"},
      {"/", "", "console"},
      {"/metrics", "", "console"},
      {"/" + grafana_.id + "/d/x/y", "", "grafana my team /d/x/y"},
      {"/" + grafana_.id, "", "grafana my team /"},
      {"/grafana/my%20team/api/search", "", "grafana my team /api/search"},
  };
  for (const auto& row : rows) EXPECT_EQ(Get(row.path, row.service).body, row.want) << row.path;
}

TEST(DispatchOwner, IsTheWorkspaceInThePath) {
  const struct {
    std::string_view path;
    std::string_view owner;
  } kRows[] = {
      {"/workspaces/ws-1/api/v1/query", "ws-1"},
      {"/workspaces/ws-1", "ws-1"},
      {"/g-0123456789/api/ds/query", "g-0123456789"},
      {"/grafana/default/api/ds/query", "default"},
      {"/api/v1/query", ""},
      {"/", ""},
      {"", ""},
  };
  for (const auto& row : kRows) {
    net::HttpRequest request;
    request.path = row.path;
    EXPECT_EQ(Dispatch::OwnerOf(request), row.owner) << row.path;
  }
}

TEST_F(DispatchTest, WorkspacesHaveHostNamesUnderADomain) {
  const std::string host = grafana_.id + ".grafana-workspace.us-east-1.hearth.example:9443";
  EXPECT_EQ(Get("/api/search", "", host).body, "grafana my team /api/search");
}

TEST_F(DispatchTest, UnknownThingsAreNamed) {
  EXPECT_EQ(Get("/grafana/other/").status, 404);
  EXPECT_EQ(Get("/g-0123456789/").status, 404);
  const net::HttpResponse kms = Get("/", "kms");
  EXPECT_EQ(kms.status, 501);
  EXPECT_THAT(kms.body, HasSubstr("AWS_ENDPOINT_URL_KMS"));
  EXPECT_EQ(Get("/workspaces").status, 403);
  EXPECT_EQ(Get("/nothing/here").status, 401);
}

TEST_F(DispatchTest, SeveralWorkspacesOfOneNameAreAConflictThatNamesThem) {
  catalog::GrafanaWorkspace twin;
  twin.account = "000000000000";
  twin.region = "us-east-1";
  twin.name = "my team";
  ASSERT_TRUE(catalog_
                  ->Write([&](catalog::Transaction& transaction) {
                    return catalog::CreateGrafanaWorkspace(transaction, &twin);
                  })
                  .ok());
  const net::HttpResponse response = Get("/grafana/my%20team/");
  EXPECT_EQ(response.status, 409);
  EXPECT_THAT(response.body, HasSubstr(grafana_.id));
  EXPECT_THAT(response.body, HasSubstr(twin.id));
}

}  // namespace
}  // namespace hearth::api
