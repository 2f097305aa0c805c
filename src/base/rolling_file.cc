// SPDX-License-Identifier: Apache-2.0
#include "base/rolling_file.h"

#include <fmt/core.h>

#include "base/status.h"

namespace hearth {

absl::StatusOr<std::unique_ptr<RollingFile>> RollingFile::Open(FileSystem& files, std::string path,
                                                               std::string previous_path,
                                                               uint64_t bytes_max) {
  if (const std::string directory = DirectoryOf(path); !directory.empty()) {
    TRY(files.MakeDirectories(directory));
  }
  std::unique_ptr<RollingFile> made(
      new RollingFile(files, std::move(path), std::move(previous_path), bytes_max));
  TRY_ASSIGN(made->file_, files.OpenAppend(made->path_));
  return made;
}

absl::Status RollingFile::Append(std::string_view line) {
  if (file_ != nullptr && file_->size() > 0 && file_->size() + line.size() + 1 > bytes_max_) {
    const std::unique_ptr<WritableFile> full = std::move(file_);
    TRY(full->Close());
    TRY(files_.Rename(path_, previous_path_));
  }
  if (file_ == nullptr) {
    TRY_ASSIGN(file_, files_.OpenAppend(path_));
  }
  return file_->Append(fmt::format("{}\n", line));
}

}  // namespace hearth
