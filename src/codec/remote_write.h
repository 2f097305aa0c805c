// SPDX-License-Identifier: Apache-2.0
// Prometheus remote write 1.0 (prometheus.WriteRequest), read and written without generated
// classes.
//
// Reading is one walk over the *decompressed* message: labels go straight into the batch's arena in
// packed form (model/labels.h), samples into its columns. `Batch` is storage::WriteBatch or
// anything with the same arena(), AddSeriesAt, AddSample, AddHistogram, AddExemplar and
// AddMetadata.
//
//   storage::WriteBatch batch;
//   TRY_ASSIGN(codec::RemoteWriteOutcome outcome,
//              codec::DecodeRemoteWrite(message, codec::LabelLimits{}, &batch));
//
// A store that knows most series by the bytes of their labels wants them undecoded:
//
//   codec::RemoteWriteReader reader(message, limits);
//   TRY(codec::WalkRemoteWrite(&reader, &batch));     // AddRawSeries where that is possible
//   …the store marks the series that it knows…
//   TRY(codec::DecodeUnknown(&reader, &batch));       // labels of the others, judged as above
//
// A series whose labels break a rule is left out and listed in the outcome; the good ones are in
// the batch. A message that is no protobuf is InvalidArgument naming the offset: drop the batch
// then. Empty label values are dropped and unsorted labels sorted, so that every encoding of one
// label set gives the same bytes. Texts of label errors: AMP's and Cortex' (aws-contract.md §11.2).
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/metadata.h"

namespace hearth::codec {

inline constexpr std::string_view kRemoteWriteV1 = "prometheus.WriteRequest";

// Per series. Counts and sums are AMP's quotas, lengths are Cortex' defaults; 0 means no limit.
struct LabelLimits {
  size_t labels_max = 150;
  size_t text_bytes_max = 7 * 1024;  // names and values together
  size_t name_bytes_max = 1024;
  size_t value_bytes_max = 2048;
  bool legacy_names = false;  // refuse names outside [a-zA-Z_:][a-zA-Z0-9_:]*
};

enum class SeriesErrorKind : uint8_t {
  kMissingName,
  kInvalidName,
  kInvalidLabel,
  kDuplicateLabel,
  kTooManyLabels,
  kNameTooLong,
  kValueTooLong,
  kLabelsTooLarge,
  kInvalidHistogram,
};
inline constexpr size_t kSeriesErrorKinds = 9;
// The value of `reason` in discarded-samples metrics ("missing_metric_name", …).
std::string_view MetricName(SeriesErrorKind kind);

struct SeriesError {
  uint32_t series = 0;  // index in the message, from 0
  SeriesErrorKind kind = SeriesErrorKind::kMissingName;
  std::string text;
};
inline constexpr size_t kSeriesErrorsMax = 100;  // kept in the list; all are counted

struct RemoteWriteOutcome {
  size_t series = 0;      // in the message, bad ones included
  size_t bad_series = 0;  // left out (a series with one bad histogram counts too)
  size_t discarded = 0;   // samples and histograms left out
  std::array<size_t, kSeriesErrorKinds> discarded_by_kind{};
  std::vector<SeriesError> errors;  // the first kSeriesErrorsMax, in the message's order
  size_t missing_metadata_names = 0;
  // Labels are judged in two passes where they stay raw: the errors in the message's order again.
  void SortErrors();
};

// Checks an already packed set against the rules above; empty where it is fine.
std::string CheckLabels(model::LabelsView labels, const LabelLimits& limits, SeriesErrorKind* kind);

// The walk itself, one good series at a time. Not thread-safe; `message` must outlive it.
class RemoteWriteReader {
 public:
  struct Sample {
    int64_t time_ms;
    double value;
  };
  struct Series {
    size_t labels_offset = 0;  // into the arena, to its end
    std::string_view raw;      // NextRaw: the label fields instead, if not empty
    std::vector<Sample> samples;
    std::vector<model::HistogramSample> histograms;
    std::vector<model::Exemplar> exemplars;
  };

  RemoteWriteReader(std::string_view message, const LabelLimits& limits)
      : begin_(message.data()), at_(begin_), end_(begin_ + message.size()), limits_(limits) {}

  // Appends the next good series' labels to `arena` and fills `series`; false at the end or on a
  // malformed message (see status()).
  bool Next(std::string* arena, Series* series);
  // As Next, but of a series of nothing but labels and then floats the labels stay as they are. Of
  // one that ends as a single float does, what lies before that is taken for labels unseen: who
  // does not know it by its bytes has to ask IsRun().
  bool NextRaw(std::string* arena, Series* series);
  // Whether NextRaw's `raw` is a run of label fields.
  static bool IsRun(std::string_view raw);
  // Decodes and judges the labels that NextRaw left, of series `number` of the message with so many
  // samples, and appends them to `arena`. False: refused (see outcome()) or malformed (status()).
  bool DecodeRaw(std::string_view raw, uint32_t number, size_t samples, std::string* arena);
  uint32_t number() const { return number_; }  // of the last series, in the message
  std::span<const std::string_view> symbols() const { return {}; }
  const absl::Status& status() const { return status_; }
  RemoteWriteOutcome& outcome() { return outcome_; }
  std::vector<model::Metadata> TakeMetadata() { return std::move(metadata_); }
  // As it was before the first series.
  void Restart() { *this = RemoteWriteReader({begin_, end_}, limits_); }

 private:
  bool NextSeries(bool raw, std::string* arena, Series* series);
  void BeginLabels();
  bool JudgeLabels();
  bool ReadSeries(const char* p, const char* end, std::string* arena, Series* series);
  bool ReadFields(const char* p, const char* end, Series* series);
  bool ReadMetadata(const char* p, const char* end);
  bool AppendLabels(std::string* arena);
  void TakeLabel(const model::Label& label, std::string_view message);
  bool IsPlain() const;
  bool Refuse(SeriesErrorKind kind, std::string text);
  bool Malformed(const char* where, std::string_view what);

  const char* begin_;
  const char* at_;
  const char* end_;
  LabelLimits limits_;
  absl::Status status_;
  RemoteWriteOutcome outcome_;
  std::vector<model::Metadata> metadata_;
  std::vector<model::Label> labels_;  // of the series under way
  // What is known of labels_, gathered while reading them.
  struct Run {
    bool ascii = true;
    bool ascending = true;  // strictly, so no name comes twice
    bool has_name = false;
    size_t text_bytes = 0;
    size_t name_bytes_max = 0;
    size_t value_bytes_max = 0;
  };
  Run run_;
  size_t discarded_in_series_ = 0;
  size_t errors_max_ = kSeriesErrorsMax;
  uint32_t number_ = 0;
};

template <typename Batch>
void AddSample(const RemoteWriteReader::Sample& sample, Batch* batch) {
  batch->AddSample(sample.time_ms, sample.value);
}

// Takes all of a message into `batch`, labels undecoded where that can be.
template <typename Reader, typename Batch>
absl::Status WalkRemoteWrite(Reader* reader, Batch* batch) {
  typename Reader::Series series;
  while (reader->NextRaw(&batch->arena(), &series)) {
    if (series.raw.empty()) {
      batch->AddSeriesAt(series.labels_offset);
    } else {
      batch->AddRawSeries(series.raw, reader->number());
    }
    for (const auto& sample : series.samples) AddSample(sample, batch);
    for (auto& histogram : series.histograms) batch->AddHistogram(std::move(histogram));
    for (auto& exemplar : series.exemplars) batch->AddExemplar(std::move(exemplar));
  }
  TRY(reader->status());
  batch->SetSymbols(reader->symbols());
  for (auto& metadata : reader->TakeMetadata()) batch->AddMetadata(std::move(metadata));
  return absl::OkStatus();
}

// The labels of one series of the batch, which are good.
template <typename Reader, typename Batch>
void DecodeLabels(Reader* reader, size_t index, Batch* batch) {
  const auto& series = batch->series()[index];
  if (series.raw == nullptr || series.has_labels()) return;
  const size_t offset = batch->arena().size();
  if (reader->DecodeRaw(series.raw_labels(), series.number, 0, &batch->arena())) {
    batch->SetLabelsAt(index, offset);
  }
}

// Takes all of a message into `batch`, with all labels decoded.
template <typename Reader, typename Batch>
absl::Status DecodeAll(Reader* reader, Batch* batch) {
  typename Reader::Series series;
  while (reader->Next(&batch->arena(), &series)) {
    batch->AddSeriesAt(series.labels_offset);
    for (const auto& sample : series.samples) AddSample(sample, batch);
    for (auto& histogram : series.histograms) batch->AddHistogram(std::move(histogram));
    for (auto& exemplar : series.exemplars) batch->AddExemplar(std::move(exemplar));
  }
  TRY(reader->status());
  for (auto& metadata : reader->TakeMetadata()) batch->AddMetadata(std::move(metadata));
  return absl::OkStatus();
}

// Begins again, for what the two passes of WalkRemoteWrite and DecodeUnknown cannot do.
template <typename Reader, typename Batch>
absl::Status DecodeAgain(Reader* reader, Batch* batch) {
  batch->Clear();
  reader->Restart();
  return DecodeAll(reader, batch);
}

// Labels of the series that the store does not know; those that break a rule leave the batch.
template <typename Reader, typename Batch>
absl::Status DecodeUnknown(Reader* reader, Batch* batch) {
  bool refused = false;
  for (size_t i = 0; i < batch->series().size(); ++i) {
    const auto& series = batch->series()[i];
    if (series.raw == nullptr || series.has_labels() || series.known != Batch::kUnknown) continue;
    if (!Reader::IsRun(series.raw_labels())) return DecodeAgain(reader, batch);
    const size_t offset = batch->arena().size();
    if (reader->DecodeRaw(series.raw_labels(), series.number, series.sample_count,
                          &batch->arena())) {
      batch->SetLabelsAt(i, offset);
    } else {
      refused = true;
    }
    TRY(reader->status());
  }
  if (!refused) return absl::OkStatus();
  // Exemplars know their series by a place in the batch, which others leave.
  if (!batch->exemplars().empty()) return DecodeAgain(reader, batch);
  batch->LeaveOut([](const auto& series) {
    return series.raw != nullptr && !series.has_labels() && series.known == Batch::kUnknown;
  });
  reader->outcome().SortErrors();
  return absl::OkStatus();
}

template <typename Batch>
absl::StatusOr<RemoteWriteOutcome> DecodeRemoteWrite(std::string_view message,
                                                     const LabelLimits& limits, Batch* batch) {
  RemoteWriteReader reader(message, limits);
  // Packed labels are never longer than the message that holds them (and a little room to copy in).
  batch->arena().reserve(batch->arena().size() + message.size() + 64);
  TRY(DecodeAll(&reader, batch));
  return std::move(reader.outcome());
}

// Builds a WriteRequest, series by series. Not thread-safe.
class RemoteWriteWriter {
 public:
  void BeginSeries(model::LabelsView labels);
  void AddSample(int64_t time_ms, double value);
  void AddHistogram(const model::HistogramSample& sample);
  void AddExemplar(const model::Exemplar& exemplar);
  void EndSeries();
  void AddMetadata(const model::Metadata& metadata);
  std::string Take() { return std::move(out_); }  // the message, not compressed
  size_t size() const { return out_.size(); }

 private:
  std::string out_;
  std::string series_;
  std::string field_;
};

// The message that holds everything of `batch` (storage::WriteBatch), not compressed.
template <typename Batch>
std::string EncodeRemoteWrite(const Batch& batch) {
  RemoteWriteWriter writer;
  size_t exemplar = 0;
  for (size_t i = 0; i < batch.series().size(); ++i) {
    const auto& series = batch.series()[i];
    writer.BeginSeries(batch.labels(series));
    for (size_t j = series.first_sample; j < series.first_sample + series.sample_count; ++j) {
      writer.AddSample(batch.times_ms()[j], batch.values()[j]);
    }
    const size_t histograms_end = series.first_histogram + series.histogram_count;
    for (size_t j = series.first_histogram; j < histograms_end; ++j) {
      writer.AddHistogram(batch.histograms()[j]);
    }
    while (exemplar < batch.exemplars().size() && batch.exemplars()[exemplar].series == i) {
      writer.AddExemplar(batch.exemplars()[exemplar++].exemplar);
    }
    writer.EndSeries();
  }
  for (const auto& metadata : batch.metadata()) writer.AddMetadata(metadata);
  return writer.Take();
}

}  // namespace hearth::codec
