// SPDX-License-Identifier: Apache-2.0
// Where sealed, immutable, uuid-named objects live. One machine: files of a folder. Later: object
// storage. Names are [A-Za-z0-9._-]+ with '/' between parts.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"

namespace hearth::storage {

struct BlobInfo {
  std::string name;
  uint64_t size = 0;
};

// A blob being written, piece by piece. Nothing of it is seen before Finish; the destructor
// discards what was not finished. Not thread-safe.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual absl::Status Append(std::string_view bytes) = 0;
  // Durable when OK. AlreadyExists where the name has been taken meanwhile.
  virtual absl::Status Finish() = 0;
};

// Thread-safe.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  // Durable when OK. AlreadyExists where the name is taken: nothing is ever overwritten.
  virtual absl::Status PutIfAbsent(const std::string& name, std::string_view bytes) = 0;
  // The same for blobs that one would not hold in memory.
  virtual absl::StatusOr<std::unique_ptr<BlobWriter>> Create(const std::string& name) = 0;
  // Exactly `buffer.size()` bytes from `offset`, or OutOfRange.
  virtual absl::Status Read(const std::string& name, uint64_t offset,
                            std::span<char> buffer) const = 0;
  virtual absl::StatusOr<std::vector<BlobInfo>> List(std::string_view prefix) const = 0;
  virtual absl::Status Delete(const std::string& name) = 0;
};

// Blobs as files below `directory`: temporary name, fsync, rename, fsync of the folder. What a
// crash left under a temporary name is removed here.
absl::StatusOr<std::unique_ptr<BlobStore>> OpenFileBlobStore(FileSystem& file_system,
                                                             std::string directory);

}  // namespace hearth::storage
