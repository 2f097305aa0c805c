// SPDX-License-Identifier: Apache-2.0
#include "catalog/catalog.h"

#include <gtest/gtest.h>

#include "base/status.h"
#include "base/threads.h"
#include "catalog/amp_workspaces.h"
#include "catalog/backend_test.h"
#include "catalog/grafana_objects.h"
#include "catalog/idempotency.h"
#include "catalog/leases.h"
#include "catalog/sign_in_links.h"
#include "catalog/sql.h"

namespace hearth::catalog {
namespace {

class CatalogTest : public BackendTest {};
HEARTH_ON_EVERY_BACKEND(CatalogTest);

AmpWorkspace Workspace(std::string alias) {
  AmpWorkspace workspace;
  workspace.account = "000000000000";
  workspace.region = "us-east-1";
  workspace.alias = std::move(alias);
  return workspace;
}

TEST_P(CatalogTest, MigratesDownAndUpAgain) {
  EXPECT_EQ(*catalog_->SchemaVersion(), Catalog::LatestSchemaVersion());
  for (int version = Catalog::LatestSchemaVersion(); version >= 0; --version) {
    ASSERT_TRUE(catalog_->MigrateTo(version).ok()) << version;
    EXPECT_EQ(*catalog_->SchemaVersion(), version);
  }
  ASSERT_TRUE(catalog_->MigrateTo(Catalog::LatestSchemaVersion()).ok());
  AmpWorkspace workspace = Workspace("a");
  EXPECT_TRUE(
      catalog_->Write([&](Transaction& t) { return CreateAmpWorkspace(t, &workspace); }).ok());
}

TEST_P(CatalogTest, RefusesASchemaNewerThanItself) {
  ASSERT_TRUE(catalog_
                  ->Write([](Transaction& t) {
                    return t.session()
                        .Execute(
                            "INSERT INTO schema_versions (version, name, applied_ms)"
                            " VALUES (99, 'later', 0)")
                        .status();
                  })
                  .ok());
  Catalog::Options options;
  options.url = Url();
  absl::Status status = Catalog::Open(options, clock_, rng_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_TRUE(
      catalog_
          ->Write([](Transaction& t) {
            return t.session().Execute("DELETE FROM schema_versions WHERE version = 99").status();
          })
          .ok());
}

TEST_P(CatalogTest, SqliteFileIsOurs) {
  if (GetParam() != "sqlite") return;  // a file is SQLite's
  for (std::string_view suffix : {"", "-wal", "-shm"}) {
    absl::StatusOr<FileInfo> info = RealFileSystem().Stat(Url() + std::string(suffix));
    ASSERT_TRUE(info.ok()) << info.status();
    EXPECT_EQ(info->mode & 0777, 0600u) << suffix;
  }
}

TEST_P(CatalogTest, ErrorsRollBackAll) {
  AmpWorkspace workspace = Workspace("a");
  absl::Status status = catalog_->Write([&](Transaction& t) -> absl::Status {
    TRY(CreateAmpWorkspace(t, &workspace));
    return InvalidArgument("second thoughts");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      catalog_->Read([&](Reader& r) { return GetAmpWorkspace(r, workspace.id); }).status().code(),
      absl::StatusCode::kNotFound);
  EXPECT_EQ(*catalog_->LastEvent(), 0);
}

TEST_P(CatalogTest, RevisionsCompareAndSwap) {
  AmpWorkspace first = Workspace("a");
  ASSERT_TRUE(catalog_->Write([&](Transaction& t) { return CreateAmpWorkspace(t, &first); }).ok());
  EXPECT_EQ(first.revision, 1);
  AmpWorkspace second = first;
  first.alias = "b";
  ASSERT_TRUE(catalog_->Write([&](Transaction& t) { return UpdateAmpWorkspace(t, &first); }).ok());
  EXPECT_EQ(first.revision, 2);
  second.alias = "c";
  absl::Status late =
      catalog_->Write([&](Transaction& t) { return UpdateAmpWorkspace(t, &second); });
  EXPECT_EQ(late.code(), absl::StatusCode::kAborted) << late;
  EXPECT_EQ(
      catalog_->Write([&](Transaction& t) { return DeleteAmpWorkspace(t, second.id, 1); }).code(),
      absl::StatusCode::kAborted);
  EXPECT_TRUE(
      catalog_->Write([&](Transaction& t) { return DeleteAmpWorkspace(t, second.id, 2); }).ok());
  EXPECT_EQ(catalog_->Write([&](Transaction& t) { return UpdateAmpWorkspace(t, &first); }).code(),
            absl::StatusCode::kNotFound);
}

TEST_P(CatalogTest, EventsFollowEveryChangeWithoutGaps) {
  AmpWorkspace workspace = Workspace("a");
  ASSERT_TRUE(
      catalog_->Write([&](Transaction& t) { return CreateAmpWorkspace(t, &workspace); }).ok());
  workspace.alias = "b";
  ASSERT_TRUE(
      catalog_->Write([&](Transaction& t) { return UpdateAmpWorkspace(t, &workspace); }).ok());
  ASSERT_TRUE(
      catalog_->Write([&](Transaction& t) { return DeleteAmpWorkspace(t, workspace.id); }).ok());
  absl::StatusOr<std::vector<Event>> events = catalog_->EventsSince(0);
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_EQ(events->size(), 3u);
  const std::string_view actions[] = {"create", "update", "delete"};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*events)[i].sequence, static_cast<int64_t>(i) + 1);
    EXPECT_EQ((*events)[i].kind, "amp_workspace");
    EXPECT_EQ((*events)[i].action, actions[i]);
    EXPECT_EQ((*events)[i].object, workspace.id);
    EXPECT_EQ((*events)[i].account, workspace.account);
  }
  EXPECT_EQ(*catalog_->LastEvent(), 3);
  EXPECT_EQ(catalog_->EventsSince(2)->size(), 1u);
}

TEST_P(CatalogTest, AnotherProcessSeesCommittedChanges) {
  AmpWorkspace workspace = Workspace("a");
  ASSERT_TRUE(
      catalog_->Write([&](Transaction& t) { return CreateAmpWorkspace(t, &workspace); }).ok());
  std::unique_ptr<Catalog> other = Open();
  EXPECT_TRUE(other->Read([&](Reader& r) { return GetAmpWorkspace(r, workspace.id); }).ok());
}

TEST_P(CatalogTest, ManyThreadsAndTwoProcessesKeepOneSequence) {
  constexpr size_t kThreads = 4;
  constexpr int kEach = 10;
  std::unique_ptr<Catalog> other = Open();
  {
    std::vector<Thread> threads;
    for (size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back("writer", [&, i] {
        Catalog& catalog = i % 2 == 0 ? *catalog_ : *other;
        for (int n = 0; n < kEach; ++n) {
          absl::Status status = catalog.Write([&](Transaction& t) -> absl::Status {
            TRY_ASSIGN(int64_t number, t.NextNumber("n"));
            return t.Record("test", "create", "", std::to_string(number), 1);
          });
          EXPECT_TRUE(status.ok()) << status;
          EXPECT_TRUE(catalog.LastEvent().ok());
        }
      });
    }
  }
  absl::StatusOr<std::vector<Event>> events = catalog_->EventsSince(0);
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), kThreads * kEach);
  for (size_t i = 0; i < events->size(); ++i) {
    EXPECT_EQ((*events)[i].object, std::to_string(i + 1));
  }
}

TEST_P(CatalogTest, TextComesBackByteForByte) {
  const std::string values[] = {"",
                                "plain",
                                "quote ' and \" and \\",
                                "? :v1 %s --",
                                "Ünï ✓ 😀",
                                "line\nline\r\n\ttab",
                                std::string(200'000, 'x')};
  for (const std::string& value : values) {
    ASSERT_TRUE(
        catalog_->Write([&](Transaction& t) { return PutSetting(t, "g-1", "k", value); }).ok());
    absl::StatusOr<std::string> back =
        catalog_->Read([](Reader& r) { return GetSetting(r, "g-1", "k"); });
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, value);
  }
}

TEST_P(CatalogTest, LargeNumbersComeBack) {
  AmpWorkspace workspace = Workspace("a");
  workspace.config.retention_days = 1095;
  workspace.config.label_set_limits = {{{{"job", "a"}}, 9'000'000'000'000}};
  workspace.config_modified_ms = 9'007'199'254'740'993;
  workspace.tags = {{"k", "v"}, {"Ü", ""}};
  ASSERT_TRUE(
      catalog_->Write([&](Transaction& t) { return CreateAmpWorkspace(t, &workspace); }).ok());
  absl::StatusOr<AmpWorkspace> back =
      catalog_->Read([&](Reader& r) { return GetAmpWorkspace(r, workspace.id); });
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->config_modified_ms, workspace.config_modified_ms);
  EXPECT_EQ(back->config.retention_days, 1095);
  EXPECT_FALSE(back->config.out_of_order_window_seconds.has_value());
  ASSERT_EQ(back->config.label_set_limits.size(), 1u);
  EXPECT_EQ(back->config.label_set_limits[0].max_series, 9'000'000'000'000);
  EXPECT_EQ(back->config.label_set_limits[0].labels, workspace.config.label_set_limits[0].labels);
  EXPECT_EQ(back->tags, workspace.tags);
  EXPECT_EQ(back->created_ms, clock_.NowMs());
}

TEST_P(CatalogTest, SignInLinkWorksOnceAndForFifteenMinutes) {
  auto create = [&] {
    SignInLink link{
        "000000000000", "g-0123456789", "arn:aws:iam::000000000000:root", "ADMIN", 0, 0};
    return *catalog_->Write([&](Transaction& t) { return CreateSignInLink(t, &link); });
  };
  auto use = [&](std::string_view token) {
    return catalog_->Write([&](Transaction& t) { return UseSignInLink(t, token); });
  };
  std::string token = create();
  EXPECT_EQ(token.size(), 43u);
  absl::StatusOr<SignInLink> link = use(token);
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(link->workspace, "g-0123456789");
  EXPECT_EQ(link->role, "ADMIN");
  EXPECT_EQ(use(token).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(use("nonsense").status().code(), absl::StatusCode::kNotFound);
  std::string late = create();
  clock_.Advance(kSignInLinkLifeMs - 1);
  std::string later = create();
  EXPECT_TRUE(use(late).ok());
  clock_.Advance(kSignInLinkLifeMs);
  EXPECT_EQ(use(later).status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(*catalog_->Write([](Transaction& t) { return PurgeSignInLinks(t); }), 3);
}

TEST_P(CatalogTest, IdempotentResultsAreFoundUntilTheyEnd) {
  auto find = [&] {
    return catalog_->Read([](Reader& r) { return FindIdempotentResult(r, "k"); });
  };
  auto store = [&] {
    return catalog_->Write([](Transaction& t) {
      return StoreIdempotentResult(t, "k", {"hash", 202, "body\0x"}, 1000);
    });
  };
  EXPECT_EQ(find().status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(store().ok());
  EXPECT_EQ(store().code(), absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(find().ok()) << find().status();
  EXPECT_EQ(find()->status, 202);
  EXPECT_EQ(find()->body, "body");
  clock_.Advance(1000);
  EXPECT_EQ(find().status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(store().ok());
}

TEST_P(CatalogTest, LeasesHaveOneOwnerAndAGrowingFence) {
  auto acquire = [&](std::string_view owner) {
    return catalog_->Write([&](Transaction& t) { return AcquireLease(t, "l", owner, 1000); });
  };
  absl::StatusOr<Lease> a = acquire("a");
  ASSERT_TRUE(a.ok()) << a.status();
  EXPECT_EQ(a->fence, 1);
  EXPECT_EQ(acquire("b").status().code(), absl::StatusCode::kFailedPrecondition);
  clock_.Advance(500);
  EXPECT_EQ(acquire("a")->fence, 1);  // prolonged
  clock_.Advance(999);
  EXPECT_FALSE(acquire("b").ok());
  clock_.Advance(1);
  EXPECT_EQ(acquire("b")->fence, 2);
  // The old owner's release does nothing.
  EXPECT_TRUE(catalog_->Write([&](Transaction& t) { return ReleaseLease(t, *a); }).ok());
  EXPECT_FALSE(acquire("a").ok());
  Lease b = *acquire("b");
  EXPECT_TRUE(catalog_->Write([&](Transaction& t) { return ReleaseLease(t, b); }).ok());
  EXPECT_EQ(acquire("a")->fence, 3);
}

}  // namespace
}  // namespace hearth::catalog
