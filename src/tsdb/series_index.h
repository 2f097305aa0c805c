// SPDX-License-Identifier: Apache-2.0
// How series are found by matchers, in the head and in blocks alike: IndexReader is what either
// must offer, FindSeries the one evaluation over it. Series are numbered; a number means something
// within its reader only.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/string_map.h"
#include "model/labels.h"
#include "model/matcher.h"

namespace hearth::tsdb {

using SeriesIds = std::vector<uint32_t>;  // ascending

class IndexReader {
 public:
  virtual ~IndexReader() = default;
  virtual size_t series_count() const = 0;  // numbers are below it
  virtual size_t ValueCount(std::string_view name) const = 0;
  // Appends the series that have name=value, ascending.
  virtual void Postings(std::string_view name, std::string_view value, SeriesIds* ids) const = 0;
  virtual void ForEachName(absl::FunctionRef<void(std::string_view)> visit) const = 0;
  // Any order; each value once.
  virtual void ForEachValue(std::string_view name,
                            absl::FunctionRef<void(std::string_view)> visit) const = 0;
  // "" where absent. Valid until the next call.
  virtual std::string_view Value(uint32_t id, std::string_view name) const = 0;
};

// All series for which every matcher holds, ascending. No matchers: all.
SeriesIds FindSeries(const IndexReader& index, const std::vector<model::Matcher>& matchers);

// The head's index: series are added with rising numbers and leave only by building a new index.
// The label bytes are borrowed and must outlive it. Not thread-safe for writing.
class MemoryIndex : public IndexReader {
 public:
  void Add(uint32_t id, model::LabelsView labels);
  size_t memory_bytes() const { return memory_bytes_; }
  // The value of `name` that most series have, and how many.
  std::pair<std::string_view, size_t> LargestValue(std::string_view name) const;

  size_t series_count() const override { return labels_.size(); }
  size_t ValueCount(std::string_view name) const override;
  void Postings(std::string_view name, std::string_view value, SeriesIds* ids) const override;
  void ForEachName(absl::FunctionRef<void(std::string_view)> visit) const override;
  void ForEachValue(std::string_view name,
                    absl::FunctionRef<void(std::string_view)> visit) const override;
  std::string_view Value(uint32_t id, std::string_view name) const override;
  model::LabelsView labels(uint32_t id) const { return labels_[id]; }

 private:
  using Values = absl::flat_hash_map<std::string_view, SeriesIds, TransparentStringHash,
                                     TransparentStringEqual>;
  const SeriesIds* Find(std::string_view name, std::string_view value) const;
  absl::flat_hash_map<std::string_view, Values, TransparentStringHash, TransparentStringEqual>
      names_;
  std::vector<model::LabelsView> labels_;
  size_t memory_bytes_ = 0;
};

}  // namespace hearth::tsdb
