// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_reader.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/status.h"
#include "tsdb/matched_values.h"

namespace hearth::tsdb {
namespace {

// Label sets of one group that are read column by column; for more, the group sorts them out once.
constexpr uint32_t kFewLabels = 256;

}  // namespace

// One matcher, over the numbers that columns hold (0: absent, else 1 + the value's). What the
// matcher says of a value is asked once a block, and only of values that candidates have.
class BlockReader::Test {
 public:
  Test(uint32_t name, const model::Matcher& matcher, const LabelDictionary& values)
      : name_(name), values_(&values) {
    if (matcher.type() == model::MatchType::kEqual) {
      equal_ = true;
      uint32_t number = 0;
      impossible_ = !matcher.value().empty() && !values.Find(matcher.value(), &number);
      wanted_ = matcher.value().empty() ? 0 : number + 1;
      return;
    }
    if (matcher.type() != model::MatchType::kRegex || matcher.literals().empty()) return;
    impossible_ = true;
    for (const std::string& literal : matcher.literals()) {
      uint32_t number = 0;
      if (!literal.empty() && !values.Find(literal, &number)) continue;
      literals_.push_back(literal.empty() ? 0 : number + 1);
      impossible_ = false;
    }
    std::sort(literals_.begin(), literals_.end());
  }
  // For what neither equals nor is one of some literals.
  bool needs_known() const { return !equal_ && literals_.empty() && !impossible_; }
  void SetKnown(std::shared_ptr<const MatchedValues> known) { known_ = std::move(known); }
  uint32_t name() const { return name_; }
  bool impossible() const { return impossible_; }
  bool equal() const { return equal_; }
  uint32_t wanted() const { return wanted_; }
  bool Accepts(uint32_t number) const {
    if (equal_) return number == wanted_;
    if (known_ == nullptr) return std::binary_search(literals_.begin(), literals_.end(), number);
    return known_->Accepts(number, number == 0 ? std::string_view() : values_->value(number - 1));
  }
  // Whether a group with these values may have series that pass; null: the label is absent in all.
  bool MayPass(const SeriesGroupBuilder::Zone* zone) const {
    if (zone == nullptr) return Accepts(0);
    if (equal_) return wanted_ >= zone->min && wanted_ <= zone->max;
    if (known_ != nullptr) {
      // What a zone says is checked only when its group is read.
      return zone->min != zone->max || zone->min >= known_->size() || Accepts(zone->min);
    }
    const auto first = std::lower_bound(literals_.begin(), literals_.end(), zone->min);
    return first != literals_.end() && *first <= zone->max;
  }

 private:
  uint32_t name_;
  const LabelDictionary* values_;  // outlives the test
  bool equal_ = false;
  bool impossible_ = false;
  uint32_t wanted_ = 0;
  std::vector<uint32_t> literals_;  // sorted
  std::shared_ptr<const MatchedValues> known_;
};

absl::StatusOr<const LabelDictionary*> BlockReader::Dictionary(uint32_t name) {
  const uint32_t page = index_->names()[name].page;
  if (label_pages_.size() <= page) label_pages_.resize(index_->value_pages().size());
  if (label_pages_[page] == nullptr) {
    TRY_ASSIGN(label_pages_[page], block_.Labels(*index_, page, use_cache_));
  }
  const LabelPage& found = *label_pages_[page];
  return found.dictionaries[name - found.first_name].get();
}

absl::Status BlockReader::LoadGroup(uint32_t group) {
  if (group_number_ == group) return absl::OkStatus();
  TRY_ASSIGN(group_, block_.Group(*index_, group, use_cache_));
  group_number_ = group;
  labels_asked_ = 0;
  statistics_ = nullptr;
  row_.clear();
  dictionaries_.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<BlockReader::Test>> BlockReader::MakeTests(
    const std::vector<model::Matcher>& matchers, bool* none) {
  std::vector<Test> tests;
  for (const model::Matcher& matcher : matchers) {
    uint32_t name = 0;
    if (!index_->FindName(matcher.name(), &name)) {
      *none = *none || !matcher.MatchesEmpty();
      continue;
    }
    TRY_ASSIGN(const LabelDictionary* values, Dictionary(name));
    Test& test = tests.emplace_back(name, matcher, *values);
    *none = *none || test.impossible();
    if (test.needs_known()) test.SetKnown(block_.Matched(matcher, values->size() + 1));
  }
  // What is cheap and leaves little comes first.
  std::stable_partition(tests.begin(), tests.end(), [](const Test& test) { return test.equal(); });
  return tests;
}

absl::StatusOr<SeriesIds> BlockReader::Find(const std::vector<model::Matcher>& matchers) {
  bool none = false;
  TRY_ASSIGN(std::vector<Test> tests, MakeTests(matchers, &none));
  SeriesIds ids;
  if (none) return ids;
  if (tests.empty()) {
    ids.resize(index_->series_count());
    std::iota(ids.begin(), ids.end(), 0U);
    return ids;
  }
  for (uint32_t group = 0; group < index_->groups().size(); ++group) {
    TRY(FindInGroup(group, &tests, &ids));
  }
  return ids;
}

absl::Status BlockReader::FindInGroup(uint32_t group, std::vector<Test>* tests, SeriesIds* ids) {
  const BlockIndex::Group& entry = index_->groups()[group];
  for (Test& test : *tests) {
    const auto zone = std::find_if(entry.zones.begin(), entry.zones.end(),
                                   [&](const auto& z) { return z.name == test.name(); });
    if (!test.MayPass(zone == entry.zones.end() ? nullptr : &*zone)) return absl::OkStatus();
  }
  TRY(LoadGroup(group));
  const auto begin = static_cast<ptrdiff_t>(ids->size());
  bool first = true;
  for (Test& test : *tests) {
    const ValueColumn* const column = group_->Column(test.name());
    if (column == nullptr) continue;  // all absent, which passes
    if (first && test.equal()) {
      column->FindAll(test.wanted(), entry.first_series, ids);
    } else {
      if (first) {
        ids->resize(ids->size() + entry.series);
        std::iota(ids->begin() + begin, ids->end(), entry.first_series);
      }
      const auto rest = std::remove_if(ids->begin() + begin, ids->end(), [&](uint32_t id) {
        return !test.Accepts(column->at(id - entry.first_series));
      });
      ids->erase(rest, ids->end());
    }
    first = false;
    if (ids->size() == static_cast<size_t>(begin)) return absl::OkStatus();
  }
  if (first) {
    ids->resize(ids->size() + entry.series);
    std::iota(ids->begin() + begin, ids->end(), entry.first_series);
  }
  return absl::OkStatus();
}

absl::Status BlockReader::Labels(uint32_t series, std::string* packed) {
  const uint32_t number = index_->GroupOf(series);
  TRY(LoadGroup(number));
  if (dictionaries_.empty()) {
    for (const auto& [name, column] : group_->labels()) {
      TRY_ASSIGN(const LabelDictionary* values, Dictionary(name));
      dictionaries_.push_back(values);
    }
  }
  const uint32_t at = series - index_->groups()[number].first_series;
  const bool few = labels_asked_++ < kFewLabels;
  if (few) group_->FindLabels(at, &row_labels_);
  const std::span<const uint32_t> labels = few ? row_labels_ : group_->LabelsOf(at);
  // Neighbours have most labels in common, the first ones above all: these stay as they are.
  size_t same = 0;
  while (same < labels.size() && same < row_.size() && row_[same].label == labels[same] &&
         row_[same].value == group_->labels()[labels[same]].second.at(at)) {
    ++same;
  }
  row_.resize(same);
  row_packed_.resize(same == 0 ? 0 : row_[same - 1].end);
  for (const uint32_t i : labels.subspan(same)) {
    const auto& [name, column] = group_->labels()[i];
    const uint32_t value = column.at(at);
    model::AppendPacked(index_->names()[name].text, dictionaries_[i]->value(value - 1),
                        &row_packed_);
    row_.push_back({i, value, row_packed_.size()});
  }
  *packed = row_packed_;
  return absl::OkStatus();
}

absl::Status BlockReader::FindPlaces(uint32_t series, Places* places) {
  const uint32_t number = index_->GroupOf(series);
  TRY(LoadGroup(number));
  group_->Find(series - index_->groups()[number].first_series, places);
  return absl::OkStatus();
}

absl::Status BlockReader::Statistics(uint32_t series, uint32_t column,
                                     ColumnStatistics* statistics) {
  TRY(LoadGroup(index_->GroupOf(series)));
  const auto part = static_cast<uint32_t>(column / kStatisticsColumns);
  if (statistics_ == nullptr || statistics_part_ != part) {
    TRY_ASSIGN(statistics_, block_.Statistics(*index_, group_number_, part, *group_));
    statistics_part_ = part;
  }
  *statistics = statistics_->at(column % kStatisticsColumns);
  return absl::OkStatus();
}

}  // namespace hearth::tsdb
