// SPDX-License-Identifier: Apache-2.0
// Prometheus remote write 2.0 (io.prometheus.write.v2.Request): texts are interned in one table of
// the request, each series has metadata of its own, and samples may say when their counter began.
// Source: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/ and
// prompb/io/prometheus/write /v2/types.proto of 3.14.
//
//   storage::WriteBatch batch;
//   TRY_ASSIGN(codec::RemoteWriteOutcome outcome,
//              codec::DecodeRemoteWriteV2(message, codec::LabelLimits{}, &batch));
//
// As remote_write.h: bad series are listed and left out, a message that is no protobuf, or that
// refers to texts it does not have in its structure, is InvalidArgument.
#pragma once

#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/string_map.h"
#include "codec/remote_write.h"

namespace hearth::codec {

inline constexpr std::string_view kRemoteWriteV2 = "io.prometheus.write.v2.Request";

// Not thread-safe; `message` must outlive it.
class RemoteWriteV2Reader {
 public:
  struct Sample {
    int64_t time_ms = 0;
    double value = 0;
    int64_t start_time_ms = 0;  // 0: unknown
  };
  struct Series {
    size_t labels_offset = 0;  // into the arena, to its end
    std::string_view raw;      // NextRaw: the label references instead, if not empty
    std::vector<Sample> samples;
    std::vector<model::HistogramSample> histograms;
    std::vector<model::Exemplar> exemplars;
  };

  RemoteWriteV2Reader(std::string_view message, const LabelLimits& limits)
      : message_(message), at_(message.data()), limits_(limits) {}

  // As of RemoteWriteReader.
  bool Next(std::string* arena, Series* series);
  bool NextRaw(std::string* arena, Series* series);
  bool DecodeRaw(std::string_view raw, uint32_t number, size_t samples, std::string* arena);
  uint32_t number() const { return number_; }
  std::span<const std::string_view> symbols() const { return symbols_; }
  const absl::Status& status() const { return status_; }
  RemoteWriteOutcome& outcome() { return outcome_; }
  static bool IsRun(std::string_view /*raw*/) { return true; }
  void Restart() { *this = RemoteWriteV2Reader(message_, limits_); }
  // What the series said of their metrics, each family once.
  std::vector<model::Metadata> TakeMetadata();

 private:
  bool ReadSymbols();
  bool NextSeries(bool raw, std::string* arena, Series* series);
  bool WalkPlain(std::string_view bytes, Series* series);
  void KeepRawMetadata(std::string_view references, std::string_view metadata);
  bool ReadSeries(std::string_view bytes, std::string* arena, Series* series);
  bool ReadFields(std::string_view bytes, Series* series, std::string* reference_error);
  bool ReadLabels(std::string* error);
  bool AppendLabels(std::string* arena);
  bool ReadExemplar(std::string_view bytes, model::Exemplar* exemplar, std::string* error);
  void KeepMetadata(std::string_view bytes, std::string_view metric);
  bool Symbol(uint64_t reference, std::string_view* text) const;
  bool Refuse(SeriesErrorKind kind, std::string text, size_t discarded);
  bool Malformed(const char* where, std::string_view what);

  std::string_view message_;
  const char* at_;
  LabelLimits limits_;
  absl::Status status_;
  RemoteWriteOutcome outcome_;
  uint32_t number_ = 0;
  size_t errors_max_ = kSeriesErrorsMax;
  bool symbols_read_ = false;
  std::vector<std::string_view> symbols_;
  std::vector<uint32_t> references_;  // of the series under way
  std::vector<model::Label> labels_;  // likewise
  std::string_view metadata_bytes_;   // likewise
  StringMap<model::Metadata> metadata_;
  std::string_view kept_metric_;    // whose metadata was taken last
  std::string_view kept_metadata_;  // and what it was
};

template <typename Batch>
void AddSample(const RemoteWriteV2Reader::Sample& sample, Batch* batch) {
  batch->AddSample(sample.time_ms, sample.value, sample.start_time_ms);
}

template <typename Batch>
absl::StatusOr<RemoteWriteOutcome> DecodeRemoteWriteV2(std::string_view message,
                                                       const LabelLimits& limits, Batch* batch) {
  RemoteWriteV2Reader reader(message, limits);
  TRY(DecodeAll(&reader, batch));
  return std::move(reader.outcome());
}

}  // namespace hearth::codec
