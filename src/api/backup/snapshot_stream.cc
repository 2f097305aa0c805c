// SPDX-License-Identifier: Apache-2.0
#include "api/backup/snapshot_stream.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "codec/tar.h"

namespace hearth::api {
namespace {

constexpr uint64_t kPieceBytes = 256 << 10;

absl::Status AddBelow(FileSystem& files, const std::string& directory, const std::string& below,
                      std::vector<std::string>* names) {
  const std::string path = below.empty() ? directory : JoinPath(directory, below);
  TRY_ASSIGN(const std::vector<std::string> entries, files.List(path));
  for (const std::string& entry : entries) {
    const std::string name = below.empty() ? entry : below + "/" + entry;
    TRY_ASSIGN(const FileInfo info, files.Stat(JoinPath(directory, name)));
    if (info.is_directory) {
      TRY(AddBelow(files, directory, name, names));
    } else {
      names->push_back(name);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> FilesBelow(FileSystem& files,
                                                    const std::string& directory) {
  std::vector<std::string> names;
  TRY(AddBelow(files, directory, "", &names));
  std::sort(names.begin(), names.end());
  return names;
}

SnapshotStream::~SnapshotStream() {
  file_.reset();
  if (const absl::Status status = files_.RemoveTree(directory_); !status.ok()) {
    log::Warn("backup", "cannot remove the copy that was sent; the next start does",
              {{"error", Message(status)}});
  }
  *busy_ = false;
}

absl::Status SnapshotStream::Begin(const std::string& name, std::string* out) {
  const std::string path = JoinPath(directory_, name);
  TRY_ASSIGN(const FileInfo info, files_.Stat(path));
  TRY_ASSIGN(file_, files_.OpenRead(path));
  TRY_ASSIGN(const std::string header,
             codec::TarHeader(name, file_->size(), 0600, info.modified_ms));
  *out += header;
  hash_ = std::make_unique<crypto::Sha256Stream>();
  sent_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<bool> SnapshotStream::Produce(std::string* out) {
  if (file_ == nullptr) {
    if (next_ == names_.size()) {
      TRY_ASSIGN(const std::string header, codec::TarHeader("SHA256SUMS", sums_.size(), 0600, 0));
      *out += header + sums_ + codec::TarPadding(sums_.size()) + codec::TarEnd();
      return false;
    }
    TRY(Begin(names_[next_], out));
  }
  const uint64_t size = file_->size();
  const size_t begin = out->size();
  const auto piece = static_cast<size_t>(std::min(kPieceBytes, size - sent_));
  out->resize(begin + piece);
  if (piece > 0) TRY(file_->Read(sent_, {out->data() + begin, piece}));
  hash_->Update({out->data() + begin, piece});
  sent_ += piece;
  if (sent_ < size) return true;
  *out += codec::TarPadding(size);
  sums_ += HexEncode(hash_->Finish()) + "  " + names_[next_++] + "\n";
  file_.reset();
  return true;
}

}  // namespace hearth::api
