// SPDX-License-Identifier: Apache-2.0
// The plainest thing that DecodeRemoteWrite and EncodeRemoteWrite accept, for this module's tests
// and fuzzers: storage::WriteBatch is a layer above.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/remote_write.h"
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
    uint32_t number = 0;
    uint32_t known = kUnknown;
    std::string_view bytes{};
    const char* raw = nullptr;
    bool has_labels() const { return size > 0; }
    std::string_view raw_labels() const { return bytes; }
  };
  static constexpr uint32_t kUnknown = UINT32_MAX;
  struct SeriesExemplar {
    size_t series;
    model::Exemplar exemplar;
  };

  std::string& arena() { return arena_; }
  void AddSeriesAt(size_t offset) {
    series_.push_back({offset, arena_.size() - offset, times_ms_.size(), 0, histograms_.size(), 0});
  }
  void AddRawSeries(std::string_view raw, uint32_t number) {
    AddSeriesAt(arena_.size());
    series_.back().number = number;
    series_.back().bytes = raw;
    series_.back().raw = raw.data();
  }
  void SetSymbols(std::span<const std::string_view> /*symbols*/) {}
  void SetLabelsAt(size_t index, size_t offset) {
    series_[index].offset = offset;
    series_[index].size = arena_.size() - offset;
  }
  template <typename Predicate>
  void LeaveOut(const Predicate& leave_out) {
    std::erase_if(series_, leave_out);
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

// True where a message gives the same whether labels are decoded at once or as a store asks for
// them. `decoded`, `outcome`: of the first.
template <typename Reader>
bool SameWhenRaw(std::string_view message, const BatchForTest& decoded,
                 const absl::StatusOr<RemoteWriteOutcome>& outcome) {
  Reader reader(message, LabelLimits{});
  BatchForTest raw;
  absl::Status status = WalkRemoteWrite(&reader, &raw);
  if (status.ok()) status = DecodeUnknown(&reader, &raw);
  if (status.code() != outcome.status().code()) return false;
  if (!status.ok()) return true;
  const RemoteWriteOutcome& other = reader.outcome();
  if (raw.series().size() != decoded.series().size() || other.discarded != outcome->discarded ||
      other.series != outcome->series || other.bad_series != outcome->bad_series ||
      other.errors.size() != outcome->errors.size()) {
    return false;
  }
  for (size_t i = 0; i < other.errors.size(); ++i) {
    if (other.errors[i].series != outcome->errors[i].series ||
        other.errors[i].text != outcome->errors[i].text) {
      return false;
    }
  }
  for (size_t i = 0; i < raw.series().size(); ++i) {
    const auto& a = raw.series()[i];
    const auto& b = decoded.series()[i];
    if (raw.labels(a) != decoded.labels(b) || a.sample_count != b.sample_count ||
        a.histogram_count != b.histogram_count) {
      return false;
    }
    for (size_t j = 0; j < a.sample_count; ++j) {
      if (raw.times_ms()[a.first_sample + j] != decoded.times_ms()[b.first_sample + j] ||
          std::bit_cast<uint64_t>(raw.values()[a.first_sample + j]) !=
              std::bit_cast<uint64_t>(decoded.values()[b.first_sample + j])) {
        return false;
      }
    }
  }
  if (raw.exemplars().size() != decoded.exemplars().size()) return false;
  for (size_t i = 0; i < raw.exemplars().size(); ++i) {
    if (raw.exemplars()[i].series != decoded.exemplars()[i].series) return false;
  }
  // What is said of a metric is kept even where its series is refused later.
  return raw.metadata().size() >= decoded.metadata().size();
}

}  // namespace hearth::codec
