// SPDX-License-Identifier: Apache-2.0
#include "api/prometheus/chunk_stream.h"

#include <utility>

#include "base/log.h"
#include "base/status.h"

namespace hearth::api {
namespace {

constexpr size_t kPieceBytes = 64 << 10;  // of the answer's body

}  // namespace

std::shared_ptr<void> StreamCount::Take() {
  if (count_.fetch_add(1, std::memory_order_relaxed) >= kStreamsMax) {
    count_.fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  open_.Add(1);
  return std::shared_ptr<void>(this, [](StreamCount* self) {
    self->count_.fetch_sub(1, std::memory_order_relaxed);
    self->open_.Add(-1);
  });
}

std::vector<model::Matcher> StoredMatchers(const std::vector<model::Matcher>& matchers,
                                           model::LabelsView external) {
  std::vector<model::Matcher> stored;
  for (const model::Matcher& matcher : matchers) {
    const bool asks_external = matcher.type() == model::MatchType::kEqual &&
                               external.Get(matcher.name()) == matcher.value();
    stored.push_back(asks_external ? model::Matcher::Equal(matcher.name(), "") : matcher);
  }
  if (stored.empty()) {
    auto everything = model::Matcher::Make(model::MatchType::kRegex, model::kMetricName, ".*");
    stored.push_back(*std::move(everything));
  }
  return stored;
}

model::Labels WithExternal(model::LabelsView labels, const model::Labels& external) {
  model::LabelsBuilder builder{external.view()};
  for (const model::Label& label : labels) builder.Set(label.name, label.value);
  return builder.Build();
}

absl::Status ChunkStream::OpenNext() {
  const codec::ReadQuery& query = options_.queries[next_query_];
  storage::SelectRequest request;
  request.range = {query.min_ms, query.max_ms};
  request.matchers = StoredMatchers(query.matchers, options_.external);
  request.cancelled = options_.cancelled.get();
  TRY_ASSIGN(set_, querier_.Select(request));
  batch_.series.clear();
  next_series_ = 0;
  return absl::OkStatus();
}

void ChunkStream::Append(const storage::SeriesColumns& series, std::string* out) {
  chunks_.clear();
  codec::EncodeChunks({series.times_ms, series.values, series.histograms, series.start_times_ms},
                      options_.with_starts, &chunks_);
  const auto query = static_cast<int64_t>(next_query_);
  if (options_.external.empty()) {
    codec::AppendChunkFrames(query, series.labels, chunks_, out);
  } else {
    codec::AppendChunkFrames(query, WithExternal(series.labels, options_.external), chunks_, out);
  }
  sent_.Add(series.labels, series.times_ms, series.values, series.histograms);
}

absl::StatusOr<bool> ChunkStream::Produce(std::string* out) {
  while (out->size() < kPieceBytes) {
    if (next_query_ == options_.queries.size()) {
      if (options_.totals) {
        codec::AppendTotalsFrame({sent_.series(), sent_.samples(), sent_.sum()}, out);
      }
      return false;
    }
    if (set_ == nullptr) TRY(OpenNext());
    if (next_series_ < batch_.series.size()) {
      Append(batch_.series[next_series_++], out);
      continue;
    }
    next_series_ = 0;
    TRY_ASSIGN(const bool more, set_->Next(&batch_));
    if (more) continue;
    for (const std::string& warning : set_->warnings()) {
      log::Warn("api", "while reading for remote read or export", {{"warning", warning}});
    }
    batch_.series.clear();
    set_.reset();
    ++next_query_;
  }
  return true;
}

}  // namespace hearth::api
