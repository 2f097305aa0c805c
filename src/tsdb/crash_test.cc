// SPDX-License-Identifier: Apache-2.0
// Fails the n-th change of the disk for every n, and cuts the power at every one: no acknowledged
// sample may be lost, none doubled, and the store must come back by itself.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/faulty_file_system.h"
#include "base/rng.h"
#include "tsdb/test_store.h"

namespace hearth::tsdb {
namespace {

using model::Labels;

constexpr char kFolder[] = "/db";

Options Small() {
  Options options;
  options.directory = kFolder;
  options.wal_segment_bytes = 600;  // a few frames: segments are passed on the way
  return options;
}

Labels Series(int i) { return Labels{{"__name__", "x"}, {"i", std::to_string(i)}}; }

// What was tried, and what was acknowledged, as (series, time) → value.
struct Ledger {
  std::map<std::pair<int, int64_t>, double> tried;
  std::set<std::pair<int, int64_t>> acknowledged;
};

void AddHistogram(int step, storage::WriteBatch* batch, Ledger* ledger) {
  constexpr int kSeries = 1000;
  auto histogram = std::make_shared<model::NativeHistogram>();
  histogram->count = step;
  histogram->zero_count = step;
  batch->AddSeries(Series(kSeries));
  batch->AddHistogram({TestStore::kStartMs + step * 1000, histogram, TestStore::kStartMs});
  batch->AddExemplar(
      {Labels{{"trace_id", std::to_string(step)}}, 1, TestStore::kStartMs + step * 1000});
  ledger->tried[{kSeries, step * 1000}] = step;
}

// Commits, seals, merges: everything that writes. Errors are taken as a sender takes them: the same
// batch is sent again later, up to `tries` times.
void RunScenario(TestStore* store, Ledger* ledger, int tries) {
  for (int step = 0; step < 12; ++step) {
    storage::WriteBatch batch;
    const int64_t time = step * 1000;
    const auto add = [&](int series, int64_t at) {
      const double value = series * 100 + static_cast<double>(at) * 0.25;
      batch.AddSeries(Series(series));
      batch.AddSample(TestStore::kStartMs + at, value);
      ledger->tried[{series, at}] = value;
    };
    for (int i = 0; i < 3; ++i) add(i, time);
    if (step % 4 == 3) add(0, time - 1500);  // out of order
    AddHistogram(step, &batch, ledger);
    if (step % 5 == 0) add(100 + step, time);
    for (int i = 0; i < tries; ++i) {
      if (store->db().Commit(batch, {}).ok()) {
        for (const auto& series : batch.series()) {
          const int number = std::stoi(std::string(batch.labels(series).Get("i")));
          const int64_t acknowledged_ms = series.histogram_count > 0
                                              ? batch.histograms()[series.first_histogram].time_ms
                                              : batch.times_ms()[series.first_sample];
          ledger->acknowledged.insert({number, acknowledged_ms - TestStore::kStartMs});
        }
        break;
      }
      store->manual_clock().Advance(6000);
      store->db().Maintain();
    }
    if (step % 3 == 2) store->db().Seal().IgnoreError();  // a failure is what this test makes
    if (step == 10) {
      store->manual_clock().Advance(int64_t{2} * 24 * 3600 * 1000);
      store->db().Compact().IgnoreError();
      store->manual_clock().Advance(-int64_t{2} * 24 * 3600 * 1000);
    }
  }
}

void ExpectNothingLostOrDoubled(TestStore* store, const Ledger& ledger, const std::string& what) {
  std::set<std::pair<int, int64_t>> seen;
  for (const TestSeries& series : store->Read("x")) {
    const size_t from = series.labels.find('"') + 1;
    const int number = std::stoi(series.labels.substr(from));
    for (size_t i = 0; i < series.times_ms.size(); ++i) {
      const std::pair key(number, series.times_ms[i] - TestStore::kStartMs);
      ASSERT_TRUE(seen.insert(key).second) << what << ": doubled " << number;
      const auto tried = ledger.tried.find(key);
      ASSERT_NE(tried, ledger.tried.end()) << what << ": never sent";
      ASSERT_EQ(series.values[i], tried->second) << what;
    }
    for (const auto& [time_ms, count] : series.histograms) {
      const std::pair key(number, time_ms - TestStore::kStartMs);
      ASSERT_TRUE(seen.insert(key).second) << what << ": doubled histogram";
      const auto tried = ledger.tried.find(key);
      ASSERT_NE(tried, ledger.tried.end()) << what << ": never sent";
      ASSERT_EQ(count, tried->second) << what;
    }
  }
  for (const auto& key : ledger.acknowledged) {
    ASSERT_TRUE(seen.contains(key))
        << what << ": lost series " << key.first << " at " << key.second;
  }
}

uint64_t ChangesOfAWholeRun() {
  FaultyFileSystem disk;
  TestStore store(Small(), &disk);
  Ledger ledger;
  RunScenario(&store, &ledger, 1);
  EXPECT_EQ(ledger.acknowledged.size(), ledger.tried.size());
  EXPECT_GE(store.db().stats().blocks, 1U);
  EXPECT_TRUE(store.db().Close().ok());
  return disk.changes();
}

TEST(Crash, PowerCutAtAnyPointLosesNothingAcknowledged) {
  const uint64_t changes = ChangesOfAWholeRun();
  ASSERT_GT(changes, 50U);
  for (const size_t kept_tail : {size_t{0}, size_t{5}, size_t{40}}) {
    for (uint64_t n = 1; n <= changes; ++n) {
      const std::string what = fmt::format("power cut at {}, {} torn bytes", n, kept_tail);
      FaultyFileSystem disk;
      Ledger ledger;
      disk.FailFrom(n, Unavailable("the power is gone"));
      TestStore store(Small(), &disk, TestStore::kOpenMayFail);
      if (store.open()) {
        RunScenario(&store, &ledger, 1);
        store.Drop();
      }
      disk.Heal();
      disk.CutPower(kept_tail);
      const absl::Status status = store.Open();
      ASSERT_TRUE(status.ok()) << what << ": " << status;
      ExpectNothingLostOrDoubled(&store, ledger, what);
      EXPECT_EQ(store.db().stats().quarantined_frames, 0U) << what;
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Crash, KillAtAnyPointLosesNothingAcknowledged) {
  const uint64_t changes = ChangesOfAWholeRun();
  for (const WalFsync fsync : {WalFsync::kAlways, WalFsync::kInterval, WalFsync::kOs}) {
    for (uint64_t n = 1; n <= changes; ++n) {
      const std::string what = fmt::format("killed at {}", n);
      FaultyFileSystem disk;
      Ledger ledger;
      Options options = Small();
      options.wal_fsync = fsync;
      disk.FailFrom(n, Unavailable("killed"));
      TestStore store(options, &disk, TestStore::kOpenMayFail);
      if (store.open()) RunScenario(&store, &ledger, 1);
      store.Drop();
      disk.Heal();  // the kernel has what was written, synced or not
      const absl::Status status = store.Open();
      ASSERT_TRUE(status.ok()) << what << ": " << status;
      ExpectNothingLostOrDoubled(&store, ledger, what);
      if (HasFatalFailure()) return;
    }
  }
}

// One operation fails; the sender tries again, the store goes on, and nothing is missing, neither
// now nor after a power cut.
TEST(Crash, OneFailureAtAnyPointHealsByItself) {
  const uint64_t changes = ChangesOfAWholeRun();
  for (const bool full : {false, true}) {
    for (uint64_t n = 1; n <= changes; ++n) {
      const std::string what = fmt::format("failure at {}, disk full {}", n, full);
      FaultyFileSystem disk;
      Ledger ledger;
      disk.FailOnce(n, full ? ResourceExhausted("No space left on device")
                            : Unavailable("Input/output error"));
      TestStore store(Small(), &disk, TestStore::kOpenMayFail);
      if (!store.open()) {
        ASSERT_TRUE(store.Open().ok()) << what;
      }
      RunScenario(&store, &ledger, 5);
      ASSERT_EQ(ledger.acknowledged.size(), ledger.tried.size()) << what;
      ExpectNothingLostOrDoubled(&store, ledger, what);
      store.Drop();
      disk.CutPower();
      ASSERT_TRUE(store.Open().ok()) << what;
      ExpectNothingLostOrDoubled(&store, ledger, what + ", then a power cut");
      if (HasFatalFailure()) return;
    }
  }
}

// Old blocks are dropped, series deleted and their disk freed, and something fails on the way: what
// is young and not deleted is there, and a deletion that was confirmed stays so.
void DropAndDelete(TestStore* store, bool* deleted) {
  constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;
  for (int day = 0; day < 3; ++day) {
    for (int i = 0; i < 3; ++i) store->Try(Series(i), {{day * kDayMs, day}}).IgnoreError();
    store->db().Seal().IgnoreError();  // failures are what this test makes
    if (day < 2) store->manual_clock().Advance(kDayMs);
  }
  *deleted = store->db().DeleteSeries({0, INT64_MAX}, {{model::Matcher::Equal("i", "1")}}).ok();
  store->db().CleanTombstones().IgnoreError();
  store->db().Compact().IgnoreError();
  store->db().DropOldestBlock(TestStore::kStartMs + 2 * kDayMs).IgnoreError();
}

TEST(Crash, DroppingAndDeletingSurviveAFailureAtAnyPoint) {
  Options options = Small();
  options.retention_ms = int64_t{36} * 3600 * 1000;
  const auto all = std::vector{model::Matcher::Equal("__name__", "x")};
  uint64_t changes = 1000;
  for (const bool power_cut : {false, true}) {
    for (uint64_t n = 0; n <= changes; ++n) {
      const std::string what = fmt::format("failure at {}, power cut {}", n, power_cut);
      FaultyFileSystem disk;
      TestStore store(options, &disk);
      const uint64_t before = disk.changes();
      if (n > 0 && power_cut) disk.FailFrom(n, Unavailable("the power is gone"));
      if (n > 0 && !power_cut) disk.FailOnce(n, Unavailable("Input/output error"));
      bool deleted = false;
      DropAndDelete(&store, &deleted);
      if (n == 0) {
        ASSERT_TRUE(deleted);
        changes = disk.changes() - before;
      }
      store.Drop();
      disk.Heal();
      disk.CutPower();
      ASSERT_TRUE(store.Open().ok()) << what;
      const auto read = store.TryRead(all, {0, INT64_MAX});
      ASSERT_TRUE(read.ok()) << what << ": " << read.status();
      for (const TestSeries& series : *read) {
        if (series.labels != Series(1).ToString()) continue;
        EXPECT_FALSE(deleted) << what;
      }
      if (n > 0) continue;
      ASSERT_EQ(read->size(), 2U);
      EXPECT_EQ((*read)[0].values, std::vector<double>{2});
    }
  }
  EXPECT_GT(changes, 40U);
}

// How many samples there are, each of which was sent so.
size_t CountKnown(const std::vector<TestSeries>& all, const Ledger& ledger,
                  const std::string& what) {
  size_t seen = 0;
  const auto check = [&](int number, int64_t time_ms, double value) {
    const auto tried = ledger.tried.find({number, time_ms - TestStore::kStartMs});
    ASSERT_NE(tried, ledger.tried.end()) << what << ": never sent";
    ASSERT_EQ(value, tried->second) << what;
    ++seen;
  };
  for (const TestSeries& series : all) {
    const int number = std::stoi(series.labels.substr(series.labels.find('"') + 1));
    for (size_t i = 0; i < series.times_ms.size(); ++i) {
      check(number, series.times_ms[i], series.values[i]);
    }
    for (const auto& [time_ms, count] : series.histograms) check(number, time_ms, count);
  }
  return seen;
}

// The kind of file, the byte and the bit are drawn; each draw has a store of its own.
TEST(Crash, ABitFlipAnywhereIsReportedOrHarmless) {
  const auto all = std::vector{model::Matcher::Equal("__name__", "x")};
  SeededRng rng(29);
  for (const char* const kind : {"/wal/", "/blocks/", "/manifest", "/metadata", "/exemplars"}) {
    for (int draw = 0; draw < 150; ++draw) {
      FaultyFileSystem disk;
      TestStore store(Small(), &disk);
      Ledger ledger;
      RunScenario(&store, &ledger, 1);
      store.Put(Series(0), {{100'000, 1}});
      ledger.acknowledged.insert({0, 100'000});
      ledger.tried[{0, 100'000}] = 1;
      store.Drop();
      std::vector<std::pair<std::string, uint64_t>> files;
      for (const auto& [path, size] : disk.Files()) {
        if (size > 0 && path.find(kind) != std::string::npos) files.emplace_back(path, size);
      }
      if (files.empty()) break;
      const auto& [path, size] = files[rng.Below(files.size())];
      const uint64_t byte = rng.Below(size);
      disk.FlipBit(path, byte, static_cast<unsigned>(rng.Below(8)));
      const std::string what = fmt::format("{} at {} of {}, draw {}", path, byte, size, draw);
      const Counter& torn = store.registry().AddCounter("hearth_tsdb_wal_torn_bytes_total", "");
      const uint64_t torn_before = torn.value();
      const absl::Status opened = store.Open();
      if (!opened.ok()) {
        // Nothing but a version that is not ours keeps a store from opening, and the file is named.
        EXPECT_TRUE(absl::IsFailedPrecondition(opened)) << what << ": " << opened;
        continue;
      }
      const auto read = store.TryRead(all, {0, INT64_MAX});
      if (!read.ok()) {
        EXPECT_NE(std::string(read.status().message()).find("block "), std::string::npos)
            << what << ": " << read.status();
        continue;
      }
      const size_t seen = CountKnown(*read, ledger, what);
      // What is missing was told: a range of the log that was set aside, or its torn end.
      if (std::string_view(kind) == "/wal/" && seen < ledger.acknowledged.size()) {
        EXPECT_TRUE(store.db().stats().quarantined_frames > 0 || torn.value() > torn_before)
            << what << ": " << ledger.acknowledged.size() - seen << " samples lost untold";
        continue;
      }
      EXPECT_EQ(seen, ledger.acknowledged.size()) << what;
    }
  }
}

// Series are told by what the log has of them, whatever they are called after a start.
TEST(Crash, LabelsThatTheLogHasAreNotLoggedAgainAfterAStart) {
  TestStore store;
  const std::string filler(500, 'f');
  const auto put_all = [&](int64_t time_ms) {
    for (int i = 0; i < 20; ++i) {
      store.Put(Labels{{"__name__", "x"}, {"filler", filler}, {"i", std::to_string(i)}},
                {{time_ms, i}});
    }
  };
  const auto expect_each = [&](size_t samples, const char* when) {
    const std::vector<TestSeries> all = store.Read("x");
    ASSERT_EQ(all.size(), 20U) << when;
    for (const TestSeries& series : all) {
      EXPECT_EQ(series.values.size(), samples) << when;
      const std::string number = "i=\"" + std::to_string(static_cast<int>(series.values[0])) + '"';
      EXPECT_NE(series.labels.find(number), std::string::npos) << when << series.labels;
      EXPECT_EQ(std::set(series.values.begin(), series.values.end()).size(), 1U) << when;
    }
  };
  // Known to the head, and counted by it, but not logged: others have other numbers after a start.
  ASSERT_EQ(store.Try(Labels{{"__name__", "y"}}, {{int64_t{1} << 45, 1}})->rejected, 1U);
  put_all(1000);
  store.Crash();
  const uint64_t before = store.db().stats().wal_bytes;
  put_all(2000);
  EXPECT_LT(store.db().stats().wal_bytes - before, 20U * filler.size());
  store.Crash();
  expect_each(2, "after one start");
  store.Crash();
  put_all(3000);
  store.Crash();
  expect_each(3, "after four");
  ASSERT_TRUE(store.db().Seal().ok());
  put_all(4000);
  store.Crash();
  put_all(5000);
  store.Crash();
  expect_each(5, "after a seal");
}

TEST(Crash, BytesFilledAheadOfALogAreNoTornTail) {
  FaultyFileSystem disk;
  TestStore store(Small(), &disk);
  store.Put(Series(0), {{100'000, 1}});
  store.Drop();
  for (const auto& [path, size] : disk.Files()) {
    if (size == 0 || path.find("/wal/") == std::string::npos) continue;
    auto file = disk.OpenAppend(path);
    ASSERT_TRUE(file.ok() && (*file)->Append(std::string(1000, '\0')).ok());
  }
  const Counter& torn = store.registry().AddCounter("hearth_tsdb_wal_torn_bytes_total", "");
  const uint64_t before = torn.value();
  ASSERT_TRUE(store.Open().ok());
  EXPECT_EQ(torn.value(), before);
  EXPECT_EQ(store.db().stats().quarantined_frames, 0U);
  EXPECT_EQ(store.db().stats().head_samples, 1U);
}

// A volume that fills up while blocks are sealed and merged: what does not fit is refused, reads go
// on, and writing resumes by itself when there is room again.
TEST(Crash, FullVolumeRefusesWritesAndResumes) {
  FaultyFileSystem disk;
  TestStore store(Small(), &disk);
  std::vector<std::pair<int64_t, double>> acknowledged;
  int64_t time_ms = 0;
  const auto round = [&] {
    time_ms += 1000;
    const double value = static_cast<double>(time_ms) / 3;
    const auto outcome = store.Try(Series(1), {{time_ms, value}});
    const bool ok = outcome.ok() && outcome->rejected == 0;
    if (ok) acknowledged.emplace_back(time_ms, value);
    if (time_ms % 20'000 == 0) store.db().Seal().IgnoreError();
    store.manual_clock().Advance(6000);
    store.db().Maintain();
    return ok;
  };
  const auto expect_all = [&](const char* when) {
    std::string expected = acknowledged.empty() ? "" : Series(1).ToString();
    for (const auto& [at, value] : acknowledged) expected += fmt::format(" {}@{}", value, at);
    EXPECT_EQ(store.Dump("x"), expected + "\n") << when;
  };
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(round());
  for (const uint64_t kib : {1, 5, 20}) {
    uint64_t used = 0;
    for (const auto& [path, size] : disk.Files()) used += size;
    disk.SetQuota(used + (kib << 10));
    int refused = 0;
    for (int i = 0; i < 2000 && refused < 30; ++i) refused += round() ? 0 : 1;
    EXPECT_EQ(refused, 30) << "the volume never filled up";
    expect_all("full");
  }
  disk.SetQuota(1 << 20);
  // What was told to have failed may have reached the log's buffer; it is mended before more.
  int tries = 0;
  while (!round() && tries < 5) ++tries;
  EXPECT_LT(tries, 5) << "writing does not resume";
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(round());
  expect_all("room again");
  store.Drop();
  disk.CutPower();
  ASSERT_TRUE(store.Open().ok());
  expect_all("after a power cut");
}

// While the disk is full nothing is acknowledged, nothing of a refused write shows, reads go on.
TEST(Crash, FullDiskRefusesWritesAndResumes) {
  FaultyFileSystem disk;
  TestStore store(Small(), &disk);
  store.Put(Series(1), {{0, 1}});
  disk.FailFrom(1, ResourceExhausted("No space left on device"));
  for (int i = 1; i < 4; ++i) {
    const auto outcome = store.Try(Series(i), {{i * 1000, 2}});
    EXPECT_EQ(outcome.status().code(), absl::StatusCode::kResourceExhausted);
    store.manual_clock().Advance(1000);
    store.db().Maintain();
    EXPECT_EQ(store.Dump("x"), "x{i=\"1\"} 1@0\n");
  }
  disk.Heal();
  store.Put(Series(1), {{1000, 2}});
  store.Drop();
  disk.CutPower();
  ASSERT_TRUE(store.Open().ok());
  EXPECT_EQ(store.Dump("x"), "x{i=\"1\"} 1@0 2@1000\n");
}

// A sync that failed is not forgotten: the duplicate of an unsynced sample is not acknowledged
// before the sample is safe.
TEST(Crash, FailedSyncIsMendedBeforeAnythingIsAcknowledged) {
  FaultyFileSystem disk;
  TestStore store(Small(), &disk);
  store.Put(Series(1), {{0, 1}});
  disk.FailOnce(2, Unavailable("Input/output error"));  // the write succeeds, its sync fails
  EXPECT_EQ(store.Try(Series(1), {{1000, 2}}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store.Try(Series(1), {{1000, 2}}).status().code(), absl::StatusCode::kUnavailable);
  store.db().Maintain();
  EXPECT_EQ(store.Try(Series(1), {{1000, 2}})->duplicates, 1U);
  store.Drop();
  disk.CutPower();
  ASSERT_TRUE(store.Open().ok());
  EXPECT_EQ(store.Dump("x"), "x{i=\"1\"} 1@0 2@1000\n");
}

TEST(Crash, CorruptFrameInTheMiddleIsSetAside) {
  FaultyFileSystem disk;
  Options options = Small();
  options.wal_segment_bytes = 1 << 20;
  TestStore store(options, &disk);
  store.Put(Series(1), {{0, 1}});
  std::string segment;
  for (const auto& [path, size] : disk.Files()) {
    if (path.find("/wal/") != std::string::npos) segment = path;
  }
  const uint64_t before = disk.Files().at(segment);
  store.Put(Series(1), {{1000, 2}});
  const uint64_t after = disk.Files().at(segment);
  store.Put(Series(1), {{2000, 3}});
  store.Drop();
  for (const uint64_t byte : {before, before + 9, before + 16, after - 1}) {
    disk.FlipBit(segment, byte, 3);
    ASSERT_TRUE(store.Open().ok());
    EXPECT_EQ(store.Dump("x"), "x{i=\"1\"} 1@0 3@2000\n") << byte - before;
    EXPECT_EQ(store.db().stats().quarantined_frames, 1U) << byte - before;
    store.Drop();
    disk.FlipBit(segment, byte, 3);
  }
  bool copied = false;
  for (const auto& [path, size] : disk.Files()) {
    copied = copied || (path.find("/wal/quarantine/") != std::string::npos && size > 0);
  }
  EXPECT_TRUE(copied);
}

TEST(Crash, DamagedManifestIsMadeAgainFromTheBlocks) {
  FaultyFileSystem disk;
  TestStore store(Small(), &disk);
  Ledger ledger;
  RunScenario(&store, &ledger, 1);
  store.Drop();
  disk.FlipBit("/db/manifest", 20, 1);
  ASSERT_TRUE(store.Open().ok());
  ExpectNothingLostOrDoubled(&store, ledger, "damaged manifest");
}

TEST(Crash, DamagedBlockIsAnErrorOfTheQueriesThatNeedIt) {
  FaultyFileSystem disk;
  TestStore store(Small(), &disk);
  store.Put(Series(1), {{0, 1}});
  ASSERT_TRUE(store.db().Seal().ok());
  store.manual_clock().Advance(60'000);
  store.Put(Series(1), {{60'000, 2}});
  store.Drop();
  std::string block;
  for (const auto& [path, size] : disk.Files()) {
    if (path.find("/blocks/") != std::string::npos) block = path;
  }
  const auto all = std::vector{model::Matcher::Equal("__name__", "x")};
  for (uint64_t byte = 16; byte < disk.Files().at(block); byte += 3) {
    disk.FlipBit(block, byte, 5);
    ASSERT_TRUE(store.Open().ok());
    const auto read = store.TryRead(all, {0, INT64_MAX});
    EXPECT_TRUE(absl::IsDataLoss(read.status()) || absl::IsFailedPrecondition(read.status()))
        << byte << " " << read.status();
    EXPECT_EQ(store.Dump("x", 1000), "x{i=\"1\"} 2@60000\n");
    store.Drop();
    disk.FlipBit(block, byte, 5);
  }
}

}  // namespace
}  // namespace hearth::tsdb
