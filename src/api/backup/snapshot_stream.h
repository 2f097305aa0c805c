// SPDX-License-Identifier: Apache-2.0
// A folder as a tar archive, piece by piece, with SHA256SUMS at its end. Removes the folder when it
// goes. One thread at a time.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "crypto/hash.h"

namespace hearth::api {

// All plain files below `directory`, as paths relative to it, sorted.
absl::StatusOr<std::vector<std::string>> FilesBelow(FileSystem& files,
                                                    const std::string& directory);

class SnapshotStream {
 public:
  // `busy` is set to false at the end.
  SnapshotStream(FileSystem& files, std::string directory, std::vector<std::string> names,
                 std::shared_ptr<std::atomic<bool>> busy)
      : files_(files),
        directory_(std::move(directory)),
        names_(std::move(names)),
        busy_(std::move(busy)) {}
  ~SnapshotStream();

  // As net::BodyProducer.
  absl::StatusOr<bool> Produce(std::string* out);

 private:
  absl::Status Begin(const std::string& name, std::string* out);

  FileSystem& files_;
  const std::string directory_;
  const std::vector<std::string> names_;
  const std::shared_ptr<std::atomic<bool>> busy_;
  size_t next_ = 0;
  std::unique_ptr<RandomAccessFile> file_;
  std::unique_ptr<crypto::Sha256Stream> hash_;
  uint64_t sent_ = 0;  // of file_
  std::string sums_;
};

}  // namespace hearth::api
