// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/file_system.h"
#include "base/status.h"
#include "storage/blob_store.h"
#include "storage/log.h"
#include "storage/querier.h"
#include "storage/write_batch.h"

namespace hearth::storage {
namespace {

TEST(WriteBatch, KeepsSeriesAndTheirSamplesTogether) {
  WriteBatch batch;
  batch.AddSeries(model::Labels{{"a", "1"}});
  batch.AddSample(1, 1.5);
  batch.AddSample(2, 2.5);
  batch.AddSeries(model::Labels{{"a", "2"}});
  batch.AddSample(1, 3.5);
  ASSERT_EQ(batch.series().size(), 2U);
  EXPECT_EQ(batch.labels(batch.series()[1]).Get("a"), "2");
  EXPECT_EQ(batch.series()[1].first_sample, 2U);
  EXPECT_EQ(batch.sample_count(), 3U);
}

TEST(WriteBatch, StartTimesCostNothingWhereThereAreNone) {
  WriteBatch batch;
  batch.AddSeries(model::Labels{{"a", "1"}});
  batch.AddSample(1, 1.5);
  batch.AddSample(2, 2.5, 0);
  EXPECT_FALSE(batch.has_start_times());
  batch.AddSample(3, 3.5, 7);
  batch.AddSample(4, 4.5);
  EXPECT_TRUE(batch.has_start_times());
  EXPECT_EQ(batch.start_time_ms(1), 0);
  EXPECT_EQ(batch.start_time_ms(2), 7);
  EXPECT_EQ(batch.start_time_ms(3), 0);
  EXPECT_EQ(batch.series()[0].sample_count, 4U);
  batch.Clear();
  EXPECT_FALSE(batch.has_start_times());
}

TEST(BlobStore, ShowsAStreamedBlobOnlyWhenFinished) {
  const TemporaryDirectory dir;
  auto store = OpenFileBlobStore(RealFileSystem(), dir.path());
  ASSERT_TRUE(store.ok());
  {
    auto dropped = (*store)->Create("dropped");
    ASSERT_TRUE(dropped.ok());
    ASSERT_TRUE((*dropped)->Append("x").ok());
  }
  auto writer = (*store)->Create("a");
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE((*writer)->Append("01234").ok());
  EXPECT_TRUE((*store)->List("")->empty());
  ASSERT_TRUE((*writer)->Append("56789").ok());
  ASSERT_TRUE((*writer)->Finish().ok());
  ASSERT_EQ((*store)->List("")->size(), 1U);
  EXPECT_EQ((*store)->List("")->front().size, 10U);
  EXPECT_EQ((*store)->Create("a").status().code(), absl::StatusCode::kAlreadyExists);
}

TEST(BlobStore, PutsOnceReadsRangesListsAndDeletes) {
  const TemporaryDirectory dir;
  auto store = OpenFileBlobStore(RealFileSystem(), dir.path());
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE((*store)->PutIfAbsent("ws/a.block", "0123456789").ok());
  EXPECT_EQ((*store)->PutIfAbsent("ws/a.block", "x").code(), absl::StatusCode::kAlreadyExists);
  std::string part(4, ' ');
  ASSERT_TRUE((*store)->Read("ws/a.block", 3, {part.data(), part.size()}).ok());
  EXPECT_EQ(part, "3456");
  EXPECT_EQ((*store)->Read("ws/a.block", 8, {part.data(), part.size()}).code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ((*store)->List("ws/")->at(0).size, 10U);
  EXPECT_EQ((*store)->PutIfAbsent("../x", "").code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE((*store)->Delete("ws/a.block").ok());
  EXPECT_TRUE((*store)->List("")->empty());
}

TEST(BlobStore, RemovesWhatACrashLeftUnderATemporaryName) {
  const TemporaryDirectory dir;
  const std::string leftover = JoinPath(dir.path(), "b.block.tmp");
  ASSERT_TRUE(RealFileSystem().WriteFileAtomic(leftover, "half").ok());
  ASSERT_TRUE(OpenFileBlobStore(RealFileSystem(), dir.path()).ok());
  EXPECT_FALSE(RealFileSystem().Exists(leftover));
}

}  // namespace
}  // namespace hearth::storage
