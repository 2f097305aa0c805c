// SPDX-License-Identifier: Apache-2.0
// Blocks written, read back, damaged. That Prometheus reads them is shown over the wire
// (test/compat/test_prometheus_blocks.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/crc32c.h"
#include "base/file_system.h"
#include "base/rng.h"
#include "base/status.h"
#include "prometheus_blocks/block_meta.h"
#include "prometheus_blocks/block_reader.h"
#include "prometheus_blocks/block_writer.h"
#include "prometheus_blocks/index_writer.h"
#include "prometheus_blocks/window_reader.h"

namespace hearth::prometheus_blocks {
namespace {

using model::Labels;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kEndMs = 7'200'000;

struct Samples {
  std::vector<int64_t> times_ms;
  std::vector<double> values;
};
using Content = std::map<std::string, Samples>;  // by labels

BlockMeta NewMeta() {
  BlockMeta meta;
  meta.ulid = NewUlid(1'700'000'000'000, SystemRng());
  meta.end_ms = kEndMs;
  meta.export_key = "test";
  return meta;
}

BlockMeta Write(const std::string& directory, int series) {
  auto writer = BlockWriter::Create(RealFileSystem(), directory, NewMeta());
  EXPECT_TRUE(writer.ok());
  for (int i = 0; i < series; ++i) {
    Samples samples;
    for (int k = 0; k < 300; ++k) {
      samples.times_ms.push_back(k * 15'000 + i);
      samples.values.push_back(i * 1000 + k * 0.5);
    }
    std::vector<codec::EncodedChunk> chunks;
    codec::EncodeChunks({samples.times_ms, samples.values, {}}, false, &chunks);
    const std::string number = fmt::format("{:03}", i);
    EXPECT_TRUE((*writer)->Add(Labels({{"__name__", "m"}, {"n", number}}), chunks).ok());
  }
  const auto written = (*writer)->Finish(42);
  EXPECT_TRUE(written.ok()) << written.status();
  return *written;
}

absl::StatusOr<Content> Read(const BlockMeta& meta,
                             storage::TimeRange range = {INT64_MIN, INT64_MAX}) {
  TRY_ASSIGN(const auto reader, BlockReader::Open(RealFileSystem(), meta));
  reader->Restart(range);
  Content content;
  for (;;) {
    const Labels* labels = nullptr;
    const codec::ChunkSamples* samples = nullptr;
    TRY_ASSIGN(const bool more, reader->Next(&labels, &samples));
    if (!more) return content;
    content[labels->ToString()] = {samples->times_ms, samples->values};
  }
}

TEST(PrometheusBlock, ComesBackAsItWasWritten) {
  const TemporaryDirectory data;
  const BlockMeta meta = Write(data.path(), 20);
  EXPECT_EQ(meta.series, 20U);
  EXPECT_EQ(meta.samples, 6000U);
  EXPECT_EQ(meta.chunks, 60U);
  const auto found = ReadDirectory(RealFileSystem(), data.path());
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->blocks.size(), 1U);
  EXPECT_EQ(found->blocks[0].ulid, meta.ulid);
  EXPECT_EQ(found->blocks[0].end_ms, kEndMs);
  EXPECT_EQ(found->blocks[0].samples, 6000U);
  EXPECT_EQ(found->blocks[0].export_key, "test");
  EXPECT_EQ(found->blocks[0].export_checksum, 42U);
  EXPECT_FALSE(found->has_log);
  const auto content = Read(found->blocks[0]);
  ASSERT_TRUE(content.ok()) << content.status();
  ASSERT_EQ(content->size(), 20U);
  const Samples& seven = content->at("m{n=\"007\"}");
  ASSERT_EQ(seven.times_ms.size(), 300U);
  EXPECT_EQ(seven.times_ms[299], 299 * 15'000 + 7);
  EXPECT_EQ(seven.values[299], 7000 + 149.5);
}

TEST(PrometheusBlock, GivesARangeOnly) {
  const TemporaryDirectory data;
  const BlockMeta meta = Write(data.path(), 2);
  const auto content = Read(meta, {15'000, 30'000});
  ASSERT_TRUE(content.ok());
  EXPECT_THAT(content->at("m{n=\"000\"}").times_ms, ElementsAre(15'000, 30'000));
  EXPECT_THAT(content->at("m{n=\"001\"}").times_ms, ElementsAre(15'001));
  EXPECT_TRUE(Read(meta, {kEndMs, INT64_MAX})->empty());
}

TEST(PrometheusBlock, AppliesDeletions) {
  const TemporaryDirectory data;
  const BlockMeta meta = Write(data.path(), 1);
  // The series' number is where it stands in the index, in units of 16 bytes.
  const std::string index = *RealFileSystem().ReadFile(meta.directory + "/index");
  BigEndianReader toc(std::string_view(index).substr(index.size() - kTocBytes));
  toc.Fixed(8);
  const uint64_t series = (toc.Fixed(8) + 15) / 16;
  std::string stones;
  PutUvarint(series, &stones);
  PutVarint(0, &stones);
  PutVarint(298 * 15'000, &stones);
  std::string file;
  PutBigEndian(kTombstonesMagic, 4, &file);
  PutBigEndian(1, 1, &file);
  file += stones;
  PutBigEndian(Crc32c(stones), 4, &file);
  ASSERT_TRUE(RealFileSystem().WriteFileAtomic(meta.directory + "/tombstones", file).ok());
  EXPECT_THAT(Read(meta)->at("m{n=\"000\"}").times_ms, ElementsAre(299 * 15'000));
}

TEST(PrometheusBlock, LeavesNothingOfWhatWasNotFinished) {
  const TemporaryDirectory data;
  {
    const auto writer = BlockWriter::Create(RealFileSystem(), data.path(), NewMeta());
    ASSERT_TRUE(writer.ok());
  }
  EXPECT_TRUE(RealFileSystem().List(data.path())->empty());
  {
    const auto empty = BlockWriter::Create(RealFileSystem(), data.path(), NewMeta());
    EXPECT_EQ((*empty)->Finish(0)->series, 0U);
  }
  EXPECT_TRUE(RealFileSystem().List(data.path())->empty());
}

// Every byte of every file: what is read is an error that names the file, or the truth.
TEST(PrometheusBlock, NoticesEveryFlippedByte) {
  const TemporaryDirectory data;
  const BlockMeta meta = Write(data.path(), 3);
  const Content truth = *Read(meta);
  for (const char* name : {"/index", "/chunks/000001", "/tombstones"}) {
    const std::string path = meta.directory + name;
    const std::string good = *RealFileSystem().ReadFile(path);
    for (size_t byte = 0; byte < good.size(); ++byte) {
      std::string bad = good;
      bad[byte] = static_cast<char>(bad[byte] ^ 1 << byte % 8);
      const auto file = RealFileSystem().Create(path);
      ASSERT_TRUE((*file)->Append(bad).ok());
      const auto content = Read(meta);
      if (content.ok()) {
        ASSERT_EQ(content->size(), truth.size()) << path << " " << byte;
        for (const auto& [labels, samples] : truth) {
          ASSERT_EQ(content->at(labels).values, samples.values) << path << " " << byte;
          ASSERT_EQ(content->at(labels).times_ms, samples.times_ms) << path << " " << byte;
        }
      } else {
        ASSERT_THAT(Message(content.status()), HasSubstr(meta.directory)) << byte;
      }
    }
    ASSERT_TRUE((*RealFileSystem().Create(path))->Append(good).ok());
  }
}

TEST(PrometheusBlock, IndexOfBothVersionsIsRead) {
  for (const char* name : {"v1", "v2"}) {
    const std::string path = fmt::format("{}/testdata/index_fuzz/{}", HEARTH_SOURCE_DIR, name);
    const auto reader = IndexReader::Open(RealFileSystem(), path);
    ASSERT_TRUE(reader.ok()) << reader.status();
    IndexedSeries series;
    ASSERT_TRUE(*(*reader)->Next(&series));
    EXPECT_EQ(series.labels.ToString(), "up{job=\"x\"}");
    ASSERT_EQ(series.chunks.size(), 1U);
    EXPECT_EQ(series.chunks[0].min_ms, 1000);
    EXPECT_EQ(series.chunks[0].max_ms, 1500);
    EXPECT_EQ(series.chunks[0].ref, 8U);
    EXPECT_FALSE(*(*reader)->Next(&series));
  }
}

TEST(PrometheusBlock, RefusesWhatItDoesNotKnow) {
  const TemporaryDirectory data;
  EXPECT_THAT(Message(ReadDirectory(RealFileSystem(), data.path()).status()),
              HasSubstr("no data directory"));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      ParseMeta(R"({"version":2,"ulid":"01ARZ3NDEKTSV4RRFFQ69G5FAV","minTime":0,"maxTime":1})")
          .status()));
  for (const char* bad :
       {"", "[]", "{}", R"({"version":1})", R"({"version":1,"ulid":"x","minTime":0,"maxTime":1})",
        R"({"version":1,"ulid":"01ARZ3NDEKTSV4RRFFQ69G5FAV","minTime":2,
                              "maxTime":1})"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseMeta(bad).status())) << bad;
  }
}

TEST(PrometheusBlock, LeavesOutWhatOthersReplace) {
  const TemporaryDirectory data;
  const auto put = [&](const std::string& ulid, const std::string& parents) {
    const std::string path = JoinPath(data.path(), ulid);
    ASSERT_TRUE(RealFileSystem().MakeDirectories(path).ok());
    const std::string json = fmt::format(R"({{"version":1,"ulid":"{}","minTime":0,"maxTime":1,)"
                                         R"("compaction":{{"parents":[{}]}}}})",
                                         ulid, parents);
    ASSERT_TRUE(RealFileSystem().WriteFileAtomic(JoinPath(path, "meta.json"), json).ok());
  };
  put("01ARZ3NDEKTSV4RRFFQ69G5FA1", "");
  put("01ARZ3NDEKTSV4RRFFQ69G5FA2", R"({"ulid":"01ARZ3NDEKTSV4RRFFQ69G5FA1"})");
  ASSERT_TRUE(RealFileSystem().MakeDirectories(JoinPath(data.path(), "wal")).ok());
  const auto found = ReadDirectory(RealFileSystem(), data.path());
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->blocks.size(), 1U);
  EXPECT_EQ(found->blocks[0].ulid, "01ARZ3NDEKTSV4RRFFQ69G5FA2");
  EXPECT_THAT(found->replaced, ElementsAre("01ARZ3NDEKTSV4RRFFQ69G5FA1"));
  EXPECT_TRUE(found->has_log);
}

// An index of some KiB could name one chunk a million times, all of it held for one series.
TEST(PrometheusBlock, NoSeriesIsMoreThanTheSegmentsHold) {
  TemporaryDirectory folder;
  const BlockMeta meta = Write(folder.path(), 1);
  IndexWriter index;
  const std::vector<ChunkRef> refs(10'000, ChunkRef{0, 0, kSegmentHeaderBytes});
  index.Add(Labels{{"__name__", "m"}}, refs);
  ASSERT_TRUE(index.Finish(RealFileSystem(), JoinPath(meta.directory, "index")).ok());
  const auto reader = BlockReader::Open(RealFileSystem(), meta);
  ASSERT_TRUE(reader.ok()) << reader.status();
  const Labels* labels = nullptr;
  const codec::ChunkSamples* samples = nullptr;
  EXPECT_THAT(Message((*reader)->Next(&labels, &samples).status()),
              HasSubstr("has more bytes of chunks than all segments together"));
}

}  // namespace
}  // namespace hearth::prometheus_blocks
