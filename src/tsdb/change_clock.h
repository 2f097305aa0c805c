// SPDX-License-Identifier: Apache-2.0
// When samples of which times last changed, for caches of answers (storage/changes.h). Changes are
// numbered; of each minute of sample time the number of the last one is kept.
//
//   pieces   [ -∞ ……… 10:00 ) [ 10:00 … 10:07 ) [ 10:07 … 10:08 ) [ 10:08 …… +∞ )
//   number        3                  17                21                0
//
// At most kPiecesMax pieces: what is older is folded, two pieces into one with the later number, so
// that a store costs 4 KiB however long it runs. Folding says "changed" too often, never too
// seldom.
//
// Thread-safe; its lock is a leaf. Whoever changes what queries see calls Mark after the change can
// be seen, or while no query can look.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/querier.h"

namespace hearth::tsdb {

class ChangeClock {
 public:
  static constexpr int64_t kBucketMs = 60'000;
  static constexpr size_t kPiecesMax = 256;

  ChangeClock();

  uint64_t store_number() const { return store_number_; }
  uint64_t number() const;
  // Something within the range, both ends included, has changed.
  void Mark(storage::TimeRange range);
  // As storage::Changes.
  std::vector<storage::TimeRange> ChangedSince(uint64_t number, storage::TimeRange range) const;

 private:
  struct Piece {
    int64_t begin_ms = INT64_MIN;  // ends where the next one begins
    uint64_t number = 0;           // of the last change in it; 0: none
  };
  size_t PieceOf(int64_t time_ms) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // The index of the piece that begins at `time_ms`, which is made where there is none.
  size_t SplitAt(int64_t time_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Fold() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const uint64_t store_number_;
  mutable absl::Mutex mutex_;
  uint64_t number_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Piece> pieces_ ABSL_GUARDED_BY(mutex_);  // never empty; the first begins at -∞
};

}  // namespace hearth::tsdb
