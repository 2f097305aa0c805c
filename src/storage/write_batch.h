// SPDX-License-Identifier: Apache-2.0
// What one request (remote write, a scrape, rule results) brings to a store: series, each with its
// samples, in one arena. Built by `codec`, checked and trimmed by `workspace`, appended by `tsdb`.
//
//   labels arena   [packed labels][packed labels]…          (model/labels.h)
//   series[i]      → its packed labels, samples [first, first + count) of the columns below
//   times_ms[j], values[j], start_time_ms(j)                 the sample columns
//   histograms[k]                                            native histograms, any kind
//
// Reusable: Clear() keeps the memory. Not thread-safe.
#pragma once

#include <cstdint>
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
  };
  struct SeriesExemplar {
    uint32_t series = 0;
    model::Exemplar exemplar;
  };

  // Starts a series whose packed label bytes the caller has appended to arena() from `offset` on.
  void AddSeriesAt(size_t labels_offset) {
    series_.push_back(
        {static_cast<uint32_t>(labels_offset), static_cast<uint32_t>(arena_.size() - labels_offset),
         static_cast<uint32_t>(times_ms_.size()), 0, static_cast<uint32_t>(histograms_.size()), 0});
  }
  void AddSeries(model::LabelsView labels) {
    const size_t offset = arena_.size();
    arena_.append(labels.packed());
    AddSeriesAt(offset);
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
  size_t sample_count() const { return times_ms_.size() + histograms_.size(); }
  bool empty() const { return series_.empty() && metadata_.empty(); }

 private:
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
