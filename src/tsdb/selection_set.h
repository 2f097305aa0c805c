// SPDX-License-Identifier: Apache-2.0
// The answer to a query: the rows of a Selection, each with the samples that blocks and head have
// of it, merged by time.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <vector>

#include "storage/querier.h"
#include "tsdb/head.h"
#include "tsdb/selection.h"
#include "tsdb/series_set.h"

namespace hearth::tsdb {

// Fills `ids` of a selection that has all the rest: `blocks` stand before their first series;
// `snapshot` has the places of `head_ids`. Both are put into the order of labels.
absl::Status FillSelection(std::vector<std::unique_ptr<SeriesSource>> blocks,
                           HeadSnapshot* snapshot, Selection* selection);

// `blocks`, to seek in, are the selection's sources but the last; `snapshot` has the places of its
// head_ids. `request` has the range that is visible.
std::unique_ptr<storage::SeriesSet> MakeSeriesSet(std::shared_ptr<const Selection> selection,
                                                  std::vector<std::unique_ptr<SeriesSource>> blocks,
                                                  HeadSnapshot snapshot,
                                                  const storage::SelectRequest& request);

}  // namespace hearth::tsdb
