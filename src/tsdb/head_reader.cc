// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head_reader.h"

#include <absl/synchronization/notification.h>
#include <absl/time/time.h>

#include <algorithm>
#include <atomic>

#include "base/fair_pool.h"

namespace hearth::tsdb {
namespace {

// More new series than that are found faster by the index than one by one.
constexpr uint32_t kLookedAtMax = 4096;
// Series that are copied while the lock is held once, and what their open chunks take, mostly.
constexpr size_t kSlice = 256;
constexpr size_t kSliceBytes = kSlice * 256;
// Series by which their records and chunks are asked for before they are looked at.
constexpr size_t kAhead = 8;
// How long a helper may take to come: a seal may have them all.
constexpr absl::Duration kPatience = absl::Milliseconds(2);
// Values of a name that are copied at a time.
constexpr size_t kPairs = 1 << 16;

}  // namespace

HeadReader::HeadReader(const Head& head, absl::Mutex& mutex, ThreadPool* helpers,
                       bool locked_throughout)
    : head_(head),
      mutex_(mutex),
      helpers_(helpers),
      locked_throughout_(locked_throughout),
      epoch_(head.epoch()),
      generation_(head.generation()),
      series_(static_cast<uint32_t>(head.series())),
      empty_(head.samples() == 0 && head.frozen() == nullptr),
      frozen_(head.frozen()),
      labels_(head.index().shared_labels()) {}

void HeadReader::Locked(absl::FunctionRef<void()> body) const {
  if (stale_) return;
  if (locked_throughout_) return body();
  absl::ReaderMutexLock lock(&mutex_);
  stale_ =
      head_.epoch() != epoch_ || head_.generation() != generation_ || head_.frozen() != frozen_;
  if (!stale_) body();
}

void HeadReader::Promptly(absl::FunctionRef<void()> body) const {
  if (helpers_ == nullptr || locked_throughout_ || !GivesWay()) return body();
  struct Turn {
    std::atomic<bool> taken{false};
    absl::Notification done;
  };
  const auto turn = std::make_shared<Turn>();
  // It may come to its turn when this call has returned: then the turn is taken.
  const bool submitted = helpers_->TrySubmit([turn, body] {
    if (turn->taken.exchange(true)) return;
    body();
    turn->done.Notify();
  });
  if (submitted && turn->done.WaitForNotificationWithTimeout(kPatience)) return;
  if (!turn->taken.exchange(true)) return body();
  turn->done.WaitForNotification();
}

bool HeadReader::AnyMatchesFrom(uint32_t first, const std::vector<model::Matcher>& matchers) const {
  if (series_ - first > kLookedAtMax) return true;
  for (uint32_t id = first; id < series_; ++id) {
    if (std::all_of(matchers.begin(), matchers.end(), [&](const model::Matcher& matcher) {
          return matcher.Matches(Value(id, matcher.name()));
        })) {
      return true;
    }
  }
  return false;
}

HeadSnapshot HeadReader::Snapshot(const SeriesIds& ids, storage::TimeRange range,
                                  const storage::SelectHints& hints) const {
  HeadSnapshot snapshot;
  snapshot.frozen = frozen_;
  snapshot.labels = labels_;
  snapshot.places.resize(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) snapshot.places[i].id = ids[i];
  std::vector<HeadMark> marks(ids.size());
  const auto copy = [&] {
    Locked([&] { head_.Mark(snapshot.places, range, hints, marks); });
    CopySlices(range, hints, marks, &snapshot);
  };
  if (ids.size() > kSlice) {
    Promptly(copy);
  } else {
    copy();
  }
  snapshot.open_bytes.resize(snapshot.open_bytes.size() + kChunkSlack);
  return snapshot;
}

// The copies grow where the lock is not held.
void HeadReader::CopySlices(storage::TimeRange range, const storage::SelectHints& hints,
                            const std::vector<HeadMark>& marks, HeadSnapshot* snapshot) const {
  std::vector<HeadPart> parts;
  std::vector<uint8_t> bytes;
  std::vector<uint32_t> slice;  // places
  const auto id = [&](size_t k) { return snapshot->places[slice[k]].id; };
  const auto copy = [&] {
    for (size_t k = 0; k < slice.size(); ++k) {
      if (k + 2 * kAhead < slice.size()) head_.PrefetchRecord(id(k + 2 * kAhead));
      if (k + kAhead < slice.size()) head_.PrefetchChunk(id(k + kAhead));
      const uint32_t i = slice[k];
      head_.CopyMarked(marks[i], range, hints, &snapshot->places[i], &parts, &bytes);
    }
  };
  for (size_t next = 0; next < marks.size() && !stale_;) {
    slice.clear();
    for (; next < marks.size() && slice.size() < kSlice; ++next) {
      if (snapshot->places[next].newest.time_ms != INT64_MIN) continue;
      slice.push_back(static_cast<uint32_t>(next));
    }
    parts.reserve(kSlice);
    bytes.reserve(kSliceBytes);
    Locked(copy);
    const auto part = static_cast<uint32_t>(snapshot->parts.size());
    const size_t at = snapshot->open_bytes.size();
    for (const uint32_t i : slice) {
      if (snapshot->places[i].part != HeadSnapshot::kNone) snapshot->places[i].part += part;
    }
    for (HeadPart& one : parts) {
      if (one.open_at != HeadPart::kNotCopied) one.open_at += at;
      snapshot->parts.push_back(std::move(one));
    }
    snapshot->open_bytes.insert(snapshot->open_bytes.end(), bytes.begin(), bytes.end());
    parts.clear();
    bytes.clear();
  }
}

SeriesIds HeadReader::Find(const std::vector<model::Matcher>& matchers,
                           storage::TimeRange range) const {
  if (empty_) return {};
  const SeriesIds ids = FindSeries(*this, matchers);
  SeriesIds found;
  found.reserve(ids.size());
  Promptly([&] {
    for (size_t begin = 0; begin < ids.size() && !stale_; begin += kSlice) {
      const size_t end = std::min(begin + kSlice, ids.size());
      Locked([&] {
        for (size_t i = begin; i < end; ++i) {
          if (head_.Overlaps(ids[i], range)) found.push_back(ids[i]);
        }
      });
    }
  });
  return found;
}

size_t HeadReader::ValueCount(std::string_view name) const {
  size_t count = 0;
  Locked([&] { count = head_.index().ValueCount(name); });
  return count;
}

void HeadReader::Postings(std::string_view name, std::string_view value, SeriesIds* ids) const {
  Locked([&] { head_.index().Postings(name, value, ids); });
  while (!ids->empty() && ids->back() >= series_) ids->pop_back();
}

void HeadReader::ForEachName(absl::FunctionRef<void(std::string_view)> visit) const {
  std::vector<std::string> names;
  Locked(
      [&] { head_.index().ForEachName([&](std::string_view name) { names.emplace_back(name); }); });
  for (const std::string& name : names) visit(name);
}

void HeadReader::ForEachValue(std::string_view name,
                              absl::FunctionRef<void(std::string_view)> visit) const {
  // In pieces as well: a name may have millions.
  std::vector<uint32_t> pairs;
  for (bool more = true; more && !stale_;) {
    const size_t before = pairs.size();
    if (pairs.capacity() < before + kPairs) pairs.reserve(2 * before + kPairs);
    Locked([&] { head_.index().AppendPairs(name, before, kPairs, &pairs); });
    more = pairs.size() == before + kPairs;
  }
  for (const uint32_t pair : pairs) visit(labels_->pair(pair).value);
}

}  // namespace hearth::tsdb
