// SPDX-License-Identifier: Apache-2.0
// What the head keeps of its series besides samples: labels, postings, and where samples lie.
#include "tsdb/label_store.h"

#include <gtest/gtest.h>

#include <map>

#include "base/rng.h"
#include "tsdb/chunk_arena.h"
#include "tsdb/postings.h"
#include "tsdb/series_index.h"
#include "tsdb/series_table.h"

namespace hearth::tsdb {
namespace {

using model::Labels;

Labels Target(int target, int series) {
  return Labels{{"__name__", "metric_" + std::to_string(series / 10)},
                {"cluster", "prod"},
                {"instance", "10.0.0." + std::to_string(target)},
                {"job", "api"},
                {"namespace", "team-" + std::to_string(target % 3)},
                {"pod", "api-" + std::to_string(target)},
                {"shard", std::to_string(series % 10)}};
}

TEST(LabelStore, GivesBackWhatCameIn) {
  LabelStore store(1);
  std::vector<Labels> all = {Labels{}, Labels{{"a", std::string(100'000, 'x')}}};
  for (int i = 0; i < 2000; ++i) all.push_back(Target(i % 7, i / 7));
  SeededRng rng(3);
  for (int i = 0; i < 500; ++i) {
    std::vector<std::pair<std::string, std::string>> texts;
    for (uint64_t n = rng.Below(20); n > 0; --n) {
      texts.emplace_back("n" + std::to_string(rng.Below(30)), "v" + std::to_string(rng.Below(9)));
    }
    std::vector<model::Label> pairs;
    for (const auto& [name, value] : texts) pairs.push_back({name, value});
    all.push_back(Labels::FromPairs(pairs));
  }
  std::vector<uint32_t> pairs;
  for (const Labels& labels : all) store.Add(labels.packed(), &pairs);
  for (uint32_t i = 0; i < all.size(); ++i) {
    std::string packed;
    store.Append(i, &packed);
    ASSERT_EQ(packed, all[i].packed()) << i;
    ASSERT_TRUE(store.Equals(i, all[i].packed()));
    const uint32_t first = store.FirstPair(i);
    ASSERT_EQ(first == LabelStore::kNone, packed.empty());
    if (first != LabelStore::kNone) {
      const model::Label label = *model::LabelsView(packed).begin();
      ASSERT_EQ(first, store.FindPair(label.name, label.value));
    }
    ASSERT_EQ(store.Value(i, "pod"), all[i].Get("pod"));
    const uint32_t other = static_cast<uint32_t>(rng.Below(all.size()));
    ASSERT_EQ(store.Compare(i, other), all[i] <=> all[other]);
    ASSERT_EQ(store.Equals(i, all[other].packed()), all[i] == all[other]);
  }
}

TEST(LabelStore, IsSmallForSeriesOfTargets) {
  LabelStore store(1);
  std::vector<uint32_t> pairs;
  constexpr int kTargets = 20;
  constexpr int kSeries = 1000;
  for (int target = 0; target < kTargets; ++target) {
    for (int series = 0; series < kSeries; ++series) {
      store.Add(Target(target, series).packed(), &pairs);
    }
  }
  EXPECT_LT(store.memory_bytes() / (kTargets * kSeries), 20U);
}

TEST(Postings, AreTheNumbersThatWereAdded) {
  SeededRng rng(5);
  for (int round = 0; round < 50; ++round) {
    Postings postings;
    std::vector<uint32_t> ids;
    uint32_t id = static_cast<uint32_t>(rng.Below(3));
    for (uint64_t n = rng.Below(400); n > 0; --n) {
      postings.Add(id);
      ids.push_back(id);
      id += rng.Below(3) == 0 ? 1 + static_cast<uint32_t>(rng.Below(100'000)) : 1;
    }
    std::vector<uint32_t> read = {7};
    postings.AppendTo(&read);
    ids.insert(ids.begin(), 7);
    ASSERT_EQ(read, ids);
    const Postings moved = std::move(postings);
    ASSERT_EQ(moved.size(), ids.size() - 1);
  }
}

TEST(SeriesTable, FindsAllThatHaveAKey) {
  SeriesTable table;
  SeededRng rng(9);
  std::vector<SeriesKey> keys;
  for (uint32_t id = 0; id < 5000; ++id) {
    keys.push_back({rng.Next() & 0xffff'0000'ffff'f000, rng.Next()});
    table.Add(keys.back(), id);
  }
  for (uint32_t id = 0; id < keys.size(); ++id) {
    ASSERT_EQ(table.Find(keys[id], [&](uint32_t found) { return keys[found] == keys[id]; }), id);
  }
  EXPECT_EQ(table.Find({1, 1},
                       [&](uint32_t found) {
                         return keys[found] == SeriesKey{1, 1};
                       }),
            SeriesTable::kNone);
}

TEST(ChunkArena, KeepsBlocksApartAndUsesFreePagesAgain) {
  ChunkArena arena;
  SeededRng rng(11);
  struct Block {
    uint32_t ref;
    uint8_t size_class;
    uint8_t fill;
  };
  std::vector<Block> blocks;
  for (int i = 0; i < 20'000; ++i) {
    if (!blocks.empty() && rng.Below(3) == 0) {
      std::swap(blocks[rng.Below(blocks.size())], blocks.back());
      const Block block = blocks.back();
      for (size_t j = 0; j < ChunkArena::kSizes[block.size_class]; ++j) {
        ASSERT_EQ(arena.at(block.ref)[j], block.fill);
      }
      arena.Free(block.ref);
      blocks.pop_back();
      continue;
    }
    const auto size_class = static_cast<uint8_t>(rng.Below(ChunkArena::kSizes.size()));
    const Block block{arena.Allocate(size_class), size_class, static_cast<uint8_t>(i)};
    ASSERT_NE(block.ref, 0U);
    std::fill_n(arena.at(block.ref), ChunkArena::kSizes[size_class], block.fill);
    blocks.push_back(block);
  }
  for (const Block& block : blocks) arena.Free(block.ref);
  EXPECT_EQ(arena.used_bytes(), 0U);
  // All in step, from one size to the next: the pages of one are those of the next but one.
  ChunkArena steps;
  std::vector<uint32_t> refs(10'000);
  for (uint8_t size_class = 0; size_class < 8; ++size_class) {
    for (uint32_t& ref : refs) {
      const uint32_t grown = steps.Allocate(size_class);
      if (ref != 0) steps.Free(ref);
      ref = grown;
    }
  }
  EXPECT_LT(steps.memory_bytes(), steps.used_bytes() * 2);
}

TEST(MemoryIndex, AnswersForEachPair) {
  MemoryIndex index(1);
  for (int target = 0; target < 5; ++target) {
    for (int series = 0; series < 30; ++series) index.Add(Target(target, series).packed());
  }
  SeriesIds ids;
  index.Postings("pod", "api-1", &ids);
  EXPECT_EQ(ids.size(), 30U);
  EXPECT_EQ(ids.front(), 30U);
  ids.clear();
  index.Postings("shard", "9", &ids);
  EXPECT_EQ(ids, (SeriesIds{9, 19, 29, 39, 49, 59, 69, 79, 89, 99, 109, 119, 129, 139, 149}));
  EXPECT_EQ(index.ValueCount("namespace"), 3U);
  EXPECT_EQ(index.Value(31, "instance"), "10.0.0.1");
  EXPECT_EQ(index.Value(31, "absent"), "");
  EXPECT_EQ(index.LargestValue("job").second, 150U);
  std::map<std::string, int> names;
  index.ForEachName([&](std::string_view name) { ++names[std::string(name)]; });
  EXPECT_EQ(names.size(), 7U);
}

}  // namespace
}  // namespace hearth::tsdb
