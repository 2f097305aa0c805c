// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "codec/histogram_wire.h"
#include "codec/label_rules.h"
#include "codec/remote_write.h"
#include "codec/wire.h"

namespace hearth::codec {
namespace {

using wire::kBytes;
using wire::kFixed64;
using wire::kVarint;

// Field numbers of prompb/remote.proto and prompb/types.proto.
constexpr uint32_t kRequestSeries = 1;
constexpr uint32_t kRequestMetadata = 3;
constexpr uint32_t kSeriesLabels = 1;
constexpr uint32_t kSeriesSamples = 2;
constexpr uint32_t kSeriesExemplars = 3;
constexpr uint32_t kSeriesHistograms = 4;

// Upper bound of what one message may bring besides samples; metadata is at most a few thousand
// families in practice (Prometheus sends 2,000 a request).
constexpr size_t kMetadataMax = 100'000;

bool ParseLabelSlow(std::string_view bytes, model::Label* label) {
  const char* p = bytes.data();
  const char* end = p + bytes.size();
  while (p < end) {
    uint32_t field = 0;
    uint32_t type = 0;
    p = wire::ReadTag(p, end, &field, &type);
    if (p == nullptr) return false;
    if (type == kBytes && field == 1) {
      p = wire::ReadBytes(p, end, &label->name);
    } else if (type == kBytes && field == 2) {
      p = wire::ReadBytes(p, end, &label->value);
    } else {
      p = wire::Skip(p, end, type);
    }
    if (p == nullptr) return false;
  }
  return true;
}

// As every encoder writes it: 0x0a size name 0x12 size value, each size in one byte.
inline bool ParseLabel(std::string_view bytes, model::Label* label) {
  if (bytes.size() >= 4 && bytes[0] == 0x0a) {
    const size_t name = static_cast<unsigned char>(bytes[1]);
    if (name < 0x80 && name + 4 <= bytes.size() && bytes[name + 2] == 0x12) {
      const size_t value = static_cast<unsigned char>(bytes[name + 3]);
      if (value < 0x80 && name + value + 4 == bytes.size()) {
        label->name = bytes.substr(2, name);
        label->value = bytes.substr(name + 4, value);
        return true;
      }
    }
  }
  return ParseLabelSlow(bytes, label);
}

bool ParseSample(std::string_view bytes, RemoteWriteReader::Sample* sample) {
  const char* p = bytes.data();
  const char* end = p + bytes.size();
  uint64_t value = 0;
  uint64_t time = 0;
  while (p < end) {
    uint32_t field = 0;
    uint32_t type = 0;
    p = wire::ReadTag(p, end, &field, &type);
    if (p == nullptr) return false;
    if (type == kFixed64 && field == 1) {
      p = wire::ReadFixed64(p, end, &value);
    } else if (type == kVarint && field == 2) {
      p = wire::ReadVarint(p, end, &time);
    } else {
      p = wire::Skip(p, end, type);
    }
    if (p == nullptr) return false;
  }
  sample->value = std::bit_cast<double>(value);
  sample->time_ms = static_cast<int64_t>(time);
  return true;
}

bool ParseExemplar(std::string_view bytes, model::Exemplar* exemplar) {
  const char* p = bytes.data();
  const char* end = p + bytes.size();
  std::vector<model::Label> labels;
  uint64_t value = 0;
  uint64_t time = 0;
  while (p < end) {
    uint32_t field = 0;
    uint32_t type = 0;
    std::string_view inner;
    p = wire::ReadTag(p, end, &field, &type);
    if (p == nullptr) return false;
    if (type == kBytes && field == 1) {
      p = wire::ReadBytes(p, end, &inner);
      if (p == nullptr || !ParseLabel(inner, &labels.emplace_back())) return false;
    } else if (type == kFixed64 && field == 2) {
      p = wire::ReadFixed64(p, end, &value);
    } else if (type == kVarint && field == 3) {
      p = wire::ReadVarint(p, end, &time);
    } else {
      p = wire::Skip(p, end, type);
    }
    if (p == nullptr) return false;
  }
  exemplar->labels = model::Labels::FromPairs(std::move(labels));
  exemplar->value = std::bit_cast<double>(value);
  exemplar->time_ms = static_cast<int64_t>(time);
  return true;
}

// The size of a message that is not longer than 16 KiB, as one or two bytes; null where there is
// none before `end`, or it goes beyond.
inline const char* ShortSize(const char* p, const char* end, size_t* size) {
  if (end - p < 2) return nullptr;
  *size = static_cast<unsigned char>(*p++);
  if (*size >= 0x80) {
    const auto high = static_cast<unsigned char>(*p++);
    if (high >= 0x80) return nullptr;
    *size = (*size & 0x7f) | size_t{high} << 7;
  }
  return *size <= static_cast<size_t>(end - p) ? p : nullptr;
}

// A float sample as every encoder writes it: what is zero is left out.
inline bool WalkSample(const char* p, const char* end, RemoteWriteReader::Sample* sample) {
  *sample = {0, 0};
  if (end - p >= 9 && *p == 0x09) {
    std::memcpy(&sample->value, p + 1, sizeof sample->value);
    p += 9;
  }
  if (p < end && *p == 0x10) {
    uint64_t time = 0;
    ++p;
    for (unsigned shift = 0; p < end && shift < 63; shift += 7) {
      const auto byte = static_cast<unsigned char>(*p++);
      time |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) {
        sample->time_ms = static_cast<int64_t>(time);
        return p == end;
      }
    }
    return false;
  }
  return p == end;
}

// A series as every encoder writes it: labels, then floats, nothing else. False: it is something
// else, to be read with more care.
bool WalkPlain(std::string_view bytes, std::string_view* labels,
               std::vector<RemoteWriteReader::Sample>* samples) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  size_t size = 0;
  while (p < end && *p == 0x0a) {
    p = ShortSize(p + 1, end, &size);
    if (p == nullptr) return false;
    p += size;
  }
  *labels = {bytes.data(), static_cast<size_t>(p - bytes.data())};
  if (labels->empty() || p == end) return false;
  samples->clear();
  while (p < end) {
    if (*p != 0x12) return false;
    p = ShortSize(p + 1, end, &size);
    if (p == nullptr || !WalkSample(p, p + size, &samples->emplace_back())) return false;
    p += size;
  }
  return true;
}

constexpr unsigned char kLabelsTag = kSeriesLabels << 3 | kBytes;
constexpr unsigned char kSampleTag = kSeriesSamples << 3 | kBytes;
// A sample of today as every encoder writes it: tag, size, value (none where it is 0), and a time
// in six bytes, as milliseconds have from 2004 to 2109.
constexpr size_t kTimeBytes = 6;
constexpr size_t kZeroTail = 2 + 1 + kTimeBytes;
constexpr size_t kTail = kZeroTail + 1 + sizeof(double);

inline bool IsTail(const char* at) {
  return static_cast<unsigned char>(at[0]) == kSampleTag && at[1] == kTail - 2 && at[2] == 0x09 &&
         at[11] == 0x10;
}

// The varint of kTimeBytes at `at`, in front of which two bytes may be read.
inline bool TailTime(const char* at, int64_t* time_ms) {
  uint64_t word = 0;
  std::memcpy(&word, at - 2, sizeof word);
  word >>= 16;
  if ((word & 0x808080808080) != 0x008080808080) return false;
  uint64_t time = 0;
  for (size_t i = 0; i < kTimeBytes; ++i) time |= (word >> (8 * i) & 0x7f) << (7 * i);
  *time_ms = static_cast<int64_t>(time);
  return true;
}

// A series that ends as labels and one float of today do. What it is before that is not looked at:
// the labels are a quarter of a walk, and a store that finds them by their bytes has proof enough.
inline bool GuessPlain(std::string_view bytes, std::string_view* labels,
                       std::vector<RemoteWriteReader::Sample>* samples) {
  if (bytes.size() < kTail * 2 || static_cast<unsigned char>(bytes[0]) != kLabelsTag) return false;
  const char* const end = bytes.data() + bytes.size();
  RemoteWriteReader::Sample sample{0, 0};
  size_t tail = kTail;
  if (IsTail(end - kTail)) {
    if (IsTail(end - kTail * 2)) return false;  // several samples, more likely than not
    std::memcpy(&sample.value, end - kTail + 3, sizeof sample.value);
  } else if (static_cast<unsigned char>(*(end - kZeroTail)) == kSampleTag &&
             *(end - kZeroTail + 1) == kZeroTail - 2 && *(end - kZeroTail + 2) == 0x10) {
    tail = kZeroTail;
  } else {
    return false;
  }
  if (!TailTime(end - kTimeBytes, &sample.time_ms)) return false;
  *labels = bytes.substr(0, bytes.size() - tail);
  samples->assign(1, sample);
  return true;
}

char* WriteSize(size_t size, char* out) {
  while (size >= 0x80) {
    *out++ = static_cast<char>(size | 0x80);
    size >>= 7;
  }
  *out++ = static_cast<char>(size);
  return out;
}

// Most names and values are short: a copy of a fixed size needs no call. It may write up to
// kCopySlack bytes more than asked, and reads no further than `limit`.
constexpr size_t kCopySlack = 32;

inline char* Copy(std::string_view text, const char* limit, char* out) {
  if (text.size() <= kCopySlack && static_cast<size_t>(limit - text.data()) >= kCopySlack) {
    std::memcpy(out, text.data(), kCopySlack);
  } else {
    std::memcpy(out, text.data(), text.size());
  }
  return out + text.size();
}

size_t SizeBytes(size_t size) {
  size_t bytes = 1;
  while (size >= 0x80) {
    size >>= 7;
    ++bytes;
  }
  return bytes;
}

}  // namespace

void RemoteWriteOutcome::SortErrors() {
  std::stable_sort(errors.begin(), errors.end(),
                   [](const SeriesError& a, const SeriesError& b) { return a.series < b.series; });
  if (errors.size() > kSeriesErrorsMax)
    errors.erase(errors.begin() + kSeriesErrorsMax, errors.end());
}

bool RemoteWriteReader::Malformed(const char* where, std::string_view what) {
  status_ = InvalidArgument("malformed remote write request: {} at byte {} of {}", what,
                            where - begin_, end_ - begin_);
  return false;
}

bool RemoteWriteReader::Refuse(SeriesErrorKind kind, std::string text) {
  ++outcome_.bad_series;
  outcome_.discarded += discarded_in_series_;
  outcome_.discarded_by_kind[static_cast<size_t>(kind)] += discarded_in_series_;
  if (outcome_.errors.size() < errors_max_) {
    outcome_.errors.push_back({number_, kind, std::move(text)});
  }
  return false;
}

bool RemoteWriteReader::Next(std::string* arena, Series* series) {
  return NextSeries(false, arena, series);
}

bool RemoteWriteReader::NextRaw(std::string* arena, Series* series) {
  return NextSeries(true, arena, series);
}

bool RemoteWriteReader::NextSeries(bool raw, std::string* arena, Series* series) {
  while (status_.ok() && at_ < end_) {
    const char* tag_at = at_;
    uint32_t field = 0;
    uint32_t type = 0;
    std::string_view bytes;
    const char* p = wire::ReadTag(at_, end_, &field, &type);
    if (p == nullptr) return Malformed(tag_at, "bad field tag");
    const bool known = field == kRequestSeries || field == kRequestMetadata;
    if (known && type != kBytes) return Malformed(tag_at, "wrong type of a field");
    p = known ? wire::ReadBytes(p, end_, &bytes) : wire::Skip(p, end_, type);
    if (p == nullptr) return Malformed(tag_at, "field that runs past the end");
    at_ = p;
    const char* inner_end = bytes.data() + bytes.size();
    if (field == kRequestMetadata && !ReadMetadata(bytes.data(), inner_end)) return false;
    if (field != kRequestSeries) continue;
    number_ = static_cast<uint32_t>(outcome_.series++);
    if (raw && (GuessPlain(bytes, &series->raw, &series->samples) ||
                WalkPlain(bytes, &series->raw, &series->samples))) {
      series->histograms.clear();
      series->exemplars.clear();
      return true;
    }
    series->raw = {};
    if (ReadSeries(bytes.data(), inner_end, arena, series)) return true;
  }
  // What DecodeRaw finds may come before what was found here: it needs room of its own.
  errors_max_ = outcome_.errors.size() + kSeriesErrorsMax;
  return false;
}

bool RemoteWriteReader::ReadSeries(const char* p, const char* end, std::string* arena,
                                   Series* series) {
  series->samples.clear();
  series->histograms.clear();
  series->exemplars.clear();
  BeginLabels();
  discarded_in_series_ = 0;
  if (!ReadFields(p, end, series)) return false;
  discarded_in_series_ = series->samples.size() + series->histograms.size();
  if (!JudgeLabels()) return false;
  std::string histogram_error;
  std::erase_if(series->histograms, [&](const model::HistogramSample& sample) {
    std::string error = CheckHistogram(*sample.histogram);
    if (error.empty()) return false;
    if (histogram_error.empty()) histogram_error = std::move(error);
    return true;
  });
  const size_t kept = series->samples.size() + series->histograms.size();
  if (!histogram_error.empty()) {
    discarded_in_series_ -= kept;
    Refuse(SeriesErrorKind::kInvalidHistogram, std::move(histogram_error));
  }
  if (kept == 0) return false;  // as Prometheus: without a sample there is no series
  series->labels_offset = arena->size();
  return AppendLabels(arena);
}

void RemoteWriteReader::BeginLabels() {
  labels_.clear();
  run_ = {};
}

bool RemoteWriteReader::JudgeLabels() {
  if (!run_.ascending) {
    std::stable_sort(labels_.begin(), labels_.end(),
                     [](const model::Label& a, const model::Label& b) { return a.name < b.name; });
  }
  SeriesErrorKind kind{};
  if (IsPlain()) return true;  // nothing to look at again
  std::string text = BreachedRule(labels_, limits_, &kind);
  return text.empty() || Refuse(kind, std::move(text));
}

bool RemoteWriteReader::IsRun(std::string_view raw) {
  const char* p = raw.data();
  const char* const end = p + raw.size();
  while (p != nullptr && p < end) {
    if (static_cast<unsigned char>(*p) != kLabelsTag) return false;
    std::string_view bytes;
    p = wire::ReadBytes(p + 1, end, &bytes);
  }
  return p != nullptr;
}

bool RemoteWriteReader::DecodeRaw(std::string_view raw, uint32_t number, size_t samples,
                                  std::string* arena) {
  BeginLabels();
  number_ = number;
  discarded_in_series_ = samples;
  const char* p = raw.data();
  const char* const end = p + raw.size();
  while (p < end) {
    const char* const tag_at = p;
    std::string_view bytes;
    model::Label label;
    p = wire::ReadBytes(p + 1, end, &bytes);  // the tag is known to be the labels'
    if (p == nullptr || !ParseLabel(bytes, &label)) {
      return Malformed(tag_at, "broken message inside a series");
    }
    if (!label.value.empty()) TakeLabel(label, bytes);  // an empty value is an absent label
  }
  return JudgeLabels() && AppendLabels(arena);
}

bool RemoteWriteReader::ReadFields(const char* p, const char* end, Series* series) {
  while (p < end) {
    const char* tag_at = p;
    uint32_t field = 0;
    uint32_t type = 0;
    std::string_view bytes;
    p = wire::ReadTag(p, end, &field, &type);
    if (p == nullptr) return Malformed(tag_at, "bad field tag in a series");
    if (type != kBytes || field > kSeriesHistograms) {
      if (field <= kSeriesHistograms) return Malformed(tag_at, "wrong type of a series' field");
      p = wire::Skip(p, end, type);
      if (p == nullptr) return Malformed(tag_at, "field that runs past its series");
      continue;
    }
    p = wire::ReadBytes(p, end, &bytes);
    if (p == nullptr) return Malformed(tag_at, "field that runs past its series");
    bool good = true;
    if (field == kSeriesLabels) {
      model::Label label;
      good = ParseLabel(bytes, &label);
      if (!label.value.empty()) {  // an empty value is an absent label
        TakeLabel(label, bytes);
      }
    } else if (field == kSeriesSamples) {
      good = ParseSample(bytes, &series->samples.emplace_back());
    } else if (field == kSeriesExemplars) {
      good = ParseExemplar(bytes, &series->exemplars.emplace_back());
    } else {
      good = ParseHistogram(bytes, &series->histograms.emplace_back());
    }
    if (!good) return Malformed(tag_at, "broken message inside a series");
  }
  return true;
}

void RemoteWriteReader::TakeLabel(const model::Label& label, std::string_view message) {
  // The sizes inside are below 0x80 or the message is no plain one: one look at all of it will do.
  run_.ascii = run_.ascii && IsAscii(message);
  run_.ascending = run_.ascending && (labels_.empty() || labels_.back().name < label.name);
  run_.has_name = run_.has_name || label.name == model::kMetricName;
  run_.text_bytes += label.name.size() + label.value.size();
  run_.name_bytes_max = std::max(run_.name_bytes_max, label.name.size());
  run_.value_bytes_max = std::max(run_.value_bytes_max, label.value.size());
  labels_.push_back(label);
}

// True where what was gathered on the way shows that no rule of label_rules.h can be broken.
bool RemoteWriteReader::IsPlain() const {
  const auto within = [](size_t value, size_t limit) { return limit == 0 || value <= limit; };
  return run_.ascii && run_.ascending && run_.has_name && !limits_.legacy_names &&
         !labels_.front().name.empty() && within(labels_.size(), limits_.labels_max) &&
         within(run_.text_bytes, limits_.text_bytes_max) &&
         within(run_.name_bytes_max, limits_.name_bytes_max) &&
         within(run_.value_bytes_max, limits_.value_bytes_max);
}

bool RemoteWriteReader::AppendLabels(std::string* arena) {
  size_t bytes = 0;
  for (const auto& [name, value] : labels_) {
    bytes += SizeBytes(name.size()) + name.size() + SizeBytes(value.size()) + value.size();
  }
  const size_t begin = arena->size();
  arena->append(bytes + kCopySlack, '\0');
  char* out = arena->data() + begin;
  for (const auto& [name, value] : labels_) {
    out = Copy(name, end_, WriteSize(name.size(), out));
    out = Copy(value, end_, WriteSize(value.size(), out));
  }
  arena->resize(begin + bytes);
  return true;
}

bool RemoteWriteReader::ReadMetadata(const char* p, const char* end) {
  model::Metadata metadata;
  while (p < end) {
    const char* tag_at = p;
    uint32_t field = 0;
    uint32_t type = 0;
    uint64_t number = 0;
    std::string_view bytes;
    p = wire::ReadTag(p, end, &field, &type);
    if (p == nullptr) return Malformed(tag_at, "bad field tag in metadata");
    if (field == 1 && type == kVarint) {
      p = wire::ReadVarint(p, end, &number);
      const bool known = number <= static_cast<uint64_t>(model::MetricType::kStateset);
      metadata.type = known ? static_cast<model::MetricType>(number) : model::MetricType::kUnknown;
    } else if (type == kBytes) {
      p = wire::ReadBytes(p, end, &bytes);
      if (field == 2) metadata.metric = bytes;
      if (field == 4) metadata.help = bytes;
      if (field == 5) metadata.unit = bytes;
    } else {
      p = wire::Skip(p, end, type);
    }
    if (p == nullptr) return Malformed(tag_at, "field that runs past its metadata");
  }
  if (metadata.metric.empty()) {
    ++outcome_.missing_metadata_names;
  } else if (metadata_.size() < kMetadataMax) {
    metadata_.push_back(std::move(metadata));
  }
  return true;
}

}  // namespace hearth::codec
