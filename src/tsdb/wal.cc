// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal.h"

#include <algorithm>
#include <utility>

#include "base/fill_ahead.h"
#include "base/log.h"
#include "base/status.h"
#include "tsdb/wal_frame.h"

namespace hearth::tsdb {

using storage::Position;

namespace {

// A segment that has so much is one of a busy store, and is filled ahead of its frames; idle
// stores, of which there may be a thousand, keep small files.
constexpr uint64_t kFillFrom = 128 << 10;

// What of a tail was written: zeros at its end were filled ahead of the frames.
uint64_t TornBytes(std::string_view tail) {
  const size_t last = tail.find_last_not_of('\0');
  return last == std::string_view::npos ? 0 : last + 1;
}

}  // namespace

WalMetrics WalMetrics::Register(Registry& registry) {
  WalMetrics metrics;
  metrics.written_bytes = &registry.AddCounter("hearth_tsdb_wal_written_bytes_total",
                                               "Bytes appended to write-ahead logs.");
  metrics.syncs = &registry.AddCounter("hearth_tsdb_wal_syncs_total",
                                       "Times that a write-ahead log was synced to disk.");
  metrics.sync_failures = &registry.AddCounter("hearth_tsdb_wal_sync_failures_total",
                                               "Syncs of a write-ahead log that failed.");
  metrics.write_failures = &registry.AddCounter("hearth_tsdb_wal_write_failures_total",
                                                "Writes to a write-ahead log that failed.");
  metrics.quarantined =
      &registry.AddCounter("hearth_tsdb_wal_quarantined_total",
                           "Corrupt ranges of write-ahead logs that were set aside at a start.");
  metrics.torn_bytes = &registry.AddCounter(
      "hearth_tsdb_wal_torn_bytes_total",
      "Bytes cut at a start from ends of write-ahead logs: writes that were not finished, or are "
      "damaged.");
  metrics.sync_seconds = &registry.AddHistogram(
      "hearth_tsdb_wal_sync_seconds", "Duration of a sync of a write-ahead log.", LatencyBuckets());
  return metrics;
}

absl::StatusOr<std::unique_ptr<Wal>> Wal::Open(Options options, FileSystem& file_system,
                                               const Clock& clock, WalMetrics metrics,
                                               Position covered) {
  auto wal = std::unique_ptr<Wal>(new Wal(std::move(options), file_system, clock, metrics));
  const std::string& directory = wal->options_.directory;
  TRY(file_system.MakeDirectories(directory));
  TRY(file_system.SyncDirectory(DirectoryOf(directory)));
  TRY_ASSIGN(const auto names, file_system.List(directory));
  absl::MutexLock lock(&wal->mutex_);
  wal->epoch_ = covered.epoch;
  wal->last_lsn_ = covered.lsn;
  for (const std::string& name : names) {
    uint64_t epoch = 0;
    if (!ParseSegmentName(name, &epoch)) continue;
    const std::string path = JoinPath(directory, name);
    TRY_ASSIGN(const FileInfo info, file_system.Stat(path));
    wal->segments_.push_back({path, 0, info.size});
    wal->size_bytes_ += info.size;
    wal->epoch_ = std::max(wal->epoch_, epoch);
  }
  ++wal->epoch_;
  wal->last_sync_ns_ = clock.MonotonicNs();
  return wal;
}

absl::Status Wal::Replay(Position from, Visit visit) {
  std::vector<Segment> segments;
  uint64_t before = 0;
  {
    absl::MutexLock lock(&mutex_);
    segments = segments_;
    before = last_lsn_;
  }
  uint64_t last = before;
  for (size_t i = 0; i < segments.size(); ++i) {
    segments[i].last_lsn = last;
    TRY(ReplaySegment(&segments[i], i + 1 == segments.size(), from.lsn, visit));
    last = segments[i].last_lsn;
  }
  absl::MutexLock lock(&mutex_);
  last_lsn_ = last;
  durable_lsn_ = last;
  segments_ = std::move(segments);
  size_bytes_ = 0;
  for (const Segment& segment : segments_) size_bytes_ += segment.size;
  return absl::OkStatus();
}

// segment->last_lsn enters as the last number of the segment before and leaves as this one's.
absl::Status Wal::ReplaySegment(Segment* segment, bool is_last, uint64_t from_lsn, Visit visit) {
  TRY_ASSIGN(const std::string bytes, file_system_.ReadFile(segment->path));
  SegmentHeader header;
  size_t at = 0;
  const HeaderState header_state = ReadSegmentHeader(bytes, &header);
  if (header_state == HeaderState::kNewer) {
    return FailedPrecondition("{}: written by a newer hearth (log version {}, this one reads {})",
                              segment->path, header.version, kWalVersion);
  }
  if (header_state == HeaderState::kOk) {
    at = kSegmentHeaderBytes;
    if (header.first_lsn > segment->last_lsn + 1 && header.first_lsn > from_lsn + 1) {
      log::Error(
          "tsdb", "log frames are missing",
          {{"segment", segment->path}, {"after", segment->last_lsn}, {"before", header.first_lsn}});
      ++quarantined_;
      metrics_.quarantined->Add();
    }
  }
  while (at < bytes.size()) {
    Frame frame;
    if (ReadFrame(bytes, at, &frame)) {
      at += kFrameHeaderBytes + frame.payload.size();
      if (frame.lsn <= segment->last_lsn && frame.lsn <= from_lsn) continue;
      segment->last_lsn = std::max(segment->last_lsn, frame.lsn);
      if (frame.lsn > from_lsn) {
        TRY(visit(Position{header.epoch, frame.lsn}, frame.type, frame.payload));
      }
      continue;
    }
    const size_t next = FindFrame(bytes, at + 1, segment->last_lsn);
    // Nothing intact follows: the write that a crash, or a full disk, cut short. In a segment that
    // is not the last, a successor that goes on without a gap proves that nothing is missing.
    if (next == bytes.size() && (is_last || header_state == HeaderState::kOk)) {
      if (!LooksTorn(bytes, at)) {
        Quarantine(segment->path, at, std::string_view(bytes).substr(at));
      }
      CutTail(segment, at, TornBytes(std::string_view(bytes).substr(at)));
      return absl::OkStatus();
    }
    Quarantine(segment->path, at, std::string_view(bytes).substr(at, next - at));
    at = next;
  }
  return absl::OkStatus();
}

void Wal::Quarantine(const std::string& path, uint64_t offset, std::string_view bytes) {
  ++quarantined_;
  metrics_.quarantined->Add();
  const std::string directory = JoinPath(options_.directory, "quarantine");
  const std::string copy =
      JoinPath(directory, path.substr(path.rfind('/') + 1) + "-" + std::to_string(offset));
  absl::Status status = file_system_.MakeDirectories(directory);
  if (status.ok()) status = file_system_.WriteFileAtomic(copy, bytes);
  log::Error("tsdb", "corrupt range of the log set aside",
             {{"segment", path},
              {"offset", offset},
              {"bytes", bytes.size()},
              {"copy", copy},
              {"copied", status.ok() ? "yes" : Message(status)}});
}

void Wal::CutTail(Segment* segment, uint64_t size, uint64_t torn_bytes) {
  metrics_.torn_bytes->Add(torn_bytes);
  const auto cut = [&]() -> absl::Status {
    TRY_ASSIGN(const auto file, file_system_.OpenAppend(segment->path));
    TRY(file->Truncate(size));
    return file->Sync();
  };
  // A tail that stays does no harm: the next replay skips it as this one did.
  if (const absl::Status status = cut(); !status.ok()) {
    log::Warn("tsdb", "cannot cut a log's torn tail", {{"error", Message(status)}});
    return;
  }
  if (torn_bytes > 0) {
    log::Info("tsdb", "cut the log's torn tail",
              {{"segment", segment->path}, {"bytes", torn_bytes}});
  }
  segment->size = size;
}

absl::Status Wal::BrokenStatus() const {
  if (broken_.ok()) return absl::OkStatus();
  return Unavailable("the log is broken until its data is sealed: {}", Message(broken_));
}

absl::Status Wal::OpenSegment() {
  const std::string path = JoinPath(options_.directory, SegmentName(epoch_, next_segment_));
  TRY_ASSIGN(auto file, file_system_.Create(path));
  ++next_segment_;
  const std::string header = SegmentHeaderBytes({kWalVersion, epoch_, last_lsn_ + 1});
  if (const absl::Status status = file->Append(header); !status.ok()) {
    file.reset();
    file_system_.Remove(path).IgnoreError();  // a header alone, or a part of one, holds nothing
    return status;
  }
  file_ = std::move(file);
  segments_.push_back({path, last_lsn_, header.size()});
  size_bytes_ += header.size();
  directory_unsynced_ = true;
  return absl::OkStatus();
}

void Wal::CloseSegment() {
  if (file_ == nullptr) return;
  if (segments_.back().last_lsn > durable_lsn_) unsynced_.push_back(file_);
  file_.reset();
}

// Takes back what a failed write left behind. If that fails too the segment is given up: its torn
// end is known to be torn because the next segment's first number follows its last one.
void Wal::UndoWrite(uint64_t size) {
  metrics_.write_failures->Add();
  if (!file_->Truncate(size).ok()) CloseSegment();
}

absl::StatusOr<Position> Wal::Append(uint8_t type, std::string_view payload) {
  if (payload.size() > kWalPayloadMax) {
    return InvalidArgument("log frame of {} bytes, the limit is {}", payload.size(),
                           kWalPayloadMax);
  }
  absl::MutexLock lock(&mutex_);
  TRY(BrokenStatus());
  if (file_ != nullptr && segments_.back().size >= options_.segment_bytes) CloseSegment();
  if (file_ == nullptr) TRY(OpenSegment());
  frame_.clear();
  AppendFrame(last_lsn_ + 1, type, payload, &frame_);
  Segment& segment = segments_.back();
  if (options_.fsync == WalFsync::kAlways && segment.size >= kFillFrom) {
    FillAhead(file_.get(), segment.size + frame_.size());
  }
  if (const absl::Status status = file_->Append(frame_); !status.ok()) {
    UndoWrite(segment.size);
    return status;
  }
  segment.last_lsn = ++last_lsn_;
  segment.size += frame_.size();
  size_bytes_ += frame_.size();
  metrics_.written_bytes->Add(frame_.size());
  if (frame_.capacity() > (1U << 20)) frame_ = std::string();  // one giant must not stay
  return Position{epoch_, last_lsn_};
}

absl::Status Wal::WaitDurable(Position position) {
  absl::MutexLock lock(&mutex_);
  if (options_.fsync != WalFsync::kAlways) {
    const int64_t waited_ns = clock_.MonotonicNs() - last_sync_ns_;
    if (options_.fsync == WalFsync::kInterval && !syncing_ &&
        waited_ns >= options_.sync_interval_ms * 1'000'000) {
      SyncAsLeader();
    }
    return BrokenStatus();
  }
  while (durable_lsn_ < position.lsn) {
    TRY(BrokenStatus());
    if (syncing_) {
      synced_.Wait(&mutex_);
    } else {
      SyncAsLeader();
    }
  }
  return absl::OkStatus();
}

void Wal::SyncAsLeader() {
  syncing_ = true;
  if (options_.group_commit_delay_us > 0 && options_.fsync == WalFsync::kAlways) {
    bool never = false;
    const int64_t deadline = clock_.MonotonicNs() + options_.group_commit_delay_us * 1000;
    clock_.WaitUntil(mutex_, absl::Condition(&never), deadline);
  }
  const uint64_t target = last_lsn_;
  std::vector<std::shared_ptr<WritableFile>> files = std::move(unsynced_);
  unsynced_.clear();
  if (file_ != nullptr) files.push_back(file_);
  const bool sync_directory = std::exchange(directory_unsynced_, false);
  mutex_.Unlock();
  const int64_t start_ns = clock_.MonotonicNs();
  absl::Status status;
  for (const auto& file : files) {
    if (status.ok()) status = file->Sync();
  }
  if (status.ok() && sync_directory) status = file_system_.SyncDirectory(options_.directory);
  const int64_t end_ns = clock_.MonotonicNs();
  files.clear();
  mutex_.Lock();
  metrics_.syncs->Add();
  metrics_.sync_seconds->Observe(static_cast<double>(end_ns - start_ns) * 1e-9);
  last_sync_ns_ = end_ns;
  if (status.ok()) {
    durable_lsn_ = std::max(durable_lsn_, target);
  } else {
    metrics_.sync_failures->Add();
    broken_ = status;
    file_.reset();
    log::Error("tsdb", "the log cannot be synced", {{"error", Message(status)}});
  }
  syncing_ = false;
  synced_.SignalAll();
}

void Wal::SyncIfDue() {
  if (options_.fsync != WalFsync::kInterval) return;
  absl::MutexLock lock(&mutex_);
  if (syncing_ || !broken_.ok() || durable_lsn_ >= last_lsn_) return;
  if (clock_.MonotonicNs() - last_sync_ns_ >= options_.sync_interval_ms * 1'000'000) {
    SyncAsLeader();
  }
}

absl::Status Wal::SyncAll() {
  absl::MutexLock lock(&mutex_);
  while (broken_.ok() && durable_lsn_ < last_lsn_) {
    if (syncing_) {
      synced_.Wait(&mutex_);
    } else {
      SyncAsLeader();
    }
  }
  return BrokenStatus();
}

void Wal::Rotate() {
  absl::MutexLock lock(&mutex_);
  CloseSegment();
}

absl::Status Wal::TruncateUpTo(Position position) {
  std::vector<std::string> gone;
  {
    absl::MutexLock lock(&mutex_);
    while (syncing_) synced_.Wait(&mutex_);
    if (position.lsn >= last_lsn_) {
      file_.reset();
      unsynced_.clear();
      durable_lsn_ = last_lsn_;
      broken_ = absl::OkStatus();
      synced_.SignalAll();
    }
    std::erase_if(segments_, [&](const Segment& segment) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const bool open = file_ != nullptr && &segment == &segments_.back();
      if (open || segment.last_lsn > position.lsn) return false;
      gone.push_back(segment.path);
      size_bytes_ -= segment.size;
      return true;
    });
  }
  // A file that cannot be removed is skipped by the next replay and removed after it.
  absl::Status status;
  for (const std::string& path : gone) {
    if (const absl::Status removed = file_system_.Remove(path); !removed.ok()) status = removed;
  }
  return status;
}

Position Wal::last() const {
  absl::MutexLock lock(&mutex_);
  return {epoch_, last_lsn_};
}

uint64_t Wal::size_bytes() const {
  absl::MutexLock lock(&mutex_);
  return size_bytes_;
}

bool Wal::broken() const {
  absl::MutexLock lock(&mutex_);
  return !broken_.ok();
}

}  // namespace hearth::tsdb
