// SPDX-License-Identifier: Apache-2.0
// How samples and idle series leave the head.
#include <utility>

#include "base/check.h"
#include "tsdb/head.h"

namespace hearth::tsdb {
namespace {

// A rebuild copies every series; below so many idle ones it is not worth it.
constexpr size_t kIdleMin = 64;

}  // namespace

std::unique_ptr<const FrozenTail> Head::TakeTail(Series* series) {
  Tail* const tail = this->tail(*series);
  if (tail == nullptr) return nullptr;
  auto out = std::make_unique<FrozenTail>();
  out->rich = TakeRich(series);
  out->chunks = std::exchange(tail->chunks, {});
  out->late = std::exchange(tail->late, {});
  if (!NewestIsHistogram(*series)) DropTail(series);
  // Where nothing is left it only knew that its newest sample was a histogram.
  const bool nothing = out->rich == nullptr && out->chunks.empty() && out->late.empty();
  return nothing ? nullptr : std::move(out);
}

std::shared_ptr<const FrozenHead> Head::Freeze(int64_t idle_before_ms,
                                               std::unique_ptr<RebuiltIndex> rebuilt) {
  CHECK(frozen_ == nullptr);
  auto frozen = std::make_shared<FrozenHead>();
  frozen->generation = generation_;
  frozen->samples = samples_;
  frozen->labels = index_.shared_labels();
  frozen_index_.assign(series_.size(), kNone);
  for (uint32_t id = 0; id < series_.size(); ++id) {
    Series& series = at(id);
    series.logged = 0;
    FrozenSeries out;
    out.tail = TakeTail(&series);
    if (series.empty() && out.tail == nullptr) continue;
    out.id = id;
    out.chunk = series.ref;
    out.count = series.count;
    out.shape = series.shape;
    out.last_ms = series.newest.time_ms;
    static_cast<OpenChunk&>(series) = OpenChunk();
    frozen_index_[id] = static_cast<uint32_t>(frozen->series.size());
    frozen->series.push_back(std::move(out));
  }
  samples_ = 0;
  frozen->chunks = std::exchange(chunks_, 0);
  frozen->arena = std::exchange(arena_, ChunkArena());
  frozen_bytes_ = std::exchange(tail_bytes_, 0) + frozen->arena.memory_bytes() +
                  frozen->series.size() * sizeof(FrozenSeries);
  min_ms_ = INT64_MAX;
  ++generation_;
  frozen_ = frozen;
  if (rebuilt != nullptr) Rebuild(idle_before_ms, rebuilt.get());
  return frozen;
}

void RebuiltIndex::Add(uint32_t old_id, const SeriesKey& key, const LabelStore& from) {
  packed_.clear();
  from.Append(old_id, &packed_);
  index.Add(packed_);
  entries.push_back({old_id, key});
}

Head::Survivors Head::FindSurvivors(int64_t idle_before_ms, bool any) const {
  const int64_t idle_before = idle_before_ms / kTouchedMs;
  Survivors survivors;
  survivors.labels = index_.shared_labels();
  survivors.seed = seed_;
  size_t idle = 0;
  for (uint32_t id = 0; id < series_.size(); ++id) {
    if (at(id).touched < idle_before) ++idle;
  }
  survivors.worth_it = idle > kIdleMin && (any || idle * 4 > series_.size());
  if (!survivors.worth_it) return survivors;
  survivors.series.reserve(series_.size() - idle);
  for (uint32_t id = 0; id < series_.size(); ++id) {
    if (at(id).touched >= idle_before) survivors.series.push_back({id, at(id).key});
  }
  return survivors;
}

// What was touched, or came, after the survivors were counted stays too; so does what has samples
// in the frozen head.
void Head::Rebuild(int64_t idle_before_ms, RebuiltIndex* rebuilt) {
  const int64_t idle_before = idle_before_ms / kTouchedMs;
  std::vector<bool> kept(series_.size(), false);
  for (const RebuiltIndex::Entry& entry : rebuilt->entries) kept[entry.old_id] = true;
  for (uint32_t id = 0; id < series_.size(); ++id) {
    const bool idle = at(id).touched < idle_before && frozen_index_[id] == kNone;
    if (!kept[id] && !idle) rebuilt->Add(id, at(id).key, index_.labels());
  }
  Segments<Series> old = std::exchange(series_, {});
  std::vector<std::unique_ptr<Tail>> old_tails = std::exchange(tails_, {});
  const std::vector<uint32_t> old_frozen = std::exchange(frozen_index_, {});
  free_tails_.clear();
  rich_bytes_ = 0;
  index_ = std::move(rebuilt->index);
  table_ = SeriesTable();
  table_.Reserve(rebuilt->entries.size());
  std::vector<uint32_t> new_ids(old.size(), kNone);
  for (const RebuiltIndex::Entry& entry : rebuilt->entries) {
    const auto id = static_cast<uint32_t>(series_.size());
    Series& to = series_.Add(old[entry.old_id]);
    new_ids[entry.old_id] = id;
    frozen_index_.push_back(old_frozen[entry.old_id]);
    table_.Add(entry.key, id);
    if (to.tail != 0) {
      tails_.push_back(std::move(old_tails[to.tail - 1]));
      to.tail = static_cast<uint32_t>(tails_.size());
    }
    if (NewestIsHistogram(to)) {
      rich_bytes_ += sizeof(RichTail) + sizeof(Tail) + MemoryBytes(*rich(to)->newest);
    }
  }
  ++epoch_;
  absl::erase_if(aliases_, [&](auto& alias) {
    alias.second = new_ids[alias.second];
    return alias.second == kNone;
  });
}

}  // namespace hearth::tsdb
