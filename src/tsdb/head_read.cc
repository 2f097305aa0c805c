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

const FrozenSeries* Head::Frozen(const Series& series) const {
  if (frozen_ == nullptr || series.frozen_generation != frozen_->generation) return nullptr;
  return &frozen_->series[series.frozen_index];
}

bool Head::Overlaps(const Series& series, storage::TimeRange range) const {
  if (!series.open.empty() && Intersects(series.open.first_ms(), series.open.last_ms(), range)) {
    return true;
  }
  if (series.tail != nullptr &&
      (ChunksOverlap(series.tail->chunks, range) || LateOverlaps(series.tail->late, range) ||
       (series.rich() != nullptr && series.rich()->Overlaps(range)))) {
    return true;
  }
  const FrozenSeries* frozen = Frozen(series);
  return frozen != nullptr &&
         ((frozen->last.count > 0 &&
           Intersects(frozen->last.first_ms, frozen->last.last_ms, range)) ||
          ChunksOverlap(frozen->chunks, range) || LateOverlaps(frozen->late, range) ||
          (frozen->rich != nullptr && frozen->rich->Overlaps(range)));
}

bool Head::AnyMatchesFrom(uint32_t first, const std::vector<model::Matcher>& matchers) const {
  if (series_count_ - first > kLookedAtMax) return true;
  for (uint32_t id = first; id < series_count_; ++id) {
    const model::LabelsView labels(at(id).packed());
    if (std::all_of(matchers.begin(), matchers.end(), [labels](const model::Matcher& matcher) {
          return matcher.Matches(labels.Get(matcher.name()));
        })) {
      return true;
    }
  }
  return false;
}

HeadPart Head::CopyPart(const Series& series, storage::TimeRange range,
                        const storage::SelectHints& hints, std::vector<uint8_t>* open_bytes) const {
  HeadPart part;
  part.frozen = Frozen(series);
  if (series.tail != nullptr) {
    part.chunks = series.tail->chunks;
    part.late = series.tail->late;
    if (const RichTail* const rich = series.rich(); rich != nullptr) {
      part.rich = std::make_unique<const RichPart>(rich->Copy());
    }
  }
  if (series.open.empty() || !Intersects(series.open.first_ms(), series.open.last_ms(), range)) {
    return part;
  }
  part.open_count = series.open.count();
  part.open_shape = series.open.shape();
  part.open_first_ms = series.open.first_ms();
  part.open_last_ms = series.open.last_ms();
  if (hints.times_only && part.open_shape.regular && !part.open_shape.marked) return part;
  part.open_at = open_bytes->size();
  open_bytes->insert(open_bytes->end(), series.open.data(),
                     series.open.data() + series.open.bytes());
  return part;
}

HeadSnapshot Head::Snapshot(const SeriesIds& ids, storage::TimeRange range,
                            const storage::SelectHints& hints) const {
  HeadSnapshot snapshot;
  snapshot.frozen = frozen_;
  snapshot.arena = arena_;
  snapshot.places.resize(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    const Series& series = at(ids[i]);
    HeadSnapshot::Place& place = snapshot.places[i];
    place.labels = model::LabelsView(series.packed());
    // Wherever it is stored: nothing of the series is newer.
    if (hints.newest_only && series.rich() == nullptr && series.newest.time_ms >= range.min_ms &&
        series.newest.time_ms <= range.max_ms) {
      place.newest = series.newest;
      continue;
    }
    if (!Overlaps(series, range)) continue;
    place.part = static_cast<uint32_t>(snapshot.parts.size());
    snapshot.parts.push_back(CopyPart(series, range, hints, &snapshot.open_bytes));
  }
  snapshot.open_bytes.resize(snapshot.open_bytes.size() + kChunkSlack);
  return snapshot;
}

void Head::ForEachSeries(const std::vector<model::Matcher>& matchers, storage::TimeRange range,
                         absl::FunctionRef<void(model::LabelsView)> visit) const {
  if (samples_ == 0 && frozen_ == nullptr) return;
  for (const uint32_t id : FindSeries(index_, matchers)) {
    if (Overlaps(at(id), range)) visit(model::LabelsView(at(id).packed()));
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
  for (size_t i = ids.size() - looked_at; i < ids.size(); ++i) {
    for (const model::Label& label : index_.labels(ids[i])) {
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
