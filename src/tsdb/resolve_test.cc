// SPDX-License-Identifier: Apache-2.0
// Series that are found by the bytes of their labels.
#include <gtest/gtest.h>

#include <deque>

#include "tsdb/coding.h"
#include "tsdb/head.h"
#include "tsdb/test_store.h"

namespace hearth::tsdb {
namespace {

using model::Labels;
using Pairs = std::vector<std::pair<std::string, std::string>>;
using storage::WriteBatch;

constexpr int64_t kStart = TestStore::kStartMs;

std::string Field(char tag, const std::string& text) {
  std::string field(1, tag);
  PutBytes(text, &field);
  return field;
}
// Label fields of remote write 1.0; `value_first` writes each label's fields the other way round.
std::string Fields(const Pairs& pairs, bool value_first = false) {
  std::string run;
  for (const auto& [name, value] : pairs) {
    const std::string a = Field('\x0a', name);
    const std::string b = Field('\x12', value);
    run += Field('\x0a', value_first ? b + a : a + b);
  }
  return run;
}

// A request of one series and sample, as the API has it stored.
struct Sent {
  WriteBatch batch;
  bool known = false;
  storage::AppendOutcome outcome;
};
class Sender {
 public:
  explicit Sender(Options options = {}) : store_(std::move(options)) {}

  Sent Send(const std::string& raw, const Labels& labels, int64_t time_ms,
            std::span<const std::string_view> symbols = {}) {
    Sent sent;
    sent.batch.AddRawSeries(raw, 0);
    sent.batch.SetSymbols(symbols);
    sent.batch.AddSample(kStart + time_ms, 1);
    store_.db().Resolve(&sent.batch);
    sent.known = sent.batch.series()[0].known != WriteBatch::kUnknown;
    if (!sent.known) {
      sent.batch.arena().append(labels.packed());
      sent.batch.SetLabelsAt(0, 0);
    }
    const auto outcome = store_.db().Commit(sent.batch, {});
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    if (outcome.ok()) sent.outcome = *outcome;
    return sent;
  }
  TestStore& store() { return store_; }

 private:
  TestStore store_;
};

TEST(Resolve, PlainBytesLeadToASeriesThatCameInPackedForm) {
  Sender sender;
  const Labels labels{{"__name__", "m"}, {"a", "1"}, {"long", std::string(120, 'x')}};
  sender.store().Put(labels, {{0, 1}});
  const std::string raw = Fields({{"__name__", "m"}, {"a", "1"}, {"long", std::string(120, 'x')}});
  EXPECT_TRUE(sender.Send(raw, labels, 1000).known);
  EXPECT_EQ(sender.store().db().stats().series, 1U);
  EXPECT_EQ(sender.store().Read("m")[0].times_ms.size(), 2U);
}

TEST(Resolve, EveryEncodingOfALabelSetIsOneSeries) {
  const Labels labels{{"__name__", "m"}, {"a", "1"}, {"b", "2"}};
  const std::string encodings[] = {
      Fields({{"b", "2"}, {"__name__", "m"}, {"a", "1"}}),             // not sorted
      Fields({{"__name__", "m"}, {"a", "1"}, {"b", "2"}, {"c", ""}}),  // an empty value
      Fields({{"__name__", "m"}, {"a", "1"}, {"b", "2"}}, true),       // fields swapped
      Fields({{"a", "1"}, {"__name__", "m"}, {"b", "2"}, {"c", ""}}),
      Fields({{"__name__", "m"}, {"b", "2"}, {"a", "1"}}),  // a fifth: one too many
  };
  Sender sender;
  sender.store().Put(labels, {{0, 1}});
  int64_t time_ms = 0;
  for (const std::string& raw : encodings) {
    EXPECT_FALSE(sender.Send(raw, labels, time_ms += 1000).known);
    const bool kept = raw != encodings[4];
    EXPECT_EQ(sender.Send(raw, labels, time_ms += 1000).known, kept);
  }
  EXPECT_EQ(sender.store().db().stats().series, 1U);
  EXPECT_EQ(sender.store().Read("m")[0].times_ms.size(), 11U);
}

TEST(Resolve, ReferencesAreFoundWhateverTheirNumbers) {
  const Labels labels{{"__name__", "m"}, {"a", "1"}};
  Sender sender;
  const std::vector<std::string_view> symbols = {"", "__name__", "m", "a", "1"};
  const std::vector<std::string_view> others = {"", "1", "a", "m", "__name__"};
  EXPECT_FALSE(sender.Send("\x01\x02\x03\x04", labels, 0, symbols).known);
  EXPECT_TRUE(sender.Send("\x01\x02\x03\x04", labels, 1000, symbols).known);
  EXPECT_TRUE(sender.Send("\x04\x03\x02\x01", labels, 2000, others).known);
  EXPECT_FALSE(sender.Send("\x03\x04\x01\x02", labels, 3000, symbols).known);  // not sorted
  EXPECT_FALSE(sender.Send("\x01\x02\x03\x09", labels, 4000, symbols).known);  // leads nowhere
  EXPECT_EQ(sender.store().db().stats().series, 1U);
}

TEST(Resolve, RefusedSeriesAreKnownAsRefusedUntilThereIsRoom) {
  Options options;
  options.series_max = 1;
  Sender sender(options);
  sender.store().Put(Labels{{"__name__", "m"}}, {{0, 1}});
  const Labels other{{"__name__", "n"}};
  const std::string raw = Fields({{"__name__", "n"}});
  EXPECT_FALSE(sender.Send(raw, other, 0).known);
  const Sent again = sender.Send(raw, other, 0);
  EXPECT_TRUE(again.known);
  ASSERT_EQ(again.outcome.rejections.size(), 1U);
  EXPECT_EQ(again.outcome.rejections[0].reason, storage::RejectReason::kSeriesLimit);
  sender.store().db().SetSeriesMax(2);
  const Sent with_room = sender.Send(raw, other, 0);
  EXPECT_FALSE(with_room.known);
  EXPECT_EQ(with_room.outcome.stored, 1U);
  EXPECT_TRUE(sender.Send(raw, other, 1000).known);
}

TEST(Resolve, NumbersOfAnEarlierEpochAreNotTaken) {
  Options options;
  options.idle_series_ms = 3'600'000;
  Sender sender(options);
  for (int i = 0; i < 200; ++i) {
    sender.store().Put(Labels{{"__name__", "old"}, {"i", std::to_string(i)}}, {{0, 1}});
  }
  ASSERT_TRUE(sender.store().db().Seal().ok());
  sender.store().manual_clock().Advance(7'200'000);
  const Labels labels{{"__name__", "m"}};
  sender.store().Put(labels, {{7'200'000, 1}});
  const std::string raw = Fields({{"__name__", "m"}});
  WriteBatch batch;
  batch.AddRawSeries(raw, 0);
  batch.AddSample(kStart + 7'201'000, 2);
  sender.store().db().Resolve(&batch);
  ASSERT_NE(batch.series()[0].known, WriteBatch::kUnknown);
  ASSERT_TRUE(sender.store().db().Seal().ok());
  ASSERT_EQ(sender.store().db().stats().series, 1U);
  EXPECT_TRUE(absl::IsAborted(sender.store().db().Commit(batch, {}).status()));
  EXPECT_TRUE(sender.Send(raw, labels, 7'201'000).known);
  EXPECT_EQ(sender.store().Read("m")[0].times_ms.size(), 2U);
}

// Keys of four bits: nearly all collide. What comes as whole label sets stays apart even so.
TEST(Head, LabelSetsWithOneKeyStaySeriesOfTheirOwn) {
  Head head(1, 2);
  AppendRules rules;
  rules.now_ms = kStart;
  rules.max_ms = kStart + 1000;
  rules.series_max = 1000;
  for (int round = 0; round < 2; ++round) {
    WriteBatch batch;
    for (int i = 0; i < 100; ++i) {
      batch.AddSeries(Labels{{"__name__", "m"}, {"i", std::to_string(i)}});
      batch.AddSample(kStart + round, i);
    }
    AppendPlan plan;
    head.Plan(batch, rules, &plan);
    head.Apply(plan);
    EXPECT_EQ(plan.outcome.stored, 100U);
    EXPECT_EQ(plan.outcome.new_series, round == 0 ? 100U : 0U);
  }
  // By bytes alone none of them is told from the others, and none is taken for another.
  WriteBatch batch;
  std::deque<std::string> raws;
  for (int i = 0; i < 100; ++i) {
    batch.AddRawSeries(raws.emplace_back(Fields({{"__name__", "m"}, {"i", std::to_string(i)}})),
                       static_cast<uint32_t>(i));
  }
  head.Resolve(rules, &batch);
  for (const auto& series : batch.series()) EXPECT_EQ(series.known, WriteBatch::kUnknown);
}

}  // namespace
}  // namespace hearth::tsdb
