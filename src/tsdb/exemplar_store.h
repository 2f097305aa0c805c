// SPDX-License-Identifier: Apache-2.0
// Exemplars of one store: the newest of all series under one budget of bytes; the oldest to come
// go first. Logged, and kept in one file that is written before the log that held them goes.
// Thread-safe.
//
//   <directory>/exemplars   u32 CRC-32C of the rest, then the payload of an exemplars frame
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "model/metadata.h"
#include "storage/querier.h"

namespace hearth::tsdb {

struct SeriesExemplar {
  std::string series;  // packed labels
  model::Exemplar exemplar;
};
void EncodeExemplars(const std::vector<SeriesExemplar>& exemplars, std::string* payload);
// DataLoss: not what it should be; what came before has been appended.
absl::Status DecodeExemplars(std::string_view payload, std::vector<SeriesExemplar>* exemplars);

class ExemplarStore {
 public:
  // What one costs beside its bytes; so that many small ones keep within the budget too.
  static constexpr size_t kOverheadBytes = 160;

  ExemplarStore(std::string path, size_t bytes_max)
      : path_(std::move(path)), bytes_max_(bytes_max) {}
  // A missing file is an empty store; a damaged one is too, and is said in the log.
  absl::Status Load(FileSystem& file_system);
  // Writes the file if something changed since.
  absl::Status Save(FileSystem& file_system);
  std::string FileBytes() const;

  // Whether Put would take it: not a repetition of its series' newest, nor older (upstream's
  // tsdb/exemplar.go), nor larger than the budget.
  bool Takes(std::string_view series, const model::Exemplar& exemplar) const;
  void Put(std::string_view series, model::Exemplar exemplar);
  std::vector<storage::SeriesExemplars> Select(
      storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors) const;
  void Delete(storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors);
  size_t memory_bytes() const;
  size_t size() const;

 private:
  struct Entry {
    uint64_t number = 0;  // order of coming
    model::Exemplar exemplar;
  };
  using Series = std::map<std::string, std::deque<Entry>, std::less<>>;
  static size_t BytesOf(std::string_view series, const model::Exemplar& exemplar);
  bool TakesLocked(std::string_view series, const model::Exemplar& exemplar) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string Payload() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;
  const size_t bytes_max_;
  mutable absl::Mutex mutex_;
  Series series_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, Series::iterator> order_ ABSL_GUARDED_BY(mutex_);  // by number
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 1;
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool unsaved_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hearth::tsdb
