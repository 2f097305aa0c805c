// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/answers.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace hearth::api {
namespace {

promql::Result MatrixOf(size_t series, size_t points) {
  promql::Result result;
  result.type = promql::ValueType::kMatrix;
  for (size_t i = 0; i < series; ++i) {
    promql::Series& one = result.matrix.emplace_back();
    one.labels = model::Labels{{"__name__", "m"}, {"i", std::to_string(i)}};
    for (size_t k = 0; k < points; ++k) {
      one.times_ms.push_back(1'700'000'000'000 + static_cast<int64_t>(k) * 15'000);
      one.values.push_back(static_cast<double>(i * k) / 3);
    }
  }
  result.infos = {"an info"};
  return result;
}

// Piece by piece, as the server asks.
std::string Text(net::HttpResponse response, size_t* largest = nullptr) {
  if (!response.producer) return response.body;
  EXPECT_EQ(response.body, "");
  std::string all;
  for (;;) {
    std::string piece;
    const auto more = response.producer(&piece);
    EXPECT_TRUE(more.ok()) << more.status();
    if (largest != nullptr) *largest = std::max(*largest, piece.size());
    all += piece;
    if (!more.ok() || !*more) return all;
  }
}

TEST(QueryAnswer, IsWholeWhileItIsShort) {
  const std::vector<std::string> warnings = {"w"};
  const net::HttpResponse response = QueryAnswer(MatrixOf(1, 2), R"({"s":1})", warnings, nullptr);
  EXPECT_FALSE(response.producer);
  EXPECT_EQ(response.body,
            R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":)"
            R"({"__name__":"m","i":"0"},"values":[[1700000000,"0"],[1700000015,"0"]]}],)"
            R"("stats":{"s":1}},"warnings":["w"],"infos":["an info"]})");
  promql::Result empty;
  empty.type = promql::ValueType::kVector;
  EXPECT_EQ(QueryAnswer(empty, "", {}, nullptr).body,
            R"({"status":"success","data":{"resultType":"vector","result":[]}})");
}

TEST(QueryAnswer, ComesInPiecesWhereItIsLong) {
  // The same text whichever way: 100 series are short, and the pieces of 4,000 begin with them.
  const std::string some = Text(QueryAnswer(MatrixOf(100, 200), "", {}, nullptr));
  size_t largest = 0;
  const std::string all = Text(QueryAnswer(MatrixOf(4000, 200), "", {}, nullptr), &largest);
  const size_t item = some.size() - some.rfind("{\"metric\"");
  EXPECT_GT(all.size(), LongAnswer::kWholeBytesMax);
  EXPECT_LE(largest, LongAnswer::kPieceBytes + 2 * item);
  EXPECT_EQ(all.substr(0, some.rfind("]},\"infos\"")), some.substr(0, some.rfind("]},\"infos\"")));
  EXPECT_TRUE(all.ends_with(R"(]},"infos":["an info"]})"));
}

TEST(QueryAnswer, IsCutWhereAllHoldTooMuch) {
  Registry metrics;
  promql::QueryBudget budget(1 << 20, metrics);
  net::HttpResponse response = QueryAnswer(MatrixOf(4000, 200), "", {}, &budget);
  ASSERT_TRUE(response.producer);
  std::string piece;
  EXPECT_TRUE(absl::IsResourceExhausted(response.producer(&piece).status()));
  response.producer = nullptr;
  EXPECT_EQ(budget.bytes(), 0U);
}

TEST(QueryAnswer, LetsGoWhatIsWritten) {
  Registry metrics;
  promql::QueryBudget budget(64 << 20, metrics);
  net::HttpResponse response = QueryAnswer(MatrixOf(2000, 400), "", {}, &budget);
  const uint64_t before = budget.bytes();
  EXPECT_GT(before, 2000U * 400 * 16);
  EXPECT_GT(Text(std::move(response)).size(), LongAnswer::kWholeBytesMax);
  EXPECT_LT(budget.bytes(), before / 10);
}

TEST(SuccessList, HasOneTextForBothWays) {
  for (const size_t bytes : {size_t{0}, LongAnswer::kWholeBytesMax}) {
    LongAnswer list;
    list.items = 3;
    list.bytes = bytes;
    list.append = [](size_t index, std::string* out) { *out += std::to_string(index); };
    const std::vector<std::string> warnings = {"w"};
    EXPECT_EQ(Text(SuccessList(std::move(list), warnings)),
              R"({"status":"success","data":[0,1,2],"warnings":["w"]})");
  }
}

}  // namespace
}  // namespace hearth::api
