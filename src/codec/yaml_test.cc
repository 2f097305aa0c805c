// SPDX-License-Identifier: Apache-2.0
#include "codec/yaml.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace hearth::codec {
namespace {

std::string ErrorOf(std::string_view text, const YamlLimits& limits = {}) {
  const auto node = ParseYaml(text, limits);
  return node.ok() ? "ok" : Message(node.status());
}

TEST(Yaml, ReadsATreeWithLines) {
  const auto root = ParseYaml("a: 1\nb:\n  - x\n  - 'y'\nc: {d: ~}\n");
  ASSERT_TRUE(root.ok()) << root.status();
  ASSERT_TRUE(root->is_map());
  EXPECT_EQ(root->Find("a")->text(), "1");
  const YamlNode* b = root->Find("b");
  ASSERT_EQ(b->items().size(), 2U);
  EXPECT_EQ(b->items()[1].line(), 4);
  EXPECT_TRUE(b->items()[1].quoted());
  EXPECT_TRUE(root->Find("c")->Find("d")->is_null());
  EXPECT_EQ(root->Find("none"), nullptr);
  EXPECT_TRUE(ParseYaml("")->is_null());
  EXPECT_TRUE(ParseYaml("# only a comment\n")->is_null());
}

TEST(Yaml, ReadsTypes) {
  const auto root = ParseYaml("[yes, 'yes', 0x1F, 1_000, 1.5, .inf, 010, -3, true, text]");
  ASSERT_TRUE(root.ok());
  const auto& items = root->items();
  EXPECT_EQ(*items[0].AsBool(), true);
  EXPECT_FALSE(items[1].AsBool().ok());
  EXPECT_EQ(*items[2].AsInt(), 31);
  EXPECT_EQ(*items[3].AsInt(), 1000);
  EXPECT_EQ(*items[4].AsDouble(), 1.5);
  EXPECT_FALSE(items[4].AsInt().ok());
  EXPECT_GT(*items[5].AsDouble(), 1e300);
  EXPECT_EQ(*items[6].AsInt(), 8);
  EXPECT_EQ(*items[7].AsInt(), -3);
  EXPECT_EQ(*items[8].AsText(), "true");
  EXPECT_EQ(Message(items[9].AsBool().status()),
            "line 1, column 53: \"text\" is not true or false");
}

TEST(Yaml, CopiesAliasesAndMergesMaps) {
  const auto root = ParseYaml("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc: *a\n");
  ASSERT_TRUE(root.ok()) << root.status();
  const YamlNode* b = root->Find("b");
  EXPECT_EQ(b->entries().size(), 2U);
  EXPECT_EQ(b->Find("x")->text(), "1");
  EXPECT_EQ(b->Find("y")->text(), "3");
  EXPECT_EQ(root->Find("c")->Find("y")->text(), "2");
}

TEST(Yaml, SaysWhereItIsWrong) {
  EXPECT_EQ(ErrorOf("a: 1\nb: 2\na: 3\n"),
            "line 3, column 1: key \"a\" was given before, in line 1");
  EXPECT_EQ(ErrorOf("a: [1, 2\n").substr(0, 7), "line 2,");
  EXPECT_EQ(ErrorOf("[a]: 1\n"), "line 1, column 1: a map's key must be text");
  EXPECT_EQ(ErrorOf("a: 1\n---\nb: 2\n"),
            "line 3, column 1: a second document; only one is allowed");
  EXPECT_EQ(ErrorOf("a: \xff\n"), "the text is not valid UTF-8");
  EXPECT_NE(ErrorOf("a: *nobody\n"), "ok");
  EXPECT_NE(ErrorOf("a:\tb: c\n\t- x"), "ok");
  EXPECT_NE(ErrorOf("a: &x [*x]\n"), "ok");
}

TEST(Yaml, FindsDuplicatesInLargeMaps) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(ErrorOf(text), "ok");
  EXPECT_EQ(ErrorOf(text + "k7: 2\n"),
            "line 201, column 1: key \"k7\" was given before, in line 8");
}

TEST(Yaml, StopsABillionLaughs) {
  std::string text = "a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol,lol]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) text += (j > 0 ? "," : "") + below;
    text += "]\n";
  }
  EXPECT_NE(ErrorOf(text).find("more than 1000000 values"), std::string::npos);
}

TEST(Yaml, KeepsItsLimits) {
  EXPECT_NE(ErrorOf(std::string(200, '[')).find("nested deeper than 64 levels"), std::string::npos);
  EXPECT_NE(ErrorOf("abc", {.bytes_max = 2}).find("3 bytes"), std::string::npos);
  EXPECT_NE(ErrorOf("[1,2,3,4]", {.nodes_max = 3}).find("more than 3"), std::string::npos);
}

}  // namespace
}  // namespace hearth::codec
