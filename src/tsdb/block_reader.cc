// SPDX-License-Identifier: Apache-2.0
#include "tsdb/block_reader.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/status.h"

namespace hearth::tsdb {
namespace {

// Label sets of one group that are read column by column; for more, the group sorts them out once.
constexpr uint32_t kFewLabels = 256;

}  // namespace

// One matcher, over the numbers that columns hold (0: absent, else 1 + the value's). What the
// matcher says of a value is asked once, and only of values that candidates have.
class BlockReader::Test {
 public:
  Test(uint32_t name, const model::Matcher& matcher, const LabelDictionary& values)
      : name_(name), matcher_(&matcher), values_(&values) {
    if (matcher.type() == model::MatchType::kEqual) {
      equal_ = true;
      uint32_t number = 0;
      impossible_ = !matcher.value().empty() && !values.Find(matcher.value(), &number);
      wanted_ = matcher.value().empty() ? 0 : number + 1;
      return;
    }
    known_.resize(values.size() + 1, kUnknown);
    if (matcher.type() != model::MatchType::kRegex || matcher.literals().empty()) return;
    std::fill(known_.begin(), known_.end(), kNo);
    impossible_ = true;
    for (const std::string& literal : matcher.literals()) {
      uint32_t number = 0;
      if (!literal.empty() && !values.Find(literal, &number)) continue;
      known_[literal.empty() ? 0 : number + 1] = kYes;
      impossible_ = false;
    }
  }
  uint32_t name() const { return name_; }
  bool impossible() const { return impossible_; }
  bool equal() const { return equal_; }
  uint32_t wanted() const { return wanted_; }
  bool Accepts(uint32_t number) {
    if (equal_) return number == wanted_;
    uint8_t& known = known_[number];
    if (known == kUnknown) {
      known = matcher_->Matches(number == 0 ? std::string_view() : values_->value(number - 1))
                  ? kYes
                  : kNo;
    }
    return known == kYes;
  }
  // Whether a group with these values may have series that pass; null: the label is absent in all.
  bool MayPass(const SeriesGroupBuilder::Zone* zone) {
    if (zone == nullptr) return Accepts(0);
    return !equal_ || (wanted_ >= zone->min && wanted_ <= zone->max);
  }

 private:
  enum Known : uint8_t { kUnknown, kYes, kNo };
  uint32_t name_;
  const model::Matcher* matcher_;  // both outlive the test
  const LabelDictionary* values_;
  bool equal_ = false;
  bool impossible_ = false;
  uint32_t wanted_ = 0;
  std::vector<uint8_t> known_;
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
    tests.emplace_back(name, matcher, *values);
    *none = *none || tests.back().impossible();
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
  packed->clear();
  const bool few = labels_asked_++ < kFewLabels;
  if (few) group_->FindLabels(at, &row_labels_);
  for (const uint32_t i : few ? std::span<const uint32_t>(row_labels_) : group_->LabelsOf(at)) {
    const auto& [name, column] = group_->labels()[i];
    const std::string_view value = dictionaries_[i]->value(column.at(at) - 1);
    model::AppendPacked(index_->names()[name].text, value, packed);
  }
  return absl::OkStatus();
}

absl::Status BlockReader::FindPlaces(uint32_t series, Places* places) {
  const uint32_t number = index_->GroupOf(series);
  TRY(LoadGroup(number));
  group_->Find(series - index_->groups()[number].first_series, places);
  return absl::OkStatus();
}

}  // namespace hearth::tsdb
