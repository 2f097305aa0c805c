// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_index.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "base/check.h"

namespace hearth::tsdb {
namespace {

// A set of series numbers as bits: unions of many lists need no sorting.
class Bitmap {
 public:
  explicit Bitmap(size_t size) : words_((size + 63) / 64) {}
  void Add(const SeriesIds& ids) {
    for (const uint32_t id : ids) words_[id / 64] |= uint64_t{1} << (id % 64);
  }
  bool Has(uint32_t id) const { return (words_[id / 64] >> (id % 64) & 1) != 0; }
  SeriesIds ToIds() const {
    SeriesIds ids;
    for (size_t w = 0; w < words_.size(); ++w) {
      for (uint64_t word = words_[w]; word != 0; word &= word - 1) {
        ids.push_back(static_cast<uint32_t>(w * 64) +
                      static_cast<uint32_t>(std::countr_zero(word)));
      }
    }
    return ids;
  }

 private:
  std::vector<uint64_t> words_;
};

// Every value of the matcher's label that it accepts (or, inverted, refuses).
Bitmap Union(const IndexReader& index, const model::Matcher& matcher, bool accepted) {
  Bitmap result(index.series_count());
  SeriesIds ids;
  std::vector<std::string> values;  // a reader may allow no second call while it visits
  const auto matched = index.Matched(matcher);
  size_t place = 0;
  index.ForEachValue(matcher.name(), [&](std::string_view value) {
    const bool matches =
        matched != nullptr ? matched->Accepts(place, value) : matcher.Matches(value);
    if (matches == accepted) values.emplace_back(value);
    ++place;
  });
  for (const std::string& value : values) {
    ids.clear();
    index.Postings(matcher.name(), value, &ids);
    result.Add(ids);
  }
  return result;
}

// Looks at each candidate's own label: right where there are few candidates or many values.
void FilterEach(const IndexReader& index, const model::Matcher& matcher, SeriesIds* ids) {
  StringMap<bool> known;  // a regular expression costs more than a look-up
  std::erase_if(*ids, [&](uint32_t id) {
    const std::string_view value = index.Value(id, matcher.name());
    const auto it = known.find(value);
    if (it != known.end()) return !it->second;
    const bool matches = matcher.Matches(value);
    known.emplace(value, matches);
    return !matches;
  });
}

void Intersect(const SeriesIds& with, SeriesIds* ids) {
  SeriesIds both;
  both.reserve(std::min(with.size(), ids->size()));
  std::set_intersection(ids->begin(), ids->end(), with.begin(), with.end(),
                        std::back_inserter(both));
  *ids = std::move(both);
}

SeriesIds LiteralPostings(const IndexReader& index, const model::Matcher& matcher) {
  SeriesIds ids;
  if (matcher.type() == model::MatchType::kEqual) {
    index.Postings(matcher.name(), matcher.value(), &ids);
    return ids;
  }
  std::vector<std::string> literals = matcher.literals();
  std::sort(literals.begin(), literals.end());
  literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
  for (const std::string& literal : literals) {
    const auto middle = static_cast<std::ptrdiff_t>(ids.size());
    index.Postings(matcher.name(), literal, &ids);
    std::inplace_merge(ids.begin(), ids.begin() + middle, ids.end());
  }
  return ids;
}

bool IsLiteral(const model::Matcher& matcher) {
  return matcher.type() == model::MatchType::kEqual ||
         (matcher.type() == model::MatchType::kRegex && !matcher.literals().empty());
}

}  // namespace

SeriesIds FindSeries(const IndexReader& index, const std::vector<model::Matcher>& matchers) {
  std::optional<SeriesIds> found;
  // Look-ups first: they bound what the costly ones must look at.
  for (const model::Matcher& matcher : matchers) {
    if (matcher.MatchesEmpty() || !IsLiteral(matcher)) continue;
    SeriesIds ids = LiteralPostings(index, matcher);
    if (found.has_value()) {
      Intersect(ids, &*found);
    } else {
      found = std::move(ids);
    }
    if (found->empty()) return {};
  }
  const auto few = [&](const model::Matcher& matcher) {
    return found.has_value() && found->size() <= 4 * index.ValueCount(matcher.name()) + 64;
  };
  for (const model::Matcher& matcher : matchers) {
    if (matcher.MatchesEmpty() || IsLiteral(matcher)) continue;
    if (few(matcher)) {
      FilterEach(index, matcher, &*found);
    } else {
      const Bitmap accepted = Union(index, matcher, true);
      if (found.has_value()) {
        std::erase_if(*found, [&](uint32_t id) { return !accepted.Has(id); });
      } else {
        found = accepted.ToIds();
      }
    }
    if (found->empty()) return {};
  }
  if (!found.has_value()) {
    found.emplace(index.series_count());
    for (uint32_t i = 0; i < found->size(); ++i) (*found)[i] = i;
  }
  // A matcher that holds for an absent label: take out those that have a value it refuses.
  for (const model::Matcher& matcher : matchers) {
    if (!matcher.MatchesEmpty()) continue;
    if (few(matcher)) {
      FilterEach(index, matcher, &*found);
    } else {
      const Bitmap refused = Union(index, matcher, false);
      std::erase_if(*found, [&](uint32_t id) { return refused.Has(id); });
    }
  }
  return *std::move(found);
}

void MemoryIndex::Add(std::string_view packed) {
  // Of a name: its slot in a table that is half full, and the text's own memory.
  constexpr size_t kNameBytes = 160;
  const auto id = static_cast<uint32_t>(labels_->size());
  labels_->Add(packed, &pairs_);
  for (const uint32_t pair : pairs_) {
    if (pair == postings_.size()) {
      postings_.Add();
      const std::string_view name = labels_->pair(pair).name;
      auto of_name = names_.find(name);
      if (of_name == names_.end()) {
        of_name = names_.emplace(std::string(name), std::vector<uint32_t>()).first;
        other_bytes_ += kNameBytes;
      }
      of_name->second.push_back(pair);
      other_bytes_ += sizeof pair * 3 / 2;
    }
    tsdb::Postings& postings = postings_[pair];
    const size_t before = postings.heap_bytes();
    postings.Add(id);
    other_bytes_ += postings.heap_bytes() - before;
  }
}

void MemoryIndex::AppendPairs(std::string_view name, size_t first, size_t count,
                              std::vector<uint32_t>* pairs) const {
  const auto of_name = names_.find(name);
  if (of_name == names_.end() || first >= of_name->second.size()) return;
  const auto begin = of_name->second.begin() + static_cast<std::ptrdiff_t>(first);
  count = std::min(count, of_name->second.size() - first);
  pairs->insert(pairs->end(), begin, begin + static_cast<std::ptrdiff_t>(count));
}

std::pair<std::string_view, size_t> MemoryIndex::LargestValue(std::string_view name) const {
  std::pair<std::string_view, size_t> largest;
  const auto of_name = names_.find(name);
  if (of_name == names_.end()) return largest;
  for (const uint32_t pair : of_name->second) {
    const size_t count = postings_[pair].size();
    if (count > largest.second) largest = {labels_->pair(pair).value, count};
  }
  return largest;
}

size_t MemoryIndex::ValueCount(std::string_view name) const {
  const auto of_name = names_.find(name);
  return of_name == names_.end() ? 0 : of_name->second.size();
}

void MemoryIndex::Postings(std::string_view name, std::string_view value, SeriesIds* ids) const {
  const uint32_t pair = labels_->FindPair(name, value);
  if (pair != LabelStore::kNone) postings_[pair].AppendTo(ids);
}

void MemoryIndex::NewestPostings(std::string_view name, std::string_view value, size_t count,
                                 SeriesIds* ids) const {
  const uint32_t pair = labels_->FindPair(name, value);
  if (pair != LabelStore::kNone) postings_[pair].AppendNewest(count, ids);
}

void MemoryIndex::ForEachName(absl::FunctionRef<void(std::string_view)> visit) const {
  for (const auto& [name, pairs] : names_) visit(name);
}

void MemoryIndex::ForEachValue(std::string_view name,
                               absl::FunctionRef<void(std::string_view)> visit) const {
  const auto of_name = names_.find(name);
  if (of_name == names_.end()) return;
  for (const uint32_t pair : of_name->second) visit(labels_->pair(pair).value);
}

}  // namespace hearth::tsdb
