// SPDX-License-Identifier: Apache-2.0
#include "tsdb/matched_values.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tsdb/series_index.h"
#include "tsdb/test_store.h"

namespace hearth::tsdb {
namespace {

using model::Labels;
using model::Matcher;
using model::MatchType;

Matcher Regex(const std::string& name, const std::string& value) {
  return *Matcher::Make(MatchType::kRegex, name, value);
}

TEST(MatchedValues, AreFoundByOwnerAndMatcher) {
  BlockCache cache(1 << 20);
  const auto first = MatchedValues::Find(cache, 1, Regex("a", "x.*"), 3);
  EXPECT_TRUE(first->Accepts(0, "x1"));
  EXPECT_FALSE(first->Accepts(1, "y"));
  EXPECT_TRUE(first->Accepts(0, "asked only once"));
  EXPECT_EQ(MatchedValues::Find(cache, 1, Regex("a", "x.*"), 3), first);
  EXPECT_NE(MatchedValues::Find(cache, 2, Regex("a", "x.*"), 3), first);
  EXPECT_NE(MatchedValues::Find(cache, 1, Regex("b", "x.*"), 3), first);
  EXPECT_NE(MatchedValues::Find(cache, 1, *Matcher::Make(MatchType::kNotRegex, "a", "x.*"), 3),
            first);
}

TEST(MatchedValues, KeepWhatIsKnownWhenTheyGrow) {
  BlockCache cache(1 << 20);
  MatchedValues::Find(cache, 1, Regex("a", "x.*"), 2)->Accepts(1, "x");
  const auto grown = MatchedValues::Find(cache, 1, Regex("a", "x.*"), 5);
  EXPECT_GE(grown->size(), 5U);
  EXPECT_TRUE(grown->Accepts(1, "asked before"));
  EXPECT_FALSE(grown->Accepts(4, "y"));
}

TEST(MatchedValues, OfAHeadHoldWhileSeriesCome) {
  MemoryIndex index(3);
  const auto add = [&](const std::string& value) {
    index.Add(Labels{{"__name__", "m"}, {"v", value}}.view().packed());
  };
  const std::vector<Matcher> some = {Regex("v", "[ab].*")};
  const std::vector<Matcher> others = {*Matcher::Make(MatchType::kNotRegex, "v", "[ab].*")};
  for (int i = 0; i < 300; ++i) {
    add((i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "c") + std::to_string(i));
    EXPECT_EQ(FindSeries(index, some).size(), static_cast<size_t>(i + 1 - (i + 1) / 3));
    EXPECT_EQ(FindSeries(index, others).size(), static_cast<size_t>((i + 1) / 3));
  }
}

// Stores of one process share a cache: what is kept of one is never another's.
TEST(MatchedValues, StoresShareACacheWithoutMixing) {
  Options options;
  options.block_cache = MakeBlockCache(1 << 20);
  TestStore one(options);
  TestStore two(options);
  one.Put(Labels{{"__name__", "x"}, {"of", "one"}}, {{0, 1}});
  two.Put(Labels{{"__name__", "x"}, {"of", "two"}}, {{0, 2}});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(one.Dump("x"), "x{of=\"one\"} 1@0\n");
    EXPECT_EQ(two.Dump("x"), "x{of=\"two\"} 2@0\n");
    ASSERT_TRUE(one.db().Seal().ok());
    ASSERT_TRUE(two.db().Seal().ok());
  }
}

}  // namespace
}  // namespace hearth::tsdb
