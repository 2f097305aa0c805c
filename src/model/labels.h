// SPDX-License-Identifier: Apache-2.0
// What identifies a series: a sorted set of (name, value) pairs, the metric's name being the label
// `__name__`. One packed byte string holds it:
//
//   for each label, sorted by name:  varint(name size) name varint(value size) value
//
// so that a label set is compared, hashed, stored and copied as one run of bytes. No empty values
// (Prometheus: an empty value is an absent label), no duplicate names.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::model {

inline constexpr std::string_view kMetricName = "__name__";
inline constexpr std::string_view kBucketLabel = "le";
inline constexpr std::string_view kQuantileLabel = "quantile";

struct Label {
  std::string_view name;
  std::string_view value;
  friend auto operator<=>(const Label&, const Label&) = default;
};

// A borrowed label set: valid while the bytes it points to are. Trivially copyable.
class LabelsView {
 public:
  LabelsView() = default;
  // `packed` must be well formed (made by Labels, LabelsBuilder or checked by ParsePacked).
  explicit LabelsView(std::string_view packed) : packed_(packed) {}

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Label;
    using difference_type = std::ptrdiff_t;
    using pointer = const Label*;
    using reference = const Label&;
    Iterator() = default;
    Iterator(const char* at, const char* end) : next_(at), end_(end) { Advance(); }
    const Label& operator*() const { return label_; }
    const Label* operator->() const { return &label_; }
    Iterator& operator++() {
      Advance();
      return *this;
    }
    void operator++(int) { Advance(); }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    void Advance();
    const char* at_ = nullptr;  // where label_ begins; == end_ after the last
    const char* next_ = nullptr;
    const char* end_ = nullptr;
    Label label_;
  };
  Iterator begin() const { return {packed_.data(), packed_.data() + packed_.size()}; }
  Iterator end() const {
    return {packed_.data() + packed_.size(), packed_.data() + packed_.size()};
  }

  // The value of `name`, or "" where absent. Linear in the number of labels.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const { return !Get(name).empty(); }
  std::string_view metric_name() const { return Get(kMetricName); }
  bool empty() const { return packed_.empty(); }
  size_t CountLabels() const;
  size_t TextBytes() const;  // names + values, as limits count them
  std::string_view packed() const { return packed_; }
  uint64_t Hash() const;  // XXH3 of the packed bytes; not stable across versions of hearth

  // Order of Prometheus' labels.Compare: pair by pair by name, then value; a prefix sorts first.
  std::strong_ordering Compare(LabelsView other) const;
  friend bool operator==(LabelsView a, LabelsView b) { return a.packed_ == b.packed_; }
  friend std::strong_ordering operator<=>(LabelsView a, LabelsView b) { return a.Compare(b); }

  // `name{a="b", c="d"}` as Prometheus prints label sets: {…} alone where there is no metric name,
  // names quoted where they are not legacy names.
  std::string ToString() const;

 private:
  std::string_view packed_;
};

// An owned label set: immutable, movable, one allocation.
class Labels {
 public:
  Labels() = default;
  // Sorts; drops empty values; a later pair of the same name wins.
  Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);
  explicit Labels(LabelsView view) : packed_(view.packed()) {}
  static Labels FromPacked(std::string packed);  // well formed, as LabelsView
  // Any pairs; sorts them, drops empty values; a later pair of the same name wins.
  static Labels FromPairs(std::vector<Label> pairs);

  // NOLINTNEXTLINE(google-explicit-constructor): borrowing is what callers mean.
  operator LabelsView() const { return LabelsView(packed_); }
  LabelsView view() const { return LabelsView(packed_); }
  LabelsView::Iterator begin() const { return view().begin(); }
  LabelsView::Iterator end() const { return view().end(); }
  std::string_view Get(std::string_view name) const { return view().Get(name); }
  bool empty() const { return packed_.empty(); }
  std::string_view packed() const { return packed_; }
  std::string ToString() const { return view().ToString(); }
  friend bool operator==(const Labels& a, const Labels& b) { return a.packed_ == b.packed_; }
  friend std::strong_ordering operator<=>(const Labels& a, const Labels& b) {
    return a.view().Compare(b.view());
  }

 private:
  std::string packed_;
};

// Edits a label set: Set("", …) values of "" delete. Reusable; not thread-safe.
class LabelsBuilder {
 public:
  LabelsBuilder() = default;
  explicit LabelsBuilder(LabelsView base) { Reset(base); }
  void Reset(LabelsView base);
  void Set(std::string_view name, std::string_view value);
  void Delete(std::string_view name) { Set(name, ""); }
  std::string_view Get(std::string_view name) const;
  // Keeps only the named labels / drops them (names need not be sorted).
  void Keep(const std::vector<std::string>& names);
  Labels Build() const;
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;  // sorted by name
};

// Appends one label to packed bytes; the caller appends in name order.
void AppendPacked(std::string_view name, std::string_view value, std::string* packed);
// True if `bytes` are a well-formed packed set: sorted, unique names, nothing empty, no tail.
bool IsWellFormedPacked(std::string_view bytes);

// [a-zA-Z_:][a-zA-Z0-9_:]* and [a-zA-Z_][a-zA-Z0-9_]*: names that need no quotes.
bool IsLegacyMetricName(std::string_view name);
bool IsLegacyLabelName(std::string_view name);
// `text` in double quotes with Go's strconv.Quote escapes.
std::string QuoteGo(std::string_view text);

}  // namespace hearth::model
