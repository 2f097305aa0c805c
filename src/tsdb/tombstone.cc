// SPDX-License-Identifier: Apache-2.0
#include "tsdb/tombstone.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/status.h"
#include "tsdb/histogram_codec.h"

namespace hearth::tsdb {

void PutTombstone(const Tombstone& tombstone, std::string* out) {
  PutVarint(tombstone.number, out);
  PutZigzag(tombstone.range.min_ms, out);
  PutZigzag(tombstone.range.max_ms, out);
  PutVarint(tombstone.selectors.size(), out);
  for (const auto& matchers : tombstone.selectors) {
    PutVarint(matchers.size(), out);
    for (const model::Matcher& matcher : matchers) {
      PutVarint(static_cast<uint64_t>(matcher.type()), out);
      PutBytes(matcher.name(), out);
      PutBytes(matcher.value(), out);
    }
  }
}

bool GetTombstone(ByteReader* reader, Tombstone* tombstone) {
  tombstone->number = reader->Varint();
  tombstone->range.min_ms = reader->SignedVarint();
  tombstone->range.max_ms = reader->SignedVarint();
  tombstone->selectors.resize(reader->Count(1));
  for (auto& matchers : tombstone->selectors) {
    for (size_t n = reader->Count(3); n > 0; --n) {
      const uint64_t type = reader->Varint();
      const std::string_view name = reader->Bytes();
      const std::string_view value = reader->Bytes();
      if (!reader->ok() || type > static_cast<uint64_t>(model::MatchType::kNotRegex)) return false;
      auto matcher = model::Matcher::Make(static_cast<model::MatchType>(type), name, value);
      if (!matcher.ok()) return false;
      matchers.push_back(*std::move(matcher));
    }
  }
  return reader->ok();
}

absl::StatusOr<DeletedSeries> DeletedSeries::Find(const std::vector<Tombstone>& tombstones,
                                                  uint64_t first_number, FindFn find) {
  DeletedSeries deleted;
  for (const Tombstone& tombstone : tombstones) {
    if (tombstone.number < first_number) continue;
    Entry entry{tombstone.range, {}};
    for (const auto& matchers : tombstone.selectors) {
      SeriesIds all;
      TRY_ASSIGN(const SeriesIds found, find(matchers));
      std::set_union(entry.ids.begin(), entry.ids.end(), found.begin(), found.end(),
                     std::back_inserter(all));
      entry.ids = std::move(all);
    }
    if (!entry.ids.empty()) deleted.entries_.push_back(std::move(entry));
  }
  return deleted;
}

std::vector<storage::TimeRange> DeletedSeries::RangesOf(uint32_t series) const {
  std::vector<storage::TimeRange> ranges;
  for (const Entry& entry : entries_) {
    if (std::binary_search(entry.ids.begin(), entry.ids.end(), series)) {
      ranges.push_back(entry.range);
    }
  }
  return ranges;
}

bool DeletedSeries::Hides(uint32_t series, storage::TimeRange range) const {
  const auto ranges = RangesOf(series);
  return std::any_of(ranges.begin(), ranges.end(), [&](storage::TimeRange deleted) {
    return deleted.min_ms <= range.min_ms && deleted.max_ms >= range.max_ms;
  });
}

void DeletedSeries::Remove(uint32_t series, size_t begin, size_t histograms_begin,
                           Columns* columns) const {
  const auto ranges = RangesOf(series);
  if (ranges.empty()) return;
  const auto deleted = [&](int64_t time_ms) {
    return std::any_of(ranges.begin(), ranges.end(), [time_ms](storage::TimeRange range) {
      return time_ms >= range.min_ms && time_ms <= range.max_ms;
    });
  };
  size_t kept = begin;
  const bool starts = !columns->starts.empty();
  if (starts) columns->starts.resize(columns->size());
  for (size_t i = begin; i < columns->size(); ++i) {
    if (deleted(columns->times_ms[i])) continue;
    columns->times_ms[kept] = columns->times_ms[i];
    columns->values[kept] = columns->values[i];
    if (starts) columns->starts[kept] = columns->starts[i];
    ++kept;
  }
  columns->Resize(kept);
  size_t histograms_kept = histograms_begin;
  bool gap = false;
  for (size_t i = histograms_begin; i < columns->histograms.size(); ++i) {
    model::HistogramSample sample = columns->histograms[i];
    if (deleted(sample.time_ms)) {
      gap = true;
      continue;
    }
    if (std::exchange(gap, false)) sample.histogram = WithUnknownHint(sample.histogram);
    columns->histograms[histograms_kept++] = std::move(sample);
  }
  columns->histograms.resize(histograms_kept);
}

}  // namespace hearth::tsdb
