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

bool RemoteWriteReader::Malformed(const char* where, std::string_view what) {
  status_ = InvalidArgument("malformed remote write request: {} at byte {} of {}", what,
                            where - begin_, end_ - begin_);
  return false;
}

bool RemoteWriteReader::Refuse(SeriesErrorKind kind, std::string text) {
  ++outcome_.bad_series;
  outcome_.discarded += discarded_in_series_;
  outcome_.discarded_by_kind[static_cast<size_t>(kind)] += discarded_in_series_;
  if (outcome_.errors.size() < kSeriesErrorsMax) {
    outcome_.errors.push_back({static_cast<uint32_t>(outcome_.series - 1), kind, std::move(text)});
  }
  return false;
}

bool RemoteWriteReader::Next(std::string* arena, Series* series) {
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
    if (field == kRequestSeries && ReadSeries(bytes.data(), inner_end, arena, series)) return true;
  }
  return false;
}

bool RemoteWriteReader::ReadSeries(const char* p, const char* end, std::string* arena,
                                   Series* series) {
  series->samples.clear();
  series->histograms.clear();
  series->exemplars.clear();
  labels_.clear();
  run_ = {};
  discarded_in_series_ = 0;
  ++outcome_.series;
  if (!ReadFields(p, end, series)) return false;
  discarded_in_series_ = series->samples.size() + series->histograms.size();
  if (!run_.ascending) {
    std::stable_sort(labels_.begin(), labels_.end(),
                     [](const model::Label& a, const model::Label& b) { return a.name < b.name; });
  }
  SeriesErrorKind kind{};
  if (IsPlain()) {
    // Nothing to look at again.
  } else if (std::string text = BreachedRule(labels_, limits_, &kind); !text.empty()) {
    return Refuse(kind, std::move(text));
  }
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
