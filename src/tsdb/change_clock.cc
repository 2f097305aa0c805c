// SPDX-License-Identifier: Apache-2.0
#include "tsdb/change_clock.h"

#include <algorithm>
#include <atomic>

namespace hearth::tsdb {
namespace {

using storage::TimeRange;

uint64_t NextStoreNumber() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// Where the bucket of `time_ms` begins; INT64_MIN where that is before all times.
int64_t BucketBegin(int64_t time_ms) {
  const int64_t rest = time_ms % ChangeClock::kBucketMs;
  const int64_t back = rest < 0 ? rest + ChangeClock::kBucketMs : rest;
  return time_ms < INT64_MIN + back ? INT64_MIN : time_ms - back;
}

}  // namespace

ChangeClock::ChangeClock() : store_number_(NextStoreNumber()), pieces_(1) {}

uint64_t ChangeClock::number() const {
  absl::ReaderMutexLock lock(&mutex_);
  return number_;
}

size_t ChangeClock::PieceOf(int64_t time_ms) const {
  const auto after =
      std::upper_bound(pieces_.begin(), pieces_.end(), time_ms,
                       [](int64_t time, const Piece& piece) { return time < piece.begin_ms; });
  return static_cast<size_t>(after - pieces_.begin()) - 1;
}

size_t ChangeClock::SplitAt(int64_t time_ms) {
  const size_t piece = PieceOf(time_ms);
  if (pieces_[piece].begin_ms == time_ms) return piece;
  pieces_.insert(pieces_.begin() + static_cast<ptrdiff_t>(piece) + 1,
                 {time_ms, pieces_[piece].number});
  return piece + 1;
}

void ChangeClock::Mark(TimeRange range) {
  absl::MutexLock lock(&mutex_);
  ++number_;
  const int64_t begin_ms = BucketBegin(range.min_ms);
  const int64_t last_ms = BucketBegin(range.max_ms);
  const bool to_the_end = last_ms > INT64_MAX - kBucketMs;
  // Almost always: one bucket, which has a piece of its own.
  const size_t piece = PieceOf(begin_ms);
  if (!to_the_end && pieces_[piece].begin_ms == begin_ms && piece + 1 < pieces_.size() &&
      pieces_[piece + 1].begin_ms == last_ms + kBucketMs) {
    pieces_[piece].number = number_;
    return;
  }
  const size_t begin = SplitAt(begin_ms);
  const size_t end = to_the_end ? pieces_.size() : SplitAt(last_ms + kBucketMs);
  pieces_[begin].number = number_;
  pieces_.erase(pieces_.begin() + static_cast<ptrdiff_t>(begin) + 1,
                pieces_.begin() + static_cast<ptrdiff_t>(end));
  if (pieces_.size() > kPiecesMax) Fold();
}

// The older half in pairs: what is looked at most is recent.
void ChangeClock::Fold() {
  const size_t folded = pieces_.size() / 2;
  size_t kept = 0;
  for (size_t i = 0; i < folded; i += 2) {
    Piece piece = pieces_[i];
    if (i + 1 < folded) piece.number = std::max(piece.number, pieces_[i + 1].number);
    pieces_[kept++] = piece;
  }
  pieces_.erase(pieces_.begin() + static_cast<ptrdiff_t>(kept),
                pieces_.begin() + static_cast<ptrdiff_t>(folded));
}

std::vector<TimeRange> ChangeClock::ChangedSince(uint64_t number, TimeRange range) const {
  std::vector<TimeRange> changed;
  absl::ReaderMutexLock lock(&mutex_);
  if (number >= number_ || range.min_ms > range.max_ms) return changed;
  for (size_t i = PieceOf(range.min_ms); i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    if (piece.begin_ms > range.max_ms) break;
    if (piece.number <= number) continue;
    const int64_t end_ms = i + 1 < pieces_.size() ? pieces_[i + 1].begin_ms - 1 : INT64_MAX;
    const TimeRange part{std::max(piece.begin_ms, range.min_ms), std::min(end_ms, range.max_ms)};
    if (!changed.empty() && changed.back().max_ms == part.min_ms - 1) {
      changed.back().max_ms = part.max_ms;
    } else {
      changed.push_back(part);
    }
  }
  return changed;
}

}  // namespace hearth::tsdb
