// SPDX-License-Identifier: Apache-2.0
// Deletions: series by matchers, within a range. A tombstone hides samples of the blocks that were
// there when it was made; whatever rewrites such a block leaves them out. docs/formats/manifest.md.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/matcher.h"
#include "storage/querier.h"
#include "tsdb/coding.h"
#include "tsdb/series_index.h"
#include "tsdb/series_set.h"

namespace hearth::tsdb {

struct Tombstone {
  uint64_t number = 0;  // rising; a block's meta says from which number on it is affected
  storage::TimeRange range;
  std::vector<std::vector<model::Matcher>> selectors;
};
void PutTombstone(const Tombstone& tombstone, std::string* out);
bool GetTombstone(ByteReader* reader, Tombstone* tombstone);

// What tombstones mean for one block: ranges by series. Immutable.
class DeletedSeries {
 public:
  using FindFn = absl::FunctionRef<absl::StatusOr<SeriesIds>(const std::vector<model::Matcher>&)>;
  // Those of `tombstones` from `first_number` on; `find` finds the block's series.
  static absl::StatusOr<DeletedSeries> Find(const std::vector<Tombstone>& tombstones,
                                            uint64_t first_number, FindFn find);
  bool empty() const { return entries_.empty(); }
  // Whether all of the series' samples within the range are gone.
  bool Hides(uint32_t series, storage::TimeRange range) const;
  // Takes them out of columns that begin at `begin` and histograms from `histograms_begin` on.
  void Remove(uint32_t series, size_t begin, size_t histograms_begin, Columns* columns) const;

 private:
  struct Entry {
    storage::TimeRange range;
    SeriesIds ids;  // ascending
  };
  std::vector<storage::TimeRange> RangesOf(uint32_t series) const;
  std::vector<Entry> entries_;
};

}  // namespace hearth::tsdb
