// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/check.h"
#include "base/fill_ahead.h"
#include "base/status.h"

namespace hearth {
namespace {

absl::Status ErrnoStatus(std::string_view operation, const std::string& path, int error) {
  const char* reason = std::strerror(error);
  switch (error) {
    case ENOENT:
      return NotFound("{} {}: {}", operation, path, reason);
    case EEXIST:
      return AlreadyExists("{} {}: {}", operation, path, reason);
    case EACCES:
    case EPERM:
    case EROFS:
      return PermissionDenied("{} {}: {}", operation, path, reason);
    case ENOSPC:
    case EDQUOT:
      return ResourceExhausted("{} {}: {}", operation, path, reason);
    default:
      return Unavailable("{} {}: {}", operation, path, reason);
  }
}

class PosixWritableFile : public WritableFile {
 public:
  PosixWritableFile(int fd, std::string path, uint64_t size)
      : fd_(fd), path_(std::move(path)), size_(size) {}
  ~PosixWritableFile() override { Close().IgnoreError(); }  // nobody is left to tell
  absl::Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = filled_ > 0
                            ? pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_))
                            : write(fd_, bytes.data(), bytes.size());
      if (n < 0) {
        if (errno == EINTR) continue;
        return ErrnoStatus("write", path_, errno);
      }
      size_ += static_cast<uint64_t>(n);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return absl::OkStatus();
  }
  absl::Status Sync() override {
    if (fdatasync(fd_) != 0) return ErrnoStatus("fsync", path_, errno);
    return absl::OkStatus();
  }
  absl::Status Truncate(uint64_t size) override {
    if (ftruncate(fd_, static_cast<off_t>(size)) != 0) return ErrnoStatus("truncate", path_, errno);
    size_ = size;
    if (filled_ > 0) filled_ = std::max<uint64_t>(size, 1);
    return absl::OkStatus();
  }
  // See FillAhead.
  void Fill(uint64_t end) {
    static constexpr std::array<char, kFillBytes> kZeros{};
    if (end <= filled_) return;
    if (filled_ == 0) {
      // Where to write is said with each write from here on.
      const int flags = fcntl(fd_, F_GETFL);
      if (flags < 0 || fcntl(fd_, F_SETFL, flags & ~O_APPEND) != 0) return;
    }
    filled_ = std::max<uint64_t>({filled_, size_, 1});
    while (filled_ < end) {
      const uint64_t from = std::max(filled_, size_);
      const ssize_t n = pwrite(fd_, kZeros.data(), kZeros.size(), static_cast<off_t>(from));
      if (n <= 0) return;
      filled_ = from + static_cast<uint64_t>(n);
    }
  }
  absl::Status Close() override {
    const int fd = fd_;
    fd_ = -1;
    // Zeros that stay do no harm: a crash leaves them as well.
    if (fd >= 0 && filled_ > size_ && ftruncate(fd, static_cast<off_t>(size_)) != 0) filled_ = 0;
    if (fd >= 0 && close(fd) != 0) return ErrnoStatus("close", path_, errno);
    return absl::OkStatus();
  }
  uint64_t size() const override { return size_; }

 private:
  static constexpr size_t kFillBytes = size_t{256} << 10;
  int fd_;
  std::string path_;
  uint64_t size_;
  // Up to where there are bytes, zeros from size_ on; 0: it was never filled.
  uint64_t filled_ = 0;
};

class PosixRandomAccessFile : public RandomAccessFile {
 public:
  PosixRandomAccessFile(int fd, std::string path, uint64_t size)
      : fd_(fd), path_(std::move(path)), size_(size) {}
  ~PosixRandomAccessFile() override { close(fd_); }
  absl::Status Read(uint64_t offset, std::span<char> buffer) const override {
    size_t done = 0;
    while (done < buffer.size()) {
      const ssize_t n =
          pread(fd_, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
      if (n < 0) {
        if (errno == EINTR) continue;
        return ErrnoStatus("read", path_, errno);
      }
      if (n == 0) {
        return OutOfRange("read {}: {} bytes at {} end beyond the file's {}", path_, buffer.size(),
                          offset, size_);
      }
      done += static_cast<size_t>(n);
    }
    return absl::OkStatus();
  }
  uint64_t size() const override { return size_; }

 private:
  int fd_;
  std::string path_;
  uint64_t size_;
};

class PosixFileLock : public FileLock {
 public:
  explicit PosixFileLock(int fd) : fd_(fd) {}
  ~PosixFileLock() override { close(fd_); }

 private:
  int fd_;
};

class PosixFileSystem : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path,
                                                       uint32_t mode) override {
    return OpenWritable(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, mode);
  }
  absl::StatusOr<std::unique_ptr<WritableFile>> OpenAppend(const std::string& path,
                                                           uint32_t mode) override {
    return OpenWritable(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, mode);
  }
  absl::StatusOr<std::unique_ptr<RandomAccessFile>> OpenRead(const std::string& path) override {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return ErrnoStatus("open", path, errno);
    struct stat info {};
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
      const int error = errno;
      close(fd);
      if (S_ISDIR(info.st_mode)) return FailedPrecondition("open {}: is a directory", path);
      return ErrnoStatus("stat", path, error);
    }
    return std::make_unique<PosixRandomAccessFile>(fd, path, static_cast<uint64_t>(info.st_size));
  }
  absl::StatusOr<std::string> ReadFile(const std::string& path) override {
    TRY_ASSIGN(auto file, OpenRead(path));
    std::string bytes(file->size(), '\0');
    TRY(file->Read(0, {bytes.data(), bytes.size()}));
    return bytes;
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) != 0) return ErrnoStatus("rename", from, errno);
    return absl::OkStatus();
  }
  absl::Status Remove(const std::string& path) override {
    if (unlink(path.c_str()) != 0) return ErrnoStatus("remove", path, errno);
    return absl::OkStatus();
  }
  absl::Status RemoveTree(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return ErrnoStatus("remove", path, error.value());
    return absl::OkStatus();
  }
  absl::Status MakeDirectories(const std::string& path, uint32_t mode) override {
    for (size_t slash = 1; slash <= path.size(); ++slash) {
      if (slash < path.size() && path[slash] != '/') continue;
      const std::string prefix = path.substr(0, slash);
      if (mkdir(prefix.c_str(), static_cast<mode_t>(mode)) == 0 || errno == EEXIST) continue;
      if (errno == EROFS && Exists(prefix)) continue;
      return ErrnoStatus("mkdir", prefix, errno);
    }
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return ErrnoStatus("stat", path, errno);
    if (!S_ISDIR(info.st_mode)) return FailedPrecondition("{} is not a directory", path);
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override {
    std::error_code error;
    std::vector<std::string> names;
    std::filesystem::directory_iterator it(directory, error);
    if (error) return ErrnoStatus("list", directory, error.value());
    for (; it != std::filesystem::directory_iterator(); it.increment(error)) {
      if (error) return ErrnoStatus("list", directory, error.value());
      names.push_back(it->path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  absl::StatusOr<FileInfo> Stat(const std::string& path) override {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return ErrnoStatus("stat", path, errno);
    return FileInfo{static_cast<uint64_t>(info.st_size), S_ISDIR(info.st_mode),
                    info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1'000'000,
                    static_cast<uint32_t>(info.st_mode & 07777)};
  }
  absl::Status SyncDirectory(const std::string& path) override {
    const int fd = open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return ErrnoStatus("open", path, errno);
    const int result = fsync(fd);
    const int error = errno;
    close(fd);
    if (result != 0) return ErrnoStatus("fsync", path, error);
    return absl::OkStatus();
  }
  absl::StatusOr<DiskSpace> Space(const std::string& path) override {
    struct statvfs info {};
    if (statvfs(path.c_str(), &info) != 0) return ErrnoStatus("statvfs", path, errno);
    return DiskSpace{info.f_blocks * info.f_frsize, info.f_bavail * info.f_frsize};
  }
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    const int fd = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) return ErrnoStatus("open", path, errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      char holder[32] = {};
      const ssize_t n = pread(fd, holder, sizeof holder - 1, 0);
      close(fd);
      std::string pid(holder, n > 0 ? static_cast<size_t>(n) : 0);
      while (!pid.empty() && pid.back() == '\n') pid.pop_back();
      return FailedPrecondition("{} is held by process {}", path, pid.empty() ? "?" : pid);
    }
    const std::string pid = std::to_string(getpid()) + "\n";
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) {
      const int error = errno;
      close(fd);
      return ErrnoStatus("write", path, error);
    }
    return std::make_unique<PosixFileLock>(fd);
  }

 private:
  static absl::StatusOr<std::unique_ptr<WritableFile>> OpenWritable(const std::string& path,
                                                                    int flags, uint32_t mode) {
    const int fd = open(path.c_str(), flags, static_cast<mode_t>(mode));
    if (fd < 0) return ErrnoStatus("open", path, errno);
    struct stat info {};
    if (fstat(fd, &info) != 0) {
      const int error = errno;
      close(fd);
      return ErrnoStatus("stat", path, error);
    }
    return std::make_unique<PosixWritableFile>(fd, path, static_cast<uint64_t>(info.st_size));
  }
};

}  // namespace

absl::Status FileSystem::WriteFileAtomic(const std::string& path, std::string_view bytes,
                                         uint32_t mode) {
  const std::string temporary = path + ".tmp";
  const auto write = [&]() -> absl::Status {
    TRY_ASSIGN(auto file, Create(temporary, mode));
    TRY(file->Append(bytes));
    TRY(file->Sync());
    TRY(file->Close());
    return Rename(temporary, path);
  };
  if (const absl::Status status = write(); !status.ok()) {
    // What a failed sync lost stays lost, even when the same file is written and synced again; and
    // on a full disk it would be in the way.
    Remove(temporary).IgnoreError();
    return status;
  }
  return SyncDirectory(DirectoryOf(path));
}

bool FileSystem::Exists(const std::string& path) { return Stat(path).ok(); }

FileSystem& RealFileSystem() {
  static PosixFileSystem file_system;
  return file_system;
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  if (!name.empty() && name.front() == '/') return std::string(name);
  if (directory.empty()) return std::string(name);
  std::string path(directory);
  if (path.back() != '/') path.push_back('/');
  path.append(name);
  return path;
}

std::string DirectoryOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return "";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

TemporaryDirectory::TemporaryDirectory() {
  const char* base = std::getenv("TMPDIR");
  path_ = std::string(base != nullptr ? base : "/tmp") + "/hearth-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) Fatal("cannot make a temporary directory: " + path_);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;  // a leftover in the temporary folder harms nobody
  std::filesystem::remove_all(path_, ignored);
}

void FillAhead(WritableFile* file, uint64_t end) {
  if (auto* const real = dynamic_cast<PosixWritableFile*>(file)) real->Fill(end);
}

}  // namespace hearth
