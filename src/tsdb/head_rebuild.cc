// SPDX-License-Identifier: Apache-2.0
// How samples and idle series leave the head.
#include <algorithm>
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
                                               std::unique_ptr<RebuiltIndex> rebuilt,
                                               Remains* remains) {
  CHECK(frozen_ == nullptr);
  const int64_t idle_before = idle_before_ms / kTouchedMs;
  auto frozen = std::make_shared<FrozenHead>();
  frozen->generation = generation_;
  frozen->samples = samples_;
  frozen->labels = index_.shared_labels();
  frozen->series.reserve(std::min<uint64_t>(series_.size(), samples_));
  frozen_index_.assign(series_.size(), kNone);
  // What was touched, or came, after the survivors were counted stays too; so does what has samples
  // in the frozen head.
  std::vector<uint32_t> late_survivors;
  size_t survivor = 0;
  for (uint32_t id = 0; id < series_.size(); ++id) {
    Series& series = at(id);
    series.logged = 0;
    FrozenSeries out;
    out.tail = TakeTail(&series);
    const bool has_samples = !series.empty() || out.tail != nullptr;
    if (has_samples) {
      out.id = id;
      out.chunk = series.ref;
      out.count = series.count;
      out.shape = series.shape;
      out.last_ms = series.newest.time_ms;
      static_cast<OpenChunk&>(series) = OpenChunk();
      frozen_index_[id] = static_cast<uint32_t>(frozen->series.size());
      frozen->series.push_back(std::move(out));
    }
    if (rebuilt == nullptr) continue;
    if (survivor < rebuilt->entries.size() && rebuilt->entries[survivor].old_id == id) {
      ++survivor;
    } else if (has_samples || series.touched >= idle_before) {
      late_survivors.push_back(id);
    }
  }
  samples_ = 0;
  frozen->chunks = std::exchange(chunks_, 0);
  frozen->arena = std::exchange(arena_, ChunkArena());
  frozen_bytes_ = std::exchange(tail_bytes_, 0) + frozen->arena.memory_bytes() +
                  frozen->series.size() * sizeof(FrozenSeries);
  min_ms_ = INT64_MAX;
  ++generation_;
  frozen_ = frozen;
  if (rebuilt != nullptr) Rebuild(late_survivors, rebuilt.get(), remains);
  return frozen;
}

void Head::DropFrozen(Remains* remains) {
  remains->frozen = std::exchange(frozen_, nullptr);
  remains->frozen_index = std::exchange(frozen_index_, {});
  frozen_bytes_ = 0;
}

void RebuiltIndex::Add(uint32_t old_id, const SeriesKey& key, const LabelStore& from) {
  packed_.clear();
  from.Append(old_id, &packed_);
  index.Add(packed_);
  table.Add(key, static_cast<uint32_t>(entries.size()));
  entries.push_back({old_id, key});
}

size_t Head::CountIdle(uint32_t first, size_t count, int64_t idle_before_ms,
                       std::vector<Survivor>* survivors) const {
  const int64_t idle_before = idle_before_ms / kTouchedMs;
  const size_t end = std::min(first + count, series_.size());
  size_t idle = 0;
  for (uint32_t id = first; id < end; ++id) {
    if (at(id).touched < idle_before) {
      ++idle;
    } else if (survivors != nullptr) {
      survivors->push_back({id, at(id).key});
    }
  }
  return idle;
}

bool Head::WorthRebuilding(size_t idle, size_t series, bool any) {
  return idle > kIdleMin && (any || idle * 4 > series);
}

void Head::Rebuild(const std::vector<uint32_t>& late_survivors, RebuiltIndex* rebuilt,
                   Remains* remains) {
  for (const uint32_t id : late_survivors) rebuilt->Add(id, at(id).key, index_.labels());
  remains->series = std::exchange(series_, {});
  remains->tails = std::exchange(tails_, {});
  remains->frozen_index = std::exchange(frozen_index_, {});
  remains->index = std::exchange(index_, std::move(rebuilt->index));
  remains->table = std::exchange(table_, std::move(rebuilt->table));
  free_tails_.clear();
  rich_bytes_ = 0;
  std::vector<uint32_t> new_ids(aliases_.empty() ? 0 : remains->series.size(), kNone);
  frozen_index_.reserve(rebuilt->entries.size());
  for (const RebuiltIndex::Entry& entry : rebuilt->entries) {
    const auto id = static_cast<uint32_t>(series_.size());
    Series& to = series_.Add(remains->series[entry.old_id]);
    if (!new_ids.empty()) new_ids[entry.old_id] = id;
    frozen_index_.push_back(remains->frozen_index[entry.old_id]);
    if (to.tail != 0) {
      tails_.push_back(std::move(remains->tails[to.tail - 1]));
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
