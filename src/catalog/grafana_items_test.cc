// SPDX-License-Identifier: Apache-2.0
#include "catalog/grafana_items.h"

#include "catalog/backend_test.h"
#include "catalog/grafana_objects.h"

namespace hearth::catalog {
namespace {

class Items : public BackendTest {
 protected:
  static GrafanaItem Make(std::string name, std::string uid = "", bool unique = true) {
    GrafanaItem item;
    item.workspace = "g-0123456789";
    item.kind = "team";
    item.uid = std::move(uid);
    item.name = std::move(name);
    item.unique_name = unique;
    return item;
  }
  absl::Status Create(GrafanaItem* item) {
    return catalog_->Write([&](Transaction& t) { return CreateItem(t, item); });
  }
};

TEST_P(Items, NamesAndUidsAreTakenOnce) {
  GrafanaItem first = Make("ops", "one");
  ASSERT_TRUE(Create(&first).ok());
  EXPECT_EQ(first.id, 1);
  GrafanaItem same_name = Make("ops", "two");
  EXPECT_TRUE(absl::IsAlreadyExists(Create(&same_name)));
  GrafanaItem same_uid = Make("dev", "one");
  EXPECT_TRUE(absl::IsAlreadyExists(Create(&same_uid)));
  GrafanaItem shared = Make("ops", "three", /*unique=*/false);
  shared.kind = "contact_point";
  ASSERT_TRUE(Create(&shared).ok());
  GrafanaItem another = Make("ops", "", /*unique=*/false);
  another.kind = "contact_point";
  ASSERT_TRUE(Create(&another).ok());
  EXPECT_NE(another.uid, "");
  const auto found = catalog_->Read([](Reader& reader) {
    return FindItemsByName(reader, "g-0123456789", "contact_point", "ops");
  });
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->size(), 2U);
}

TEST_P(Items, AnUpdateOfWhatMovedOnIsAborted) {
  GrafanaItem item = Make("ops", "one");
  ASSERT_TRUE(Create(&item).ok());
  GrafanaItem stale = item;
  item.json = R"({"email":"x"})";
  ASSERT_TRUE(catalog_->Write([&](Transaction& t) { return UpdateItem(t, &item); }).ok());
  EXPECT_EQ(item.revision, 2);
  EXPECT_TRUE(
      absl::IsAborted(catalog_->Write([&](Transaction& t) { return UpdateItem(t, &stale); })));
  // Put does not ask.
  ASSERT_TRUE(catalog_->Write([&](Transaction& t) { return PutItem(t, &stale); }).ok());
  EXPECT_EQ(stale.revision, 3);
}

TEST_P(Items, RangesAndParents) {
  for (int i = 0; i < 3; ++i) {
    GrafanaItem item = Make("", "", false);
    item.kind = "annotation";
    item.parent = i < 2 ? "board" : "";
    item.from_ms = 100 * i;
    item.to_ms = 100 * i + 50;
    ASSERT_TRUE(Create(&item).ok());
  }
  const auto between = [&](int64_t from, int64_t to) {
    return catalog_
        ->Read([&](Reader& reader) {
          return ListItemsBetween(reader, "g-0123456789", "annotation", from, to);
        })
        ->size();
  };
  EXPECT_EQ(between(0, 1000), 3U);
  EXPECT_EQ(between(60, 90), 0U);
  EXPECT_EQ(between(150, 150), 1U);
  EXPECT_EQ(*catalog_->Write([](Transaction& t) {
    return DeleteItemsOf(t, "g-0123456789", "annotation", "board");
  }),
            2);
  EXPECT_EQ(between(0, 1000), 1U);
}

TEST_P(Items, GoWithTheirWorkspace) {
  GrafanaWorkspace workspace;
  workspace.account = "000000000000";
  workspace.region = "us-east-1";
  workspace.name = "w";
  ASSERT_TRUE(
      catalog_->Write([&](Transaction& t) { return CreateGrafanaWorkspace(t, &workspace); }).ok());
  GrafanaItem item = Make("ops");
  item.workspace = workspace.id;
  ASSERT_TRUE(Create(&item).ok());
  ASSERT_TRUE(
      catalog_->Write([&](Transaction& t) { return DeleteGrafanaWorkspace(t, workspace.id); })
          .ok());
  EXPECT_EQ(*catalog_->Read([&](Reader& r) { return CountItems(r, workspace.id, "team"); }), 0);
}

HEARTH_ON_EVERY_BACKEND(Items);

}  // namespace
}  // namespace hearth::catalog
