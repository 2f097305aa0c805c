// SPDX-License-Identifier: Apache-2.0
#include "web_assets/assets.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth::web_assets {
namespace {

TEST(Assets, AreSortedAndFoundByPath) {
  std::string_view last;
  for (const Asset& asset : All()) {
    EXPECT_LT(last, asset.path);
    last = asset.path;
    EXPECT_EQ(Find(asset.path), &asset);
  }
}

TEST(Assets, UnknownPathIsNull) {
  EXPECT_EQ(Find(""), nullptr);
  EXPECT_EQ(Find("no/such/file.js"), nullptr);
  EXPECT_EQ(Find("../index.html"), nullptr);
}

TEST(Assets, CompressedFormsAreSmallerAndWellMarked) {
  for (const Asset& asset : All()) {
    if (!asset.brotli.empty()) {
      EXPECT_LT(asset.brotli.size(), asset.raw.size()) << asset.path;
    }
    if (!asset.gzip.empty()) {
      EXPECT_LT(asset.gzip.size(), asset.raw.size()) << asset.path;
      EXPECT_EQ(asset.gzip.substr(0, 2), "\x1f\x8b") << asset.path;
    }
    EXPECT_EQ(asset.etag.size(), 18u) << asset.path;
    EXPECT_FALSE(asset.content_type.empty()) << asset.path;
  }
}

TEST(Assets, HaveAPageWhereTheUiIsBuilt) {
  if (All().empty()) GTEST_SKIP() << "web/dist was not built";
  ASSERT_NE(Find("index.html"), nullptr);
  EXPECT_EQ(Find("index.html")->content_type, "text/html; charset=utf-8");
  EXPECT_FALSE(Find("index.html")->hashed_name);
}

}  // namespace
}  // namespace hearth::web_assets
