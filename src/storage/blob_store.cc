// SPDX-License-Identifier: Apache-2.0
#include "storage/blob_store.h"

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "base/status.h"
#include "base/string_map.h"

namespace hearth::storage {
namespace {

constexpr std::string_view kTemporary = ".tmp";

class FileBlobStore : public BlobStore {
 public:
  FileBlobStore(FileSystem& file_system, std::string directory)
      : file_system_(file_system), directory_(std::move(directory)) {}

  absl::Status PutIfAbsent(const std::string& name, std::string_view bytes) override {
    TRY(CheckName(name));
    const std::string path = JoinPath(directory_, name);
    TRY(file_system_.MakeDirectories(DirectoryOf(path)));
    absl::MutexLock lock(&mutex_);
    if (file_system_.Exists(path)) return AlreadyExists("blob {} exists", name);
    return file_system_.WriteFileAtomic(path, bytes);
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
