// SPDX-License-Identifier: Apache-2.0
#include "base/faulty_file_system.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/status.h"

namespace hearth {

namespace {

constexpr uint64_t kTotalBytes = uint64_t{1} << 40;

}  // namespace

class FaultyFileSystem::File : public WritableFile {
 public:
  File(FaultyFileSystem& disk, std::string path, NodePtr node, uint64_t power_cuts)
      : disk_(disk), path_(std::move(path)), node_(std::move(node)), power_cuts_(power_cuts) {}
  absl::Status Append(std::string_view bytes) override {
    absl::MutexLock lock(&disk_.mutex_);
    TRY(Check());
    const absl::Status status = disk_.Change();
    const uint64_t free = disk_.FreeBytes();
    if (status.ok() && bytes.size() > free) {
      node_->bytes.append(bytes.substr(0, free));
      return ResourceExhausted("write {}: No space left on device", path_);
    }
    node_->bytes.append(bytes.substr(0, status.ok() ? bytes.size() : bytes.size() / 2));
    return status;
  }
  absl::Status Sync() override {
    absl::MutexLock lock(&disk_.mutex_);
    TRY(Check());
    const absl::Status status = disk_.Change();
    Node& node = *node_;
    if (!status.ok()) {
      node.lost_from = std::min(node.lost_from, std::min(node.durable.size(), node.bytes.size()));
      node.lost_to = std::max(node.lost_to, node.bytes.size());
      return status;
    }
    node.durable = node.bytes;
    for (size_t i = node.lost_from; i < std::min(node.lost_to, node.durable.size()); ++i) {
      node.durable[i] = '\0';
    }
    return status;
  }
  absl::Status Truncate(uint64_t size) override {
    absl::MutexLock lock(&disk_.mutex_);
    TRY(Check());
    TRY(disk_.Change());
    node_->bytes.resize(size);
    return absl::OkStatus();
  }
  absl::Status Close() override { return absl::OkStatus(); }
  uint64_t size() const override {
    absl::MutexLock lock(&disk_.mutex_);
    return node_->bytes.size();
  }

 private:
  absl::Status Check() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(disk_.mutex_) {
    if (disk_.power_cuts_ == power_cuts_) return absl::OkStatus();
    return Unavailable("{}: opened before the power cut", path_);
  }
  FaultyFileSystem& disk_;
  const std::string path_;
  const NodePtr node_;
  const uint64_t power_cuts_;
};

class FaultyFileSystem::Reader : public RandomAccessFile {
 public:
  Reader(FaultyFileSystem& disk, std::string path, NodePtr node)
      : disk_(disk), path_(std::move(path)), node_(std::move(node)) {}
  absl::Status Read(uint64_t offset, std::span<char> buffer) const override {
    absl::MutexLock lock(&disk_.mutex_);
    if (offset > node_->bytes.size() || buffer.size() > node_->bytes.size() - offset) {
      return OutOfRange("read {}: {} bytes at {} end beyond the file's {}", path_, buffer.size(),
                        offset, node_->bytes.size());
    }
    if (!buffer.empty()) std::memcpy(buffer.data(), node_->bytes.data() + offset, buffer.size());
    return absl::OkStatus();
  }
  uint64_t size() const override {
    absl::MutexLock lock(&disk_.mutex_);
    return node_->bytes.size();
  }

 private:
  FaultyFileSystem& disk_;
  const std::string path_;
  const NodePtr node_;
};

uint64_t FaultyFileSystem::changes() const {
  absl::MutexLock lock(&mutex_);
  return changes_;
}

void FaultyFileSystem::FailOnce(uint64_t n, absl::Status status) {
  absl::MutexLock lock(&mutex_);
  fail_at_ = changes_ + n;
  fail_after_ = false;
  failure_ = std::move(status);
}

void FaultyFileSystem::FailFrom(uint64_t n, absl::Status status) {
  FailOnce(n, std::move(status));
  absl::MutexLock lock(&mutex_);
  fail_after_ = true;
}

void FaultyFileSystem::Heal() {
  absl::MutexLock lock(&mutex_);
  fail_at_ = 0;
}

absl::Status FaultyFileSystem::Change() {
  ++changes_;
  if (fail_at_ == 0 || changes_ < fail_at_) return absl::OkStatus();
  return changes_ == fail_at_ || fail_after_ ? failure_ : absl::OkStatus();
}

void FaultyFileSystem::CutPower(size_t kept_tail) {
  absl::MutexLock lock(&mutex_);
  ++power_cuts_;
  folders_ = durable_folders_;
  files_.clear();
  for (auto& [path, node] : durable_files_) {
    if (!DirectoryOf(path).empty() && !folders_.contains(DirectoryOf(path))) continue;
    auto after = std::make_shared<Node>();
    after->bytes = node->durable;
    const size_t synced = node->durable.size();
    if (node->bytes.size() > synced && kept_tail > 0) {
      after->bytes += node->bytes.substr(synced, kept_tail);
    }
    after->durable = after->bytes;
    files_[path] = std::move(after);
  }
  durable_files_ = files_;
}

void FaultyFileSystem::FlipBit(const std::string& path, uint64_t byte, unsigned bit) {
  absl::MutexLock lock(&mutex_);
  Node& node = *files_.at(path);
  CHECK(byte < node.bytes.size());
  node.bytes[byte] = static_cast<char>(node.bytes[byte] ^ (1 << bit));
  if (byte < node.durable.size()) {
    node.durable[byte] = static_cast<char>(node.durable[byte] ^ (1 << bit));
  }
}

std::map<std::string, uint64_t> FaultyFileSystem::Files() const {
  absl::MutexLock lock(&mutex_);
  std::map<std::string, uint64_t> sizes;
  for (const auto& [path, node] : files_) sizes[path] = node->bytes.size();
  return sizes;
}

absl::Status FaultyFileSystem::CheckParent(const std::string& path) const {
  const std::string folder = DirectoryOf(path);
  if (folder.empty() || folder == "/" || folders_.contains(folder)) return absl::OkStatus();
  return NotFound("open {}: No such file or directory", path);
}

absl::StatusOr<std::unique_ptr<WritableFile>> FaultyFileSystem::Create(const std::string& path,
                                                                       uint32_t /*mode*/) {
  absl::MutexLock lock(&mutex_);
  TRY(CheckParent(path));
  TRY(Change());
  NodePtr& node = files_[path];
  if (node == nullptr) node = std::make_shared<Node>();
  node->bytes.clear();
  return std::make_unique<File>(*this, path, node, power_cuts_);
}

absl::StatusOr<std::unique_ptr<WritableFile>> FaultyFileSystem::OpenAppend(const std::string& path,
                                                                           uint32_t /*mode*/) {
  absl::MutexLock lock(&mutex_);
  TRY(CheckParent(path));
  if (!files_.contains(path)) {
    TRY(Change());
    files_[path] = std::make_shared<Node>();
  }
  return std::make_unique<File>(*this, path, files_[path], power_cuts_);
}

absl::StatusOr<std::unique_ptr<RandomAccessFile>> FaultyFileSystem::OpenRead(
    const std::string& path) {
  absl::MutexLock lock(&mutex_);
  const auto it = files_.find(path);
  if (it == files_.end()) return NotFound("open {}: No such file or directory", path);
  return std::make_unique<Reader>(*this, path, it->second);
}

absl::StatusOr<std::string> FaultyFileSystem::ReadFile(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  const auto it = files_.find(path);
  if (it == files_.end()) return NotFound("open {}: No such file or directory", path);
  return it->second->bytes;
}

absl::Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  absl::MutexLock lock(&mutex_);
  const auto it = files_.find(from);
  if (it == files_.end()) return NotFound("rename {}: No such file or directory", from);
  TRY(CheckParent(to));
  TRY(Change());
  NodePtr node = it->second;
  files_.erase(it);
  files_[to] = std::move(node);
  return absl::OkStatus();
}

absl::Status FaultyFileSystem::Remove(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  if (!files_.contains(path)) return NotFound("remove {}: No such file or directory", path);
  TRY(Change());
  files_.erase(path);
  return absl::OkStatus();
}

absl::Status FaultyFileSystem::RemoveTree(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  TRY(Change());
  const auto below = [&](const std::string& name) {
    return name == path || name.starts_with(path + "/");
  };
  std::erase_if(files_, [&](const auto& entry) { return below(entry.first); });
  std::erase_if(folders_, below);
  return absl::OkStatus();
}

absl::Status FaultyFileSystem::MakeDirectories(const std::string& path, uint32_t /*mode*/) {
  absl::MutexLock lock(&mutex_);
  for (size_t slash = 1; slash <= path.size(); ++slash) {
    if (slash < path.size() && path[slash] != '/') continue;
    const std::string folder = path.substr(0, slash);
    if (folders_.contains(folder)) continue;
    TRY(Change());
    folders_.insert(folder);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> FaultyFileSystem::List(const std::string& path) {
  const std::string directory = path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
  absl::MutexLock lock(&mutex_);
  if (!folders_.contains(directory)) {
    return NotFound("list {}: No such file or directory", directory);
  }
  std::vector<std::string> names;
  for (const auto& [name, node] : files_) {
    if (DirectoryOf(name) == directory) names.push_back(name.substr(directory.size() + 1));
  }
  for (const std::string& folder : folders_) {
    if (DirectoryOf(folder) == directory) names.push_back(folder.substr(directory.size() + 1));
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<FileInfo> FaultyFileSystem::Stat(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  if (folders_.contains(path)) return FileInfo{0, true, 0, 0700};
  const auto it = files_.find(path);
  if (it == files_.end()) return NotFound("stat {}: No such file or directory", path);
  return FileInfo{it->second->bytes.size(), false, 0, 0600};
}

absl::Status FaultyFileSystem::SyncDirectory(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  TRY(Change());
  std::erase_if(durable_files_,
                [&](const auto& entry) { return DirectoryOf(entry.first) == path; });
  std::erase_if(durable_folders_, [&](const auto& name) { return DirectoryOf(name) == path; });
  for (const auto& [name, node] : files_) {
    if (DirectoryOf(name) == path) durable_files_[name] = node;
  }
  for (const std::string& name : folders_) {
    if (DirectoryOf(name) == path) durable_folders_.insert(name);
  }
  return absl::OkStatus();
}

void FaultyFileSystem::SetQuota(uint64_t bytes) {
  absl::MutexLock lock(&mutex_);
  quota_bytes_ = bytes;
}

uint64_t FaultyFileSystem::FreeBytes() const {
  if (quota_bytes_ == 0) return kTotalBytes / 2;
  uint64_t used = 0;
  for (const auto& [name, node] : files_) used += node->bytes.size();
  return quota_bytes_ - std::min(quota_bytes_, used);
}

absl::StatusOr<DiskSpace> FaultyFileSystem::Space(const std::string& /*path*/) {
  absl::MutexLock lock(&mutex_);
  return DiskSpace{kTotalBytes, FreeBytes()};
}

absl::StatusOr<std::unique_ptr<FileLock>> FaultyFileSystem::Lock(const std::string& /*path*/) {
  return std::make_unique<FileLock>();
}

}  // namespace hearth
