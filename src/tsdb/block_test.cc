// SPDX-License-Identifier: Apache-2.0
// What goes into columns, pages and blocks comes out bit for bit; what is not theirs is refused.
#include "tsdb/block.h"

#include <absl/strings/escaping.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/faulty_file_system.h"
#include "base/rng.h"
#include "model/value.h"
#include "tsdb/block_reader.h"
#include "tsdb/block_writer.h"
#include "tsdb/value_page.h"

namespace hearth::tsdb {
namespace {

using model::Labels;
using model::Matcher;
using model::MatchType;

constexpr storage::TimeRange kAll{INT64_MIN, INT64_MAX};
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct ColumnRow {
  const char* what;
  std::vector<double> values;
};

template <typename Fn>
std::vector<double> Make(size_t n, const Fn& value) {
  std::vector<double> values;
  for (size_t i = 0; i < n; ++i) values.push_back(value(static_cast<double>(i)));
  return values;
}

std::vector<ColumnRow> ColumnRows() {
  SeededRng rng(7);
  const auto random = [&](uint64_t below) { return static_cast<double>(rng.Below(below)); };
  const double largest = 9007199254740992.0;  // 2^53
  return {
      {"one", {3.25}},
      {"two", {1, 2}},
      {"constant", Make(480, [](double) { return 17.0; })},
      {"constant that is no integer", Make(480, [](double) { return 0.1; })},
      {"constant minus zero", Make(10, [](double) { return -0.0; })},
      {"constant staleness", Make(10, [](double) { return model::StaleNan(); })},
      {"steady counter", Make(480, [](double i) { return 1e9 + 15 * i; })},
      {"counter", Make(480, [&](double i) { return 100 * i + random(90); })},
      {"falling", Make(480, [](double i) { return -7 * i * i; })},
      {"gauge", Make(480, [&](double) { return random(300) - 150; })},
      {"seconds", Make(480, [&](double i) { return 0.01 * (100 * i + random(90)); })},
      {"nanoseconds", Make(480, [&](double) { return random(1'000'000'000) / 1e9; })},
      {"with stale",
       Make(480, [](double i) { return std::fmod(i, 50) == 7 ? model::StaleNan() : i; })},
      {"many stale",
       Make(40, [](double i) { return std::fmod(i, 2) == 1 ? model::StaleNan() : i; })},
      {"first is stale", {model::StaleNan(), 1, 2, 3, 4, 5, 6, 7, 8, 9}},
      {"zeros of both signs", {0, -0.0, 0, 0, -0.0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
      {"infinite", {kInfinity, -kInfinity, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
      {"thirds", Make(480, [](double i) { return i / 3; })},
      {"bits", Make(480, [&](double) { return std::bit_cast<double>(rng.Next()); })},
      {"largest integers", {largest, -largest, largest, -largest, 0, largest - 1, largest, 1}},
      {"beyond integers", {largest * 4, largest * 8, 1, 2, 3}},
      {"tiny", Make(100, [](double i) { return std::ldexp(1, -1070) * i; })},
  };
}

TEST(ValuePage, KeepsEveryColumnBitForBit) {
  ValuePageBuilder builder;
  const auto rows = ColumnRows();
  for (const ColumnRow& row : rows) {
    builder.AddValues(row.values);
    builder.AddBytes(row.what);
  }
  const auto page = ValuePage::Parse(builder.Take());
  ASSERT_NE(page, nullptr);
  ASSERT_EQ(page->entries(), 2 * rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    std::vector<double> values(rows[i].values.size());
    ASSERT_TRUE(page->Values(2 * i, values)) << rows[i].what;
    for (size_t k = 0; k < values.size(); ++k) {
      ASSERT_TRUE(model::SameBits(values[k], rows[i].values[k])) << rows[i].what << " " << k;
    }
    std::string_view run;
    ASSERT_TRUE(page->Bytes(2 * i + 1, &run));
    EXPECT_EQ(run, rows[i].what);
    EXPECT_FALSE(page->Bytes(2 * i, &run));
    values.push_back(0);
    EXPECT_FALSE(page->Values(2 * i, values)) << "as many as were written, not more";
    EXPECT_FALSE(page->Values(2 * i + 1, values));
  }
}

TEST(ValuePage, RefusesWhatIsCutOrLonger) {
  ValuePageBuilder builder;
  for (const ColumnRow& row : ColumnRows()) builder.AddValues(row.values);
  const std::string bytes = builder.Take();
  for (size_t n = 0; n < bytes.size(); n += 7) {
    EXPECT_EQ(ValuePage::Parse(bytes.substr(0, n)), nullptr) << n;
  }
  EXPECT_EQ(ValuePage::Parse(bytes + '\0'), nullptr);
}

TEST(Numbers, ComeBackWhateverTheyAre) {
  const std::vector<std::vector<uint64_t>> rows = {
      {}, {7}, {0, 0, 0}, {1, 2, 3, 4}, {UINT64_MAX, 0, UINT64_MAX}, {300, 299, 70'000, 1}};
  for (const auto& row : rows) {
    std::string bytes;
    PutNumbers(row, &bytes);
    ByteReader reader(bytes);
    std::vector<uint64_t> back(row.size());
    ASSERT_TRUE(GetNumbers(&reader, back));
    EXPECT_TRUE(reader.done());
    EXPECT_EQ(back, row);
  }
}

class BlockFile {
 public:
  BlockFile() : store_(*storage::OpenFileBlobStore(disk_, "/blocks")) {}
  std::shared_ptr<const Block> Write(const std::vector<Labels>& all, int64_t time_ms) {
    BlockMeta meta;
    meta.id = "block";
    auto writer = *BlockWriter::Create(*store_, meta);
    for (size_t i = 0; i < all.size(); ++i) {
      Columns columns;
      columns.Append(time_ms, static_cast<double>(i));
      columns.Append(time_ms + 1000, static_cast<double>(i) + 0.5);
      EXPECT_TRUE(writer->Add(all[i], columns).ok());
    }
    meta_ = *writer->Finish();
    return std::make_shared<const Block>(meta_, *store_, cache_);
  }
  const BlockMeta& meta() const { return meta_; }
  FaultyFileSystem& disk() { return disk_; }
  storage::BlobStore& store() { return *store_; }

 private:
  FaultyFileSystem disk_;
  std::unique_ptr<storage::BlobStore> store_;
  BlockCache cache_{1 << 20};
  BlockMeta meta_;
};

std::vector<Labels> ManySeries(size_t n) {
  std::vector<Labels> all;
  for (size_t i = 0; i < n; ++i) {
    const std::string number = fmt::format("{:06}", i);
    const std::string_view group = i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "";
    all.push_back(Labels{{"__name__", "m" + number.substr(0, 3)},
                         {"first", i == 0 ? "of all" : ""},
                         {"group", group},
                         {"le", i % 1000 == 7 ? "+Inf" : ""},
                         {"number", number}});
  }
  return all;
}

TEST(Block, FindsSeriesInEveryGroupAsPlainMatchingDoes) {
  constexpr size_t kSeries = 2 * kGroupSeries + 100;
  BlockFile file;
  const std::vector<Labels> all = ManySeries(kSeries);
  const auto block = file.Write(all, 1000);
  EXPECT_EQ(file.meta().series, kSeries);
  EXPECT_GT(file.meta().data_bytes, 0U);
  EXPECT_LT(file.meta().data_bytes, file.meta().size);
  const auto make = [](MatchType type, const char* name, const char* value) {
    return *Matcher::Make(type, name, value);
  };
  const std::vector<std::vector<Matcher>> rows = {
      {},
      {make(MatchType::kEqual, "__name__", "m017")},
      {make(MatchType::kEqual, "__name__", "nowhere")},
      {make(MatchType::kEqual, "number", "032800"), make(MatchType::kEqual, "group", "b")},
      {make(MatchType::kEqual, "group", "")},
      {make(MatchType::kEqual, "first", "of all")},
      {make(MatchType::kNotEqual, "first", "of all"), make(MatchType::kEqual, "__name__", "m000")},
      {make(MatchType::kNotEqual, "group", "")},
      {make(MatchType::kNotEqual, "group", "a"), make(MatchType::kRegex, "__name__", "m0[12].")},
      {make(MatchType::kRegex, "number", "000001|032001|x")},
      {make(MatchType::kRegex, "group", "a|")},
      {make(MatchType::kNotRegex, "number", "0.*")},
      {make(MatchType::kRegex, "le", ".+"), make(MatchType::kNotRegex, "group", "a|b")},
      {make(MatchType::kEqual, "absent", ""), make(MatchType::kEqual, "le", "+Inf")},
      {make(MatchType::kRegex, "absent", ".+")},
      {make(MatchType::kRegex, "absent", ".*"), make(MatchType::kEqual, "le", "+Inf")},
  };
  for (const auto& matchers : rows) {
    std::string text;
    for (const Matcher& matcher : matchers) text += matcher.ToString() + " ";
    std::vector<std::string> expected;
    for (const Labels& labels : all) {
      bool match = true;
      for (const Matcher& matcher : matchers) {
        match = match && matcher.Matches(labels.Get(matcher.name()));
      }
      if (match) expected.push_back(labels.ToString());
    }
    std::vector<std::string> found;
    ASSERT_TRUE(
        block
            ->ForEachSeries(matchers, kAll,
                            [&](model::LabelsView labels) { found.push_back(labels.ToString()); })
            .ok());
    EXPECT_EQ(found, expected) << text;
  }
}

TEST(Block, ReadsItsSamplesAndLabelValues) {
  BlockFile file;
  const std::vector<Labels> all = ManySeries(1000);
  const auto block = file.Write(all, 1000);
  auto source = *Block::Select(block, {}, kAll, true);
  Columns columns;
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_TRUE(*source->Next());
    EXPECT_EQ(source->labels(), all[i].view());
    columns.Clear();
    ASSERT_TRUE(source->Read(kAll, &columns).ok());
    EXPECT_EQ(columns.times_ms, (std::vector<int64_t>{1000, 2000}));
    EXPECT_EQ(columns.values[1], static_cast<double>(i) + 0.5);
  }
  EXPECT_FALSE(*source->Next());
  std::vector<std::string> values;
  ASSERT_TRUE(
      block->ForEachLabelValue("group", [&](std::string_view v) { values.emplace_back(v); }).ok());
  EXPECT_EQ(values, (std::vector<std::string>{"a", "b"}));
}

TEST(Block, OfAnotherVersionIsRefusedByName) {
  BlockFile file;
  file.Write(ManySeries(3), 1000);
  const uint64_t version_at = file.meta().size - 8;
  struct Row {
    unsigned bit;
    const char* text;
  };
  for (const Row& row :
       {Row{0, "newer hearth (block version 5"}, Row{2, "older hearth (block version 0"}}) {
    file.disk().FlipBit("/blocks/block", version_at, row.bit);
    const auto meta = Block::ReadMeta("block", file.meta().size, file.store());
    EXPECT_TRUE(absl::IsFailedPrecondition(meta.status()));
    EXPECT_NE(meta.status().ToString().find(row.text), std::string::npos) << meta.status();
    file.disk().FlipBit("/blocks/block", version_at, row.bit);
  }
}

// Written by a hearth of that version: old{a="x"} 1 2 4, old{a="y"} 0.5 and a staleness marker.
constexpr const char* kVersion3 =
    "484541525448424b030000000ee33a4a28b52ffd201de90000020603030201080302020008000000000000e03f"
    "02040000000000208028b52ffd2011890000c09d82eec568d00f00c09d82eec568d00f28b52ffd2019c9000002"
    "00010001010101010102000101010100010400000000000028b52ffd201291000000036f6c6400000000017800"
    "01790100010228b52ffd201ad1000002085f5f6e616d655f5f000001016100080201721b12eeecba4228b52ffd"
    "20118900000150221980f48d2102020200010001010128b52ffd201ad1000001361a1120bac03202000003c09d"
    "82eec568d00f00090200e80728b52ffd20094900000110261d4b92bd6c022462623137373637372d386430392d"
    "343636392d386133372d65356238613564353565656600400205c09d82eec568e0bc82eec56800010102000104"
    "8d01231a296a2d9d001a11fbb016b900231aa7f9643a001209f501308559000000efbcbb250300000048424654";

TEST(Block, OfVersion3IsRead) {
  const std::string id = "bb177677-8d09-4669-8a37-e5b8a5d55eef";
  constexpr int64_t kFirstMs = 1796082780000;
  FaultyFileSystem disk;
  const auto store = *storage::OpenFileBlobStore(disk, "/blocks");
  const std::string bytes = absl::HexStringToBytes(kVersion3);
  ASSERT_TRUE(store->PutIfAbsent(id, bytes).ok());
  const auto meta = Block::ReadMeta(id, bytes.size(), *store);
  ASSERT_TRUE(meta.ok()) << meta.status();
  BlockCache cache(1 << 20);
  const auto block = std::make_shared<const Block>(*meta, *store, cache);
  auto source = *Block::Select(block, {}, kAll, true);
  const std::vector<size_t> counts = {3, 2};
  for (size_t i = 0; i < counts.size(); ++i) {
    ASSERT_TRUE(*source->Next());
    EXPECT_EQ(source->labels().Get("a"), i == 0 ? "x" : "y");
    Columns columns;
    ASSERT_TRUE(source->Read(kAll, &columns).ok());
    ASSERT_EQ(columns.times_ms.size(), counts[i]);
    EXPECT_EQ(columns.times_ms[1], kFirstMs + 1000);
    EXPECT_EQ(columns.values[0], i == 0 ? 1 : 0.5);
    // Of its columns nothing is known but what the values' code tells.
    std::vector<SampleRun> runs;
    ASSERT_TRUE(*source->Runs(kAll, true, &runs));
    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].marked, i == 1);
    EXPECT_EQ(runs[0].flags, kColumnUnknown);
    EXPECT_FALSE(runs[0].summed);
  }
}

}  // namespace
}  // namespace hearth::tsdb
