// SPDX-License-Identifier: Apache-2.0
// The disk as a parameter. RealFileSystem() is POSIX; tests wrap it (FaultyFileSystem) to make the
// n-th operation fail or to forget what was not synced.
//
// Every call is thread-safe between files; one WritableFile is used by one thread at a time. Errors
// name path and reason: NotFound, AlreadyExists, PermissionDenied, ResourceExhausted (disk full),
// else Unavailable.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

class WritableFile {
 public:
  virtual ~WritableFile() = default;  // closes, without Sync
  virtual absl::Status Append(std::string_view bytes) = 0;
  virtual absl::Status Sync() = 0;  // fdatasync: durable when OK
  virtual absl::Status Truncate(uint64_t size) = 0;
  virtual absl::Status Close() = 0;
  virtual uint64_t size() const = 0;  // bytes in the file, appended ones included
};

class RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;
  // Fills all of `buffer` from `offset`, or OutOfRange. Thread-safe (pread).
  virtual absl::Status Read(uint64_t offset, std::span<char> buffer) const = 0;
  virtual uint64_t size() const = 0;
};

// Held while it lives; released when the process dies, however that happens.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct FileInfo {
  uint64_t size = 0;
  bool is_directory = false;
  int64_t modified_ms = 0;
  uint32_t mode = 0;
};

struct DiskSpace {
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;  // free to us, without the root reserve
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // Creates or truncates.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                                               uint32_t mode = 0600) = 0;
  // Opens for appending; creates where missing.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> OpenAppend(const std::string& path,
                                                                   uint32_t mode = 0600) = 0;
  virtual absl::StatusOr<std::unique_ptr<RandomAccessFile>> OpenRead(const std::string& path) = 0;
  virtual absl::StatusOr<std::string> ReadFile(const std::string& path) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;      // a file
  virtual absl::Status RemoveTree(const std::string& path) = 0;  // missing is OK
  virtual absl::Status MakeDirectories(const std::string& path, uint32_t mode = 0700) = 0;
  virtual absl::StatusOr<std::vector<std::string>> List(
      const std::string& directory) = 0;  // names, sorted
  virtual absl::StatusOr<FileInfo> Stat(const std::string& path) = 0;
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
  virtual absl::StatusOr<DiskSpace> Space(const std::string& path) = 0;
  // Exclusive lock on `path` (made where missing); the file holds our pid. FailedPrecondition with
  // the holder's pid where another process has it.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;

  // Write to a temporary name, sync, rename, sync the directory: readers see old or new, never
  // half.
  absl::Status WriteFileAtomic(const std::string& path, std::string_view bytes,
                               uint32_t mode = 0600);
  bool Exists(const std::string& path);
};

FileSystem& RealFileSystem();

// "a" + "b" → "a/b"; an absolute `name` wins.
std::string JoinPath(std::string_view directory, std::string_view name);
std::string DirectoryOf(std::string_view path);  // "" where there is no slash

// A fresh directory below the system's temporary folder, removed with all in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace hearth
