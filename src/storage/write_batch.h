// SPDX-License-Identifier: Apache-2.0
// What one request (remote write, a scrape, rule results) brings to a store: series, each with its
// samples, in one arena. Built by `codec`, checked and trimmed by `workspace`, appended by `tsdb`.
//
//   labels arena   [packed labels][packed labels]…          (model/labels.h)
//   series[i]      → its packed labels, samples [first, first + count) of the columns below
//   series[i].raw  → or its labels as the request has them, not decoded: a store that knows them by
//                    their bytes needs no more (tsdb::Db::Resolve); of what it does not know the
//                    labels are decoded before the batch is stored
//   times_ms[j], values[j], start_time_ms(j)                 the sample columns
//   histograms[k]                                            native histograms, any kind
//
// Reusable: Clear() keeps the memory. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/histogram.h"
#include "model/labels.h"
#include "model/metadata.h"

namespace hearth::storage {

class WriteBatch {
 public:
  struct Series {
    uint32_t labels_offset = 0;
    uint32_t labels_size = 0;
    uint32_t first_sample = 0;
    uint32_t sample_count = 0;
    uint32_t first_histogram = 0;
    uint32_t histogram_count = 0;
    uint32_t number = 0;        // in the request, where the labels are raw
    uint32_t known = kUnknown;  // the store's number of it, by the store's epoch()
    uint32_t raw_size = 0;
    const char* raw = nullptr;  // null: the labels are packed
    bool has_labels() const { return labels_size > 0; }
    std::string_view raw_labels() const { return {raw, raw_size}; }
  };
  static constexpr uint32_t kUnknown = UINT32_MAX;
  struct SeriesExemplar {
    uint32_t series = 0;
    model::Exemplar exemplar;
  };

  // Starts a series whose packed label bytes the caller has appended to arena() from `offset` on.
  void AddSeriesAt(size_t labels_offset) {
    Series& added = series_.emplace_back();
    added.labels_offset = static_cast<uint32_t>(labels_offset);
    added.labels_size = static_cast<uint32_t>(arena_.size() - labels_offset);
    added.first_sample = static_cast<uint32_t>(times_ms_.size());
    added.first_histogram = static_cast<uint32_t>(histograms_.size());
  }
  void AddSeries(model::LabelsView labels) {
    const size_t offset = arena_.size();
    arena_.append(labels.packed());
    AddSeriesAt(offset);
  }
  // Starts a series whose labels are those bytes of the request, which must outlive the batch:
  // label fields of remote write 1.0 or, with symbols(), references of 2.0.
  void AddRawSeries(std::string_view raw, uint32_t number) {
    AddSeriesAt(arena_.size());
    Series& added = series_.back();
    added.number = number;
    added.raw = raw.data();
    added.raw_size = static_cast<uint32_t>(raw.size());
    has_raw_ = true;
  }
  // The texts that raw labels refer to, by number; empty where raw labels are fields.
  void SetSymbols(std::span<const std::string_view> symbols) { symbols_ = symbols; }
  // The packed labels of raw series `index`: what the caller has appended to arena() from `offset`.
  void SetLabelsAt(size_t index, size_t offset) {
    series_[index].labels_offset = static_cast<uint32_t>(offset);
    series_[index].labels_size = static_cast<uint32_t>(arena_.size() - offset);
  }
  // Series for which leave_out(series) holds go; samples of theirs stay in the columns, uncounted.
  template <typename Predicate>
  void LeaveOut(const Predicate& leave_out) {
    std::erase_if(series_, [&](const Series& series) {
      if (!leave_out(series)) return false;
      left_out_ += size_t{series.sample_count} + series.histogram_count;
      return true;
    });
  }
  // To the series added last. A series may have both samples and histograms.
  void AddSample(int64_t time_ms, double value) {
    times_ms_.push_back(time_ms);
    values_.push_back(value);
    ++series_.back().sample_count;
  }
  // `start_time_ms`: when the counter began (remote write 2.0, OTLP, created lines); 0: unknown.
  void AddSample(int64_t time_ms, double value, int64_t start_time_ms) {
    if (start_time_ms != 0) {
      start_times_ms_.resize(times_ms_.size(), 0);
      start_times_ms_.push_back(start_time_ms);
    }
    AddSample(time_ms, value);
  }
  void AddHistogram(model::HistogramSample sample) {
    histograms_.push_back(std::move(sample));
    ++series_.back().histogram_count;
  }
  void AddExemplar(model::Exemplar exemplar) {
    exemplars_.push_back({static_cast<uint32_t>(series_.size() - 1), std::move(exemplar)});
  }
  void AddMetadata(model::Metadata metadata) { metadata_.push_back(std::move(metadata)); }
  void Clear() {
    has_raw_ = false;
    symbols_ = {};
    epoch_ = 0;
    left_out_ = 0;
    arena_.clear();
    series_.clear();
    times_ms_.clear();
    values_.clear();
    start_times_ms_.clear();
    histograms_.clear();
    exemplars_.clear();
    metadata_.clear();
  }

  model::LabelsView labels(const Series& series) const {
    return model::LabelsView(
        std::string_view(arena_).substr(series.labels_offset, series.labels_size));
  }
  bool has_raw() const { return has_raw_; }  // some labels are not packed, or were not
  std::span<const std::string_view> symbols() const { return symbols_; }
  // What Series::known is counted by; 0: nothing was resolved.
  uint64_t epoch() const { return epoch_; }
  void SetEpoch(uint64_t epoch) { epoch_ = epoch; }
  // No series is known any more.
  void ForgetKnown() {
    epoch_ = 0;
    for (Series& series : series_) series.known = kUnknown;
  }
  size_t memory_bytes() const {
    return arena_.capacity() + series_.capacity() * sizeof(Series) +
           (times_ms_.capacity() + values_.capacity()) * sizeof(int64_t);
  }
  std::string& arena() { return arena_; }
  const std::string& arena() const { return arena_; }
  std::vector<Series>& series() { return series_; }
  const std::vector<Series>& series() const { return series_; }
  const std::vector<int64_t>& times_ms() const { return times_ms_; }
  const std::vector<double>& values() const { return values_; }
  // Of the sample times_ms()[j].
  int64_t start_time_ms(size_t j) const {
    return j < start_times_ms_.size() ? start_times_ms_[j] : 0;
  }
  bool has_start_times() const { return !start_times_ms_.empty(); }
  const std::vector<model::HistogramSample>& histograms() const { return histograms_; }
  const std::vector<SeriesExemplar>& exemplars() const { return exemplars_; }
  const std::vector<model::Metadata>& metadata() const { return metadata_; }
  size_t sample_count() const { return times_ms_.size() + histograms_.size() - left_out_; }
  bool empty() const { return series_.empty() && metadata_.empty(); }

 private:
  bool has_raw_ = false;
  uint64_t epoch_ = 0;
  size_t left_out_ = 0;
  std::span<const std::string_view> symbols_;
  std::string arena_;
  std::vector<Series> series_;
  std::vector<int64_t> times_ms_;
  std::vector<double> values_;
  std::vector<int64_t> start_times_ms_;  // as far as the last sample that has one
  std::vector<model::HistogramSample> histograms_;
  std::vector<SeriesExemplar> exemplars_;
  std::vector<model::Metadata> metadata_;
};

}  // namespace hearth::storage
