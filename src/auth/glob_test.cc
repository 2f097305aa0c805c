// SPDX-License-Identifier: Apache-2.0
#include "auth/glob.h"

#include <gtest/gtest.h>

namespace hearth::auth {
namespace {

Glob Compile(std::string_view text) {
  Glob glob;
  EXPECT_TRUE(CompileGlob(text, /*wildcards=*/true, nullptr, &glob));
  return glob;
}

TEST(Glob, Matches) {
  struct Row {
    std::string_view pattern, text;
    bool matches;
  };
  const Row rows[] = {
      {"", "", true},      {"", "a", false},      {"*", "", true},          {"*", "abc", true},
      {"a*", "a", true},   {"*a", "ba", true},    {"a*b*c", "aXbYc", true}, {"a*b*c", "aXc", false},
      {"?", "a", true},    {"?", "", false},      {"a?c", "abc", true},     {"a?c", "ac", false},
      {"**", "x", true},   {"*ab", "aab", true},  {"*ab", "abab", true},    {"*aba", "ababa", true},
      {"a*a", "a", false}, {"abc", "ABC", false}, {"*?", "", false},        {"*?", "x", true},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(GlobMatches(Compile(row.pattern), row.text), row.matches)
        << row.pattern << " ~ " << row.text;
  }
  EXPECT_TRUE(GlobMatches(Compile("aBc*"), "AbCd", /*ignore_case=*/true));
}

TEST(Glob, IsNotExponential) {
  std::string pattern, text(2000, 'a');
  for (int i = 0; i < 200; ++i) pattern += "*a";
  pattern += "b";
  EXPECT_FALSE(GlobMatches(Compile(pattern), text));
}

}  // namespace
}  // namespace hearth::auth
