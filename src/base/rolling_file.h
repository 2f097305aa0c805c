// SPDX-License-Identifier: Apache-2.0
// A file of lines that is appended to; when it is full it is moved aside, in place of the one that
// was moved before. So no more than two files of `bytes_max` are on disk. Not thread-safe.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"

namespace hearth {

class RollingFile {
 public:
  // Folders are made where missing; what is in the file stays.
  static absl::StatusOr<std::unique_ptr<RollingFile>> Open(FileSystem& files, std::string path,
                                                           std::string previous_path,
                                                           uint64_t bytes_max);
  // `line` without its end. After an error the line is lost; the next call tries again.
  absl::Status Append(std::string_view line);

 private:
  RollingFile(FileSystem& files, std::string path, std::string previous_path, uint64_t bytes_max)
      : files_(files),
        path_(std::move(path)),
        previous_path_(std::move(previous_path)),
        bytes_max_(bytes_max) {}

  FileSystem& files_;
  const std::string path_;
  const std::string previous_path_;
  const uint64_t bytes_max_;
  std::unique_ptr<WritableFile> file_;
};

}  // namespace hearth
