// SPDX-License-Identifier: Apache-2.0
// hearth snapshot DIR: a server's whole data directory, while it serves. DIR is a data directory
// then: `hearth serve --data DIR` restores it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>

#include "admin_session.h"
#include "base/file_system.h"
#include "base/status.h"
#include "base/text.h"
#include "codec/tar.h"
#include "commands.h"
#include "crypto/hash.h"

namespace hearth::app {
namespace {

constexpr std::string_view kSums = "SHA256SUMS";
constexpr size_t kSumsBytesMax = 256 << 20;

// Unpacks an archive into a folder as it comes, and checks it against its sums at the end.
class Unpacker {
 public:
  explicit Unpacker(std::string directory) : directory_(std::move(directory)) {}

  // False once something is wrong; status() says what.
  bool Take(std::string_view bytes) {
    while (status_.ok() && !bytes.empty() && !ended_) status_ = TakeSome(&bytes);
    return status_.ok();
  }
  const absl::Status& status() const { return status_; }

  absl::Status Finish() {
    TRY(status_);
    if (!ended_) return DataLoss("the archive was cut");
    size_t listed = 0;
    for (const std::string_view line : Split(sums_, '\n')) {
      if (line.empty()) continue;
      const size_t gap = line.find("  ");
      const auto found = gap == std::string_view::npos
                             ? found_.end()
                             : found_.find(std::string(line.substr(gap + 2)));
      if (found == found_.end() || found->second != line.substr(0, gap)) {
        return DataLoss("the checksum of {} is wrong", line);
      }
      ++listed;
    }
    if (listed != found_.size() || listed == 0) {
      return DataLoss("{} files came, {} are listed in {}", found_.size(), listed, kSums);
    }
    return SyncFolders();
  }
  size_t files() const { return found_.size(); }
  uint64_t bytes() const { return bytes_; }

 private:
  absl::Status TakeSome(std::string_view* bytes) {
    if (in_content_) return TakeContent(bytes);
    const size_t wanted = codec::kTarBlockBytes - header_.size();
    header_ += bytes->substr(0, wanted);
    bytes->remove_prefix(std::min(wanted, bytes->size()));
    if (header_.size() < codec::kTarBlockBytes) return absl::OkStatus();
    TRY_ASSIGN(entry_, codec::ParseTarHeader(header_));
    header_.clear();
    if (entry_.name.empty()) {
      ended_ = true;
      return absl::OkStatus();
    }
    return Begin();
  }
  absl::Status Begin() {
    in_content_ = true;
    left_ = entry_.size;
    padding_ = codec::TarPadding(entry_.size).size();
    if (entry_.name == kSums) {
      if (entry_.size > kSumsBytesMax) return DataLoss("{} is too large", kSums);
    } else {
      const std::string path = JoinPath(directory_, entry_.name);
      TRY(RealFileSystem().MakeDirectories(DirectoryOf(path)));
      TRY_ASSIGN(file_, RealFileSystem().Create(path, 0600));
      hash_ = std::make_unique<crypto::Sha256Stream>();
    }
    return left_ + padding_ == 0 ? End() : absl::OkStatus();
  }
  absl::Status TakeContent(std::string_view* bytes) {
    const std::string_view content =
        bytes->substr(0, static_cast<size_t>(std::min<uint64_t>(left_, bytes->size())));
    if (file_ != nullptr) {
      TRY(file_->Append(content));
      hash_->Update(content);
    } else {
      sums_ += content;
    }
    left_ -= content.size();
    bytes->remove_prefix(content.size());
    if (left_ > 0) return absl::OkStatus();
    const size_t skipped = std::min(padding_, bytes->size());
    padding_ -= skipped;
    bytes->remove_prefix(skipped);
    return padding_ == 0 ? End() : absl::OkStatus();
  }
  absl::Status End() {
    in_content_ = false;
    if (file_ == nullptr) return absl::OkStatus();
    TRY(file_->Sync());
    TRY(file_->Close());
    file_.reset();
    bytes_ += entry_.size;
    found_[entry_.name] = HexEncode(hash_->Finish());
    return absl::OkStatus();
  }
  absl::Status SyncFolders() const {
    std::map<std::string, bool> folders;
    for (const auto& [name, sum] : found_) {
      folders[DirectoryOf(JoinPath(directory_, name))] = true;
    }
    for (const auto& [folder, seen] : folders) TRY(RealFileSystem().SyncDirectory(folder));
    return absl::OkStatus();
  }

  const std::string directory_;
  absl::Status status_;
  std::string header_;
  codec::TarEntry entry_;
  bool in_content_ = false;
  bool ended_ = false;
  uint64_t left_ = 0;
  size_t padding_ = 0;
  std::unique_ptr<WritableFile> file_;
  std::unique_ptr<crypto::Sha256Stream> hash_;
  std::map<std::string, std::string> found_;  // name to sum
  std::string sums_;
  uint64_t bytes_ = 0;
};

absl::Status TakeSnapshot(const AdminFlags& flags, const std::string& directory) {
  FileSystem& files = RealFileSystem();
  std::string target = directory;
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  if (files.Exists(target)) {
    return AlreadyExists("{} exists already; name a directory that does not, it is made", target);
  }
  TRY_ASSIGN(const auto session, AdminSession::Open(flags, /*may_create=*/false));
  // Made beside its place and renamed when it is whole: there is never half of one.
  const std::string partial = target + ".partial";
  TRY(files.RemoveTree(partial));
  TRY(files.MakeDirectories(partial));
  Unpacker unpacker(partial);
  const auto answer = session->Call("hearth", "POST", "/snapshot", "application/octet-stream", "",
                                    [&](std::string_view bytes) { return unpacker.Take(bytes); });
  // What the server says comes before what its words are not.
  absl::Status status = absl::IsCancelled(answer.status()) ? unpacker.status() : answer.status();
  if (status.ok()) status = answer.status();
  if (status.ok()) status = unpacker.Finish();
  if (status.ok()) status = files.Rename(partial, target);
  if (!status.ok()) {
    files.RemoveTree(partial).IgnoreError();  // a message about it would hide the first one
    return status;
  }
  const std::string parent = DirectoryOf(target);
  TRY(files.SyncDirectory(parent.empty() ? "." : parent));
  std::printf(
      "snapshot %s: %zu files, %llu bytes, checksums verified. To restore: hearth serve "
      "--data %s\n",
      target.c_str(), unpacker.files(), static_cast<unsigned long long>(unpacker.bytes()),
      target.c_str());
  return absl::OkStatus();
}

}  // namespace

void AddSnapshotCommand(CLI::App& app, int* exit_code) {
  struct Flags {
    AdminFlags admin;
    std::string directory;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "snapshot",
      "copy a server's whole data directory while it serves: workspaces, catalog, keys; restore "
      "with `hearth serve --data DIR`");
  command->add_option("DIR", flags->directory, "must not exist; made with mode 0700")->required();
  AddAdminFlags(*command, &flags->admin, /*with_workspace=*/false);
  command->callback([flags, exit_code] {
    const absl::Status status = TakeSnapshot(flags->admin, flags->directory);
    if (status.ok()) return;
    std::fprintf(stderr, "hearth snapshot: %s\n", Message(status).c_str());
    *exit_code = 1;
  });
}

}  // namespace hearth::app
