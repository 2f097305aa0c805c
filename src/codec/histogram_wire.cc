// SPDX-License-Identifier: Apache-2.0
#include "codec/histogram_wire.h"

#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "codec/wire.h"

namespace hearth::codec {
namespace {

using model::HistogramSpan;
using model::NativeHistogram;

// What the fields hold before deltas become counts.
struct Raw {
  std::vector<double> positive_counts;
  std::vector<double> negative_counts;
  std::vector<int64_t> positive_deltas;
  std::vector<int64_t> negative_deltas;
};

const char* ReadSpan(const char* p, const char* end, uint32_t type,
                     std::vector<HistogramSpan>* spans) {
  std::string_view bytes;
  if (type != wire::kBytes || spans->size() >= kHistogramBucketsMax) return nullptr;
  p = wire::ReadBytes(p, end, &bytes);
  if (p == nullptr) return nullptr;
  HistogramSpan span;
  const char* q = bytes.data();
  const char* q_end = q + bytes.size();
  while (q < q_end) {
    uint32_t field = 0;
    uint32_t inner_type = 0;
    uint64_t number = 0;
    q = wire::ReadTag(q, q_end, &field, &inner_type);
    if (q == nullptr) return nullptr;
    if (inner_type != wire::kVarint) {
      q = wire::Skip(q, q_end, inner_type);
    } else {
      q = wire::ReadVarint(q, q_end, &number);
      if (field == 1) span.offset = static_cast<int32_t>(wire::ZigZag(number));
      if (field == 2) span.length = static_cast<uint32_t>(number);
    }
    if (q == nullptr) return nullptr;
  }
  spans->push_back(span);
  return p;
}

// Repeated numbers come packed or one by one.
const char* ReadDeltas(const char* p, const char* end, uint32_t type, std::vector<int64_t>* out) {
  std::string_view bytes(p, static_cast<size_t>(end - p));
  uint64_t number = 0;
  if (type == wire::kVarint) {
    p = wire::ReadVarint(p, end, &number);
    if (p == nullptr || out->size() >= kHistogramBucketsMax) return nullptr;
    out->push_back(wire::ZigZag(number));
    return p;
  }
  if (type != wire::kBytes) return nullptr;
  p = wire::ReadBytes(p, end, &bytes);
  if (p == nullptr) return nullptr;
  const char* q = bytes.data();
  const char* q_end = q + bytes.size();
  while (q < q_end) {
    q = wire::ReadVarint(q, q_end, &number);
    if (q == nullptr || out->size() >= kHistogramBucketsMax) return nullptr;
    out->push_back(wire::ZigZag(number));
  }
  return p;
}

const char* ReadDoubles(const char* p, const char* end, uint32_t type, std::vector<double>* out) {
  std::string_view bytes;
  uint64_t number = 0;
  if (type == wire::kFixed64) {
    p = wire::ReadFixed64(p, end, &number);
    if (p == nullptr || out->size() >= kHistogramBucketsMax) return nullptr;
    out->push_back(std::bit_cast<double>(number));
    return p;
  }
  if (type != wire::kBytes) return nullptr;
  p = wire::ReadBytes(p, end, &bytes);
  if (p == nullptr || bytes.size() % 8 != 0) return nullptr;
  if (out->size() + bytes.size() / 8 > kHistogramBucketsMax) return nullptr;
  const char* q = bytes.data();
  const char* q_end = q + bytes.size();
  while (q < q_end) {
    q = wire::ReadFixed64(q, q_end, &number);
    out->push_back(std::bit_cast<double>(number));
  }
  return p;
}

const char* ReadNumber(const char* p, const char* end, uint32_t field, uint32_t type,
                       NativeHistogram* histogram, model::HistogramSample* sample) {
  uint64_t number = 0;
  if (type == wire::kFixed64) {
    p = wire::ReadFixed64(p, end, &number);
    const double value = std::bit_cast<double>(number);
    if (field == 2) {
      histogram->count = value;
      histogram->is_float = true;
    }
    if (field == 3) histogram->sum = value;
    if (field == 5) histogram->zero_threshold = value;
    if (field == 7) histogram->zero_count = value;
    return p;
  }
  if (type != wire::kVarint) return wire::Skip(p, end, type);
  p = wire::ReadVarint(p, end, &number);
  if (field == 1) {
    histogram->count = static_cast<double>(number);
    histogram->is_float = false;
  }
  if (field == 4) histogram->schema = static_cast<int32_t>(wire::ZigZag(number));
  if (field == 6) histogram->zero_count = static_cast<double>(number);
  if (field == 14 && number <= 3) histogram->hint = static_cast<model::CounterResetHint>(number);
  if (field == 15) sample->time_ms = static_cast<int64_t>(number);
  if (field == 17) sample->start_time_ms = static_cast<int64_t>(number);  // remote write 2.0
  return p;
}

std::vector<double> Accumulate(const std::vector<int64_t>& deltas) {
  std::vector<double> counts;
  counts.reserve(deltas.size());
  uint64_t count = 0;  // unsigned: hostile deltas wrap instead of overflowing
  for (const int64_t delta : deltas) {
    count += static_cast<uint64_t>(delta);
    counts.push_back(static_cast<double>(static_cast<int64_t>(count)));
  }
  return counts;
}

void AppendSpans(uint32_t field, const std::vector<HistogramSpan>& spans, std::string* out) {
  for (const HistogramSpan& span : spans) {
    std::string inner;
    wire::AppendVarintField(1, wire::UnZigZag(span.offset), &inner);
    wire::AppendVarintField(2, span.length, &inner);
    wire::AppendBytesField(field, inner, out);
  }
}

void AppendBuckets(uint32_t delta_field, const std::vector<double>& counts, bool is_float,
                   std::string* out) {
  if (counts.empty()) return;
  std::string inner;
  int64_t before = 0;
  for (const double count : counts) {
    if (is_float) {
      const auto bits = std::bit_cast<uint64_t>(count);
      inner.append(reinterpret_cast<const char*>(&bits), sizeof bits);
      continue;
    }
    const auto whole = static_cast<int64_t>(count);
    wire::AppendVarint(wire::UnZigZag(whole - before), &inner);
    before = whole;
  }
  wire::AppendBytesField(is_float ? delta_field + 1 : delta_field, inner, out);
}

}  // namespace

bool ParseHistogram(std::string_view bytes, model::HistogramSample* sample) {
  auto histogram = std::make_shared<NativeHistogram>();
  Raw raw;
  const char* p = bytes.data();
  const char* end = p + bytes.size();
  while (p != nullptr && p < end) {
    uint32_t field = 0;
    uint32_t type = 0;
    p = wire::ReadTag(p, end, &field, &type);
    if (p == nullptr) return false;
    switch (field) {
      case 8:
        p = ReadSpan(p, end, type, &histogram->negative_spans);
        break;
      case 9:
        p = ReadDeltas(p, end, type, &raw.negative_deltas);
        break;
      case 10:
        p = ReadDoubles(p, end, type, &raw.negative_counts);
        break;
      case 11:
        p = ReadSpan(p, end, type, &histogram->positive_spans);
        break;
      case 12:
        p = ReadDeltas(p, end, type, &raw.positive_deltas);
        break;
      case 13:
        p = ReadDoubles(p, end, type, &raw.positive_counts);
        break;
      case 16:
        p = ReadDoubles(p, end, type, &histogram->custom_values);
        break;
      default:
        p = ReadNumber(p, end, field, type, histogram.get(), sample);
    }
  }
  if (p == nullptr) return false;
  const bool is_float = histogram->is_float;
  histogram->positive_buckets =
      is_float ? std::move(raw.positive_counts) : Accumulate(raw.positive_deltas);
  histogram->negative_buckets =
      is_float ? std::move(raw.negative_counts) : Accumulate(raw.negative_deltas);
  sample->histogram = std::move(histogram);
  return true;
}

void AppendHistogramMessage(const model::HistogramSample& sample, std::string* out) {
  const NativeHistogram& histogram = *sample.histogram;
  if (histogram.is_float) {
    wire::AppendDoubleField(2, histogram.count, out);
  } else {
    wire::AppendVarintField(1, static_cast<uint64_t>(histogram.count), out);
  }
  wire::AppendDoubleField(3, histogram.sum, out);
  wire::AppendVarintField(4, wire::UnZigZag(histogram.schema), out);
  wire::AppendDoubleField(5, histogram.zero_threshold, out);
  if (histogram.is_float) {
    wire::AppendDoubleField(7, histogram.zero_count, out);
  } else {
    wire::AppendVarintField(6, static_cast<uint64_t>(histogram.zero_count), out);
  }
  AppendSpans(8, histogram.negative_spans, out);
  AppendBuckets(9, histogram.negative_buckets, histogram.is_float, out);
  AppendSpans(11, histogram.positive_spans, out);
  AppendBuckets(12, histogram.positive_buckets, histogram.is_float, out);
  wire::AppendVarintField(14, static_cast<uint64_t>(histogram.hint), out);
  wire::AppendVarintField(15, static_cast<uint64_t>(sample.time_ms), out);
  AppendBuckets(15, histogram.custom_values, /*is_float=*/true, out);
}

std::string CheckHistogram(const NativeHistogram& histogram) {
  const absl::Status status = model::Validate(histogram);
  return status.ok() ? "" : Message(status);
}

}  // namespace hearth::codec
