// SPDX-License-Identifier: Apache-2.0
// What metrics are, by name: bounded, logged on change, and kept in one small file that is written
// before the log that held the changes goes. Thread-safe.
//
//   <directory>/metadata   u32 CRC-32C of the rest, then the payload of a metadata frame
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "model/metadata.h"

namespace hearth::tsdb {

class MetadataStore {
 public:
  MetadataStore(std::string path, size_t metrics_max)
      : path_(std::move(path)), metrics_max_(metrics_max) {}
  // A missing file is an empty store; a damaged one is too, and is said in the log.
  absl::Status Load(FileSystem& file_system);
  // Writes the file if something changed since.
  absl::Status Save(FileSystem& file_system);

  // Those that would change something: what the log must have before Put.
  std::vector<model::Metadata> Changes(const std::vector<model::Metadata>& metadata) const;
  void Put(const std::vector<model::Metadata>& metadata);
  std::vector<model::Metadata> Get(std::string_view metric, size_t limit) const;
  bool unsaved() const;

 private:
  const std::string path_;
  const size_t metrics_max_;
  mutable absl::Mutex mutex_;
  std::map<std::string, model::Metadata, std::less<>> metrics_ ABSL_GUARDED_BY(mutex_);
  bool unsaved_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hearth::tsdb
