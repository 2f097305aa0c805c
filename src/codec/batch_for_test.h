// SPDX-License-Identifier: Apache-2.0
// The plainest thing that DecodeRemoteWrite and EncodeRemoteWrite accept, for this module's tests
// and fuzzers: storage::WriteBatch is a layer above.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/histogram.h"
#include "model/labels.h"
#include "model/metadata.h"

namespace hearth::codec {

class BatchForTest {
 public:
  struct Series {
    size_t offset, size;
    size_t first_sample, sample_count;
    size_t first_histogram, histogram_count;
  };
  struct SeriesExemplar {
    size_t series;
    model::Exemplar exemplar;
  };

  std::string& arena() { return arena_; }
  void AddSeriesAt(size_t offset) {
    series_.push_back({offset, arena_.size() - offset, times_ms_.size(), 0, histograms_.size(), 0});
  }
  void AddSeries(model::LabelsView labels) {
    arena_.append(labels.packed());
    AddSeriesAt(arena_.size() - labels.packed().size());
  }
  void AddSample(int64_t time_ms, double value) {
    times_ms_.push_back(time_ms);
    values_.push_back(value);
    ++series_.back().sample_count;
  }
  void AddSample(int64_t time_ms, double value, int64_t start_time_ms) {
    start_times_ms_.resize(times_ms_.size(), 0);
    start_times_ms_.push_back(start_time_ms);
    AddSample(time_ms, value);
  }
  void AddHistogram(model::HistogramSample sample) {
    histograms_.push_back(std::move(sample));
    ++series_.back().histogram_count;
  }
  void AddExemplar(model::Exemplar exemplar) {
    exemplars_.push_back({series_.size() - 1, std::move(exemplar)});
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
    return model::LabelsView(std::string_view(arena_).substr(series.offset, series.size));
  }
  const std::vector<Series>& series() const { return series_; }
  const std::vector<int64_t>& times_ms() const { return times_ms_; }
  const std::vector<double>& values() const { return values_; }
  const std::vector<int64_t>& start_times_ms() const { return start_times_ms_; }
  const std::vector<model::HistogramSample>& histograms() const { return histograms_; }
  const std::vector<SeriesExemplar>& exemplars() const { return exemplars_; }
  const std::vector<model::Metadata>& metadata() const { return metadata_; }

 private:
  std::string arena_;
  std::vector<Series> series_;
  std::vector<int64_t> times_ms_;
  std::vector<double> values_;
  std::vector<int64_t> start_times_ms_;
  std::vector<model::HistogramSample> histograms_;
  std::vector<SeriesExemplar> exemplars_;
  std::vector<model::Metadata> metadata_;
};

}  // namespace hearth::codec
