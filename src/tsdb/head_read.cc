// SPDX-License-Identifier: Apache-2.0
// What queries take out of the head.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/string_map.h"
#include "tsdb/head.h"

namespace hearth::tsdb {
namespace {

// Series that are looked at to say which label grows.
constexpr size_t kExplosionSample = 2000;
// More new series than that are found faster by the index than one by one.
constexpr uint32_t kLookedAtMax = 4096;

bool Intersects(int64_t first_ms, int64_t last_ms, storage::TimeRange range) {
  return first_ms <= range.max_ms && last_ms >= range.min_ms;
}

bool LateOverlaps(const std::vector<Sample>& late, storage::TimeRange range) {
  return !late.empty() && Intersects(late.front().time_ms, late.back().time_ms, range);
}

bool ChunksOverlap(const std::vector<std::shared_ptr<const Chunk>>& chunks,
                   storage::TimeRange range) {
  return !chunks.empty() && Intersects(chunks.front()->first_ms, chunks.back()->last_ms, range);
}

}  // namespace

const FrozenSeries* Head::Frozen(uint32_t id) const {
  if (frozen_ == nullptr || id >= frozen_index_.size() || frozen_index_[id] == kNone) {
    return nullptr;
  }
  return &frozen_->series[frozen_index_[id]];
}

bool Head::OpenOverlaps(const Series& series, storage::TimeRange range) const {
  // The record is at hand, the chunk is elsewhere.
  return !series.empty() && series.newest.time_ms >= range.min_ms &&
         FirstTime(arena_.at(series.ref)) <= range.max_ms;
}

bool Head::Overlaps(uint32_t id, storage::TimeRange range) const {
  const Series& series = at(id);
  if (OpenOverlaps(series, range)) return true;
  const Tail* const tail = this->tail(series);
  if (tail != nullptr && (ChunksOverlap(tail->chunks, range) || LateOverlaps(tail->late, range) ||
                          (tail->rich != nullptr && tail->rich->Overlaps(range)))) {
    return true;
  }
  const FrozenSeries* const frozen = Frozen(id);
  if (frozen == nullptr) return false;
  if (frozen->count > 0 &&
      Intersects(FirstTime(frozen_->arena.at(frozen->chunk)), frozen->last_ms, range)) {
    return true;
  }
  return frozen->tail != nullptr &&
         (ChunksOverlap(frozen->tail->chunks, range) || LateOverlaps(frozen->tail->late, range) ||
          (frozen->tail->rich != nullptr && frozen->tail->rich->Overlaps(range)));
}

bool Head::AnyMatchesFrom(uint32_t first, const std::vector<model::Matcher>& matchers) const {
  if (series_.size() - first > kLookedAtMax) return true;
  for (uint32_t id = first; id < series_.size(); ++id) {
    if (std::all_of(matchers.begin(), matchers.end(), [&](const model::Matcher& matcher) {
          return matcher.Matches(index_.Value(id, matcher.name()));
        })) {
      return true;
    }
  }
  return false;
}

HeadPart Head::CopyPart(uint32_t id, storage::TimeRange range, const storage::SelectHints& hints,
                        std::vector<uint8_t>* open_bytes) const {
  const Series& series = at(id);
  HeadPart part;
  part.frozen = Frozen(id);
  if (const Tail* const tail = this->tail(series); tail != nullptr) {
    part.chunks = tail->chunks;
    part.late = tail->late;
    if (tail->rich != nullptr) part.rich = std::make_unique<const RichPart>(tail->rich->Copy());
  }
  if (!OpenOverlaps(series, range)) return part;
  const uint8_t* const data = arena_.at(series.ref);
  part.open_count = series.count;
  part.open_shape = series.shape;
  part.open_first_ms = FirstTime(data);
  part.open_last_ms = series.newest.time_ms;
  if (hints.times_only && part.open_shape.regular && !part.open_shape.marked) return part;
  part.open_at = open_bytes->size();
  open_bytes->insert(open_bytes->end(), data, data + series.bytes());
  return part;
}

HeadSnapshot Head::Snapshot(const SeriesIds& ids, storage::TimeRange range,
                            const storage::SelectHints& hints) const {
  HeadSnapshot snapshot;
  snapshot.frozen = frozen_;
  snapshot.labels = index_.shared_labels();
  snapshot.places.resize(ids.size());
  // In the order of labels, records lie all over the place.
  constexpr size_t kAhead = 12;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i + kAhead < ids.size()) __builtin_prefetch(&at(ids[i + kAhead]));
    const Series& series = at(ids[i]);
    HeadSnapshot::Place& place = snapshot.places[i];
    place.id = ids[i];
    // Wherever it is stored: nothing of the series is newer.
    if (hints.newest_only && rich(series) == nullptr && series.newest.time_ms >= range.min_ms &&
        series.newest.time_ms <= range.max_ms) {
      place.newest = series.newest;
      continue;
    }
    if (!Overlaps(ids[i], range)) continue;
    place.part = static_cast<uint32_t>(snapshot.parts.size());
    snapshot.parts.push_back(CopyPart(ids[i], range, hints, &snapshot.open_bytes));
  }
  snapshot.open_bytes.resize(snapshot.open_bytes.size() + kChunkSlack);
  return snapshot;
}

void Head::ForEachSeries(const std::vector<model::Matcher>& matchers, storage::TimeRange range,
                         absl::FunctionRef<void(model::LabelsView)> visit) const {
  if (samples_ == 0 && frozen_ == nullptr) return;
  std::string packed;
  for (const uint32_t id : FindSeries(index_, matchers)) {
    if (!Overlaps(id, range)) continue;
    packed.clear();
    AppendLabels(id, &packed);
    visit(model::LabelsView(packed));
  }
}

std::string Head::DescribeExplosion() const {
  const auto [metric, series] = index_.LargestValue(model::kMetricName);
  if (series == 0) return "";
  SeriesIds ids;
  index_.Postings(model::kMetricName, metric, &ids);
  // The newest ones tell what grows.
  const size_t looked_at = std::min<size_t>(ids.size(), kExplosionSample);
  StringMap<StringSet> values;
  StringMap<size_t> jobs;
  std::string packed;
  for (size_t i = ids.size() - looked_at; i < ids.size(); ++i) {
    packed.clear();
    AppendLabels(ids[i], &packed);
    for (const model::Label& label : model::LabelsView(packed)) {
      if (label.name == model::kMetricName) continue;
      if (label.name == "job") ++jobs[std::string(label.value)];
      values[std::string(label.name)].emplace(label.value);
    }
  }
  std::string_view job;
  size_t most = 0;
  for (const auto& [name, count] : jobs) {
    if (count > most) job = name;
    most = std::max(most, count);
  }
  std::string_view label;
  most = 0;
  for (const auto& [name, distinct] : values) {
    if (distinct.size() > most || (distinct.size() == most && name < label)) label = name;
    most = std::max(most, distinct.size());
  }
  std::string text = fmt::format("metric \"{}\"", metric);
  if (!job.empty()) text += fmt::format(" of job \"{}\"", job);
  text += fmt::format(" has {} series", series);
  if (!label.empty()) {
    text += fmt::format(", label \"{}\" has {} values", label, index_.ValueCount(label));
  }
  return text;
}

}  // namespace hearth::tsdb
