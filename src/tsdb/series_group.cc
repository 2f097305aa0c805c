// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_group.h"

#include <algorithm>
#include <cstring>

#include "tsdb/block_format.h"
#include "tsdb/histogram_codec.h"
#include "tsdb/label_dictionary.h"

namespace hearth::tsdb {
namespace {

// A damaged count must not make us allocate.
constexpr uint64_t kChunksMax = kGroupChunks + kSeriesChunksMax;
static_assert(kGroupSeries <= size_t{UINT16_MAX} + 1);

// The timeline of a column is told from that of the same column of the series before: neighbours
// are other targets' series of the same metric, or other series of the same target.
uint32_t Expected(std::span<const uint32_t> before, size_t column) {
  if (column < before.size()) return before[column];
  return before.empty() ? 0 : before.back() + 1;
}

// `n` counts as where each begins, and the end.
bool ParseCounts(ByteReader* reader, size_t n, std::vector<uint32_t>* first) {
  PackedNumbers packed;
  if (!TakeNumbers(reader, n, &packed)) return false;
  first->resize(n + 1);
  if (packed.constant()) {
    if (packed.first > kChunksMax / std::max<size_t>(n, 1)) return false;
    for (size_t i = 0; i <= n; ++i) (*first)[i] = static_cast<uint32_t>(i * packed.first);
    return true;
  }
  std::vector<uint64_t> counts(n);
  UnpackNumbers(packed, counts);
  uint64_t sum = 0;
  for (size_t i = 0; i < n; ++i) {
    (*first)[i] = static_cast<uint32_t>(sum);
    if (counts[i] > kChunksMax) return false;
    sum += counts[i];
    if (sum > kChunksMax) return false;
  }
  (*first)[n] = static_cast<uint32_t>(sum);
  return true;
}

}  // namespace

template <typename Integer>
uint64_t ValueColumn::Keep(const PackedNumbers& packed) {
  width_ = sizeof(Integer);
  bytes_.resize(sizeof(Integer) * packed.count);
  const auto* plane = reinterpret_cast<const unsigned char*>(packed.planes.data());
  const size_t rest = packed.count - 1;
  char* out = bytes_.data();
  const auto put = [&out](Integer value) {
    std::memcpy(out, &value, sizeof value);
    out += sizeof value;
  };
  uint64_t min = packed.first;
  uint64_t max = packed.first;
  if (packed.by_change || packed.width == 0 || packed.width > sizeof(Integer)) {
    std::vector<uint64_t> numbers(packed.count);
    UnpackNumbers(packed, numbers);
    for (const uint64_t number : numbers) {
      put(static_cast<Integer>(number));
      min = std::min(min, number);
      max = std::max(max, number);
    }
  } else {
    auto least = static_cast<Integer>(packed.first);
    auto most = least;
    put(least);
    for (size_t i = 0; i < rest; ++i) {
      Integer value = plane[i];
      for (unsigned byte = 1; byte < packed.width; ++byte) {
        value = static_cast<Integer>(value | Integer{plane[byte * rest + i]} << (8 * byte));
      }
      put(value);
      least = std::min(least, value);
      most = std::max(most, value);
    }
    min = least;
    max = most;
  }
  min_ = static_cast<uint32_t>(std::min<uint64_t>(min, UINT32_MAX));
  max_ = static_cast<uint32_t>(std::min<uint64_t>(max, UINT32_MAX));
  return max;
}

bool ValueColumn::Parse(ByteReader* reader, size_t size, uint64_t bound) {
  PackedNumbers packed;
  if (size == 0 || !TakeNumbers(reader, size, &packed) || packed.first > bound) return false;
  size_ = size;
  if (packed.constant()) {
    min_ = max_ = constant_ = static_cast<uint32_t>(packed.first);
    return true;
  }
  // Changes may lead anywhere below the bound; planes tell how wide numbers are.
  const bool narrow =
      packed.first < 0x100 && (packed.by_change ? bound < 0x100 : packed.width <= 1);
  const bool middle =
      packed.first < 0x10000 && (packed.by_change ? bound < 0x10000 : packed.width <= 2);
  const uint64_t max = narrow   ? Keep<uint8_t>(packed)
                       : middle ? Keep<uint16_t>(packed)
                                : Keep<uint32_t>(packed);
  return max <= bound;
}

template <typename Integer>
void ValueColumn::FindAllOf(uint32_t value, uint32_t first, std::vector<uint32_t>* ids) const {
  const auto wanted = static_cast<Integer>(value);
  constexpr size_t kRun = 64;
  for (size_t at = 0; at < size_; at += kRun) {
    const size_t end = std::min(size_, at + kRun);
    // Most runs have none: told without a branch a value.
    unsigned any = 0;
    for (size_t i = at; i < end; ++i) any |= Load<Integer>(i) == wanted ? 1U : 0U;
    if (any == 0) continue;
    for (size_t i = at; i < end; ++i) {
      if (Load<Integer>(i) == wanted) ids->push_back(first + static_cast<uint32_t>(i));
    }
  }
}

void ValueColumn::FindAll(uint32_t value, uint32_t first, std::vector<uint32_t>* ids) const {
  if (value < min_ || value > max_) return;
  switch (width_) {
    case 0:
      for (size_t i = 0; i < size_; ++i) ids->push_back(first + static_cast<uint32_t>(i));
      return;
    case 1:
      return FindAllOf<uint8_t>(value, first, ids);
    case 2:
      return FindAllOf<uint16_t>(value, first, ids);
    default:
      return FindAllOf<uint32_t>(value, first, ids);
  }
}

void SeriesGroupBuilder::Add(std::span<const std::pair<uint32_t, uint32_t>> labels,
                             const Places& places) {
  for (const auto& [name, value] : labels) {
    if (name >= values_.size()) values_.resize(name + 1);
    names_ += values_[name].empty() ? 1 : 0;
    values_[name].resize(column_counts_.size(), 0);
    values_[name].push_back(value);
  }
  column_counts_.push_back(places.columns.size());
  std::vector<uint32_t> timelines;
  timelines.reserve(places.columns.size());
  for (const ColumnPlace& column : places.columns) {
    const uint32_t expected = Expected(timelines_before_, timelines.size());
    timelines_.push_back(Zigzag(int64_t{column.timeline} - int64_t{expected}));
    starts_.push_back(column.has_starts ? 1 : 0);
    flags_.push_back(column.flags);
    timelines.push_back(column.timeline);
  }
  timelines_before_ = std::move(timelines);
  histogram_counts_.push_back(places.histograms.size());
  histogram_counts_total_ += places.histograms.size();
  for (const HistogramPlace& place : places.histograms) {
    histogram_first_.push_back(static_cast<uint64_t>(place.first_ms));
    histogram_length_.push_back(static_cast<uint64_t>(place.last_ms) -
                                static_cast<uint64_t>(place.first_ms));
    histogram_samples_.push_back(place.count);
  }
}

std::string SeriesGroupBuilder::Take(std::span<const uint32_t> rank, std::vector<Zone>* zones) {
  const size_t n = column_counts_.size();
  std::vector<uint32_t> names;
  for (uint32_t name = 0; name < values_.size(); ++name) {
    if (!values_[name].empty()) names.push_back(name);
  }
  std::sort(names.begin(), names.end(), [&](uint32_t a, uint32_t b) { return rank[a] < rank[b]; });
  std::string out;
  PutVarint(names.size(), &out);
  for (const uint32_t name : names) PutVarint(name, &out);
  std::vector<uint64_t> column;
  for (const uint32_t name : names) {
    values_[name].resize(n, 0);
    column.assign(values_[name].begin(), values_[name].end());
    PutNumbers(column, &out);
    const auto [min, max] = std::minmax_element(values_[name].begin(), values_[name].end());
    zones->push_back({name, *min, *max});
  }
  for (const auto* numbers :
       {&column_counts_, &timelines_, &starts_, &histogram_counts_, &histogram_first_,
        &histogram_length_, &histogram_samples_, &flags_}) {
    PutNumbers(*numbers, &out);
  }
  *this = SeriesGroupBuilder();
  return out;
}

std::shared_ptr<const SeriesGroup> SeriesGroup::Parse(std::string_view bytes,
                                                      const Bounds& bounds) {
  auto group = std::make_shared<SeriesGroup>();
  group->series_ = bounds.series;
  group->first_entry_ = bounds.first_entry;
  ByteReader reader(bytes);
  if (!group->ParseLabels(&reader, bounds) || !group->ParseColumns(&reader, bounds) ||
      (bounds.flags && !group->ParseFlags(&reader)) || !reader.done()) {
    return nullptr;
  }
  const uint64_t starts = group->starts_before_.empty() ? 0 : group->starts_before_.back();
  if (group->timelines_.size() + starts + group->histograms_.size() != bounds.entries) {
    return nullptr;
  }
  for (const auto& [name, column] : group->labels_) group->memory_bytes_ += column.memory_bytes();
  // Sets of labels come later: seldom more than one for some hundred series.
  group->memory_bytes_ += size_t{group->series_} * 3 + group->first_column_.size() * 8 +
                          group->starts_before_.size() * 4 + group->timelines_.size() * 5 +
                          group->histograms_.size() * sizeof(HistogramPlace);
  return group;
}

bool SeriesGroup::ParseLabels(ByteReader* reader, const Bounds& bounds) {
  std::vector<uint64_t> names(reader->Count(1));
  if (names.size() * series_ > kGroupCells) return false;
  for (uint64_t& name : names) name = reader->Varint();
  if (!reader->ok()) return false;
  labels_.reserve(names.size());
  for (const uint64_t name : names) {
    if (name >= bounds.values.size()) return false;
    ValueColumn& column = labels_.emplace_back(static_cast<uint32_t>(name), ValueColumn()).second;
    if (!column.Parse(reader, series_, bounds.values[name])) return false;
  }
  return true;
}

void SeriesGroup::FindLabels(uint32_t series, std::vector<uint32_t>* labels) const {
  labels->clear();
  for (size_t i = 0; i < labels_.size(); ++i) {
    if (labels_[i].second.at(series) > 0) labels->push_back(static_cast<uint32_t>(i));
  }
}

std::span<const uint32_t> SeriesGroup::LabelsOf(uint32_t series) const {
  absl::call_once(label_sets_found_, [this] { FindLabelSets(); });
  return label_sets_[label_set_[series]];
}

// Series with the same names share a set. Told exactly, name by name: each set so far is split into
// those that have the name and those that lack it.
void SeriesGroup::FindLabelSets() const {
  label_set_.assign(series_, 0);
  size_t sets = 1;
  std::vector<uint32_t> split;
  for (const auto& [name, column] : labels_) {
    if (column.min() > 0) continue;  // all have it
    split.assign(2 * sets, UINT32_MAX);
    sets = 0;
    for (uint32_t s = 0; s < series_; ++s) {
      uint32_t& set = split[2 * size_t{label_set_[s]} + (column.at(s) > 0 ? 1 : 0)];
      if (set == UINT32_MAX) set = static_cast<uint32_t>(sets++);
      label_set_[s] = static_cast<uint16_t>(set);
    }
  }
  label_sets_.resize(sets);
  std::vector<bool> known(sets);
  for (uint32_t s = 0; s < series_; ++s) {
    if (known[label_set_[s]]) continue;
    known[label_set_[s]] = true;
    for (size_t i = 0; i < labels_.size(); ++i) {
      if (labels_[i].second.at(s) > 0) {
        label_sets_[label_set_[s]].push_back(static_cast<uint32_t>(i));
      }
    }
  }
}

bool SeriesGroup::ParseColumns(ByteReader* reader, const Bounds& bounds) {
  if (!ParseCounts(reader, series_, &first_column_)) return false;
  const size_t n = first_column_.back();
  if (n > bounds.entries) return false;
  std::vector<uint64_t> numbers(n);
  if (!GetNumbers(reader, numbers)) return false;
  timelines_.reserve(n);
  std::span<const uint32_t> before;
  for (uint32_t s = 0; s < series_; ++s) {
    const size_t begin = first_column_[s];
    for (size_t i = begin; i < first_column_[s + 1]; ++i) {
      const int64_t timeline = WrappingAdd(Expected(before, i - begin), Unzigzag(numbers[i]));
      if (timeline < 0 || static_cast<uint64_t>(timeline) >= bounds.timelines) return false;
      timelines_.push_back(static_cast<uint32_t>(timeline));
    }
    before = std::span<const uint32_t>(timelines_).subspan(begin);
  }
  PackedNumbers packed;
  if (!TakeNumbers(reader, n, &packed)) return false;
  uint32_t sum = 0;
  if (!packed.constant() || packed.first != 0) {
    UnpackNumbers(packed, numbers);
    starts_before_.reserve(n + 1);
    starts_before_.push_back(0);
    for (const uint64_t starts : numbers) {
      if (starts > 1) return false;
      starts_before_.push_back(sum += static_cast<uint32_t>(starts));
    }
  }
  if (!ParseCounts(reader, series_, &first_histogram_)) return false;
  if (n + sum + first_histogram_.back() != bounds.entries) return false;
  return ParseHistograms(reader);
}

bool SeriesGroup::ParseHistograms(ByteReader* reader) {
  histograms_.resize(first_histogram_.back());
  std::vector<uint64_t> first(histograms_.size());
  std::vector<uint64_t> length(histograms_.size());
  std::vector<uint64_t> samples(histograms_.size());
  if (!GetNumbers(reader, first) || !GetNumbers(reader, length) || !GetNumbers(reader, samples)) {
    return false;
  }
  for (size_t i = 0; i < histograms_.size(); ++i) {
    HistogramPlace& place = histograms_[i];
    place.first_ms = static_cast<int64_t>(first[i]);
    place.last_ms = WrappingAdd(place.first_ms, static_cast<int64_t>(length[i]));
    if (place.last_ms < place.first_ms || samples[i] == 0 || samples[i] > kHistogramChunkMax) {
      return false;
    }
    place.count = static_cast<uint32_t>(samples[i]);
  }
  return true;
}

bool SeriesGroup::ParseFlags(ByteReader* reader) {
  std::vector<uint64_t> numbers(timelines_.size());
  if (!GetNumbers(reader, numbers)) return false;
  flags_.reserve(numbers.size());
  for (const uint64_t flags : numbers) {
    if (flags >= kColumnFlagsEnd) return false;
    flags_.push_back(static_cast<uint8_t>(flags));
  }
  return true;
}

const ValueColumn* SeriesGroup::Column(uint32_t name) const {
  for (const auto& [number, column] : labels_) {
    if (number == name) return &column;
  }
  return nullptr;
}

void SeriesGroup::Find(uint32_t series, Places* places) const {
  const uint32_t begin = first_column_[series];
  const uint32_t end = first_column_[series + 1];
  const auto starts = [&](uint32_t column) {
    return starts_before_.empty() ? 0 : starts_before_[column];
  };
  places->first_entry = first_entry_ + begin + starts(begin) + first_histogram_[series];
  places->first_column = begin;
  places->columns.clear();
  for (uint32_t i = begin; i < end; ++i) {
    places->columns.push_back(
        {timelines_[i], starts(i + 1) != starts(i), flags_.empty() ? kColumnUnknown : flags_[i]});
  }
  places->histograms.assign(
      histograms_.begin() + static_cast<ptrdiff_t>(first_histogram_[series]),
      histograms_.begin() + static_cast<ptrdiff_t>(first_histogram_[series + 1]));
}

}  // namespace hearth::tsdb
