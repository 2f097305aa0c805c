// SPDX-License-Identifier: Apache-2.0
// What a Db answers from head and blocks together.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/status.h"
#include "tsdb/db_impl.h"
#include "tsdb/head_reader.h"
#include "tsdb/selection_set.h"

namespace hearth::tsdb {

using storage::TimeRange;

namespace {

// A head that is sealed while it is read is read again; the last time its lock is held throughout.
constexpr int kReadsMax = 4;
// What is copied at once, without a reader that looks again and again: most of what dashboards and
// rules ask for.
constexpr size_t kAtOnceMax = 256;

}  // namespace

absl::Status Db::Impl::ReadHead(absl::FunctionRef<absl::Status()> begin,
                                absl::FunctionRef<void(const HeadReader&)> read) const {
  for (int attempt = 1; attempt < kReadsMax; ++attempt) {
    std::optional<HeadReader> reader;
    {
      absl::ReaderMutexLock lock(&mutex_);
      TRY(begin());
      reader.emplace(head_, mutex_, background_, false);
    }
    read(*reader);
    if (!reader->stale()) return absl::OkStatus();
  }
  absl::ReaderMutexLock lock(&mutex_);
  TRY(begin());
  read(HeadReader(head_, mutex_, background_, true));
  return absl::OkStatus();
}

struct Db::Impl::Found {
  std::vector<std::shared_ptr<const Block>> blocks;
  std::vector<uint64_t> keys;                  // of the blocks
  std::shared_ptr<const Selection> selection;  // null: `made` is to be filled
  std::shared_ptr<Selection> made;
  HeadSnapshot snapshot;
  bool complete = false;  // the snapshot is made
};

absl::Status Db::Impl::BeginSelect(storage::SelectRequest* asked, Found* found) const {
  storage::SelectRequest& request = *asked;
  *found = Found();
  if (request.at_least > wal_->last()) {
    return Unavailable("position {}/{} is not reached yet", request.at_least.epoch,
                       request.at_least.lsn);
  }
  // What the head has as a series' newest sample is not that where an import brought a newer one.
  if (imported_until_ms_ >= request.range.min_ms) request.hints.newest_only = false;
  for (const auto& block : *blocks_) {
    if (!block->Overlaps(request.range)) continue;
    found->blocks.push_back(block);
    found->keys.push_back(block->key());
  }
  found->selection =
      FindSelection(cache_, store_key_, request.matchers, found->keys, head_.epoch());
  if (found->selection == nullptr || found->selection->head_ids.size() > kAtOnceMax ||
      found->selection->head_series != head_.series()) {
    return absl::OkStatus();
  }
  found->snapshot = head_.Snapshot(found->selection->head_ids, request.range, request.hints);
  found->complete = true;
  return absl::OkStatus();
}

void Db::Impl::SelectHead(const storage::SelectRequest& request, const HeadReader& head,
                          Found* found) const {
  if (found->complete) return;
  const auto series = static_cast<uint32_t>(head.series_count());
  if (found->selection != nullptr &&
      !head.AnyMatchesFrom(found->selection->head_series, request.matchers)) {
    found->selection->head_series = series;
  } else {
    found->selection = nullptr;
    found->made = std::make_shared<Selection>();
    found->made->store = store_key_;
    found->made->matchers = request.matchers;
    found->made->blocks = found->keys;
    found->made->head_epoch = head.epoch();
    found->made->head_series = series;
    found->made->head_ids = FindSeries(head, request.matchers);
  }
  const SeriesIds& ids =
      found->made != nullptr ? found->made->head_ids : found->selection->head_ids;
  found->snapshot = head.Snapshot(ids, request.range, request.hints);
}

absl::StatusOr<std::unique_ptr<storage::SeriesSet>> Db::Impl::Select(
    const storage::SelectRequest& asked) const {
  storage::SelectRequest request = asked;
  request.range = Visible(asked.range);
  Found found;
  TRY(ReadHead([&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return BeginSelect(&request, &found); },
               [&](const HeadReader& head) { SelectHead(request, head, &found); }));
  if (found.made != nullptr) {
    std::vector<std::unique_ptr<SeriesSource>> sources;
    for (const auto& block : found.blocks) {
      TRY_ASSIGN(auto source, Block::Select(block, request.matchers, block->AllTime(), true));
      sources.push_back(std::move(source));
    }
    TRY(FillSelection(std::move(sources), &found.snapshot, found.made.get()));
    KeepSelection(cache_, found.made);
    found.selection = std::move(found.made);
  }
  std::vector<std::unique_ptr<SeriesSource>> sources;
  for (const auto& block : found.blocks) {
    TRY_ASSIGN(auto source, Block::Open(block));
    sources.push_back(std::move(source));
  }
  return MakeSeriesSet(std::move(found.selection), std::move(sources), std::move(found.snapshot),
                       request);
}

absl::Status Db::Impl::VisitHead(const std::vector<model::Matcher>& matchers, TimeRange range,
                                 absl::FunctionRef<void(model::LabelsView)> visit,
                                 std::shared_ptr<const BlockList>* blocks) const {
  SeriesIds ids;
  std::shared_ptr<const LabelStore> labels;
  TRY(ReadHead(
      [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        *blocks = blocks_;
        labels = head_.index().shared_labels();
        return absl::OkStatus();
      },
      [&](const HeadReader& head) { ids = head.Find(matchers, range); }));
  std::string packed;
  for (const uint32_t id : ids) {
    packed.clear();
    labels->Append(id, &packed);
    visit(model::LabelsView(packed));
  }
  return absl::OkStatus();
}

absl::Status Db::Impl::ForEachSeries(const std::vector<std::vector<model::Matcher>>& selectors,
                                     TimeRange range,
                                     absl::FunctionRef<void(model::LabelsView)> visit) const {
  static const std::vector<std::vector<model::Matcher>> kEverything(1);
  range = Visible(range);
  for (const auto& matchers : selectors.empty() ? kEverything : selectors) {
    std::shared_ptr<const BlockList> blocks;
    TRY(VisitHead(matchers, range, visit, &blocks));
    for (const auto& block : *blocks) {
      if (block->Overlaps(range)) TRY(block->ForEachSeries(matchers, range, visit));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> Db::Impl::LabelTexts(
    std::optional<std::string_view> name, TimeRange range,
    const std::vector<std::vector<model::Matcher>>& selectors, size_t limit) const {
  StringSet texts;
  const auto add = [&](std::string_view text) {
    if (!text.empty() && !texts.contains(text)) texts.emplace(text);
  };
  const auto add_series = [&](model::LabelsView labels) {
    if (name.has_value()) return add(labels.Get(*name));
    for (const model::Label& label : labels) add(label.name);
  };
  if (!selectors.empty()) {
    TRY(ForEachSeries(selectors, range, add_series));
  } else {
    range = Visible(range);
    std::shared_ptr<const BlockList> blocks;
    TRY(VisitHead({}, range, add_series, &blocks));
    for (const auto& block : *blocks) {
      if (!block->Overlaps(range)) continue;
      if (block->has_tombstones()) {
        TRY(block->ForEachSeries({}, range, add_series));
        continue;
      }
      TRY(name.has_value() ? block->ForEachLabelValue(*name, add) : block->ForEachLabelName(add));
    }
  }
  std::vector<std::string> found(texts.begin(), texts.end());
  std::sort(found.begin(), found.end());
  if (limit != 0 && found.size() > limit) found.resize(limit);
  return found;
}

}  // namespace hearth::tsdb
