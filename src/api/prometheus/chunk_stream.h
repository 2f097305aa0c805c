// SPDX-License-Identifier: Apache-2.0
// The series of selectors as a stream of frames with chunks (codec/remote_read.h): what streamed
// remote read and export send. One thread at a time.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "codec/remote_read.h"
#include "model/labels.h"
#include "storage/querier.h"
#include "storage/sample_checksum.h"

namespace hearth::api {

// How many streams there are, of all workspaces; each holds a snapshot of the head's chunks.
class StreamCount {
 public:
  explicit StreamCount(Registry& metrics)
      : open_(metrics.AddGauge("hearth_api_read_streams",
                               "Answers to remote read and export that are being sent.")) {}
  // Null where there are too many; released when it goes. The StreamCount must outlive it.
  std::shared_ptr<void> Take();

 private:
  static constexpr int kStreamsMax = 64;
  std::atomic<int> count_{0};
  Gauge& open_;
};

// Matchers of remote read with those that ask for an external label replaced: it is on no stored
// series. A selector without any matcher means every series.
std::vector<model::Matcher> StoredMatchers(const std::vector<model::Matcher>& matchers,
                                           model::LabelsView external);
// `labels` with external ones added where the series has none of that name.
model::Labels WithExternal(model::LabelsView labels, const model::Labels& external);

class ChunkStream {
 public:
  struct Options {
    std::vector<codec::ReadQuery> queries;
    model::Labels external;    // added to every series
    bool with_starts = false;  // chunks with start times, which only newer readers know
    bool totals = false;       // a last frame with what was sent
    std::shared_ptr<std::atomic<bool>> cancelled;
    std::shared_ptr<void> lease;
  };
  // `querier` must outlive it.
  ChunkStream(Options options, const storage::Querier& querier)
      : options_(std::move(options)), querier_(querier) {}

  // As net::BodyProducer.
  absl::StatusOr<bool> Produce(std::string* out);
  uint64_t samples() const { return sent_.samples(); }

 private:
  absl::Status OpenNext();
  void Append(const storage::SeriesColumns& series, std::string* out);

  const Options options_;
  const storage::Querier& querier_;
  size_t next_query_ = 0;
  std::unique_ptr<storage::SeriesSet> set_;
  storage::ColumnBatch batch_;
  size_t next_series_ = 0;
  std::vector<codec::EncodedChunk> chunks_;
  storage::SampleChecksum sent_;
};

}  // namespace hearth::api
