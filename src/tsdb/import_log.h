// SPDX-License-Identifier: Apache-2.0
// What was imported into a store, by key, so that a repeated import stores nothing twice. An entry
// is written before the manifest names its block, and counts only once it does: whoever opens the
// file says which blocks there are. docs/formats/manifest.md. Thread-safe; changes come from one
// thread at a time.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "storage/admin.h"

namespace hearth::tsdb {

class ImportLog {
 public:
  explicit ImportLog(std::string path) : path_(std::move(path)) {}

  // A missing or damaged file is an empty log (said in the log): importing again is harmless to
  // answers, as equal samples merge. `stored`: whether the manifest names the block or one that was
  // made of it.
  absl::Status Load(FileSystem& file_system, absl::FunctionRef<bool(std::string_view)> stored);
  std::optional<storage::ImportOutcome> Find(std::string_view key) const;
  // Durable when OK; not found until Confirm. `block` is "" where nothing was left to store.
  absl::Status Begin(FileSystem& file_system, const std::string& key, const std::string& block,
                     const storage::ImportOutcome& outcome);
  void Confirm(std::string_view key);
  // Takes back what Begin wrote.
  void Abandon(FileSystem& file_system, std::string_view key);

 private:
  struct Entry {
    std::string key;
    std::string block;
    storage::ImportOutcome outcome;
    bool confirmed = false;
  };
  absl::Status Save(FileSystem& file_system) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Parse(std::string_view bytes, std::vector<Entry>* entries) const;

  const std::string path_;
  mutable absl::Mutex mutex_;
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // in the order of their coming
};

}  // namespace hearth::tsdb
