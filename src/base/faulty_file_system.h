// SPDX-License-Identifier: Apache-2.0
// A disk for tests, in memory: it counts what changes it, fails when told to, and forgets at a
// power cut what was not synced.
//
//   FaultyFileSystem disk;
//   disk.FailFrom(7, Unavailable("I/O error"));   // the 7th change from now and all after it
//   ... run ...
//   disk.Heal();
//   disk.CutPower();                              // what a machine finds after it
//
// What is durable: a file's bytes up to its last Sync; a name (made, renamed, removed) after
// SyncDirectory of its folder. After a Sync that failed, what was waiting is lost for good, even if
// a later Sync succeeds: as kernels do, they mark the pages clean. A failing Append leaves half of
// its bytes behind. Thread-safe.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/file_system.h"

namespace hearth {

class FaultyFileSystem : public FileSystem {
 public:
  FaultyFileSystem() = default;

  // Changes so far: Create, OpenAppend of a new file, Append, Sync, Truncate, Rename, Remove,
  // RemoveTree, MakeDirectories of a new folder, SyncDirectory.
  uint64_t changes() const;
  // The n-th change from now (1: the next) fails with `status`; FailFrom: and every later one.
  void FailOnce(uint64_t n, absl::Status status);
  void FailFrom(uint64_t n, absl::Status status);
  void Heal();  // nothing fails any more, but for the quota
  // All files together take so many bytes at most; an Append beyond writes what fits and fails with
  // ResourceExhausted. 0: no such limit.
  void SetQuota(uint64_t bytes);
  // Leaves what is durable. Handles that are open fail from then on. `kept_tail`: so many bytes of
  // what a file's end had waiting reached the disk anyway (a torn write).
  void CutPower(size_t kept_tail = 0);
  // Flips one bit of a file, both of what is seen and of what is durable.
  void FlipBit(const std::string& path, uint64_t byte, unsigned bit);
  // All files, with their sizes.
  std::map<std::string, uint64_t> Files() const;

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                                       uint32_t mode = 0600) override;
  absl::StatusOr<std::unique_ptr<WritableFile>> OpenAppend(const std::string& path,
                                                           uint32_t mode = 0600) override;
  absl::StatusOr<std::unique_ptr<RandomAccessFile>> OpenRead(const std::string& path) override;
  absl::StatusOr<std::string> ReadFile(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status RemoveTree(const std::string& path) override;
  absl::Status MakeDirectories(const std::string& path, uint32_t mode = 0700) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override;
  absl::StatusOr<FileInfo> Stat(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::StatusOr<DiskSpace> Space(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

 private:
  struct Node {
    std::string bytes;
    std::string durable;          // what a power cut leaves
    size_t lost_from = SIZE_MAX;  // bytes from here on waited when a sync failed …
    size_t lost_to = 0;           // … up to here: a later sync writes zeros in their place
  };
  using NodePtr = std::shared_ptr<Node>;
  class File;
  class Reader;

  uint64_t FreeBytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Counts one change; the error that it is to fail with.
  absl::Status Change() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckParent(const std::string& path) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::map<std::string, NodePtr> files_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, NodePtr> durable_files_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> folders_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> durable_folders_ ABSL_GUARDED_BY(mutex_);
  uint64_t power_cuts_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t fail_at_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: never
  uint64_t quota_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool fail_after_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hearth
