// SPDX-License-Identifier: Apache-2.0
#include "grafana/json_text.h"

#include <gtest/gtest.h>

namespace hearth::grafana {
namespace {

TEST(JsonText, SaysWhatIsNoJson) {
  EXPECT_TRUE(CheckJson(R"({"a": [1, {"b": "}]"}]})").ok());
  EXPECT_TRUE(CheckJson("[]").ok());
  for (const char* bad : {"", "{", "{}x", "{'a':1}", "{\"a\":1,}", "\"\xff\"", "nul"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckJson(bad))) << bad;
  }
}

TEST(JsonText, RefusesWhatIsTooDeep) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(CheckJson(nested(kJsonDepthMax)).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(CheckJson(nested(kJsonDepthMax + 1))));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckJson(std::string(5'000'000, '['))));
  EXPECT_TRUE(CheckJson('"' + std::string(1000, '[') + '"').ok());
}

TEST(JsonText, MembersKeepOrderAndText) {
  const auto members =
      JsonMembers(" { \"b\\u0041\" : 1.50 ,\n \"a\":{\"x\":[\"}\\\"\"]}, \"n\":null } ");
  ASSERT_EQ(members.size(), 3U);
  EXPECT_EQ(members[0].name, "bA");
  EXPECT_EQ(members[0].value, "1.50");
  EXPECT_EQ(members[1].value, "{\"x\":[\"}\\\"\"]}");
  EXPECT_EQ(members[2].value, "null");
  EXPECT_TRUE(JsonMembers("[1]").empty());
  EXPECT_TRUE(JsonMembers("").empty());
}

TEST(JsonText, MembersAreReplacedInPlaceOrAppended) {
  const struct {
    const char* before;
    const char* after;
  } rows[] = {
      {"{}", R"({"id":7,"version":2})"},
      {R"({ "a" : 1.50 })", R"({ "a" : 1.50 ,"id":7,"version":2})"},
      {R"({"id":null,"z":1e400,"version": 9})", R"({"id":7,"z":1e400,"version": 2})"},
      {R"({"p":{"id":1},"version":12345678901234567890123})",
       R"({"p":{"id":1},"version":2,"id":7})"},
      {R"({"id":1,"id":2})", R"({"id":7,"id":7,"version":2})"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(WithJsonMembers(row.before, {{"id", "7"}, {"version", "2"}}), row.after);
  }
}

TEST(JsonText, TheLastOfTwoCounts) {
  EXPECT_EQ(FindJsonMember(R"({"a":1,"a":2})", "a"), "2");
  EXPECT_EQ(FindJsonMember(R"({"a":1})", "b"), "");
}

}  // namespace
}  // namespace hearth::grafana
