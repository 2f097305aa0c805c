// SPDX-License-Identifier: Apache-2.0
// What an operator does to a store: delete series, free their disk, copy the whole, bring in what
// another store has.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/matcher.h"
#include "storage/querier.h"

namespace hearth::storage {

// What an import has stored.
struct ImportOutcome {
  uint64_t series = 0;
  uint64_t samples = 0;
  uint64_t expired = 0;   // samples left out because they are older than retention
  bool repeated = false;  // it was stored by an earlier call of the same key
};

// Thread-safe. Writes and queries go on meanwhile.
class Admin {
 public:
  virtual ~Admin() = default;
  // Samples and exemplars within the range of the series that any of the selectors matches are no
  // longer seen once this returns, nor after a restart; later writes to the same series and times
  // are. Their disk is freed by compactions, or by CleanTombstones. InvalidArgument: no selector,
  // or one without matchers.
  virtual absl::Status DeleteSeries(TimeRange range,
                                    const std::vector<std::vector<model::Matcher>>& selectors) = 0;
  // Writes the blocks anew that hold deleted samples: these are then gone from the disk.
  virtual absl::Status CleanTombstones() = 0;
  // A copy of all that was acknowledged, as a store's directory that can be opened (restore:
  // start with it). `directory` must not exist, its parent must; nothing is left of it on failure.
  // With `skip_head` what is not in a block yet is left out. AlreadyExists, ResourceExhausted.
  virtual absl::Status Snapshot(const std::string& directory, bool skip_head) = 0;
  // Stores series from elsewhere, however old, as one sealed block; durable when OK. `series` come
  // sorted by labels. Where a sample of the same series and time is here already, that one stays.
  // What was written is read back and compared before it counts. `key` names what is imported
  // ([A-Za-z0-9._-], at most 200): a second import of it stores nothing. Samples outside of
  // `range`, which is at most a day long, are InvalidArgument; so are times beyond the future
  // limit. ResourceExhausted: the disk is full. Nothing is left of an import that fails.
  virtual absl::StatusOr<ImportOutcome> Import(const std::string& key, TimeRange range,
                                               SeriesSet& series) = 0;
  // What an earlier import of that key stored.
  virtual std::optional<ImportOutcome> FindImport(const std::string& key) const = 0;
};

}  // namespace hearth::storage
