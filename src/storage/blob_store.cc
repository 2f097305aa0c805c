// SPDX-License-Identifier: Apache-2.0
#include "storage/blob_store.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "base/status.h"
#include "base/string_map.h"

namespace hearth::storage {
namespace {

constexpr std::string_view kTemporary = ".tmp";

// Files held open for reading; beyond, one is closed for each that opens. A process may have a
// thousand stores, and the kernel's limit is often 1024 files.
constexpr size_t kOpenMax = 16;

class FileBlobWriter : public BlobWriter {
 public:
  FileBlobWriter(FileSystem& file_system, std::string path, std::string temporary,
                 std::unique_ptr<WritableFile> file, absl::Mutex* mutex)
      : file_system_(file_system),
        path_(std::move(path)),
        temporary_(std::move(temporary)),
        file_(std::move(file)),
        mutex_(mutex) {}
  ~FileBlobWriter() override {
    if (finished_) return;
    file_.reset();
    file_system_.Remove(temporary_).IgnoreError();  // the next start removes what stays
  }
  absl::Status Append(std::string_view bytes) override { return file_->Append(bytes); }
  absl::Status Finish() override {
    TRY(file_->Sync());
    TRY(file_->Close());
    {
      absl::MutexLock lock(mutex_);
      if (file_system_.Exists(path_)) return AlreadyExists("blob {} exists", path_);
      TRY(file_system_.Rename(temporary_, path_));
      finished_ = true;
    }
    return file_system_.SyncDirectory(DirectoryOf(path_));
  }

 private:
  FileSystem& file_system_;
  const std::string path_;
  const std::string temporary_;
  std::unique_ptr<WritableFile> file_;
  absl::Mutex* const mutex_;
  bool finished_ = false;
};

class FileBlobStore : public BlobStore {
 public:
  FileBlobStore(FileSystem& file_system, std::string directory)
      : file_system_(file_system), directory_(std::move(directory)) {}

  absl::Status PutIfAbsent(const std::string& name, std::string_view bytes) override {
    TRY_ASSIGN(const auto writer, Create(name));
    TRY(writer->Append(bytes));
    return writer->Finish();
  }

  absl::StatusOr<std::unique_ptr<BlobWriter>> Create(const std::string& name) override {
    TRY(CheckName(name));
    const std::string path = JoinPath(directory_, name);
    TRY(file_system_.MakeDirectories(DirectoryOf(path)));
    std::string temporary;
    {
      absl::MutexLock lock(&mutex_);
      if (file_system_.Exists(path)) return AlreadyExists("blob {} exists", name);
      temporary = path + "." + std::to_string(next_temporary_++) + std::string(kTemporary);
    }
    TRY_ASSIGN(auto file, file_system_.Create(temporary));
    return std::make_unique<FileBlobWriter>(file_system_, path, std::move(temporary),
                                            std::move(file), &mutex_);
  }

  absl::Status Read(const std::string& name, uint64_t offset,
                    std::span<char> buffer) const override {
    TRY_ASSIGN(const auto file, OpenCached(name));
    return file->Read(offset, buffer);
  }

  absl::StatusOr<std::vector<BlobInfo>> List(std::string_view prefix) const override {
    std::vector<BlobInfo> blobs;
    TRY(Collect("", prefix, &blobs));
    return blobs;
  }

  absl::Status Delete(const std::string& name) override {
    TRY(CheckName(name));
    {
      absl::MutexLock lock(&mutex_);
      open_.erase(name);  // readers in flight hold the file by their own pointer
    }
    const std::string path = JoinPath(directory_, name);
    TRY(file_system_.Remove(path));
    return file_system_.SyncDirectory(DirectoryOf(path));
  }

  absl::Status RemoveTemporaries(const std::string& folder) {
    TRY_ASSIGN(const auto names, file_system_.List(folder));
    for (const std::string& name : names) {
      const std::string path = JoinPath(folder, name);
      TRY_ASSIGN(const FileInfo info, file_system_.Stat(path));
      if (info.is_directory) {
        TRY(RemoveTemporaries(path));
      } else if (name.ends_with(kTemporary)) {
        TRY(file_system_.Remove(path));
      }
    }
    return absl::OkStatus();
  }

 private:
  static absl::Status CheckName(std::string_view name) {
    bool ok = !name.empty() && name.front() != '/' && name.find("..") == std::string_view::npos &&
              !name.ends_with(kTemporary);
    for (const char c : name) {
      ok = ok && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-' || c == '/');
    }
    if (!ok) return InvalidArgument("blob name '{}' is not [A-Za-z0-9._-/]+", name);
    return absl::OkStatus();
  }

  absl::StatusOr<std::shared_ptr<const RandomAccessFile>> OpenCached(
      const std::string& name) const {
    TRY(CheckName(name));
    absl::MutexLock lock(&mutex_);
    if (open_.size() >= kOpenMax && !open_.contains(name)) open_.erase(open_.begin());
    auto& file = open_[name];
    if (file == nullptr) {
      auto opened = file_system_.OpenRead(JoinPath(directory_, name));
      if (!opened.ok()) {
        open_.erase(name);
        return opened.status();
      }
      file = *std::move(opened);
    }
    return file;
  }

  absl::Status Collect(const std::string& folder, std::string_view prefix,
                       std::vector<BlobInfo>* blobs) const {
    TRY_ASSIGN(const auto names, file_system_.List(JoinPath(directory_, folder)));
    for (const std::string& entry : names) {
      const std::string name = folder.empty() ? entry : folder + "/" + entry;
      TRY_ASSIGN(const FileInfo info, file_system_.Stat(JoinPath(directory_, name)));
      if (info.is_directory) {
        TRY(Collect(name, prefix, blobs));
      } else if (name.starts_with(prefix) && !name.ends_with(kTemporary)) {
        blobs->push_back({name, info.size});
      }
    }
    return absl::OkStatus();
  }

  FileSystem& file_system_;
  const std::string directory_;
  mutable absl::Mutex mutex_;
  uint64_t next_temporary_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable StringMap<std::shared_ptr<const RandomAccessFile>> open_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<BlobStore>> OpenFileBlobStore(FileSystem& file_system,
                                                             std::string directory) {
  TRY(file_system.MakeDirectories(directory));
  auto store = std::make_unique<FileBlobStore>(file_system, directory);
  TRY(store->RemoveTemporaries(directory));
  return store;
}

}  // namespace hearth::storage
