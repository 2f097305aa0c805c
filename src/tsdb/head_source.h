// SPDX-License-Identifier: Apache-2.0
// The head as a source of series: its part of the rows of a selection, and a frozen head for
// sealing. For one query or seal; not thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tsdb/head.h"
#include "tsdb/series_set.h"

namespace hearth::tsdb {

// A series' id is its place in the snapshot.
class HeadSource : public SeriesSource {
 public:
  // Several may share a snapshot.
  explicit HeadSource(std::shared_ptr<const HeadSnapshot> snapshot)
      : snapshot_(std::move(snapshot)) {}
  const std::shared_ptr<const HeadSnapshot>& snapshot() const { return snapshot_; }
  const HeadSnapshot::Place& place(uint32_t id) const { return snapshot_->places[id]; }
  model::LabelsView labels() const override { return model::LabelsView(packed_); }
  uint32_t id() const override { return id_; }
  absl::Status Seek(uint32_t id, bool with_labels) override {
    id_ = id;
    packed_.clear();
    if (with_labels) snapshot_->labels->Append(place(id).id, &packed_);
    return absl::OkStatus();
  }
  absl::Status Read(storage::TimeRange range, Columns* columns) override;
  absl::StatusOr<bool> Runs(storage::TimeRange range, bool times_only,
                            std::vector<SampleRun>* runs) override;
  absl::Status ReadRun(const SampleRun& run, int64_t* times_ms, double* values) override;

 private:
  void DecodeOpen(const HeadPart& series, int64_t* times_ms, double* values) const;

  const std::shared_ptr<const HeadSnapshot> snapshot_;
  uint32_t id_ = 0;
  std::string packed_;  // labels of the current one, where asked for
};

// The samples of a frozen head, for sealing; series sorted by labels.
std::unique_ptr<SeriesSource> MakeFrozenSource(std::shared_ptr<const FrozenHead> frozen);

}  // namespace hearth::tsdb
