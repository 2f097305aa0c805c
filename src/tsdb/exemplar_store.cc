// SPDX-License-Identifier: Apache-2.0
#include "tsdb/exemplar_store.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/compress.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "base/status.h"
#include "tsdb/coding.h"

namespace hearth::tsdb {
namespace {

// A decoded frame of exemplars: those of one request, or a whole store's.
constexpr size_t kBodyBytesMax = 512 << 20;

bool MatchesAny(model::LabelsView labels,
                const std::vector<std::vector<model::Matcher>>& selectors) {
  return selectors.empty() ||
         std::any_of(selectors.begin(), selectors.end(), [&](const auto& matchers) {
           return std::all_of(matchers.begin(), matchers.end(), [&](const model::Matcher& m) {
             return m.Matches(labels.Get(m.name()));
           });
         });
}

}  // namespace

void EncodeExemplars(const std::vector<SeriesExemplar>& exemplars, std::string* payload) {
  std::string body;
  for (const SeriesExemplar& entry : exemplars) {
    PutBytes(entry.series, &body);
    PutZigzag(entry.exemplar.time_ms, &body);
    PutFixed(std::bit_cast<uint64_t>(entry.exemplar.value), &body);
    PutBytes(entry.exemplar.labels.packed(), &body);
  }
  payload->clear();
  PutVarint(exemplars.size(), payload);
  *payload += SnappyCompress(body);
}

absl::Status DecodeExemplars(std::string_view payload, std::vector<SeriesExemplar>* exemplars) {
  ByteReader head(payload);
  const uint64_t count = head.Varint();
  std::string body;
  TRY(SnappyDecompress(head.Take(head.left()), kBodyBytesMax, &body));
  ByteReader reader(body);
  for (uint64_t i = 0; i < count; ++i) {
    SeriesExemplar entry;
    entry.series = reader.Bytes();
    entry.exemplar.time_ms = reader.SignedVarint();
    entry.exemplar.value = std::bit_cast<double>(reader.Fixed<uint64_t>());
    const std::string_view labels = reader.Bytes();
    if (!reader.ok() || !model::IsWellFormedPacked(entry.series) ||
        !model::IsWellFormedPacked(labels)) {
      return DataLoss("exemplars do not parse");
    }
    entry.exemplar.labels = model::Labels::FromPacked(std::string(labels));
    exemplars->push_back(std::move(entry));
  }
  return absl::OkStatus();
}

size_t ExemplarStore::BytesOf(std::string_view series, const model::Exemplar& exemplar) {
  return kOverheadBytes + series.size() + exemplar.labels.packed().size();
}

std::string ExemplarStore::Payload() const {
  std::vector<SeriesExemplar> all;
  for (const auto& [number, series] : order_) {
    const auto& entries = series->second;
    const auto at = std::find_if(entries.begin(), entries.end(),
                                 [n = number](const Entry& entry) { return entry.number == n; });
    if (at != entries.end()) all.push_back({series->first, at->exemplar});
  }
  std::string payload;
  EncodeExemplars(all, &payload);
  return payload;
}

std::string ExemplarStore::FileBytes() const {
  std::string payload;
  {
    absl::MutexLock lock(&mutex_);
    payload = Payload();
  }
  std::string bytes;
  PutFixed(Crc32c(payload), &bytes);
  return bytes + payload;
}

absl::Status ExemplarStore::Load(FileSystem& file_system) {
  const auto bytes = file_system.ReadFile(path_);
  if (absl::IsNotFound(bytes.status())) return absl::OkStatus();
  TRY(bytes);
  ByteReader reader(*bytes);
  const auto crc = reader.Fixed<uint32_t>();
  const std::string_view payload = reader.Take(reader.left());
  std::vector<SeriesExemplar> loaded;
  absl::Status status =
      Crc32c(payload) == crc && reader.ok() ? absl::OkStatus() : DataLoss("wrong checksum");
  if (status.ok()) status = DecodeExemplars(payload, &loaded);
  if (!status.ok()) {
    log::Error("tsdb", "exemplars file is damaged, starting without it",
               {{"file", path_}, {"error", Message(status)}});
    return absl::OkStatus();
  }
  for (SeriesExemplar& entry : loaded) Put(entry.series, std::move(entry.exemplar));
  absl::MutexLock lock(&mutex_);
  unsaved_ = false;
  return absl::OkStatus();
}

absl::Status ExemplarStore::Save(FileSystem& file_system) {
  {
    absl::MutexLock lock(&mutex_);
    if (!unsaved_) return absl::OkStatus();
    unsaved_ = false;  // what changes while the file is written is written next time
  }
  const absl::Status status = file_system.WriteFileAtomic(path_, FileBytes());
  if (!status.ok()) {
    absl::MutexLock lock(&mutex_);
    unsaved_ = true;
  }
  return status;
}

bool ExemplarStore::TakesLocked(std::string_view series, const model::Exemplar& exemplar) const {
  if (BytesOf(series, exemplar) > bytes_max_) return false;
  const auto it = series_.find(series);
  if (it == series_.end()) return true;
  const model::Exemplar& newest = it->second.back().exemplar;
  if (exemplar.time_ms != newest.time_ms) return exemplar.time_ms > newest.time_ms;
  // At one time: only what sorts above, by value, then labels. So a repetition is left out.
  if (exemplar.value != newest.value) return exemplar.value > newest.value;
  return exemplar.labels > newest.labels;
}

bool ExemplarStore::Takes(std::string_view series, const model::Exemplar& exemplar) const {
  absl::MutexLock lock(&mutex_);
  return TakesLocked(series, exemplar);
}

void ExemplarStore::Put(std::string_view series, model::Exemplar exemplar) {
  absl::MutexLock lock(&mutex_);
  if (!TakesLocked(series, exemplar)) return;
  const size_t bytes = BytesOf(series, exemplar);
  while (bytes_ + bytes > bytes_max_) DropOldest();
  auto it = series_.find(series);
  if (it == series_.end()) it = series_.try_emplace(std::string(series)).first;
  order_.emplace(next_number_, it);
  it->second.push_back({next_number_++, std::move(exemplar)});
  bytes_ += bytes;
  unsaved_ = true;
}

void ExemplarStore::DropOldest() {
  const auto oldest = order_.begin();
  const Series::iterator series = oldest->second;
  order_.erase(oldest);
  bytes_ -= BytesOf(series->first, series->second.front().exemplar);
  series->second.pop_front();
  if (series->second.empty()) series_.erase(series);
}

std::vector<storage::SeriesExemplars> ExemplarStore::Select(
    storage::TimeRange range, const std::vector<std::vector<model::Matcher>>& selectors) const {
  std::vector<storage::SeriesExemplars> found;
  absl::MutexLock lock(&mutex_);
  for (const auto& [packed, entries] : series_) {
    if (!MatchesAny(model::LabelsView(packed), selectors)) continue;
    storage::SeriesExemplars series;
    for (const Entry& entry : entries) {
      if (entry.exemplar.time_ms < range.min_ms || entry.exemplar.time_ms > range.max_ms) continue;
      series.exemplars.push_back(entry.exemplar);
    }
    if (series.exemplars.empty()) continue;
    series.labels = model::Labels::FromPacked(packed);
    found.push_back(std::move(series));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.labels < b.labels; });
  return found;
}

void ExemplarStore::Delete(storage::TimeRange range,
                           const std::vector<std::vector<model::Matcher>>& selectors) {
  absl::MutexLock lock(&mutex_);
  for (auto it = series_.begin(); it != series_.end();) {
    if (!MatchesAny(model::LabelsView(it->first), selectors)) {
      ++it;
      continue;
    }
    std::erase_if(it->second, [&](const Entry& entry) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const int64_t time_ms = entry.exemplar.time_ms;
      if (time_ms < range.min_ms || time_ms > range.max_ms) return false;
      order_.erase(entry.number);
      bytes_ -= BytesOf(it->first, entry.exemplar);
      unsaved_ = true;
      return true;
    });
    it = it->second.empty() ? series_.erase(it) : std::next(it);
  }
}

size_t ExemplarStore::memory_bytes() const {
  absl::MutexLock lock(&mutex_);
  return bytes_;
}

size_t ExemplarStore::size() const {
  absl::MutexLock lock(&mutex_);
  return order_.size();
}

}  // namespace hearth::tsdb
