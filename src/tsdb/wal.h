// SPDX-License-Identifier: Apache-2.0
// The write-ahead log as files: storage::Log for one machine. Format: docs/formats/wal.md.
//
//   wal/<epoch>-<segment>   header, then frames {length, CRC-32C, sequence number, type, payload}
//
// Every start is a new epoch; frame numbers (lsn) go on rising through epochs and segments. A frame
// is with the kernel when Append returns (so it survives `kill -9`) and on the disk when
// WaitDurable does, as WalFsync says. Of the threads that wait, one syncs for all.
//
// A write that fails is cut off again: nothing of it remains. After a sync that failed, what the
// segment holds on disk is unknown (the kernel drops the dirty pages): the log is broken, Append
// fails, until TruncateUpTo(last()) says that everything is held elsewhere.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "storage/log.h"
#include "tsdb/options.h"

namespace hearth::tsdb {

// One payload; remote write's decoded limit is 128 MiB (issue: limits), the log's encoding smaller.
inline constexpr uint32_t kWalPayloadMax = 256 << 20;

struct WalMetrics {
  Counter* written_bytes = nullptr;
  Counter* syncs = nullptr;
  Counter* sync_failures = nullptr;
  Counter* write_failures = nullptr;
  Counter* quarantined = nullptr;
  Counter* torn_bytes = nullptr;
  Histogram* sync_seconds = nullptr;
  static WalMetrics Register(Registry& registry);
};

class Wal : public storage::Log {
 public:
  struct Options {
    std::string directory;
    WalFsync fsync = WalFsync::kAlways;
    int64_t sync_interval_ms = 1000;
    int64_t group_commit_delay_us = 0;
    uint64_t segment_bytes = 16 << 20;
  };
  // Lists the segments; Replay() must follow. `covered`: up to where blocks hold everything.
  static absl::StatusOr<std::unique_ptr<Wal>> Open(Options options, FileSystem& file_system,
                                                   const Clock& clock, WalMetrics metrics,
                                                   storage::Position covered);

  absl::StatusOr<storage::Position> Append(uint8_t type, std::string_view payload) override;
  absl::Status WaitDurable(storage::Position position) override;
  absl::Status Replay(
      storage::Position from,
      absl::FunctionRef<absl::Status(storage::Position, uint8_t, std::string_view)> visit) override;
  absl::Status TruncateUpTo(storage::Position position) override;
  storage::Position last() const override;
  uint64_t size_bytes() const override;

  // The next Append begins a new segment, so that TruncateUpTo(last()) can remove all before it.
  void Rotate();
  // kInterval: syncs if the interval has passed and something waits. Errors break the log.
  void SyncIfDue();
  absl::Status SyncAll();
  bool broken() const;
  uint64_t quarantined() const { return quarantined_; }  // ranges set aside by Replay

 private:
  struct Segment {
    std::string path;
    uint64_t last_lsn = 0;
    uint64_t size = 0;
  };
  Wal(Options options, FileSystem& file_system, const Clock& clock, WalMetrics metrics)
      : options_(std::move(options)), file_system_(file_system), clock_(clock), metrics_(metrics) {}

  using Visit = absl::FunctionRef<absl::Status(storage::Position, uint8_t, std::string_view)>;
  absl::Status ReplaySegment(Segment* segment, bool is_last, uint64_t from_lsn, Visit visit);
  void Quarantine(const std::string& path, uint64_t offset, std::string_view bytes);
  void CutTail(Segment* segment, uint64_t size, uint64_t torn_bytes);
  absl::Status OpenSegment() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CloseSegment() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void UndoWrite(uint64_t size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Syncs all that was written so far; takes the lock off while the disk works.
  void SyncAsLeader() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status BrokenStatus() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  FileSystem& file_system_;
  const Clock& clock_;
  const WalMetrics metrics_;
  uint64_t quarantined_ = 0;

  mutable absl::Mutex mutex_;
  absl::CondVar synced_;
  uint64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t next_segment_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t last_lsn_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t durable_lsn_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t size_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Segment> segments_ ABSL_GUARDED_BY(mutex_);  // the last one is file_'s, if open
  std::shared_ptr<WritableFile> file_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<WritableFile>> unsynced_ ABSL_GUARDED_BY(mutex_);  // closed ones
  bool directory_unsynced_ ABSL_GUARDED_BY(mutex_) = false;
  bool syncing_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t last_sync_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);
  std::string frame_ ABSL_GUARDED_BY(mutex_);  // reused
};

}  // namespace hearth::tsdb
