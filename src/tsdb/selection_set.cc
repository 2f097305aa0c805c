// SPDX-License-Identifier: Apache-2.0
#include "tsdb/selection_set.h"

#include <absl/container/flat_hash_map.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <deque>
#include <numeric>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "base/status.h"
#include "base/string_map.h"
#include "model/value.h"
#include "tsdb/head_source.h"
#include "tsdb/run_reduction.h"

namespace hearth::tsdb {
namespace {

// Distinct timelines that one set remembers: targets of a query seldom are more; beyond, timelines
// are simply not known to be equal.
constexpr size_t kTimelinesMax = 4096;

// The labels of a snapshot's places, in their order.
class PlaceLabels : public SeriesSource {
 public:
  explicit PlaceLabels(const HeadSnapshot& snapshot) : snapshot_(snapshot) {}
  absl::StatusOr<bool> Next() override {
    if (++next_ > snapshot_.places.size()) return false;
    packed_.clear();
    snapshot_.labels->Append(snapshot_.places[id()].id, &packed_);
    return true;
  }
  model::LabelsView labels() const override { return model::LabelsView(packed_); }
  uint32_t id() const override { return static_cast<uint32_t>(next_ - 1); }
  absl::Status Read(storage::TimeRange, Columns*) override { return absl::OkStatus(); }

 private:
  const HeadSnapshot& snapshot_;
  std::string packed_;
  size_t next_ = 0;
};

// Metric by metric, as the first label mostly is the name: most comparisons of whole label sets are
// saved.
std::vector<uint32_t> OrderByLabels(const HeadSnapshot& snapshot) {
  const LabelStore& labels = *snapshot.labels;
  const std::vector<HeadSnapshot::Place>& places = snapshot.places;
  absl::flat_hash_map<uint32_t, std::vector<uint32_t>> groups;
  for (uint32_t i = 0; i < places.size(); ++i) {
    groups[labels.FirstPair(places[i].id)].push_back(i);
  }
  std::vector<uint32_t> firsts;
  for (const auto& [first, group] : groups) firsts.push_back(first);
  std::sort(firsts.begin(), firsts.end(), [&](uint32_t a, uint32_t b) {
    if (a == LabelStore::kNone || b == LabelStore::kNone) return a == LabelStore::kNone && a != b;
    const model::Label left = labels.pair(a);
    const model::Label right = labels.pair(b);
    return std::tie(left.name, left.value) < std::tie(right.name, right.value);
  });
  std::vector<uint32_t> order;
  order.reserve(places.size());
  for (const uint32_t first : firsts) {
    std::vector<uint32_t>& group = groups[first];
    const auto before = [&](uint32_t a, uint32_t b) {
      return labels.Compare(places[a].id, places[b].id) < 0;
    };
    // After a start the head has its series from blocks, in their order.
    if (!std::is_sorted(group.begin(), group.end(), before)) {
      std::sort(group.begin(), group.end(), before);
    }
    order.insert(order.end(), group.begin(), group.end());
  }
  return order;
}

template <typename T>
void Permute(const std::vector<uint32_t>& order, std::vector<T>* list) {
  std::vector<T> sorted;
  sorted.reserve(list->size());
  for (const uint32_t i : order) sorted.push_back(std::move((*list)[i]));
  *list = std::move(sorted);
}

// The distinct columns of times of one set, numbered from 1, and which runs make them.
class Timelines {
 public:
  // How the samples of some runs, one after the other, lie in the range.
  struct Layout {
    std::vector<uint64_t> recipe;
    uint32_t total = 0;  // samples of all runs
    uint32_t skip = 0;   // before the range
    uint32_t taken = 0;  // in it
    uint32_t timeline = 0;
  };

  // The number of the timeline that equals `times`; 0: no room for another. `before`: as
  // storage::SeriesColumns::samples_before.
  uint32_t Intern(std::span<const int64_t> times, std::span<const uint64_t> before = {}) {
    const auto equals = [&](uint32_t id) {
      return std::ranges::equal(lines_[id - 1].times, times) &&
             std::ranges::equal(lines_[id - 1].before, before);
    };
    if (last_ != 0 && equals(last_)) return last_;
    const uint64_t hash =
        XXH3_64bits_withSeed(times.data(), times.size_bytes(),
                             before.empty() ? 0 : XXH3_64bits(before.data(), before.size_bytes()));
    const auto it = by_hash_.find(hash);
    if (it != by_hash_.end()) {
      if (!equals(it->second)) return 0;
      last_ = it->second;
      return last_;
    }
    if (lines_.size() == kTimelinesMax) return 0;
    lines_.push_back({{times.begin(), times.end()}, {before.begin(), before.end()}});
    last_ = static_cast<uint32_t>(lines_.size());
    by_hash_.emplace(hash, last_);
    return last_;
  }
  std::span<const int64_t> at(uint32_t id) const { return lines_[id - 1].times; }
  std::span<const uint64_t> before(uint32_t id) const { return lines_[id - 1].before; }

  // The layout of these runs, or null where it is not known yet. False: it cannot be, because the
  // times of a run are not known without decoding it.
  bool FindLayout(std::span<const SampleRun> runs, const Layout** layout) {
    *layout = nullptr;
    recipe_.clear();
    for (const SampleRun& run : runs) {
      if (run.times_key == 0) return false;
      recipe_.push_back(uint64_t{run.source} << 32 | run.times_key);
      recipe_.push_back(static_cast<uint64_t>(run.first_ms));
      recipe_.push_back(static_cast<uint64_t>(run.last_ms));
      recipe_.push_back(uint64_t{run.points} << 32 | run.count);
    }
    if (last_layout_ != nullptr && last_layout_->recipe == recipe_) {
      *layout = last_layout_;
      return true;
    }
    hash_ = XXH3_64bits(recipe_.data(), recipe_.size() * sizeof(uint64_t));
    const auto it = layouts_by_hash_.find(hash_);
    if (it != layouts_by_hash_.end()) {
      if (it->second->recipe != recipe_) return false;
      last_layout_ = *layout = it->second;
      return true;
    }
    return layouts_.size() < kTimelinesMax;
  }
  // Of the runs that FindLayout was asked for last.
  const Layout* AddLayout(Layout layout) {
    layout.recipe = recipe_;
    layouts_.push_back(std::move(layout));
    last_layout_ = &layouts_.back();
    layouts_by_hash_.emplace(hash_, last_layout_);
    return last_layout_;
  }

 private:
  struct Line {
    std::vector<int64_t> times;
    std::vector<uint64_t> before;
  };
  std::deque<Line> lines_;  // spans into it stay valid
  absl::flat_hash_map<uint64_t, uint32_t> by_hash_;
  uint32_t last_ = 0;
  std::deque<Layout> layouts_;
  absl::flat_hash_map<uint64_t, const Layout*> layouts_by_hash_;
  const Layout* last_layout_ = nullptr;
  std::vector<uint64_t> recipe_;
  uint64_t hash_ = 0;
};

class SelectionSet : public storage::SeriesSet {
 public:
  SelectionSet(std::shared_ptr<const Selection> selection,
               std::vector<std::unique_ptr<SeriesSource>> blocks,
               std::shared_ptr<const HeadSnapshot> snapshot, storage::TimeRange range,
               storage::SelectHints hints, const std::atomic<bool>* cancelled)
      : selection_(std::move(selection)),
        blocks_(std::move(blocks)),
        head_(std::move(snapshot)),
        range_(range),
        hints_(std::move(hints)),
        cancelled_(cancelled),
        end_(selection_->rows()) {}

  absl::StatusOr<bool> Next(storage::ColumnBatch* batch) override {
    TRY(FindLabels());
    batch->series.clear();
    columns_.Clear();
    values_used_ = 0;
    places_.clear();
    while (places_.size() < storage::kTileSeries && row_ < end_) {
      if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) {
        return Cancelled("the query was cancelled");
      }
      TRY(AddRow());
      ++row_;
    }
    for (const Place& place : places_) HandOut(place, &batch->series.emplace_back());
    return !batch->series.empty();
  }

  size_t rows() const override { return selection_->rows(); }
  void Restrict(size_t begin, size_t end) override {
    row_ = begin;
    end_ = std::min(end, selection_->rows());
  }
  absl::StatusOr<std::unique_ptr<storage::SeriesSet>> Fork() override {
    TRY(FindLabels());
    std::vector<std::unique_ptr<SeriesSource>> blocks;
    for (const auto& block : blocks_) blocks.push_back(block->Fork());
    auto fork = std::make_unique<SelectionSet>(selection_, std::move(blocks), head_.snapshot(),
                                               range_, hints_, cancelled_);
    fork->projection_ = projection_;
    fork->whole_ = whole_;
    return fork;
  }

 private:
  // A row of the tile: its samples are in columns_, or, where they are runs, its values in values_.
  struct Place {
    model::LabelsView labels = {};
    uint32_t labels_id = 0;
    uint32_t timeline = 0;
    bool runs = false;
    bool values = true;
    bool marked = true;
    uint32_t series = 1;
    size_t begin = 0;
    size_t count = 0;
    size_t histograms_begin = 0;
    size_t histograms_end = 0;
  };

  SeriesSource& source(size_t i) {
    return i < blocks_.size() ? *blocks_[i] : static_cast<SeriesSource&>(head_);
  }

  absl::Status AddRow() {
    const uint32_t in_head = selection_->id(row_, blocks_.size());
    if (in_head != Selection::kAbsent) {
      const Sample& newest = head_.place(in_head).newest;
      if (newest.time_ms != INT64_MIN) return AddNewest(newest);
    }
    runs_.clear();
    for (size_t s = 0; s <= blocks_.size(); ++s) {
      const uint32_t id = selection_->id(row_, s);
      if (id == Selection::kAbsent) continue;
      TRY(source(s).Seek(id, false));
      const size_t before = runs_.size();
      TRY_ASSIGN(const bool all, source(s).Runs(range_, hints_.times_only, &runs_));
      if (!all) return AddMerged();
      for (size_t i = before; i < runs_.size(); ++i) {
        runs_[i].source = static_cast<uint32_t>(s);
        if (i > 0 && runs_[i].first_ms <= runs_[i - 1].last_ms) return AddMerged();
      }
    }
    if (runs_.empty()) return absl::OkStatus();
    if (hints_.windows.has_value() && ReduceRuns(*hints_.windows, range_, runs_)) {
      return AddReduced();
    }
    return AddRuns();
  }

  absl::Status AddNewest(const Sample& newest) {
    if (newest.time_ms != newest_ms_) {
      newest_timeline_ = timelines_.Intern({&newest.time_ms, 1});
      newest_ms_ = newest.time_ms;
    }
    const uint32_t timeline = newest_timeline_;
    const bool stale = newest.value_bits == model::kStaleNanBits;
    // Counting looks at nothing else, row after row.
    if (hints_.times_only && !stale && projection_ != nullptr && !places_.empty()) {
      Place& last = places_.back();
      const bool same = !last.values && timeline != 0 && last.timeline == timeline &&
                        last.labels_id == projection_->ids[row_];
      if (same) {
        ++last.series;
        return absl::OkStatus();
      }
    }
    if (timeline == 0) {
      columns_.Append(newest.time_ms, std::bit_cast<double>(newest.value_bits));
      return Keep({.begin = columns_.size() - 1, .count = 1});
    }
    Place place;
    place.timeline = timeline;
    place.runs = true;
    place.marked = stale;
    place.values = place.marked || !hints_.times_only;
    place.count = 1;
    if (!place.values) return Keep(place);
    *Reserve(1) = std::bit_cast<double>(newest.value_bits);
    place.begin = values_used_ - 1;
    return Keep(place);
  }

  absl::Status AddRuns() {
    const Timelines::Layout* layout = nullptr;
    if (!timelines_.FindLayout(runs_, &layout)) return AddDecoded();
    if (layout == nullptr) {
      TRY_ASSIGN(layout, MakeLayout());
      if (layout == nullptr) return AddDecoded();
    }
    if (layout->taken == 0) return absl::OkStatus();
    const bool marked =
        std::any_of(runs_.begin(), runs_.end(), [](const SampleRun& run) { return run.marked; });
    Place place;
    place.runs = true;
    place.marked = marked;
    place.timeline = layout->timeline;
    place.count = layout->taken;
    place.values = marked || !hints_.times_only;
    if (!place.values) return Keep(place);
    double* out = Reserve(layout->total);
    place.begin = values_used_ - layout->total + layout->skip;
    for (const SampleRun& run : runs_) {
      TRY(source(run.source).ReadRun(run, nullptr, out));
      out += run.count;
    }
    return Keep(place);
  }

  // The same where some runs come as the points that stand for them.
  absl::Status AddReduced() {
    const Timelines::Layout* layout = nullptr;
    if (!timelines_.FindLayout(runs_, &layout)) return AddReducedDecoded();
    if (layout == nullptr) {
      TRY_ASSIGN(layout, MakeLayout());
      if (layout == nullptr) return AddWhole();
    }
    if (layout->taken == 0) return absl::OkStatus();
    double* out = Reserve(layout->total);
    const Place place{.timeline = layout->timeline,
                      .runs = true,
                      .marked = false,
                      .begin = values_used_ - layout->total + layout->skip,
                      .count = layout->taken};
    for (const SampleRun& run : runs_) {
      TRY_ASSIGN(const bool marked, ReadReduced(run, nullptr, out));
      if (marked) {
        values_used_ -= layout->total;
        return AddWhole();
      }
      out += run.samples();
    }
    return Keep(place);
  }

  // The same where the times of some runs must be decoded.
  absl::Status AddReducedDecoded() {
    const size_t begin = columns_.size();
    std::vector<uint64_t> before;
    uint64_t samples = 0;
    for (const SampleRun& run : runs_) {
      const size_t at = columns_.size();
      columns_.Resize(at + run.samples());
      TRY_ASSIGN(const bool marked,
                 ReadReduced(run, columns_.times_ms.data() + at, columns_.values.data() + at));
      if (marked) {
        columns_.Resize(begin);
        return AddWhole();
      }
      for (size_t i = 0; i < run.samples(); ++i) before.push_back(samples + i);
      samples += run.count;
    }
    before.push_back(samples);
    const auto all = std::span(columns_.times_ms).subspan(begin);
    const auto skip = std::ranges::lower_bound(all, range_.min_ms) - all.begin();
    columns_.TrimFrom(begin, range_);
    const size_t count = columns_.size() - begin;
    if (count == 0) return absl::OkStatus();
    const uint32_t timeline =
        timelines_.Intern(std::span(columns_.times_ms).subspan(begin),
                          std::span(before).subspan(static_cast<size_t>(skip), count + 1));
    if (timeline == 0) {
      columns_.Resize(begin);
      return AddWhole();
    }
    return Keep({.timeline = timeline, .marked = false, .begin = begin, .count = count});
  }

  // Fills run.samples() of either, where not null; true where a marker is among them: whoever takes
  // markers out must see the samples themselves.
  absl::StatusOr<bool> ReadReduced(const SampleRun& run, int64_t* times_ms, double* values) {
    if (run.points == 0) {
      TRY(source(run.source).ReadRun(run, times_ms, values));
      return run.marked && std::any_of(values, values + run.count, model::IsStaleNan);
    }
    if (times_ms != nullptr) PointTimes(hints_.windows->value, run, times_ms);
    TRY(ReadPoints(hints_.windows->value, run, &source(run.source), values));
    return false;
  }

  absl::Status AddWhole() {
    for (SampleRun& run : runs_) run.points = 0;
    return AddRuns();
  }

  // Null: there is no room for its timeline.
  absl::StatusOr<const Timelines::Layout*> MakeLayout() {
    times_.clear();
    std::vector<uint64_t> before;  // with points alone
    uint64_t samples = 0;
    const bool reduced =
        std::any_of(runs_.begin(), runs_.end(), [](const auto& run) { return run.points > 0; });
    for (const SampleRun& run : runs_) {
      const size_t count = run.samples();
      times_.resize(times_.size() + count);
      int64_t* const out = times_.data() + times_.size() - count;
      if (run.points > 0) {
        PointTimes(hints_.windows->value, run, out);
      } else {
        TRY(source(run.source).ReadRun(run, out, nullptr));
      }
      for (size_t i = 0; reduced && i < count; ++i) before.push_back(samples + i);
      samples += run.count;
    }
    if (reduced) before.push_back(samples);
    const auto low = std::lower_bound(times_.begin(), times_.end(), range_.min_ms);
    const auto high = std::upper_bound(low, times_.end(), range_.max_ms);
    Timelines::Layout layout;
    layout.total = static_cast<uint32_t>(times_.size());
    layout.skip = static_cast<uint32_t>(low - times_.begin());
    layout.taken = static_cast<uint32_t>(high - low);
    if (reduced)
      before = {before.begin() + layout.skip, before.begin() + layout.skip + layout.taken + 1};
    if (layout.taken > 0) layout.timeline = timelines_.Intern(std::span(low, high), before);
    if (layout.taken > 0 && layout.timeline == 0) {
      return static_cast<const Timelines::Layout*>(nullptr);
    }
    return timelines_.AddLayout(std::move(layout));
  }

  // Runs whose times must be decoded.
  absl::Status AddDecoded() {
    const size_t begin = columns_.size();
    for (const SampleRun& run : runs_) {
      const size_t at = columns_.size();
      columns_.Resize(at + run.count);
      TRY(source(run.source)
              .ReadRun(run, columns_.times_ms.data() + at, columns_.values.data() + at));
    }
    columns_.TrimFrom(begin, range_);
    return KeepColumns(begin, columns_.histograms.size());
  }

  absl::Status AddMerged() {
    const size_t begin = columns_.size();
    const size_t histograms = columns_.histograms.size();
    for (size_t s = 0; s <= blocks_.size(); ++s) {
      const uint32_t id = selection_->id(row_, s);
      if (id == Selection::kAbsent) continue;
      TRY(source(s).Seek(id, false));
      TRY(source(s).Read(range_, &columns_));
    }
    columns_.SortFrom(begin);
    columns_.TrimFrom(begin, range_);
    columns_.SettleHistograms(histograms, begin, range_);
    return KeepColumns(begin, histograms);
  }

  absl::Status KeepColumns(size_t begin, size_t histograms) {
    const size_t count = columns_.size() - begin;
    if (count == 0 && columns_.histograms.size() == histograms) return absl::OkStatus();
    const uint32_t timeline =
        count == 0 ? 0 : timelines_.Intern(std::span(columns_.times_ms).subspan(begin));
    return Keep({.timeline = timeline,
                 .begin = begin,
                 .count = count,
                 .histograms_begin = histograms,
                 .histograms_end = columns_.histograms.size()});
  }

  absl::Status Keep(Place place) {
    if (projection_ != nullptr) {
      place.labels_id = projection_->ids[row_];
      if (!place.values && !places_.empty() && IsSame(places_.back(), place)) {
        ++places_.back().series;
        return absl::OkStatus();
      }
      place.labels = model::LabelsView(projection_->packed[place.labels_id - 1]);
    } else if (whole_ != nullptr) {
      place.labels_id = static_cast<uint32_t>(row_) + 1;
      place.labels = whole_->at(row_);
    } else {
      labels_.resize(storage::kTileSeries);
      std::string& packed = labels_[places_.size()];
      packed.clear();
      TRY(AppendLabels(row_, &packed));
      place.labels = model::LabelsView(packed);
    }
    places_.push_back(place);
    return absl::OkStatus();
  }

  // As one that has times alone.
  static bool IsSame(const Place& a, const Place& b) {
    return !a.values && a.labels_id == b.labels_id && a.timeline == b.timeline;
  }

  // The row's packed labels: from the head where it has the series, else from a block.
  absl::Status AppendLabels(size_t row, std::string* packed) {
    size_t s = blocks_.size();
    if (selection_->id(row, s) == Selection::kAbsent) s = 0;
    while (selection_->id(row, s) == Selection::kAbsent) ++s;
    TRY(source(s).Seek(selection_->id(row, s), true));
    packed->append(source(s).labels().packed());
    return absl::OkStatus();
  }

  absl::Status FindLabels() {
    if (hints_.labels.has_value()) return FindProjection();
    if (whole_ != nullptr || selection_->rows() > Selection::kLabelRowsMax) return absl::OkStatus();
    whole_ = selection_->labels();
    if (whole_ != nullptr) return absl::OkStatus();
    auto made = std::make_shared<RowLabels>();
    made->ends.reserve(selection_->rows());
    for (size_t row = 0; row < selection_->rows(); ++row) {
      TRY(AppendLabels(row, &made->bytes));
      made->ends.push_back(static_cast<uint32_t>(made->bytes.size()));
    }
    whole_ = made;
    selection_->Keep(std::move(made));
    return absl::OkStatus();
  }

  // Of the labels that count, where those are not all.
  absl::Status FindProjection() {
    if (projection_ != nullptr) return absl::OkStatus();
    const std::vector<std::string>& names = *hints_.labels;
    projection_ = selection_->FindProjection(names);
    if (projection_ != nullptr) return absl::OkStatus();
    auto made = std::make_shared<Projection>();
    made->names = names;
    made->ids.reserve(selection_->rows());
    StringMap<uint32_t> known;
    std::string all;
    std::string packed;
    for (size_t row = 0; row < selection_->rows(); ++row) {
      all.clear();
      TRY(AppendLabels(row, &all));
      packed.clear();
      for (const model::Label& label : model::LabelsView(all)) {
        if (!std::binary_search(names.begin(), names.end(), label.name)) continue;
        model::AppendPacked(label.name, label.value, &packed);
      }
      if (!made->ids.empty() && made->packed[made->ids.back() - 1] == packed) {
        made->ids.push_back(made->ids.back());
        continue;
      }
      const auto [it, added] = known.try_emplace(packed, made->packed.size() + 1);
      if (added) made->packed.push_back(packed);
      made->ids.push_back(it->second);
    }
    projection_ = made;
    selection_->Keep(std::move(made));
    return absl::OkStatus();
  }

  void HandOut(const Place& place, storage::SeriesColumns* out) {
    out->labels = place.labels;
    out->labels_id = place.labels_id;
    out->timeline = place.timeline;
    out->marked = place.marked;
    out->series = place.series;
    if (place.timeline != 0) {
      out->times_ms = timelines_.at(place.timeline);
      out->samples_before = timelines_.before(place.timeline);
    }
    if (place.runs) {
      if (place.values) out->values = {values_.get() + place.begin, place.count};
      return;
    }
    const std::span<const int64_t> times(columns_.times_ms);
    if (place.timeline == 0) out->times_ms = times.subspan(place.begin, place.count);
    out->values = std::span<const double>(columns_.values).subspan(place.begin, place.count);
    out->histograms =
        std::span<const model::HistogramSample>(columns_.histograms)
            .subspan(place.histograms_begin, place.histograms_end - place.histograms_begin);
    if (columns_.HasStarts(place.begin, place.begin + place.count)) {
      out->start_times_ms = columns_.StartsFrom(0).subspan(place.begin, place.count);
    }
  }

  // Room for `count` more values of the tile, not cleared.
  double* Reserve(size_t count) {
    if (values_used_ + count > values_size_) {
      values_size_ = std::max(values_used_ + count, 2 * values_size_);
      auto grown = std::make_unique_for_overwrite<double[]>(values_size_);
      std::copy_n(values_.get(), values_used_, grown.get());
      values_ = std::move(grown);
    }
    values_used_ += count;
    return values_.get() + values_used_ - count;
  }

  const std::shared_ptr<const Selection> selection_;
  const std::vector<std::unique_ptr<SeriesSource>> blocks_;
  HeadSource head_;
  const storage::TimeRange range_;
  const storage::SelectHints hints_;
  const std::atomic<bool>* const cancelled_;
  std::shared_ptr<const Projection> projection_;  // null: all labels …
  std::shared_ptr<const RowLabels> whole_;        // … from here, or, where null, from the sources
  size_t row_ = 0;                                // the next one
  size_t end_;
  // The tile.
  std::vector<Place> places_;
  std::vector<std::string> labels_;
  Columns columns_;
  std::unique_ptr<double[]> values_;
  size_t values_size_ = 0;
  size_t values_used_ = 0;
  // Of one row.
  std::vector<SampleRun> runs_;
  std::vector<int64_t> times_;
  Timelines timelines_;
  int64_t newest_ms_ = INT64_MIN;  // the newest sample's time of the row before …
  uint32_t newest_timeline_ = 0;   // … and that as a timeline
};

}  // namespace

absl::Status FillSelection(std::vector<std::unique_ptr<SeriesSource>> blocks,
                           HeadSnapshot* snapshot, Selection* selection) {
  const std::vector<uint32_t> order = OrderByLabels(*snapshot);
  Permute(order, &snapshot->places);
  Permute(order, &selection->head_ids);
  const size_t sources = selection->sources();
  if (blocks.empty()) {
    selection->ids.resize(order.size());
    std::iota(selection->ids.begin(), selection->ids.end(), 0U);
    return absl::OkStatus();
  }
  blocks.push_back(std::make_unique<PlaceLabels>(*snapshot));
  SeriesMerger merger(std::move(blocks));
  for (;;) {
    TRY_ASSIGN(const bool more, merger.Next());
    if (!more) return absl::OkStatus();
    const size_t row = selection->ids.size();
    selection->ids.resize(row + sources, Selection::kAbsent);
    for (const size_t s : merger.current()) selection->ids[row + s] = merger.source(s).id();
  }
}

std::unique_ptr<storage::SeriesSet> MakeSeriesSet(std::shared_ptr<const Selection> selection,
                                                  std::vector<std::unique_ptr<SeriesSource>> blocks,
                                                  HeadSnapshot snapshot,
                                                  const storage::SelectRequest& request) {
  return std::make_unique<SelectionSet>(std::move(selection), std::move(blocks),
                                        std::make_shared<const HeadSnapshot>(std::move(snapshot)),
                                        request.range, request.hints, request.cancelled);
}

}  // namespace hearth::tsdb
