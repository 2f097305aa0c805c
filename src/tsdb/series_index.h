// SPDX-License-Identifier: Apache-2.0
// How series are found by matchers, in the head and in blocks alike: IndexReader is what either
// must offer, FindSeries the one evaluation over it. Series are numbered; a number means something
// within its reader only.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/string_map.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "tsdb/block_cache.h"
#include "tsdb/label_store.h"
#include "tsdb/matched_values.h"
#include "tsdb/postings.h"
#include "tsdb/segments.h"

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
  // What is known of a matcher, by the places that ForEachValue has values in; null: nothing is
  // kept.
  virtual std::shared_ptr<const MatchedValues> Matched(const model::Matcher& /*matcher*/) const {
    return nullptr;
  }
  // "" where absent. Valid until the next call.
  virtual std::string_view Value(uint32_t id, std::string_view name) const = 0;
};

// All series for which every matcher holds, ascending. No matchers: all.
SeriesIds FindSeries(const IndexReader& index, const std::vector<model::Matcher>& matchers);

// The head's index: series are added with rising numbers and leave only by building a new index.
// Not thread-safe for writing.
class MemoryIndex : public IndexReader {
 public:
  explicit MemoryIndex(uint64_t seed) : labels_(std::make_shared<LabelStore>(seed)) {}
  void Add(std::string_view packed);  // gets the number series_count()
  // The labels by number; may outlive the index, and be read while it grows.
  const LabelStore& labels() const { return *labels_; }
  std::shared_ptr<const LabelStore> shared_labels() const { return labels_; }
  size_t memory_bytes() const {
    return labels_->memory_bytes() + postings_.memory_bytes() + other_bytes_ + matched_->bytes();
  }
  // Appends the pairs that `name` is in, in the order of their coming: at most `count`, from number
  // `first` on.
  void AppendPairs(std::string_view name, size_t first, size_t count,
                   std::vector<uint32_t>* pairs) const;
  // Appends the newest of the series that have name=value, `count` at most, ascending.
  void NewestPostings(std::string_view name, std::string_view value, size_t count,
                      SeriesIds* ids) const;
  // The value of `name` that most series have, and how many.
  std::pair<std::string_view, size_t> LargestValue(std::string_view name) const;

  size_t series_count() const override { return labels_->size(); }
  size_t ValueCount(std::string_view name) const override;
  void Postings(std::string_view name, std::string_view value, SeriesIds* ids) const override;
  void ForEachName(absl::FunctionRef<void(std::string_view)> visit) const override;
  void ForEachValue(std::string_view name,
                    absl::FunctionRef<void(std::string_view)> visit) const override;
  std::shared_ptr<const MatchedValues> Matched(const model::Matcher& matcher) const override {
    return MatchedValues::Find(*matched_, 0, matcher, ValueCount(matcher.name()));
  }
  std::string_view Value(uint32_t id, std::string_view name) const override {
    return labels_->Value(id, name);
  }

 private:
  std::shared_ptr<LabelStore> labels_;
  Segments<tsdb::Postings> postings_;       // by pair
  StringMap<std::vector<uint32_t>> names_;  // pairs of each
  std::vector<uint32_t> pairs_;             // of the series added last
  // Of matchers that come again while series do; of this index alone, as are the values' places.
  static constexpr uint64_t kMatchedBytesMax = 1 << 20;
  std::unique_ptr<BlockCache> matched_ = std::make_unique<BlockCache>(kMatchedBytesMax);
  size_t other_bytes_ = 0;
};

}  // namespace hearth::tsdb
