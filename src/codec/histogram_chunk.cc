// SPDX-License-Identifier: Apache-2.0
#include "codec/histogram_chunk.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/status.h"
#include "codec/histogram_wire.h"
#include "codec/prometheus_chunk.h"

namespace hearth::codec {
namespace {

using model::CounterResetHint;
using model::HistogramSpan;
using model::NativeHistogram;

// The two highest bits of a header byte.
constexpr uint8_t kHeaderGauge = 0xc0;
constexpr uint8_t kHeaderReset = 0x80;
constexpr uint8_t kHeaderNotReset = 0x40;
constexpr size_t kFlagByte = 2;
constexpr uint16_t kStCountMask = 0x3fff;
// Thresholds that are powers of two fit one byte.
constexpr int kExponentBias = 243;
constexpr int kExponentMin = -242;
constexpr int kExponentMax = 11;
// Custom bounds of at most three decimals, up to this many thousandths, are kept as whole numbers.
constexpr double kThousandthsMax = 33'554'430;

uint8_t HeaderOf(CounterResetHint hint) {
  switch (hint) {
    case CounterResetHint::kGauge:
      return kHeaderGauge;
    case CounterResetHint::kReset:
      return kHeaderReset;
    case CounterResetHint::kNotReset:
      return kHeaderNotReset;
    case CounterResetHint::kUnknown:
      return 0;
  }
  return 0;
}

void WriteThreshold(double threshold, BitWriter* out) {
  int exponent = 0;
  const double fraction = std::frexp(threshold, &exponent);
  if (threshold == 0) return out->Bits(0, 8);
  if (fraction == 0.5 && exponent >= kExponentMin && exponent <= kExponentMax) {
    return out->Bits(static_cast<uint64_t>(exponent + kExponentBias), 8);
  }
  out->Bits(0xff, 8);
  out->Bits(std::bit_cast<uint64_t>(threshold), 64);
}

double ReadThreshold(BitReader* in) {
  const uint64_t byte = in->Bits(8);
  if (byte == 0) return 0;
  if (byte == 0xff) return std::bit_cast<double>(in->Bits(64));
  return std::ldexp(0.5, static_cast<int>(byte) - kExponentBias);
}

void WriteSpans(const std::vector<HistogramSpan>& spans, BitWriter* out) {
  WriteVarbitUint(spans.size(), out);
  for (const HistogramSpan& span : spans) {
    WriteVarbitUint(span.length, out);
    WriteVarbitInt(span.offset, out);
  }
}

void WriteBound(double bound, BitWriter* out) {
  const double thousandths = bound * 1000;
  const double whole = std::round(thousandths);
  if (thousandths >= 0 && thousandths <= kThousandthsMax && whole / 1000 == bound &&
      !std::signbit(bound)) {
    return WriteVarbitUint(static_cast<uint64_t>(whole) + 1, out);
  }
  out->Bit(false);
  out->Bits(std::bit_cast<uint64_t>(bound), 64);
}

// A whole count as such; what no counter can hold is cut, so that nothing is undefined.
int64_t Whole(double count) {
  constexpr double kMax = 0x1p62;
  return static_cast<int64_t>(std::isnan(count) ? 0 : std::clamp(count, -kMax, kMax));
}

bool SameLayout(const NativeHistogram& a, const NativeHistogram& b) {
  const auto same = [](const std::vector<double>& x, const std::vector<double>& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                      [](double p, double q) { return model::SameBits(p, q); });
  };
  return a.is_float == b.is_float && a.schema == b.schema &&
         model::SameBits(a.zero_threshold, b.zero_threshold) &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         same(a.custom_values, b.custom_values);
}

}  // namespace

uint16_t ChunkHeader16(std::string_view data) {
  return static_cast<uint16_t>(static_cast<unsigned char>(data[0]) << 8 |
                               static_cast<unsigned char>(data[1]));
}

void SetChunkHeader16(uint32_t samples, std::string* data) {
  (*data)[0] = static_cast<char>(samples >> 8);
  (*data)[1] = static_cast<char>(samples & 0xff);
}

absl::Status NotSorted(int64_t time_ms) {
  return InvalidArgument("time {} is not after the one before it", time_ms);
}

absl::Status EndsEarly(size_t sample, size_t samples) {
  return InvalidArgument("it ends early or is malformed at sample {} of {}", sample, samples);
}

HistogramChunkReader::HistogramChunkReader(std::string_view data, bool is_float, bool with_starts)
    : is_float_(is_float),
      gauge_((static_cast<uint8_t>(data[with_starts ? 0 : kFlagByte]) & kHeaderGauge) ==
             kHeaderGauge),
      count_(ChunkHeader16(data) & (with_starts ? kStCountMask : 0xffff)),
      in_(data.substr(kChunkHeaderBytes)),
      start_(with_starts ? static_cast<uint8_t>(data[kFlagByte]) : 0) {}

bool HistogramChunkReader::ReadSpans(Side* side) {
  const uint64_t count = ReadVarbitUint(&in_);
  if (count > kHistogramBucketsMax) return false;
  uint64_t buckets = 0;
  for (uint64_t i = 0; i < count && in_.ok(); ++i) {
    const uint64_t length = ReadVarbitUint(&in_);
    const int64_t offset = ReadVarbitInt(&in_);
    if (length > kHistogramBucketsMax || offset < INT32_MIN || offset > INT32_MAX) return false;
    buckets += length;
    side->spans.push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
  }
  if (buckets > kHistogramBucketsMax || !in_.ok()) return false;
  if (is_float_) {
    side->floats.resize(buckets);
  } else {
    side->gaps.resize(buckets);
    side->gap_deltas.resize(buckets);
  }
  return true;
}

bool HistogramChunkReader::ReadBounds() {
  const uint64_t count = ReadVarbitUint(&in_);
  if (count > kHistogramBucketsMax) return false;
  for (uint64_t i = 0; i < count && in_.ok(); ++i) {
    const uint64_t whole = ReadVarbitUint(&in_);
    bounds_.push_back(whole == 0 ? std::bit_cast<double>(in_.Bits(64))
                                 : static_cast<double>(whole - 1) / 1000);
  }
  return in_.ok();
}

absl::Status HistogramChunkReader::ReadLayout() {
  zero_threshold_ = ReadThreshold(&in_);
  const int64_t schema = ReadVarbitInt(&in_);
  const bool custom = schema == model::kCustomBucketsSchema;
  if (!custom && (schema < model::kSchemaMin || schema > model::kSchemaMax)) {
    return InvalidArgument("histogram schema {} is not known ({} … {} and {} are)", schema,
                           model::kSchemaMin, model::kSchemaMax, model::kCustomBucketsSchema);
  }
  schema_ = static_cast<int32_t>(schema);
  if (!ReadSpans(&positive_) || !ReadSpans(&negative_) || (custom && !ReadBounds())) {
    return InvalidArgument("the layout of its buckets is malformed, or there are more than {}",
                           kHistogramBucketsMax);
  }
  return absl::OkStatus();
}

void HistogramChunkReader::ReadBuckets(bool first, Side* side) {
  for (XorColumn& column : side->floats) {
    if (first) {
      column.value = std::bit_cast<double>(in_.Bits(64));
    } else {
      column.Read(&in_);
      sum_.ok = sum_.ok && column.ok;
    }
  }
  for (size_t i = 0; i < side->gaps.size(); ++i) {
    const int64_t number = ReadVarbitInt(&in_);
    if (first) {
      side->gaps[i] = number;
      continue;
    }
    side->gap_deltas[i] = WrappingAdd(side->gap_deltas[i], number);
    side->gaps[i] = WrappingAdd(side->gaps[i], side->gap_deltas[i]);
  }
}

void HistogramChunkReader::ReadFirst() {
  time_ms_ = ReadVarbitInt(&in_);
  if (is_float_) {
    float_observed_.value = std::bit_cast<double>(in_.Bits(64));
    float_zero_.value = std::bit_cast<double>(in_.Bits(64));
  } else {
    observed_ = static_cast<int64_t>(ReadVarbitUint(&in_));
    zero_ = static_cast<int64_t>(ReadVarbitUint(&in_));
  }
  sum_.value = std::bit_cast<double>(in_.Bits(64));
  ReadBuckets(true, &positive_);
  ReadBuckets(true, &negative_);
}

void HistogramChunkReader::ReadNext() {
  delta_ = WrappingAdd(delta_, ReadVarbitInt(&in_));
  time_ms_ = WrappingAdd(time_ms_, delta_);
  if (is_float_) {
    float_observed_.Read(&in_);
    float_zero_.Read(&in_);
  } else {
    observed_delta_ = WrappingAdd(observed_delta_, ReadVarbitInt(&in_));
    observed_ = WrappingAdd(observed_, observed_delta_);
    zero_delta_ = WrappingAdd(zero_delta_, ReadVarbitInt(&in_));
    zero_ = WrappingAdd(zero_, zero_delta_);
  }
  sum_.Read(&in_);
  if (model::IsStaleNan(sum_.value)) return;  // it has no buckets
  ReadBuckets(false, &positive_);
  ReadBuckets(false, &negative_);
}

std::vector<double> HistogramChunkReader::Counts(const Side& side) const {
  std::vector<double> counts;
  counts.reserve(side.floats.size() + side.gaps.size());
  for (const XorColumn& column : side.floats) counts.push_back(column.value);
  int64_t count = 0;
  for (const int64_t gap : side.gaps) {
    count = WrappingAdd(count, gap);
    counts.push_back(static_cast<double>(count));
  }
  return counts;
}

std::shared_ptr<const NativeHistogram> HistogramChunkReader::Make(bool first) const {
  if (model::IsStaleNan(sum_.value)) return model::StaleHistogram();
  auto made = std::make_shared<NativeHistogram>();
  made->is_float = is_float_;
  made->hint = gauge_ ? CounterResetHint::kGauge
                      : (first ? CounterResetHint::kUnknown : CounterResetHint::kNotReset);
  made->schema = schema_;
  made->zero_threshold = zero_threshold_;
  made->zero_count =
      is_float_ ? float_zero_.value : static_cast<double>(static_cast<uint64_t>(zero_));
  made->count =
      is_float_ ? float_observed_.value : static_cast<double>(static_cast<uint64_t>(observed_));
  made->sum = sum_.value;
  made->positive_spans = positive_.spans;
  made->negative_spans = negative_.spans;
  made->positive_buckets = Counts(positive_);
  made->negative_buckets = Counts(negative_);
  made->custom_values = bounds_;
  return made;
}

absl::Status HistogramChunkReader::Read(std::vector<model::HistogramSample>* out) {
  for (size_t i = 0; i < count_; ++i) {
    const int64_t before_ms = time_ms_;
    if (i == 0) {
      TRY(ReadLayout());
      // Every histogram has a copy of the layout.
      const size_t size = positive_.size() + negative_.size() + bounds_.size();
      if (size * count_ > kChunkBucketsMax) {
        return InvalidArgument("{} histograms of {} buckets, spans and bounds are more than {}",
                               count_, size, kChunkBucketsMax);
      }
      ReadFirst();
    } else {
      ReadNext();
    }
    start_.Read(i, time_ms_, before_ms, &in_);
    if (!in_.ok() || !sum_.ok || !float_observed_.ok || !float_zero_.ok) {
      return EndsEarly(i, count_);
    }
    if (i > 0 && time_ms_ <= before_ms) return NotSorted(time_ms_);
    out->push_back({time_ms_, Make(i == 0), start_.start_ms()});
  }
  return absl::OkStatus();
}

bool HistogramChunkWriter::Takes(const NativeHistogram& histogram) const {
  if (model::IsStale(histogram)) return true;
  if (stale_) return false;
  const bool gauge = layout_.hint == CounterResetHint::kGauge;
  if (histogram.hint != (gauge ? CounterResetHint::kGauge : CounterResetHint::kNotReset)) {
    return false;
  }
  return SameLayout(layout_, histogram);
}

void HistogramChunkWriter::Begin(const NativeHistogram& histogram, bool with_starts,
                                 std::string* data, BitWriter* out) {
  *this = HistogramChunkWriter();
  with_starts_ = with_starts;
  // A staleness marker has no layout of its own.
  NativeHistogram empty;
  empty.is_float = histogram.is_float;
  const NativeHistogram& layout = model::IsStale(histogram) ? empty : histogram;
  layout_.is_float = layout.is_float;
  layout_.hint = layout.hint;
  layout_.schema = layout.schema;
  layout_.zero_threshold = layout.zero_threshold;
  layout_.positive_spans = layout.positive_spans;
  layout_.negative_spans = layout.negative_spans;
  layout_.custom_values = layout.custom_values;
  data->assign(kChunkHeaderBytes, '\0');
  WriteThreshold(layout.zero_threshold, out);
  WriteVarbitInt(layout.schema, out);
  WriteSpans(layout.positive_spans, out);
  WriteSpans(layout.negative_spans, out);
  if (layout.schema != model::kCustomBucketsSchema) return;
  WriteVarbitUint(layout.custom_values.size(), out);
  for (const double bound : layout.custom_values) WriteBound(bound, out);
}

void HistogramChunkWriter::Finish(uint32_t samples, std::string* data) const {
  const uint8_t hint = HeaderOf(layout_.hint);
  SetChunkHeader16(samples | (with_starts_ ? uint32_t{hint} << 8 : 0), data);
  (*data)[kFlagByte] = static_cast<char>(with_starts_ ? start_.header() : hint);
}

void HistogramChunkWriter::AddBuckets(const std::vector<double>& counts, bool first, Side* side,
                                      BitWriter* out) {
  if (layout_.is_float) {
    side->floats.resize(counts.size());
    for (size_t i = 0; i < counts.size(); ++i) {
      if (first) {
        out->Bits(std::bit_cast<uint64_t>(counts[i]), 64);
        side->floats[i].value = counts[i];
      } else {
        side->floats[i].Write(counts[i], out);
      }
    }
    return;
  }
  side->gaps.resize(counts.size());
  side->gap_deltas.resize(counts.size());
  int64_t before = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const int64_t whole = Whole(counts[i]);
    const int64_t gap = whole - std::exchange(before, whole);
    const int64_t delta = WrappingSub(gap, side->gaps[i]);
    WriteVarbitInt(first ? gap : WrappingSub(delta, side->gap_deltas[i]), out);
    if (!first) side->gap_deltas[i] = delta;
    side->gaps[i] = gap;
  }
}

void HistogramChunkWriter::Add(const model::HistogramSample& sample, BitWriter* out) {
  stale_ = model::IsStale(*sample.histogram);
  NativeHistogram marker;
  marker.sum = model::StaleNan();
  const NativeHistogram& histogram = stale_ ? marker : *sample.histogram;
  const bool first = added_ == 0;
  const int64_t before_ms = time_ms_;
  const int64_t delta = first ? 0 : WrappingSub(sample.time_ms, time_ms_);
  WriteVarbitInt(first ? sample.time_ms : WrappingSub(delta, delta_), out);
  time_ms_ = sample.time_ms;
  delta_ = delta;
  if (layout_.is_float) {
    const auto put = [&](XorColumn* column, double value) {
      if (!first) return column->Write(value, out);
      out->Bits(std::bit_cast<uint64_t>(value), 64);
      column->value = value;
    };
    put(&float_observed_, histogram.count);
    put(&float_zero_, histogram.zero_count);
  } else {
    const auto put = [&](double value, int64_t* before, int64_t* before_delta) {
      const int64_t whole = Whole(value);
      if (first) {
        WriteVarbitUint(static_cast<uint64_t>(whole), out);
        *before = whole;
        return;
      }
      if (stale_) return WriteVarbitInt(0, out);  // the counts of a marker do not matter
      const int64_t change = whole - std::exchange(*before, whole);
      WriteVarbitInt(WrappingSub(change, std::exchange(*before_delta, change)), out);
    };
    put(histogram.count, &observed_, &observed_delta_);
    put(histogram.zero_count, &zero_, &zero_delta_);
  }
  if (first) {
    out->Bits(std::bit_cast<uint64_t>(histogram.sum), 64);
    sum_.value = histogram.sum;
  } else {
    sum_.Write(histogram.sum, out);
  }
  if (!stale_) {
    AddBuckets(histogram.positive_buckets, first, &positive_, out);
    AddBuckets(histogram.negative_buckets, first, &negative_, out);
  }
  if (with_starts_) start_.Write(added_, sample.time_ms, before_ms, sample.start_time_ms, out);
  ++added_;
}

}  // namespace hearth::codec
