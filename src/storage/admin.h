// SPDX-License-Identifier: Apache-2.0
// What an operator does to a store: delete series, free their disk, copy the whole.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <vector>

#include "model/matcher.h"
#include "storage/querier.h"

namespace hearth::storage {

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
};

}  // namespace hearth::storage
