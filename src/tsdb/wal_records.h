// SPDX-License-Identifier: Apache-2.0
// What the log's frames carry. docs/formats/wal.md.
//
// A series is known by a number within one generation of the head (from one seal to the next): its
// labels are logged once, before its first samples. Frames name their generation, so that a lost
// series frame can never lend its number's samples to another series.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/histogram.h"
#include "model/labels.h"
#include "model/metadata.h"

namespace hearth::tsdb {

inline constexpr uint8_t kSeriesFrame = 1;
inline constexpr uint8_t kSamplesFrame = 2;
inline constexpr uint8_t kMetadataFrame = 3;
inline constexpr uint8_t kHistogramsFrame = 4;
inline constexpr uint8_t kStartedSamplesFrame = 5;  // samples with their start times
inline constexpr uint8_t kExemplarsFrame = 6;       // tsdb/exemplar_store.h
inline constexpr uint8_t kCarriedFrame = 7;         // series of an earlier generation

struct SampleRecord {
  uint32_t series = 0;
  int64_t time_ms = 0;
  uint64_t value_bits = 0;
};

struct SeriesRecord {
  uint32_t series = 0;
  model::LabelsView labels;
};

// Series numbered `before` and on in one generation are those numbered `now` and on in another.
struct CarriedRun {
  uint32_t before = 0;
  uint32_t now = 0;
  uint32_t count = 0;
};
// In one frame, so that a damaged one loses no more than a damaged frame of labels does.
inline constexpr uint32_t kCarriedMax = 4096;

struct HistogramRecord {
  uint32_t series = 0;
  model::HistogramSample sample;
};

// Builders of payloads; Clear and Finish keep the memory.
class SeriesFrame {
 public:
  void Start(uint32_t generation);
  void Add(uint32_t series, model::LabelsView labels);
  bool empty() const { return count_ == 0; }
  std::string_view Finish();  // valid until Start

 private:
  uint32_t generation_ = 0;
  uint32_t count_ = 0;
  std::string body_;
  std::string payload_;
};

void EncodeSamples(uint32_t generation, const std::vector<SampleRecord>& samples,
                   std::string* payload);
// `starts`: as many as samples.
void EncodeStartedSamples(uint32_t generation, const std::vector<SampleRecord>& samples,
                          const std::vector<int64_t>& starts, std::string* payload);
void EncodeHistograms(uint32_t generation, const std::vector<HistogramRecord>& histograms,
                      std::string* payload);
// `runs`: of kCarriedMax series at most.
void EncodeCarried(uint32_t before, uint32_t now, std::span<const CarriedRun> runs,
                   std::string* payload);
void EncodeMetadata(const std::vector<model::Metadata>& metadata, std::string* payload);

// Each hands what a payload holds to `visit`. DataLoss: the payload is not what its type says (its
// CRC was right, so a bug or another version wrote it); what came before has been handed out.
// Series come several at a time.
absl::Status DecodeSeries(
    std::string_view payload,
    absl::FunctionRef<void(uint32_t generation, std::span<const SeriesRecord>)> visit);
absl::Status DecodeSamples(std::string_view payload,
                           absl::FunctionRef<void(uint32_t generation, const SampleRecord&)> visit);
absl::Status DecodeStartedSamples(
    std::string_view payload,
    absl::FunctionRef<void(uint32_t generation, const SampleRecord&, int64_t start_ms)> visit);
absl::Status DecodeHistogramsFrame(
    std::string_view payload,
    absl::FunctionRef<void(uint32_t generation, const HistogramRecord&)> visit);
absl::Status DecodeCarried(
    std::string_view payload,
    absl::FunctionRef<void(uint32_t before, uint32_t now, std::span<const CarriedRun>)> visit);
absl::Status DecodeMetadata(std::string_view payload,
                            absl::FunctionRef<void(model::Metadata)> visit);

}  // namespace hearth::tsdb
