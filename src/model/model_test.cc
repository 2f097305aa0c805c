// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/status.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/value.h"

namespace hearth::model {
namespace {

TEST(Labels, SortsDropsEmptyValuesAndKeepsTheLastOfAName) {
  const Labels labels{{"z", "1"}, {"a", "2"}, {"empty", ""}, {"z", "3"}, {kMetricName, "m"}};
  EXPECT_EQ(labels.ToString(), R"(m{a="2", z="3"})");
  EXPECT_EQ(labels.Get("z"), "3");
  EXPECT_EQ(labels.Get("nope"), "");
  EXPECT_EQ(labels.view().CountLabels(), 3U);
  EXPECT_TRUE(IsWellFormedPacked(labels.packed()));
}

TEST(Labels, LongValuesPackWithTwoByteSizes) {
  const std::string value(300, 'x');
  const Labels labels{{"a", value}, {"b", "1"}};
  EXPECT_EQ(labels.Get("a"), value);
  EXPECT_EQ(labels.Get("b"), "1");
}

TEST(Labels, OrderIsPairByPair) {
  const Labels a{{"a", "1"}};
  const Labels ab{{"a", "1"}, {"b", "1"}};
  const Labels a2{{"a", "2"}};
  EXPECT_LT(a, ab);
  EXPECT_LT(ab, a2);
  EXPECT_EQ(a <=> a, std::strong_ordering::equal);
}

TEST(Labels, PrintsQuotedNamesWhereNeeded) {
  EXPECT_EQ((Labels{{kMetricName, "a.b"}, {"x y", "1\n"}}).ToString(), R"({"a.b", "x y"="1\n"})");
  EXPECT_EQ((Labels{{kMetricName, "m"}}).ToString(), "m");
  EXPECT_EQ(Labels().ToString(), "{}");
}

TEST(Labels, MalformedPackedBytesAreRefused) {
  for (const std::string_view bad : {std::string_view("\x01"),
                                     std::string_view("\x01"
                                                      "a"),
                                     std::string_view("\x01"
                                                      "a\x01"),
                                     std::string_view("\x01"
                                                      "b\x01"
                                                      "1\x01"
                                                      "a\x01"
                                                      "1"),
                                     std::string_view("\x00\x01"
                                                      "a",
                                                      3),
                                     std::string_view("\x81\x00"
                                                      "a\x01"
                                                      "1",
                                                      5),
                                     std::string_view("\xff\xff\xff\xff\xff\x0f")}) {
    EXPECT_FALSE(IsWellFormedPacked(bad));
  }
}

TEST(LabelsBuilder, SetsDeletesAndKeeps) {
  LabelsBuilder builder(Labels{{"a", "1"}, {"b", "2"}, {"c", "3"}});
  builder.Set("b", "");
  builder.Set("d", "4");
  EXPECT_EQ(builder.Build().ToString(), R"({a="1", c="3", d="4"})");
  builder.Keep({"d", "x"});
  EXPECT_EQ(builder.Build().ToString(), R"({d="4"})");
}

TEST(Matcher, FollowsPrometheusAnchoring) {
  const struct {
    MatchType type;
    const char* pattern;
    const char* value;
    bool want;
  } rows[] = {
      {MatchType::kEqual, "a", "a", true},         {MatchType::kNotEqual, "a", "a", false},
      {MatchType::kRegex, "a|b", "b", true},       {MatchType::kRegex, "a|b", "ab", false},
      {MatchType::kRegex, "5..", "503", true},     {MatchType::kRegex, "5..", "1503", false},
      {MatchType::kRegex, ".*", "x\ny", true},     {MatchType::kRegex, "", "", true},
      {MatchType::kRegex, "a|", "", true},         {MatchType::kNotRegex, "5..", "200", true},
      {MatchType::kNotRegex, "a.*", "abc", false}, {MatchType::kRegex, "^a$", "a", true},
  };
  for (const auto& row : rows) {
    const auto matcher = Matcher::Make(row.type, "l", row.pattern);
    ASSERT_TRUE(matcher.ok());
    EXPECT_EQ(matcher->Matches(row.value), row.want) << row.pattern << " " << row.value;
  }
  EXPECT_FALSE(Matcher::Make(MatchType::kRegex, "l", "a(").ok());
  EXPECT_FALSE(Matcher::Make(MatchType::kRegex, "l", "a)|(b").ok());
  EXPECT_EQ(Message(Matcher::Make(MatchType::kRegex, "l", "(").status()),
            "error parsing regexp: missing closing ): `(`");
}

TEST(Value, StaleMarkerIsOneBitPattern) {
  EXPECT_TRUE(IsStaleNan(StaleNan()));
  EXPECT_FALSE(IsStaleNan(NormalNan()));
}

TEST(Labels, CompareAsPairsDo) {
  // Every set of up to two labels of these; names and values that are prefixes of each other, and
  // of sizes that take one byte or two.
  const std::string long_text(130, 'a');
  const std::vector<std::string> texts = {"a", "aa", "b", "\xff", long_text, long_text + "b"};
  std::vector<std::vector<std::pair<std::string, std::string>>> sets = {{}};
  for (const auto& n1 : texts) {
    for (const auto& v1 : texts) {
      sets.push_back({{n1, v1}});
      for (const auto& n2 : texts) {
        if (n2 > n1) sets.push_back({{n1, v1}, {n2, texts[v1.size() % texts.size()]}});
      }
    }
  }
  std::vector<Labels> labels;
  for (const auto& set : sets) {
    std::string packed;
    for (const auto& [name, value] : set) AppendPacked(name, value, &packed);
    labels.push_back(Labels::FromPacked(packed));
  }
  for (size_t i = 0; i < sets.size(); ++i) {
    for (size_t j = 0; j < sets.size(); ++j) {
      ASSERT_EQ(labels[i] < labels[j], sets[i] < sets[j]) << i << " " << j;
      ASSERT_EQ(labels[i].view().Compare(labels[j]) == 0, i == j) << i << " " << j;
    }
  }
}

}  // namespace
}  // namespace hearth::model
