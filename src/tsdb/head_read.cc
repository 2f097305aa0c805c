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
// Records that are asked for before they are looked at.
constexpr size_t kAhead = 8;

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

// What came in order since the mark: no sample of it counts.
void CutTail(const HeadMark& mark, HeadPart* part) {
  while (!part->chunks.empty() && part->chunks.back()->first_ms > mark.newest_ms) {
    part->chunks.pop_back();
  }
  const auto later = std::upper_bound(part->late.begin(), part->late.end(), mark.newest_ms,
                                      [](int64_t t, const Sample& s) { return t < s.time_ms; });
  part->late.erase(later, part->late.end());
  part->rich_max_ms = mark.newest_ms;
}

void CopyOpen(const HeadMark& mark, const uint8_t* data, size_t bytes, storage::TimeRange range,
              const storage::SelectHints& hints, HeadPart* part, std::vector<uint8_t>* open_bytes) {
  const int64_t first_ms = FirstTime(data);
  if (first_ms > mark.newest_ms || !Intersects(first_ms, mark.newest_ms, range)) return;
  part->open_count = mark.count;
  part->open_shape = mark.shape;
  part->open_first_ms = first_ms;
  part->open_last_ms = mark.newest_ms;
  if (hints.times_only && mark.shape.regular && !mark.shape.marked) return;
  part->open_at = open_bytes->size();
  open_bytes->insert(open_bytes->end(), data, data + bytes);
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

HeadPart Head::CopyPart(uint32_t id, const HeadMark& mark, storage::TimeRange range,
                        const storage::SelectHints& hints, std::vector<uint8_t>* open_bytes) const {
  const Series& series = at(id);
  HeadPart part;
  part.frozen = Frozen(id);
  if (const Tail* const tail = this->tail(series); tail != nullptr) {
    part.chunks = tail->chunks;
    part.late = tail->late;
    if (tail->rich != nullptr) part.rich = std::make_unique<const RichPart>(tail->rich->Copy());
  }
  if (series.newest.time_ms > mark.newest_ms) {
    CutTail(mark, &part);
    // It was open then, and has been closed since.
    if (!part.chunks.empty() && part.chunks.back()->last_ms > mark.newest_ms) {
      const std::shared_ptr<const Chunk> closed = std::move(part.chunks.back());
      part.chunks.pop_back();
      CopyOpen(mark, closed->data.get(), closed->bytes, range, hints, &part, open_bytes);
      return part;
    }
  }
  if (series.empty()) return part;
  CopyOpen(mark, arena_.at(series.ref), series.bytes(), range, hints, &part, open_bytes);
  return part;
}

bool Head::FindNewest(const Series& series, storage::TimeRange range,
                      const storage::SelectHints& hints, Sample* newest) const {
  // Wherever it is stored: nothing of the series is newer.
  if (!hints.newest_only || rich(series) != nullptr || series.newest.time_ms < range.min_ms ||
      series.newest.time_ms > range.max_ms) {
    return false;
  }
  *newest = series.newest;
  return true;
}

void Head::CopyMarked(const HeadMark& mark, storage::TimeRange range,
                      const storage::SelectHints& hints, HeadSnapshot::Place* place,
                      std::vector<HeadPart>* parts, std::vector<uint8_t>* open_bytes) const {
  if (!Overlaps(place->id, range)) return;
  place->part = static_cast<uint32_t>(parts->size());
  parts->push_back(CopyPart(place->id, mark, range, hints, open_bytes));
}

void Head::Mark(std::span<HeadSnapshot::Place> places, storage::TimeRange range,
                const storage::SelectHints& hints, std::span<HeadMark> marks) const {
  for (size_t i = 0; i < places.size(); ++i) {
    if (i + kAhead < places.size()) __builtin_prefetch(&at(places[i + kAhead].id));
    const Series& series = at(places[i].id);
    marks[i] = MarkOf(series);
    FindNewest(series, range, hints, &places[i].newest);
  }
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
    if (FindNewest(series, range, hints, &place.newest)) continue;
    CopyMarked(MarkOf(series), range, hints, &place, &snapshot.parts, &snapshot.open_bytes);
  }
  snapshot.open_bytes.resize(snapshot.open_bytes.size() + kChunkSlack);
  return snapshot;
}

std::string Head::DescribeExplosion() const {
  const auto [metric, series] = index_.LargestValue(model::kMetricName);
  if (series == 0) return "";
  SeriesIds ids;  // the newest ones tell what grows
  index_.NewestPostings(model::kMetricName, metric, kExplosionSample, &ids);
  StringMap<StringSet> values;
  StringMap<size_t> jobs;
  std::string packed;
  for (const uint32_t id : ids) {
    packed.clear();
    AppendLabels(id, &packed);
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
