// SPDX-License-Identifier: Apache-2.0
// Some thousand consecutive series of a block: their labels as a column a label name, and where
// their samples are. docs/formats/block.md, "Groups of series". No postings are kept: a column of
// numbers is searched faster than a list of the same would be read.
#pragma once

#include <absl/base/call_once.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tsdb/coding.h"
#include "tsdb/column_statistics.h"
#include "tsdb/label_dictionary.h"

namespace hearth::tsdb {

// Where samples are. The pages' entries come in the order of the series: each column takes one, and
// one more where its samples have start times; each chunk of histograms takes one.
struct ColumnPlace {
  uint32_t timeline = 0;
  bool has_starts = false;
  uint8_t flags = kColumnUnknown;  // column_statistics.h
};
struct HistogramPlace {
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  uint32_t count = 0;
};
struct Places {
  uint64_t first_entry = 0;
  uint32_t first_column = 0;  // of the group's
  std::vector<ColumnPlace> columns;
  std::vector<HistogramPlace> histograms;
};

// Label values of a group, one a series: 0 where absent, else 1 + the value's number. As narrow as
// the largest of them allows.
class ValueColumn {
 public:
  // Takes `size` numbers from the reader; false where they are not there or one is above `bound`.
  bool Parse(ByteReader* reader, size_t size, uint64_t bound);
  uint32_t at(size_t i) const {
    switch (width_) {
      case 0:
        return constant_;
      case 1:
        return static_cast<unsigned char>(bytes_[i]);
      case 2:
        return Load<uint16_t>(i);
      default:
        return Load<uint32_t>(i);
    }
  }
  uint32_t min() const { return min_; }
  uint32_t max() const { return max_; }
  // Appends `first` + the places that hold `value`.
  void FindAll(uint32_t value, uint32_t first, std::vector<uint32_t>* ids) const;
  size_t size() const { return size_; }
  size_t memory_bytes() const { return bytes_.capacity(); }

 private:
  template <typename Integer>
  Integer Load(size_t i) const {
    Integer value;
    std::memcpy(&value, bytes_.data() + i * sizeof value, sizeof value);
    return value;
  }
  template <typename Integer>
  void FindAllOf(uint32_t value, uint32_t first, std::vector<uint32_t>* ids) const;
  // Keeps what the planes or changes hold, as so wide integers, and says what the largest is.
  template <typename Integer>
  uint64_t Keep(const PackedNumbers& packed);
  unsigned width_ = 0;
  uint32_t constant_ = 0;
  uint32_t min_ = UINT32_MAX;
  uint32_t max_ = 0;
  size_t size_ = 0;
  std::string bytes_;
};

// Not thread-safe.
class SeriesGroupBuilder {
 public:
  // `labels`: name numbers, each once, and 1 + value numbers.
  void Add(std::span<const std::pair<uint32_t, uint32_t>> labels, const Places& places);
  uint32_t series() const { return static_cast<uint32_t>(column_counts_.size()); }
  size_t names() const { return names_; }  // that its series have
  size_t chunks() const { return timelines_.size() + histogram_counts_total_; }
  // What a reader can tell without the group: which names there are, and between which values.
  struct Zone {
    uint32_t name = 0;
    uint32_t min = 0;
    uint32_t max = 0;
  };
  // The group's bytes; names in the order of `rank` (by text). Empty afterwards.
  std::string Take(std::span<const uint32_t> rank, std::vector<Zone>* zones);

 private:
  std::vector<std::vector<uint32_t>> values_;  // by name number; shorter where the rest has none
  size_t names_ = 0;
  std::vector<uint64_t> column_counts_;
  std::vector<uint64_t> timelines_;
  std::vector<uint64_t> starts_;
  std::vector<uint64_t> flags_;
  std::vector<uint64_t> histogram_counts_;
  size_t histogram_counts_total_ = 0;
  std::vector<uint64_t> histogram_first_;
  std::vector<uint64_t> histogram_length_;
  std::vector<uint64_t> histogram_samples_;
  std::vector<uint32_t> timelines_before_;
};

// Immutable, thread-safe.
class SeriesGroup {
 public:
  struct Bounds {
    uint32_t series = 0;       // exactly
    uint64_t first_entry = 0;  // of the block's pages
    uint64_t entries = 0;      // exactly
    size_t timelines = 0;
    bool flags = true;                 // whether columns have them
    std::span<const uint32_t> values;  // by name number: how many values it has
  };
  // Null where the bytes are not such a group.
  static std::shared_ptr<const SeriesGroup> Parse(std::string_view bytes, const Bounds& bounds);

  uint32_t series() const { return series_; }
  size_t columns() const { return timelines_.size(); }
  // By the text of the names.
  const std::vector<std::pair<uint32_t, ValueColumn>>& labels() const { return labels_; }
  const ValueColumn* Column(uint32_t name) const;  // null: no series has it
  // Which of labels() a series has: most names are those of few series. Who asks for few series
  // asks each column; for many, sets of labels are found once.
  void FindLabels(uint32_t series, std::vector<uint32_t>* labels) const;
  std::span<const uint32_t> LabelsOf(uint32_t series) const;
  // `series`: counted from the group's first.
  void Find(uint32_t series, Places* places) const;
  size_t memory_bytes() const { return memory_bytes_; }

 private:
  bool ParseLabels(ByteReader* reader, const Bounds& bounds);
  void FindLabelSets() const;
  bool ParseColumns(ByteReader* reader, const Bounds& bounds);
  bool ParseHistograms(ByteReader* reader);
  bool ParseFlags(ByteReader* reader);

  uint32_t series_ = 0;
  uint64_t first_entry_ = 0;
  std::vector<std::pair<uint32_t, ValueColumn>> labels_;
  mutable absl::once_flag label_sets_found_;
  mutable std::vector<uint16_t> label_set_;                // by series
  mutable std::vector<std::vector<uint32_t>> label_sets_;  // places in labels_
  std::vector<uint32_t> first_column_;                     // by series, and one more
  std::vector<uint32_t> first_histogram_;                  // the same
  std::vector<uint32_t> starts_before_;  // by column, and one more; empty where there are none
  std::vector<uint32_t> timelines_;
  std::vector<uint8_t> flags_;  // by column, or none
  std::vector<HistogramPlace> histograms_;
  size_t memory_bytes_ = 0;
};

}  // namespace hearth::tsdb
