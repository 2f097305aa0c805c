// SPDX-License-Identifier: Apache-2.0
#include "promql/query_budget.h"

#include <gtest/gtest.h>

#include <memory>

namespace hearth::promql {
namespace {

constexpr size_t kMiB = 1 << 20;

TEST(QueryBudget, EndsTheLargestQueryAndNoOther) {
  Registry registry;
  QueryBudget budget(10 * kMiB, registry);
  QueryBudget::Share small(&budget, true), rule(&budget, false);
  auto large = std::make_unique<QueryBudget::Share>(&budget, true);
  rule.Report(4 * kMiB);
  large->Report(3 * kMiB);
  small.Report(2 * kMiB);
  EXPECT_TRUE(large->Check().ok());
  small.Report(4 * kMiB);  // 11 MiB
  EXPECT_TRUE(large->Check().ok()) << "the one that grew is now the largest";
  EXPECT_FALSE(small.Check().ok());
  EXPECT_TRUE(rule.Check().ok());
  EXPECT_TRUE(absl::IsResourceExhausted(small.Check()));
  EXPECT_NE(small.Check().message().find("10485760 bytes"), std::string_view::npos);
  large->Report(7 * kMiB);  // 11 MiB without the one that is on its way out
  EXPECT_FALSE(large->Check().ok());
  EXPECT_EQ(budget.bytes(), 15 * kMiB);
  large.reset();
  EXPECT_EQ(budget.bytes(), 8 * kMiB);
}

TEST(QueryBudget, RulesAreNotEnded) {
  Registry registry;
  QueryBudget budget(kMiB, registry);
  QueryBudget::Share rule(&budget, false);
  rule.Report(5 * kMiB);
  EXPECT_TRUE(rule.Check().ok());
  EXPECT_FALSE(budget.EndLargest());
}

TEST(QueryBudget, EndsOneAtATimeWhenAsked) {
  Registry registry;
  QueryBudget budget(100 * kMiB, registry);
  EXPECT_FALSE(budget.EndLargest());
  QueryBudget::Share first(&budget, true), second(&budget, true);
  first.Report(kMiB);
  second.Report(2 * kMiB);
  EXPECT_TRUE(budget.EndLargest());
  EXPECT_TRUE(first.Check().ok());
  EXPECT_FALSE(second.Check().ok());
  EXPECT_TRUE(budget.EndLargest());
  EXPECT_FALSE(first.Check().ok());
  EXPECT_FALSE(budget.EndLargest());
}

TEST(QueryBudget, NoBudgetAllowsEverything) {
  QueryBudget::Share share(nullptr, true);
  share.Report(SIZE_MAX / 2);
  EXPECT_TRUE(share.Check().ok());
}

}  // namespace
}  // namespace hearth::promql
