// SPDX-License-Identifier: Apache-2.0
#include "codec/remote_write_v2.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>

#include "codec/histogram_wire.h"
#include "codec/label_rules.h"
#include "codec/wire.h"

namespace hearth::codec {
namespace {

using wire::kBytes;
using wire::kFixed64;
using wire::kVarint;

constexpr uint32_t kRequestSymbols = 4;
constexpr uint32_t kRequestSeries = 5;
constexpr uint32_t kSeriesLabels = 1;
constexpr uint32_t kSeriesSamples = 2;
constexpr uint32_t kSeriesHistograms = 3;
constexpr uint32_t kSeriesExemplars = 4;
constexpr uint32_t kSeriesMetadata = 5;
// Families of one request whose metadata is kept; real requests have some hundreds.
constexpr size_t kMetadataMax = 100'000;
// A few bytes of the message may refer to kilobytes of symbols: what they add up to is limited.
constexpr size_t kLabelBytesMax = size_t{256} << 20;
// Twice what limits on labels allow, for those who have none.
constexpr size_t kReferencesMax = 4096;

// Packed or one by one. Null where malformed or more than kReferencesMax.
const char* ReadReferences(const char* p, const char* end, uint32_t type,
                           std::vector<uint32_t>* out) {
  uint64_t number = 0;
  if (type == kVarint) {
    p = wire::ReadVarint(p, end, &number);
    if (p == nullptr || out->size() >= kReferencesMax || number > UINT32_MAX) return nullptr;
    out->push_back(static_cast<uint32_t>(number));
    return p;
  }
  std::string_view bytes;
  if (type != kBytes) return nullptr;
  p = wire::ReadBytes(p, end, &bytes);
  if (p == nullptr) return nullptr;
  const char* q = bytes.data();
  const char* const q_end = q + bytes.size();
  while (q < q_end) {
    q = wire::ReadVarint(q, q_end, &number);
    if (q == nullptr || out->size() >= kReferencesMax || number > UINT32_MAX) return nullptr;
    out->push_back(static_cast<uint32_t>(number));
  }
  return p;
}

bool ReadSample(std::string_view bytes, RemoteWriteV2Reader::Sample* sample) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  uint64_t number = 0;
  while (p < end) {
    uint32_t field = 0;
    uint32_t type = 0;
    p = wire::ReadTag(p, end, &field, &type);
    if (p == nullptr) return false;
    if (type == kFixed64 && field == 1) {
      p = wire::ReadFixed64(p, end, &number);
      sample->value = std::bit_cast<double>(number);
    } else if (type == kVarint && (field == 2 || field == 3)) {
      p = wire::ReadVarint(p, end, &number);
      (field == 2 ? sample->time_ms : sample->start_time_ms) = static_cast<int64_t>(number);
    } else {
      p = wire::Skip(p, end, type);
    }
    if (p == nullptr) return false;
  }
  return true;
}

// The family that a series' metadata is about: histograms and summaries have several series.
std::string_view FamilyOf(std::string_view name, model::MetricType type) {
  const bool histogram =
      type == model::MetricType::kHistogram || type == model::MetricType::kGaugeHistogram;
  if (!histogram && type != model::MetricType::kSummary) return name;
  for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
    if (suffix == "_bucket" && !histogram) continue;
    if (name.size() > suffix.size() && name.ends_with(suffix)) {
      return name.substr(0, name.size() - suffix.size());
    }
  }
  return name;
}

// Metadata.MetricType of 2.0: its own numbers.
model::MetricType TypeOf(uint64_t number) {
  using model::MetricType;
  constexpr MetricType kTypes[] = {
      MetricType::kUnknown,        MetricType::kCounter, MetricType::kGauge, MetricType::kHistogram,
      MetricType::kGaugeHistogram, MetricType::kSummary, MetricType::kInfo,  MetricType::kStateset};
  return number < std::size(kTypes) ? kTypes[number] : MetricType::kUnknown;
}

}  // namespace

bool RemoteWriteV2Reader::Malformed(const char* where, std::string_view what) {
  status_ = InvalidArgument("malformed remote write 2.0 request: {} at byte {} of {}", what,
                            where - message_.data(), message_.size());
  return false;
}

bool RemoteWriteV2Reader::Refuse(SeriesErrorKind kind, std::string text, size_t discarded) {
  ++outcome_.bad_series;
  outcome_.discarded += discarded;
  outcome_.discarded_by_kind[static_cast<size_t>(kind)] += discarded;
  if (outcome_.errors.size() < errors_max_) {
    outcome_.errors.push_back({number_, kind, std::move(text)});
  }
  return false;
}

// Symbols may come after the series that use them: they are collected first.
bool RemoteWriteV2Reader::ReadSymbols() {
  const char* p = message_.data();
  const char* const end = p + message_.size();
  while (p < end) {
    const char* const tag_at = p;
    uint32_t field = 0;
    uint32_t type = 0;
    std::string_view bytes;
    p = wire::ReadTag(p, end, &field, &type);
    if (p == nullptr) return Malformed(tag_at, "bad field tag");
    const bool known = field == kRequestSymbols || field == kRequestSeries;
    if (known && type != kBytes) return Malformed(tag_at, "wrong type of a field");
    p = known ? wire::ReadBytes(p, end, &bytes) : wire::Skip(p, end, type);
    if (p == nullptr) return Malformed(tag_at, "field that runs past the end");
    if (field == kRequestSymbols) symbols_.push_back(bytes);
  }
  symbols_read_ = true;
  return true;
}

bool RemoteWriteV2Reader::Next(std::string* arena, Series* series) {
  return NextSeries(false, arena, series);
}

bool RemoteWriteV2Reader::NextRaw(std::string* arena, Series* series) {
  return NextSeries(true, arena, series);
}

bool RemoteWriteV2Reader::NextSeries(bool raw, std::string* arena, Series* series) {
  if (!symbols_read_ && !ReadSymbols()) return false;
  const char* const end = message_.data() + message_.size();
  while (status_.ok() && at_ < end) {
    uint32_t field = 0;
    uint32_t type = 0;
    std::string_view bytes;
    const char* p = wire::ReadTag(at_, end, &field, &type);  // checked by ReadSymbols
    const bool known = field == kRequestSymbols || field == kRequestSeries;
    at_ = known ? wire::ReadBytes(p, end, &bytes) : wire::Skip(p, end, type);
    if (field != kRequestSeries) continue;
    number_ = static_cast<uint32_t>(outcome_.series++);
    series->raw = {};
    if (raw && WalkPlain(bytes, series)) return true;
    if (ReadSeries(bytes, arena, series)) return true;
  }
  // What DecodeRaw finds may come before what was found here: it needs room of its own.
  errors_max_ = outcome_.errors.size() + kSeriesErrorsMax;
  return false;
}

// A series as every encoder writes it: references, then floats, then what its metric is. False: it
// is something else, to be read with more care.
bool RemoteWriteV2Reader::WalkPlain(std::string_view bytes, Series* series) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  std::string_view inner;
  if (p == end || *p != (kSeriesLabels << 3 | kBytes)) return false;
  p = wire::ReadBytes(p + 1, end, &series->raw);
  const std::string_view references = series->raw;
  series->raw = {};
  if (p == nullptr || references.empty()) return false;
  series->samples.clear();
  while (p < end && *p == (kSeriesSamples << 3 | kBytes)) {
    p = wire::ReadBytes(p + 1, end, &inner);
    if (p == nullptr || !ReadSample(inner, &series->samples.emplace_back())) return false;
  }
  std::string_view metadata;
  if (p < end && *p == (kSeriesMetadata << 3 | kBytes)) {
    p = wire::ReadBytes(p + 1, end, &metadata);
  }
  if (p != end || series->samples.empty()) return false;
  if (!metadata.empty()) KeepRawMetadata(references, metadata);
  series->histograms.clear();
  series->exemplars.clear();
  series->raw = references;
  return true;
}

// Series of one metric come one after the other, with the same metadata.
void RemoteWriteV2Reader::KeepRawMetadata(std::string_view references, std::string_view metadata) {
  const char* p = references.data();
  const char* const end = p + references.size();
  while (p != nullptr && p < end) {
    uint64_t name = 0;
    uint64_t value = 0;
    std::string_view text;
    p = wire::ReadVarint(p, end, &name);
    if (p != nullptr) p = wire::ReadVarint(p, end, &value);
    if (p == nullptr || !Symbol(name, &text) || text != model::kMetricName) continue;
    model::Label label{text, {}};
    if (!Symbol(value, &label.value)) return;
    if (label.value.data() == kept_metric_.data() && metadata == kept_metadata_) return;
    kept_metric_ = label.value;
    kept_metadata_ = metadata;
    SeriesErrorKind kind{};
    if (BreachedRule({&label, 1}, limits_, &kind).empty()) KeepMetadata(metadata, label.value);
    return;
  }
}

bool RemoteWriteV2Reader::DecodeRaw(std::string_view raw, uint32_t number, size_t samples,
                                    std::string* arena) {
  number_ = number;
  references_.clear();
  const char* p = raw.data();
  const char* const end = p + raw.size();
  while (p < end) {
    p = ReadReferences(p, end, kVarint, &references_);
    if (p == nullptr) return Malformed(raw.data(), "broken label references");
  }
  std::string error;
  if (!ReadLabels(&error)) {
    return Refuse(SeriesErrorKind::kInvalidLabel,
                  fmt::format("parsing labels for series: {}", error), samples);
  }
  SeriesErrorKind kind{};
  if (std::string text = BreachedRule(labels_, limits_, &kind); !text.empty()) {
    return Refuse(kind, std::move(text), samples);
  }
  return AppendLabels(arena);
}

bool RemoteWriteV2Reader::AppendLabels(std::string* arena) {
  if (arena->size() > kLabelBytesMax) {
    status_ = InvalidArgument(
        "the labels of the remote write 2.0 request take more than {} bytes when written out; send "
        "fewer series a request",
        kLabelBytesMax);
    return false;
  }
  for (const auto& [name, value] : labels_) model::AppendPacked(name, value, arena);
  return true;
}

bool RemoteWriteV2Reader::Symbol(uint64_t reference, std::string_view* text) const {
  if (reference >= symbols_.size()) return false;
  *text = symbols_[reference];
  return true;
}

bool RemoteWriteV2Reader::ReadLabels(std::string* error) {
  labels_.clear();
  if (references_.size() % 2 != 0) {
    *error = fmt::format("invalid labelRefs length {}", references_.size());
    return false;
  }
  for (size_t i = 0; i < references_.size(); i += 2) {
    model::Label label;
    if (!Symbol(references_[i], &label.name) || !Symbol(references_[i + 1], &label.value)) {
      *error = fmt::format("labelRefs {} (name) = {} (value) outside of symbols table (size {})",
                           references_[i], references_[i + 1], symbols_.size());
      return false;
    }
    if (!label.value.empty()) labels_.push_back(label);  // an empty value is an absent label
  }
  std::stable_sort(labels_.begin(), labels_.end(),
                   [](const model::Label& a, const model::Label& b) { return a.name < b.name; });
  return true;
}

bool RemoteWriteV2Reader::ReadExemplar(std::string_view bytes, model::Exemplar* exemplar,
                                       std::string* error) {
  std::vector<uint32_t> references;
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  uint64_t number = 0;
  while (p < end) {
    uint32_t field = 0;
    uint32_t type = 0;
    p = wire::ReadTag(p, end, &field, &type);
    if (p == nullptr) return false;
    if (field == 1) {
      p = ReadReferences(p, end, type, &references);
    } else if (type == kFixed64 && field == 2) {
      p = wire::ReadFixed64(p, end, &number);
      exemplar->value = std::bit_cast<double>(number);
    } else if (type == kVarint && field == 3) {
      p = wire::ReadVarint(p, end, &number);
      exemplar->time_ms = static_cast<int64_t>(number);
    } else {
      p = wire::Skip(p, end, type);
    }
    if (p == nullptr) return false;
  }
  references_.swap(references);
  const bool good = ReadLabels(error);
  references_.swap(references);
  if (good) exemplar->labels = model::Labels::FromPairs(labels_);
  return true;
}

// False: malformed. A reference outside the table makes the series bad, not the message.
bool RemoteWriteV2Reader::ReadFields(std::string_view bytes, Series* series,
                                     std::string* reference_error) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  std::vector<std::string_view> exemplars;
  while (p < end) {
    const char* const tag_at = p;
    uint32_t field = 0;
    uint32_t type = 0;
    std::string_view inner;
    p = wire::ReadTag(p, end, &field, &type);
    if (p == nullptr) return Malformed(tag_at, "bad field tag in a series");
    if (field == kSeriesLabels) {
      p = ReadReferences(p, end, type, &references_);
      if (p == nullptr) return Malformed(tag_at, "broken label references");
      continue;
    }
    if (field > kSeriesMetadata) {
      p = wire::Skip(p, end, type);
      if (p == nullptr) return Malformed(tag_at, "field that runs past its series");
      continue;
    }
    if (type != kBytes) return Malformed(tag_at, "wrong type of a series' field");
    p = wire::ReadBytes(p, end, &inner);
    if (p == nullptr) return Malformed(tag_at, "field that runs past its series");
    bool good = true;
    if (field == kSeriesSamples) good = ReadSample(inner, &series->samples.emplace_back());
    if (field == kSeriesHistograms)
      good = ParseHistogram(inner, &series->histograms.emplace_back());
    if (field == kSeriesExemplars) exemplars.push_back(inner);
    if (field == kSeriesMetadata) metadata_bytes_ = inner;
    if (!good) return Malformed(tag_at, "broken message inside a series");
  }
  for (const std::string_view inner : exemplars) {
    if (!ReadExemplar(inner, &series->exemplars.emplace_back(), reference_error)) {
      return Malformed(inner.data(), "broken exemplar");
    }
  }
  return true;
}

bool RemoteWriteV2Reader::ReadSeries(std::string_view bytes, std::string* arena, Series* series) {
  series->samples.clear();
  series->histograms.clear();
  series->exemplars.clear();
  references_.clear();
  metadata_bytes_ = {};
  std::string exemplar_error;
  if (!ReadFields(bytes, series, &exemplar_error)) return false;
  const size_t held = series->samples.size() + series->histograms.size();
  std::string error;
  if (!ReadLabels(&error)) {
    return Refuse(SeriesErrorKind::kInvalidLabel,
                  fmt::format("parsing labels for series: {}", error), held);
  }
  SeriesErrorKind kind{};
  if (std::string text = BreachedRule(labels_, limits_, &kind); !text.empty()) {
    return Refuse(kind, std::move(text), held);
  }
  // Prometheus 3.14 sends exemplars in series of their own, which the specification does not know
  // (and its own receiver refuses).
  if (held == 0 && series->exemplars.empty()) {
    return Refuse(SeriesErrorKind::kInvalidLabel,
                  fmt::format("TimeSeries must contain at least one sample or histogram for series "
                              "{}",
                              model::Labels::FromPairs(labels_).ToString()),
                  0);
  }
  std::string_view metric;
  for (const model::Label& label : labels_) {
    if (label.name == model::kMetricName) metric = label.value;
  }
  KeepMetadata(metadata_bytes_, metric);
  if (!exemplar_error.empty()) {
    Refuse(SeriesErrorKind::kInvalidLabel, "parsing exemplar for series: " + exemplar_error, 0);
    std::erase_if(series->exemplars, [](const model::Exemplar& e) { return e.labels.empty(); });
  }
  std::string histogram_error;
  const size_t dropped = std::erase_if(series->histograms, [&](const auto& sample) {
    std::string found = CheckHistogram(*sample.histogram);
    if (found.empty()) return false;
    if (histogram_error.empty()) histogram_error = std::move(found);
    return true;
  });
  if (dropped > 0) Refuse(SeriesErrorKind::kInvalidHistogram, std::move(histogram_error), dropped);
  if (held > 0 && held == dropped) return false;
  series->labels_offset = arena->size();
  return AppendLabels(arena);
}

void RemoteWriteV2Reader::KeepMetadata(std::string_view bytes, std::string_view metric) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  model::Metadata metadata;
  std::string_view help;
  std::string_view unit;
  while (p != nullptr && p < end) {
    uint32_t field = 0;
    uint32_t type = 0;
    uint64_t number = 0;
    p = wire::ReadTag(p, end, &field, &type);
    if (p == nullptr) return;
    if (type != kVarint) {
      p = wire::Skip(p, end, type);
      continue;
    }
    p = wire::ReadVarint(p, end, &number);
    if (field == 1) metadata.type = TypeOf(number);
    if (field == 3 && !Symbol(number, &help)) return;
    if (field == 4 && !Symbol(number, &unit)) return;
  }
  if (p == nullptr || (metadata.type == model::MetricType::kUnknown && help.empty())) return;
  const std::string_view family = FamilyOf(metric, metadata.type);
  if (metadata_.contains(family) || metadata_.size() >= kMetadataMax) return;
  metadata.metric = family;
  metadata.help = help;
  metadata.unit = unit;
  metadata_.emplace(std::string(family), std::move(metadata));
}

std::vector<model::Metadata> RemoteWriteV2Reader::TakeMetadata() {
  std::vector<model::Metadata> all;
  all.reserve(metadata_.size());
  for (auto& [family, metadata] : metadata_) all.push_back(std::move(metadata));
  std::sort(all.begin(), all.end(),
            [](const model::Metadata& a, const model::Metadata& b) { return a.metric < b.metric; });
  metadata_.clear();
  return all;
}

}  // namespace hearth::codec
